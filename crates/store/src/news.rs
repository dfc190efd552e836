//! What happened in an account, summed up by mailbox: for who watches many mailboxes at once and needs to know which of them to look at.

use crate::change::{self, What};
use crate::engine::params;
use crate::tx::Tx;
use crate::{AccountId, MailboxId, ModSeq, Result, account};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// What happened to the messages of a mailbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Messages {
    /// Some came.
    pub added: bool,
    /// Some are gone.
    pub expunged: bool,
    /// Flags changed, as the reader sees them.
    pub flags: bool,
}

/// What happened in an account after a known MODSEQ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// Mailboxes in which something happened to messages; some may be gone again.
    pub messages: BTreeMap<MailboxId, Messages>,
    /// What happened to names, subscriptions, annotations and access, oldest first.
    pub others: Vec<What>,
    /// The MODSEQ up to which this is all.
    pub modseq: ModSeq,
}

/// What happened after `since` in `account`, as `viewer` sees it. `None`: more than `most` records of it, or the log does not reach
/// back that far, or the account is gone; who is told that has to look for himself.
pub fn news(
    tx: &mut Tx<'_>,
    account: AccountId,
    viewer: AccountId,
    since: ModSeq,
    most: usize,
) -> Result<Option<News>> {
    let Some(known) = account::by_id(tx, account)? else {
        return Ok(None);
    };
    if since < change::complete_from(tx, account)? {
        return Ok(None);
    }
    let mut news = News {
        modseq: known.modseq,
        ..News::default()
    };
    let mut records = 0;
    tx.each(
        "SELECT mailbox, data FROM change WHERE account = $1 AND modseq > $2 ORDER BY modseq, n LIMIT $3",
        params![account, since, most.saturating_add(1)],
        |row| {
            records += 1;
            let mailbox = if row.opt_blob(0)?.is_some() { row.id(0)? } else { 0 };
            news.take(mailbox, viewer, change::decode(row.blob(1)?)?);
            Ok(ControlFlow::Continue(()))
        },
    )?;
    Ok((records <= most).then_some(news))
}

impl News {
    fn take(&mut self, mailbox: u128, viewer: AccountId, record: change::Record) {
        use change::Record;
        let messages = match record {
            Record::Added { .. } => Messages {
                added: true,
                ..Messages::default()
            },
            Record::Expunged { .. } => Messages {
                expunged: true,
                ..Messages::default()
            },
            Record::Flags { .. } => Messages {
                flags: true,
                ..Messages::default()
            },
            Record::Seen { viewer: of, .. } => Messages {
                flags: of == viewer.as_u128().to_be_bytes(),
                ..Messages::default()
            },
            other => return self.others.extend(change::tell(other, mailbox)),
        };
        if messages != Messages::default() {
            let mailbox = MailboxId::from_u128(mailbox);
            self.messages.entry(mailbox).or_default().add(messages);
        }
    }
}

impl Messages {
    fn add(&mut self, more: Messages) {
        self.added |= more.added;
        self.expunged |= more.expunged;
        self.flags |= more.flags;
    }
}

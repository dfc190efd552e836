//! Finding a message by what people know of it: its id, or its Message-ID. For commands: it looks through an account.

use super::{Entry, rows, summary};
use crate::engine::params;
use crate::tx::Tx;
use crate::{AccountId, MailboxId, MessageId, Result};
use std::ops::ControlFlow;

/// The messages of an account whose ids end in these 64 bits, as [`crate::body::Staging::called`] gave them; the newest first.
pub fn called(tx: &mut Tx<'_>, account: AccountId, tail: u64) -> Result<Vec<MessageId>> {
    let tail = tail.to_be_bytes();
    tx.all(
        "SELECT message FROM content WHERE account = $1 AND substr(message, 9, 8) = $2 ORDER BY message DESC",
        params![account, tail.as_slice()],
        |row| Ok(MessageId::from_u128(row.id(0)?)),
    )
}

/// How far [`by_message_id`] came.
#[derive(Clone, Debug, Default)]
pub struct Searched {
    /// What it found.
    pub found: Vec<MessageId>,
    /// From where to go on; `None`: that was all.
    pub next: Option<MessageId>,
}

/// The messages of an account with this `Message-ID` (without brackets), among `limit` of them behind `after`.
pub fn by_message_id(
    tx: &mut Tx<'_>,
    account: AccountId,
    id: &str,
    after: Option<MessageId>,
    limit: usize,
) -> Result<Searched> {
    let after = after.unwrap_or(MessageId::from_u128(0));
    let mut sealed = Vec::new();
    tx.each(
        "SELECT message, summary FROM content WHERE account = $1 AND message > $2 ORDER BY message LIMIT $3",
        params![account, after, limit],
        |row| {
            let message = MessageId::from_u128(row.id(0)?);
            sealed.push((message, row.blob(1)?.to_vec()));
            Ok(ControlFlow::Continue(()))
        },
    )?;
    let mut searched = Searched::default();
    if sealed.len() == limit {
        searched.next = sealed.last().map(|(message, _)| *message);
    }
    for (message, summary) in &sealed {
        let known = summary::decode(tx, account, *message, summary)?;
        if known.message_id.as_deref() == Some(id) {
            searched.found.push(*message);
        }
    }
    Ok(searched)
}

/// The mailboxes that a message is in, and how.
pub fn whereabouts(
    tx: &mut Tx<'_>,
    account: AccountId,
    message: MessageId,
) -> Result<Vec<(MailboxId, Entry)>> {
    tx.all(
        "SELECT uid, flags, keywords, modseq, internal_date, saved, size, message, zone, mailbox FROM entry \
         WHERE account = $1 AND message = $2 ORDER BY mailbox, uid",
        params![account, message],
        |row| Ok((MailboxId::from_u128(row.id(9)?), rows::read(row)?)),
    )
}

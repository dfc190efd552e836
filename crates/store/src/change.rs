//! The change log: what every transaction did, in order. Replication, IDLE, indexing and learning read it.
//!
//! A transaction has one MODSEQ per account and appends its records under it. Records hold ranges, so that one command on
//! a whole mailbox is one short record.
//!
//! **What is kept** ([`prune`]): records of additions and flags can be forgotten, because `entry.modseq` tells the same by a longer
//! way; `account.log_from` remembers from where on the log is complete. Records of expunges stay, since nothing else knows
//! them; old ones of a mailbox are joined into one, and go with the mailbox.

use crate::engine::params;
use crate::entry::{Traces, Viewed};
use crate::ranges::{Ranges, merged};
use crate::tx::Tx;
use crate::{AccountId, Error, MailboxId, MessageId, ModSeq, Result, Uid};
use serde::{Deserialize, Serialize};
use std::ops::{ControlFlow, RangeInclusive};

pub use crate::history::{Keep, Pruned, mark, prune_due};

/// One change of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its place in the account's history.
    pub modseq: ModSeq,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum What {
    MessageAdded {
        mailbox: u128,
        uid: u32,
        message: u128,
    },
    FlagsChanged {
        mailbox: u128,
        uids: Vec<u32>,
    },
    Expunged {
        mailbox: u128,
        uids: Vec<u32>,
    },
    MailboxCreated {
        mailbox: u128,
        name: String,
    },
    MailboxRenamed {
        mailbox: u128,
        from: String,
        to: String,
    },
    MailboxDeleted {
        mailbox: u128,
        name: String,
    },
    Subscribed {
        name: String,
        on: bool,
    },
    AccountChanged,
    ScriptStored {
        name: String,
    },
    ScriptDeleted {
        name: String,
    },
    ScriptRenamed {
        from: String,
        to: String,
    },
    /// None is active now, if there is no name.
    ScriptActivated {
        name: Option<String>,
    },
    /// A row of [`crate::script::memory`]; `expires` in seconds since 1970.
    ScriptRemembered {
        kind: u8,
        key: [u8; 32],
        expires: i64,
    },
    /// A reader of somebody else's mailbox changed his own `\Seen`.
    SeenChanged {
        mailbox: u128,
        viewer: u128,
        uids: Vec<u32>,
    },
    /// Who may do what in a mailbox.
    Shared {
        mailbox: u128,
        identifier: String,
    },
    /// An annotation; a mailbox of 0 is the account itself, a viewer of 0 everybody.
    Annotated {
        mailbox: u128,
        viewer: u128,
        entry: String,
    },
}

/// A record as it is stored. New kinds are added at the end: their place is their number in the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Record {
    /// Messages with consecutive UIDs from the first.
    Added {
        first: u32,
        messages: Vec<[u8; 16]>,
    },
    Flags {
        uids: Vec<RangeInclusive<u32>>,
    },
    Expunged {
        uids: Vec<RangeInclusive<u32>>,
    },
    Created {
        name: String,
    },
    Renamed {
        from: String,
        to: String,
    },
    Deleted {
        name: String,
    },
    Subscribed {
        name: String,
        on: bool,
    },
    AccountChanged,
    ScriptStored {
        name: String,
    },
    ScriptDeleted {
        name: String,
    },
    ScriptRenamed {
        from: String,
        to: String,
    },
    ScriptActivated {
        name: Option<String>,
    },
    ScriptRemembered {
        kind: u8,
        key: [u8; 32],
        expires: i64,
    },
    Seen {
        viewer: [u8; 16],
        uids: Vec<RangeInclusive<u32>>,
    },
    Shared {
        identifier: String,
    },
    Annotated {
        viewer: [u8; 16],
        entry: String,
    },
}

const ADDED: i64 = 0;
const FLAGS: i64 = 1;
const EXPUNGED: i64 = 2;
/// What concerns names and the account itself.
const OTHER: i64 = 3;

impl Record {
    fn kind(&self) -> i64 {
        match self {
            Record::Added { .. } => ADDED,
            Record::Flags { .. } | Record::Seen { .. } => FLAGS,
            Record::Expunged { .. } => EXPUNGED,
            _ => OTHER,
        }
    }
}

/// An account that the running transaction changes.
pub(crate) struct Touched {
    pub(crate) account: AccountId,
    pub(crate) modseq: ModSeq,
    records: Vec<(Option<MailboxId>, Record)>,
}

impl Touched {
    pub(crate) fn new(account: AccountId, modseq: ModSeq) -> Touched {
        Touched {
            account,
            modseq,
            records: Vec::new(),
        }
    }

    /// Appends a record, or lengthens the one before it.
    pub(crate) fn push(&mut self, mailbox: Option<MailboxId>, record: Record) {
        if let (
            Some((same, Record::Added { first, messages })),
            Record::Added {
                first: next,
                messages: more,
            },
        ) = (self.records.last_mut(), &record)
            && *same == mailbox
            && *next as usize == *first as usize + messages.len()
        {
            messages.extend_from_slice(more);
            return;
        }
        self.records.push((mailbox, record));
    }

    /// Writes the records.
    pub(crate) fn write(&self, tx: &mut Tx<'_>) -> Result<()> {
        for (n, (mailbox, record)) in self.records.iter().enumerate() {
            write(tx, (self.account, self.modseq, n as i64), *mailbox, record)?;
        }
        Ok(())
    }
}

fn write(
    tx: &mut Tx<'_>,
    (account, modseq, n): (AccountId, ModSeq, i64),
    mailbox: Option<MailboxId>,
    record: &Record,
) -> Result<()> {
    let data = postcard::to_stdvec(record)
        .map_err(|e| Error::Bug(format!("a change cannot be encoded: {e}")))?;
    tx.execute(
        "INSERT INTO change (account, modseq, n, kind, mailbox, data) VALUES ($1, $2, $3, $4, $5, $6)",
        params![account, modseq, n, record.kind(), mailbox, &data],
    )?;
    Ok(())
}

pub(crate) fn decode(data: &[u8]) -> Result<Record> {
    postcard::from_bytes(data)
        .map_err(|e| Error::Corrupt(format!("a record of the change log is unreadable: {e}")))
}

/// The changes after `since`, oldest first, at most about `limit` (the changes of one MODSEQ are not torn apart).
/// What lies before [`complete_from`] may be missing.
pub fn since(
    tx: &mut Tx<'_>,
    account: AccountId,
    since: ModSeq,
    limit: usize,
) -> Result<Vec<Change>> {
    let mut changes: Vec<Change> = Vec::new();
    tx.each(
        "SELECT modseq, mailbox, data FROM change WHERE account = $1 AND modseq > $2 ORDER BY modseq, n",
        params![account, since],
        |row| {
            let modseq = ModSeq(row.number(0)?);
            if changes.len() >= limit && changes.last().is_some_and(|last| last.modseq != modseq) {
                return Ok(ControlFlow::Break(()));
            }
            let mailbox = if row.opt_blob(1)?.is_some() { row.id(1)? } else { 0 };
            let told = tell(decode(row.blob(2)?)?, mailbox);
            changes.extend(told.into_iter().map(|what| Change { modseq, what }));
            Ok(ControlFlow::Continue(()))
        },
    )?;
    Ok(changes)
}

pub(crate) fn tell(record: Record, mailbox: u128) -> Vec<What> {
    let numbers = |ranges: Vec<RangeInclusive<u32>>| ranges.into_iter().flatten().collect();
    vec![match record {
        Record::Added { first, messages } => {
            let uids = first..=u32::MAX;
            return uids
                .zip(messages)
                .map(|(uid, message)| What::MessageAdded {
                    mailbox,
                    uid,
                    message: u128::from_be_bytes(message),
                })
                .collect();
        }
        Record::Flags { uids } => What::FlagsChanged {
            mailbox,
            uids: numbers(uids),
        },
        Record::Expunged { uids } => What::Expunged {
            mailbox,
            uids: numbers(uids),
        },
        Record::Created { name } => What::MailboxCreated { mailbox, name },
        Record::Renamed { from, to } => What::MailboxRenamed { mailbox, from, to },
        Record::Deleted { name } => What::MailboxDeleted { mailbox, name },
        Record::Subscribed { name, on } => What::Subscribed { name, on },
        Record::AccountChanged => What::AccountChanged,
        Record::ScriptStored { name } => What::ScriptStored { name },
        Record::ScriptDeleted { name } => What::ScriptDeleted { name },
        Record::ScriptRenamed { from, to } => What::ScriptRenamed { from, to },
        Record::ScriptActivated { name } => What::ScriptActivated { name },
        Record::ScriptRemembered { kind, key, expires } => {
            What::ScriptRemembered { kind, key, expires }
        }
        Record::Seen { viewer, uids } => What::SeenChanged {
            mailbox,
            viewer: u128::from_be_bytes(viewer),
            uids: numbers(uids),
        },
        Record::Shared { identifier } => What::Shared {
            mailbox,
            identifier,
        },
        Record::Annotated { viewer, entry } => What::Annotated {
            mailbox,
            viewer: u128::from_be_bytes(viewer),
            entry,
        },
    }]
}

/// The MODSEQ after which the log of this account has everything.
pub fn complete_from(tx: &mut Tx<'_>, account: AccountId) -> Result<ModSeq> {
    let from = tx.one(
        "SELECT log_from FROM account WHERE id = $1",
        params![account],
        |row| row.number(0),
    )?;
    Ok(ModSeq(from.unwrap_or_default()))
}

/// What happened in `mailbox` after `since`, as its viewer sees it, as far as the log reaches back.
pub(crate) fn traces(
    tx: &mut Tx<'_>,
    account: AccountId,
    mailbox: Viewed,
    since: ModSeq,
) -> Result<Traces> {
    let reader = mailbox.viewer.map(|viewer| viewer.as_u128().to_be_bytes());
    let mut traces = Traces::default();
    tx.each(
        "SELECT data FROM change WHERE account = $1 AND modseq > $2 AND mailbox = $3",
        params![account, since, mailbox.mailbox],
        |row| {
            match decode(row.blob(0)?)? {
                Record::Added { first, messages } => {
                    let count = u32::try_from(messages.len()).unwrap_or(u32::MAX);
                    traces
                        .touched
                        .push(first..=first.saturating_add(count.saturating_sub(1)));
                }
                Record::Flags { uids } => traces.touched.extend(uids),
                Record::Seen { viewer, uids } if reader == Some(viewer) => {
                    traces.touched.extend(uids)
                }
                Record::Expunged { uids } => traces.vanished.extend(uids),
                _ => {}
            }
            Ok(ControlFlow::Continue(()))
        },
    )?;
    Ok(Traces {
        touched: merged(traces.touched),
        vanished: merged(traces.vanished),
    })
}

/// Forgets what the log says of times up to `until`, except which UIDs were expunged. Readers of the log that are behind must then
/// look at the entries themselves. Returns how many records went.
pub fn prune(tx: &mut Tx<'_>, account: AccountId, until: ModSeq) -> Result<u64> {
    tx.lock_account(account)?;
    let expunges = old_expunges(tx, account, until)?;
    let gone = tx.execute(
        "DELETE FROM change WHERE account = $1 AND modseq <= $2",
        params![account, until],
    )?;
    for (n, (mailbox, uids)) in expunges.iter().enumerate() {
        let record = Record::Expunged { uids: uids.clone() };
        write(tx, (account, until, n as i64), Some(*mailbox), &record)?;
    }
    tx.execute(
        "UPDATE account SET log_from = $2 WHERE id = $1 AND log_from < $2",
        params![account, until],
    )?;
    Ok(gone.saturating_sub(expunges.len() as u64))
}

type Expunges = Vec<(MailboxId, Vec<RangeInclusive<u32>>)>;

fn old_expunges(tx: &mut Tx<'_>, account: AccountId, until: ModSeq) -> Result<Expunges> {
    let mut expunges: Expunges = Vec::new();
    tx.each(
        "SELECT mailbox, data FROM change WHERE account = $1 AND modseq <= $2 AND kind = 2 \
         AND mailbox IN (SELECT id FROM mailbox WHERE account = $1) ORDER BY mailbox",
        params![account, until],
        |row| {
            let mailbox = MailboxId::from_u128(row.id(0)?);
            let Record::Expunged { uids } = decode(row.blob(1)?)? else {
                return Ok(ControlFlow::Continue(()));
            };
            match expunges.last_mut() {
                Some((same, all)) if *same == mailbox => all.extend(uids),
                _ => expunges.push((mailbox, uids)),
            }
            Ok(ControlFlow::Continue(()))
        },
    )?;
    for (_, uids) in &mut expunges {
        *uids = merged(std::mem::take(uids));
    }
    Ok(expunges)
}

/// UIDs as a record holds them.
pub(crate) fn uid_ranges(uids: impl IntoIterator<Item = Uid>) -> Vec<RangeInclusive<u32>> {
    uids.into_iter()
        .map(|uid| uid.0)
        .collect::<Ranges>()
        .into_vec()
}

/// A message id as a record holds it.
pub(crate) fn added(uid: Uid, message: MessageId) -> Record {
    Record::Added {
        first: uid.0,
        messages: vec![message.as_u128().to_be_bytes()],
    }
}

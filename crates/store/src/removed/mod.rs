//! Messages that were removed and can be put back for a time: what EXPUNGE, autoexpunge, the making of room and the deletion of a mailbox
//! took away. Apart from the quota; as encrypted as all mail is.
//!
//! A removed message keeps its reference to its content, so that removing costs a row and nothing is copied; the content is released
//! when the row is. Rows are in the order of removal, so what is oldest is found without looking at the rest. With `saved` and `at` a row
//! says from when to when the message was in its mailbox. How long they stay is not decided here ([`expire`]).

mod restore;

pub use restore::{Restored, restore};

use crate::engine::{Row, params};
use crate::entry::{self, Content, Entry, Flags, InternalDate};
use crate::mailbox::{Mailbox, SpecialUse};
use crate::tx::Tx;
use crate::{AccountId, Error, MailboxId, MessageId, ModSeq, Result, Timestamp, Uid, time};
use std::ops::ControlFlow;

/// Rows looked at when there is too much, beyond as many as were added: so it shrinks, and no removal takes long.
const MORE: usize = 100;

/// Why a message was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// Somebody expunged it.
    Expunged,
    /// It was in its mailbox for long enough (P9).
    Expired,
    /// Its mailbox was deleted.
    MailboxDeleted,
    /// Room was made for other mail (P8).
    Room,
}

impl Why {
    const ALL: [Why; 4] = [Why::Expunged, Why::Expired, Why::MailboxDeleted, Why::Room];

    fn from_number(number: i64) -> Result<Why> {
        let known = usize::try_from(number).ok().and_then(|n| Why::ALL.get(n));
        let unknown = || {
            Error::Corrupt(format!(
                "a message was removed for the unknown reason {number}"
            ))
        };
        known.copied().ok_or_else(unknown)
    }
}

/// Which removed message: its place in the order of removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// When it was removed.
    pub at: Timestamp,
    /// From which mailbox.
    pub mailbox: MailboxId,
    /// Its UID there.
    pub uid: Uid,
}

/// A removed message.
#[derive(Clone, Debug)]
pub struct Removed {
    /// Which.
    pub key: Key,
    /// The name of its mailbox, now or when it was deleted.
    pub mailbox: String,
    /// Why.
    pub why: Why,
    /// As it was in its mailbox; its MODSEQ is not kept.
    pub entry: Entry,
    /// What is known of its content.
    pub content: Content,
}

/// Which removed messages.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// From the mailbox of this name.
    pub mailbox: Option<String>,
    /// Removed since then.
    pub since: Option<Timestamp>,
}

/// Keeps entries that are being removed.
pub(crate) fn keep(
    tx: &mut Tx<'_>,
    (account, mailbox): (AccountId, MailboxId),
    entries: &[Entry],
    why: Why,
) -> Result<()> {
    let at = tx.now().as_second();
    for entry in entries {
        tx.execute(
            "INSERT INTO removed (account, at, mailbox, uid, why, flags, keywords, internal_date, saved, size, message, \
             zone) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            params![
                account,
                at,
                mailbox,
                entry.uid,
                why as i64,
                entry.flags.0,
                entry::joined_keywords(&entry.keywords).as_ref(),
                entry.internal_date.time.as_second(),
                entry.saved.as_second(),
                entry.size,
                entry.message,
                i64::from(entry.internal_date.zone)
            ],
        )?;
    }
    let bytes: i64 = entries.iter().map(|entry| i64::from(entry.size)).sum();
    let kept = count(tx, account, bytes, entries.len() as i64)?;
    match kept > tx.context.most_removed() {
        true => shrink(tx, account, entries.len() + MORE),
        false => Ok(()),
    }
}

/// The name of a mailbox that is being deleted: messages that were removed from it before are there, even if no more are kept.
pub(crate) fn keep_name(tx: &mut Tx<'_>, account: AccountId, mailbox: &Mailbox) -> Result<()> {
    let special = mailbox.special_use.map(SpecialUse::number);
    let at = tx.now().as_second();
    tx.execute(
        "INSERT INTO removed_mailbox (account, mailbox, at, name, special_use) VALUES ($1, $2, $3, $4, $5)",
        params![account, mailbox.id, at, &mailbox.name, special],
    )?;
    Ok(())
}

/// Adds to what an account has of this, and says how many octets that are now.
fn count(tx: &mut Tx<'_>, account: AccountId, bytes: i64, messages: i64) -> Result<u64> {
    let counted = tx.one(
        "UPDATE account SET removed_bytes = removed_bytes + $2, removed_messages = removed_messages + $3 WHERE id = $1 \
         RETURNING removed_bytes",
        params![account, bytes, messages],
        |row| row.number(0),
    )?;
    Ok(counted.unwrap_or_default())
}

/// Lets the oldest go until there is no more than may be, at most so many.
fn shrink(tx: &mut Tx<'_>, account: AccountId, most: usize) -> Result<()> {
    let known = crate::account::by_id(tx, account)?;
    let held = known.map_or(0, |account| account.removed.bytes);
    let mut over = held.saturating_sub(tx.context.most_removed());
    let mut goes = oldest(tx, account, i64::MAX, most)?;
    let enough = goes.iter().position(|gone| {
        let reached = over == 0;
        over = over.saturating_sub(gone.size);
        reached
    });
    goes.truncate(enough.unwrap_or(goes.len()));
    forget(tx, account, &goes)
}

/// A row that goes.
struct Gone {
    key: (i64, MailboxId, Uid),
    size: u64,
    message: MessageId,
}

/// The oldest rows from before a time.
fn oldest(tx: &mut Tx<'_>, account: AccountId, before: i64, most: usize) -> Result<Vec<Gone>> {
    tx.all(
        "SELECT at, mailbox, uid, size, message FROM removed WHERE account = $1 AND at < $2 ORDER BY at, mailbox, uid LIMIT $3",
        params![account, before, most],
        |row| {
            Ok(Gone {
                key: (row.int(0)?, MailboxId::from_u128(row.id(1)?), Uid(row.number(2)?)),
                size: row.number(3)?,
                message: MessageId::from_u128(row.id(4)?),
            })
        },
    )
}

/// Removes rows and lets go of their content.
fn forget(tx: &mut Tx<'_>, account: AccountId, goes: &[Gone]) -> Result<()> {
    for gone in goes {
        delete(tx, account, gone.key)?;
        entry::release_content(tx, account, gone.message)?;
    }
    let bytes: u64 = goes.iter().map(|gone| gone.size).sum();
    count(tx, account, -(bytes as i64), -(goes.len() as i64)).map(drop)
}

fn delete(
    tx: &mut Tx<'_>,
    account: AccountId,
    (at, mailbox, uid): (i64, MailboxId, Uid),
) -> Result<u64> {
    tx.execute(
        "DELETE FROM removed WHERE account = $1 AND at = $2 AND mailbox = $3 AND uid = $4",
        params![account, at, mailbox, uid],
    )
}

/// Accounts that have removed messages.
pub fn accounts(tx: &mut Tx<'_>) -> Result<Vec<AccountId>> {
    tx.all(
        "SELECT id FROM account WHERE removed_messages > 0 OR id IN (SELECT account FROM removed_mailbox) ORDER BY id",
        &[],
        |row| row.id(0).map(AccountId::from_u128),
    )
}

/// Lets go of what was removed before `before`, and of the oldest if there is more than may be; at most `limit` messages, so that no
/// transaction is long. Says how many went.
pub fn expire(
    tx: &mut Tx<'_>,
    account: AccountId,
    before: Timestamp,
    limit: usize,
) -> Result<usize> {
    tx.lock_account(account)?;
    let goes = oldest(tx, account, before.as_second(), limit)?;
    forget(tx, account, &goes)?;
    if goes.len() < limit {
        tx.execute(
            "DELETE FROM removed_mailbox WHERE account = $1 AND at < $2",
            params![account, before.as_second()],
        )?;
    }
    Ok(goes.len())
}

/// Removed messages of an account behind `after` in the order of removal, at most `limit`.
pub fn list(
    tx: &mut Tx<'_>,
    account: AccountId,
    filter: &Filter,
    after: Option<Key>,
    limit: usize,
) -> Result<Vec<Removed>> {
    let (at, mailbox, uid) = match after {
        Some(key) => (key.at.as_second(), key.mailbox, key.uid),
        None => (i64::MIN, MailboxId::from_u128(0), Uid(0)),
    };
    let since = filter.since.map_or(i64::MIN, |since| since.as_second());
    let name = filter.mailbox.as_deref().map(crate::mailbox::canonical);
    let mut found = Vec::new();
    tx.each(
        "SELECT r.at, r.mailbox, r.uid, r.why, r.flags, r.keywords, r.internal_date, r.saved, r.size, r.message, \
         COALESCE(m.name, g.name), c.body, c.size, c.summary, r.zone FROM removed r \
         JOIN content c ON c.account = r.account AND c.message = r.message \
         LEFT JOIN mailbox m ON m.account = r.account AND m.id = r.mailbox \
         LEFT JOIN removed_mailbox g ON g.account = r.account AND g.mailbox = r.mailbox \
         WHERE r.account = $1 AND (r.at, r.mailbox, r.uid) > ($2, $3, $4) AND r.at >= $5 ORDER BY r.at, r.mailbox, r.uid",
        params![account, at, mailbox, uid, since],
        |row| {
            let called = row.opt_text(10)?.unwrap_or_default();
            if name.as_ref().is_none_or(|name| name.as_str() == called) {
                found.push(read(row)?);
            }
            Ok(match found.len() < limit {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            })
        },
    )?;
    let opened = found.into_iter().map(|(mut removed, sealed)| {
        removed.content.summary =
            entry::decode_summary(tx, account, removed.entry.message, &sealed)?;
        Ok(removed)
    });
    opened.collect()
}

/// A row, and the sealed summary of its message.
fn read(row: &Row<'_>) -> Result<(Removed, Vec<u8>)> {
    let message = MessageId::from_u128(row.id(9)?);
    let removed = Removed {
        key: Key {
            at: time::from_seconds(row.int(0)?)?,
            mailbox: MailboxId::from_u128(row.id(1)?),
            uid: Uid(row.number(2)?),
        },
        mailbox: row.opt_text(10)?.unwrap_or_default().to_owned(),
        why: Why::from_number(row.int(3)?)?,
        entry: Entry {
            uid: Uid(row.number(2)?),
            message,
            flags: Flags(row.number(4)?),
            keywords: entry::split_keywords(row.opt_text(5)?),
            modseq: ModSeq(0),
            internal_date: InternalDate {
                time: time::from_seconds(row.int(6)?)?,
                zone: row.number(14)?,
            },
            saved: time::from_seconds(row.int(7)?)?,
            size: row.number(8)?,
        },
        content: Content {
            message,
            summary: message::Summary::default(),
            body: crate::body::BodyRef {
                hash: row.array(11)?,
                size: row.number(12)?,
            },
        },
    };
    Ok((removed, row.blob(13)?.to_vec()))
}

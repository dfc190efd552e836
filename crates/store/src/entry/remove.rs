//! EXPUNGE, and emptying a mailbox that is deleted.

use super::rows::{self, Tally};
use super::{Entry, Viewed, digest, scan, seen};
use crate::change::{Record, uid_ranges};
use crate::engine::params;
use crate::removed::{self, Why};
use crate::tx::Tx;
use crate::{AccountId, MailboxId, Result, Uid};
use std::ops::{ControlFlow, RangeInclusive};

/// UIDs of the messages with `\Deleted`, found by an index of these alone ([`Flags::DELETED`] is 8). Were the account named too, its primary key would
/// be thought the better way, and all messages looked at.
pub(crate) const MARKED: &str =
    "SELECT uid FROM entry WHERE mailbox = $1 AND (flags & 8) <> 0 ORDER BY uid";
/// The sum of their sizes.
pub(crate) const MARKED_BYTES: &str = "SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM entry WHERE mailbox = $1 AND (flags & 8) <> 0";

/// Removes the entries with `\Deleted` among `uids`, which ascend; returns their UIDs, ascending. What it costs depends on how many are marked.
pub fn expunge(
    tx: &mut Tx<'_>,
    account: AccountId,
    mailbox: impl Into<Viewed>,
    uids: &[RangeInclusive<u32>],
) -> Result<Vec<Uid>> {
    let mailbox = mailbox.into().mailbox;
    tx.lock_account(account)?;
    if !has_deleted(tx, account, mailbox)? {
        return Ok(Vec::new());
    }
    let mut marked: Vec<Uid> = Vec::new();
    tx.each(MARKED, params![mailbox], |row| {
        marked.push(Uid(row.number(0)?));
        Ok(ControlFlow::Continue(()))
    })?;
    marked.retain(|uid| {
        let first = uids.partition_point(|range| *range.end() < uid.0);
        uids.get(first).is_some_and(|range| range.contains(&uid.0))
    });
    let marked = uid_ranges(marked);
    let entries = scan(tx, account, mailbox, &marked, None, usize::MAX)?;
    remove(tx, account, mailbox, &entries, Some(Why::Expunged))
}

/// Octets of the messages with `\Deleted`.
pub fn marked_bytes(tx: &mut Tx<'_>, mailbox: MailboxId) -> Result<u64> {
    let sum = tx.one(MARKED_BYTES, params![mailbox], |row| row.int(0))?;
    Ok(u64::try_from(sum.unwrap_or_default()).unwrap_or_default())
}

/// Removes entries whatever their flags; returns the UIDs of those that were there, ascending.
pub fn remove_uids(
    tx: &mut Tx<'_>,
    account: AccountId,
    mailbox: MailboxId,
    uids: &[RangeInclusive<u32>],
) -> Result<Vec<Uid>> {
    tx.lock_account(account)?;
    let entries = scan(tx, account, mailbox, uids, None, usize::MAX)?;
    remove(tx, account, mailbox, &entries, Some(Why::Expunged))
}

/// Removes one entry whatever its flags, since another takes its place (RFC 8508): it cannot be put back. `false` if it is not there.
pub fn remove_one(
    tx: &mut Tx<'_>,
    account: AccountId,
    mailbox: MailboxId,
    uid: Uid,
) -> Result<bool> {
    tx.lock_account(account)?;
    let entries = scan(tx, account, mailbox, &[uid.0..=uid.0], None, 1)?;
    remove(tx, account, mailbox, &entries, None).map(|gone| !gone.is_empty())
}

/// Spares the scan of a mailbox in which nothing is marked.
fn has_deleted(tx: &mut Tx<'_>, account: AccountId, mailbox: MailboxId) -> Result<bool> {
    let deleted = tx.one(
        "SELECT deleted FROM mailbox WHERE account = $1 AND id = $2",
        params![account, mailbox],
        |row| row.int(0),
    )?;
    Ok(deleted.unwrap_or_default() > 0)
}

/// Removes all entries.
pub(crate) fn clear(tx: &mut Tx<'_>, account: AccountId, mailbox: MailboxId) -> Result<()> {
    let entries = scan(tx, account, mailbox, &[1..=u32::MAX], None, usize::MAX)?;
    remove(tx, account, mailbox, &entries, Some(Why::MailboxDeleted)).map(|_| ())
}

/// Removes these entries, and says what their UIDs were. With a reason they can be put back for a time ([`crate::removed`]).
pub(crate) fn remove(
    tx: &mut Tx<'_>,
    account: AccountId,
    mailbox: MailboxId,
    entries: &[Entry],
    why: Option<Why>,
) -> Result<Vec<Uid>> {
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let tally = delete_rows(tx, (account, mailbox), entries)?;
    let modseq = tx.charge(account, tally.bytes, tally.messages())?.modseq;
    match why.filter(|_| tx.context.most_removed() > 0) {
        Some(why) => removed::keep(tx, (account, mailbox), entries, why)?,
        None => {
            for entry in entries {
                rows::release_content(tx, account, entry.message)?;
            }
        }
    }
    rows::count(tx, (account, mailbox), tally, 0, modseq)?;
    let gone: Vec<Uid> = entries.iter().map(|entry| entry.uid).collect();
    let uids = uid_ranges(gone.iter().copied());
    tx.record(account, Some(mailbox), Record::Expunged { uids });
    Ok(gone)
}

/// Deletes entries from their mailbox and says how its counters change.
pub(super) fn delete_rows(
    tx: &mut Tx<'_>,
    place: (AccountId, MailboxId),
    entries: &[Entry],
) -> Result<Tally> {
    let mut tally = Tally::default();
    for entry in entries {
        tally.remove(entry.flags, entry.size);
        rows::delete(tx, place, entry.uid)?;
    }
    seen::forget(tx, place, entries)?;
    digest::forget(tx, place, entries.iter().map(|entry| entry.uid))?;
    Ok(tally)
}

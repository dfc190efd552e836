//! EXPUNGE, and emptying a mailbox that is deleted.

use super::rows::{self, Tally};
use super::{Entry, Flags, Viewed, scan, seen};
use crate::change::{Record, uid_ranges};
use crate::engine::params;
use crate::tx::Tx;
use crate::{AccountId, MailboxId, Result, Uid};
use std::ops::RangeInclusive;

/// Removes the entries with `\Deleted` among `uids`; returns their UIDs, ascending.
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
    let mut entries = scan(tx, account, mailbox, uids, None, usize::MAX)?;
    entries.retain(|entry| entry.flags.contains(Flags::DELETED));
    remove(tx, account, mailbox, &entries)
}

/// Removes one entry whatever its flags; `false` if it is not there.
pub fn remove_one(
    tx: &mut Tx<'_>,
    account: AccountId,
    mailbox: MailboxId,
    uid: Uid,
) -> Result<bool> {
    tx.lock_account(account)?;
    let entries = scan(tx, account, mailbox, &[uid.0..=uid.0], None, 1)?;
    remove(tx, account, mailbox, &entries).map(|gone| !gone.is_empty())
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
    remove(tx, account, mailbox, &entries).map(|_| ())
}

/// Removes these entries, and says what their UIDs were.
pub(crate) fn remove(
    tx: &mut Tx<'_>,
    account: AccountId,
    mailbox: MailboxId,
    entries: &[Entry],
) -> Result<Vec<Uid>> {
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let tally = delete_rows(tx, (account, mailbox), entries)?;
    for entry in entries {
        rows::release_content(tx, account, entry.message)?;
    }
    let modseq = tx.charge(account, tally.bytes, tally.messages())?.modseq;
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
    Ok(tally)
}

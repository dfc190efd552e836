//! COPY and MOVE: entries are written anew, bodies stay where they are.

use super::rows::{self, Tally};
use super::{Copied, Entry, QuotaRule, scan};
use crate::change::{Record, added, uid_ranges};
use crate::engine::params;
use crate::tx::Tx;
use crate::{AccountId, Error, MailboxId, ModSeq, Result, Uid};
use std::ops::RangeInclusive;

/// Copies entries with flags and dates into another mailbox of the account, bodies untouched.
/// [`Error::Missing`] if the target does not exist, [`Error::OverQuota`] if not all of them fit: then none is copied.
pub fn copy(
    tx: &mut Tx<'_>,
    account: AccountId,
    from: MailboxId,
    uids: &[RangeInclusive<u32>],
    to: MailboxId,
    quota: QuotaRule,
) -> Result<Copied> {
    tx.lock_account(account)?;
    let entries = scan(tx, account, from, uids, None, usize::MAX)?;
    let bytes: u64 = entries.iter().map(|entry| u64::from(entry.size)).sum();
    let charge = i64::try_from(bytes).unwrap_or(i64::MAX);
    let charged = tx.charge(account, charge, entries.len() as i64)?;
    let copied = quota
        .check(charged.quota, charged.used, bytes)
        .and_then(|()| insert_all(tx, (account, to), &entries, charged.modseq));
    if copied.is_err() {
        tx.charge(account, -charge, -(entries.len() as i64))?;
        return copied;
    }
    for entry in &entries {
        tx.execute(
            "UPDATE content SET refs = refs + 1 WHERE account = $1 AND message = $2",
            params![account, entry.message],
        )?;
    }
    copied
}

/// Moves entries (RFC 6851). Needs no quota. [`Error::Missing`] if the target does not exist.
pub fn move_to(
    tx: &mut Tx<'_>,
    account: AccountId,
    from: MailboxId,
    uids: &[RangeInclusive<u32>],
    to: MailboxId,
) -> Result<Copied> {
    tx.lock_account(account)?;
    let entries = scan(tx, account, from, uids, None, usize::MAX)?;
    let modseq = tx.known_modseq(account)?;
    let moved = insert_all(tx, (account, to), &entries, modseq)?;
    if entries.is_empty() {
        return Ok(moved);
    }
    let mut tally = Tally::default();
    for entry in &entries {
        tally.remove(entry.flags, entry.size);
        rows::delete(tx, (account, from), entry.uid)?;
    }
    rows::count(tx, (account, from), tally, 0, modseq)?;
    let uids = uid_ranges(entries.iter().map(|entry| entry.uid));
    tx.record(account, Some(from), Record::Expunged { uids });
    Ok(moved)
}

/// Writes `entries` into a mailbox under new UIDs.
fn insert_all(
    tx: &mut Tx<'_>,
    place: (AccountId, MailboxId),
    entries: &[Entry],
    modseq: ModSeq,
) -> Result<Copied> {
    let mut tally = Tally::default();
    entries
        .iter()
        .for_each(|entry| tally.add(entry.flags, entry.size));
    let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
    let (first, uid_validity) = rows::count(tx, place, tally, count, modseq)?
        .ok_or_else(|| Error::Missing("the target mailbox".into()))?;
    let saved = tx.now();
    let mut uids = Vec::with_capacity(entries.len());
    for (entry, uid) in entries.iter().zip(first.0..) {
        let (uid, source) = (Uid(uid), entry.uid);
        let entry = Entry {
            uid,
            modseq,
            saved,
            ..entry.clone()
        };
        rows::insert(tx, place, &entry)?;
        tx.record(place.0, Some(place.1), added(uid, entry.message));
        uids.push((source, uid));
    }
    Ok(Copied { uid_validity, uids })
}

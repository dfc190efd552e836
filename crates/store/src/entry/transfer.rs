//! COPY and MOVE: entries are written anew, bodies stay where they are, also from one account to another.

use super::rows::{self, Tally};
use super::{Copied, Entry, Flags, QuotaRule, Viewed, find, remove, scan, seen, summary};
use crate::body::rows::refer;
use crate::change::{Record, added, uid_ranges};
use crate::engine::params;
use crate::quota::{Used, charge};
use crate::tx::Tx;
use crate::{AccountId, Error, MailboxId, MessageId, ModSeq, Result, Uid};
use std::ops::RangeInclusive;

/// One end of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Whose mailbox.
    pub account: AccountId,
    /// Which one, and who looks at it.
    pub mailbox: Viewed,
}

/// What of its flags a message keeps in another mailbox: those that whoever transfers it may set there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// System flags.
    pub flags: Flags,
    /// Keywords too?
    pub keywords: bool,
}

impl Kept {
    /// All of them.
    pub const ALL: Kept = Kept {
        flags: Flags(31),
        keywords: true,
    };

    fn apply(self, entry: &mut Entry) {
        entry.flags = Flags(entry.flags.0 & self.flags.0);
        if !self.keywords {
            entry.keywords.clear();
        }
    }
}

/// Copies entries with flags and dates into another mailbox of the account, bodies untouched.
/// [`Error::Missing`] if the target does not exist, [`Error::OverQuota`] if not all of them fit: then none is copied.
pub fn copy(
    tx: &mut Tx<'_>,
    account: AccountId,
    from: impl Into<Viewed>,
    uids: &[RangeInclusive<u32>],
    to: impl Into<Viewed>,
    quota: &QuotaRule,
) -> Result<Copied> {
    let [from, to] = [from.into(), to.into()].map(|mailbox| Place { account, mailbox });
    copy_to(tx, from, uids, to, Kept::ALL, quota)
}

/// Moves entries (RFC 6851). Needs no quota. [`Error::Missing`] if the target does not exist.
pub fn move_to(
    tx: &mut Tx<'_>,
    account: AccountId,
    from: impl Into<Viewed>,
    uids: &[RangeInclusive<u32>],
    to: impl Into<Viewed>,
) -> Result<Copied> {
    let [from, to] = [from.into(), to.into()].map(|mailbox| Place { account, mailbox });
    tx.lock_account(account)?;
    move_within(tx, from, uids, to, Kept::ALL)
}

/// [`copy`] between any two mailboxes, of one account or two.
pub fn copy_to(
    tx: &mut Tx<'_>,
    from: Place,
    uids: &[RangeInclusive<u32>],
    to: Place,
    kept: Kept,
    quota: &QuotaRule,
) -> Result<Copied> {
    lock_both(tx, from.account, to.account)?;
    let entries = scan(tx, from.account, from.mailbox, uids, None, usize::MAX)?;
    copy_entries(tx, from.account, &entries, to, kept, quota)
}

/// [`move_to`] between any two mailboxes. The quota holds where the target is another account's.
pub fn move_over(
    tx: &mut Tx<'_>,
    from: Place,
    uids: &[RangeInclusive<u32>],
    to: Place,
    kept: Kept,
    quota: &QuotaRule,
) -> Result<Copied> {
    lock_both(tx, from.account, to.account)?;
    if from.account == to.account {
        return move_within(tx, from, uids, to, kept);
    }
    let entries = scan(tx, from.account, from.mailbox, uids, None, usize::MAX)?;
    let copied = copy_entries(tx, from.account, &entries, to, kept, quota)?;
    let stored = as_stored(tx, from, uids, entries)?;
    // Moved, not removed: it can be had where it is now.
    remove::remove(tx, from.account, from.mailbox.mailbox, &stored, None)?;
    Ok(copied)
}

/// Entries with the owner's `\Seen`, which the mailbox's counters count, whatever the viewer sees.
fn as_stored(
    tx: &mut Tx<'_>,
    from: Place,
    uids: &[RangeInclusive<u32>],
    seen: Vec<Entry>,
) -> Result<Vec<Entry>> {
    match from.mailbox.viewer {
        None => Ok(seen),
        Some(_) => scan(
            tx,
            from.account,
            from.mailbox.mailbox,
            uids,
            None,
            usize::MAX,
        ),
    }
}

/// In one order, so that two transfers in opposite directions do not wait for each other.
fn lock_both(tx: &mut Tx<'_>, one: AccountId, other: AccountId) -> Result<()> {
    tx.lock_account(one.min(other))?;
    match one == other {
        true => Ok(()),
        false => tx.lock_account(one.max(other)),
    }
}

fn copy_entries(
    tx: &mut Tx<'_>,
    from: AccountId,
    entries: &[Entry],
    to: Place,
    kept: Kept,
    quota: &QuotaRule,
) -> Result<Copied> {
    let added = Used {
        bytes: entries.iter().map(|entry| u64::from(entry.size)).sum(),
        messages: entries.len() as u64,
    };
    let modseq = charge(tx, (to.account, to.mailbox.mailbox), added, quota)?;
    let copied = insert_all(tx, to, entries, kept, modseq);
    if copied.is_err() {
        let bytes = i64::try_from(added.bytes).unwrap_or(i64::MAX);
        tx.charge(to.account, -bytes, -(entries.len() as i64))?;
        return copied;
    }
    for entry in entries {
        let known = refer_content(tx, to.account, entry.message)?;
        if !known {
            carry_content(tx, from, to.account, entry.message)?;
        }
    }
    copied
}

/// One entry more refers to the message; false if the account does not have it yet.
fn refer_content(tx: &mut Tx<'_>, account: AccountId, message: MessageId) -> Result<bool> {
    let known = tx.execute(
        "UPDATE content SET refs = refs + 1 WHERE account = $1 AND message = $2",
        params![account, message],
    )?;
    Ok(known > 0)
}

/// What one account knows of a message, for another: sealed anew, the body shared.
fn carry_content(
    tx: &mut Tx<'_>,
    from: AccountId,
    to: AccountId,
    message: MessageId,
) -> Result<()> {
    let stored = tx.one(
        "SELECT summary, body, size FROM content WHERE account = $1 AND message = $2",
        params![from, message],
        |row| Ok((row.blob(0)?.to_vec(), row.array::<32>(1)?, row.int(2)?)),
    )?;
    let lost = || Error::Corrupt(format!("message {message} is listed but not stored"));
    let (sealed, body, size) = stored.ok_or_else(lost)?;
    let known = summary::decode(tx, from, message, &sealed)?;
    let sealed = summary::encode(tx, to, message, &known)?;
    tx.execute(
        "INSERT INTO content (account, message, refs, size, body, summary, message_id) VALUES ($1, $2, 1, $3, $4, $5, $6)",
        params![to, message, size, &body, &sealed, find::number(&known)],
    )?;
    match refer(tx, &body)? {
        true => Ok(()),
        false => Err(Error::Corrupt(
            "a message refers to a body that is not stored".into(),
        )),
    }
}

/// Moves within an account that is locked.
fn move_within(
    tx: &mut Tx<'_>,
    from: Place,
    uids: &[RangeInclusive<u32>],
    to: Place,
    kept: Kept,
) -> Result<Copied> {
    let account = from.account;
    let source: (AccountId, MailboxId) = (account, from.mailbox.mailbox);
    let entries = scan(tx, account, from.mailbox, uids, None, usize::MAX)?;
    let modseq = tx.known_modseq(account)?;
    let moved = insert_all(tx, to, &entries, kept, modseq)?;
    if entries.is_empty() {
        return Ok(moved);
    }
    let entries = as_stored(tx, from, uids, entries)?;
    let tally = remove::delete_rows(tx, source, &entries)?;
    rows::count(tx, source, tally, 0, modseq)?;
    let uids = uid_ranges(entries.iter().map(|entry| entry.uid));
    tx.record(account, Some(source.1), Record::Expunged { uids });
    Ok(moved)
}

/// Writes `entries` into a mailbox under new UIDs.
pub(crate) fn insert_all(
    tx: &mut Tx<'_>,
    to: Place,
    entries: &[Entry],
    kept: Kept,
    modseq: ModSeq,
) -> Result<Copied> {
    let place = (to.account, to.mailbox.mailbox);
    let mut new = entries.to_vec();
    let (mut tally, mut own_seen) = (Tally::default(), Vec::with_capacity(new.len()));
    for entry in &mut new {
        kept.apply(entry);
        own_seen.push(seen::take(to.mailbox, entry));
        tally.add(entry.flags, entry.size);
    }
    let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
    let (first, uid_validity) = rows::count(tx, place, tally, count, modseq)?
        .ok_or_else(|| Error::Missing("the target mailbox".into()))?;
    let saved = tx.now();
    let mut uids = Vec::with_capacity(entries.len());
    for (entry, uid) in new.iter_mut().zip(first.0..) {
        uids.push((entry.uid, Uid(uid)));
        (entry.uid, entry.modseq, entry.saved) = (Uid(uid), modseq, saved);
        rows::insert(tx, place, entry)?;
        tx.record(place.0, Some(place.1), added(entry.uid, entry.message));
    }
    let seen = new.iter().zip(own_seen);
    let seen = seen.filter(|(_, own)| *own).map(|(entry, _)| entry.uid);
    seen::note(tx, to.account, to.mailbox, seen.collect(), modseq)?;
    Ok(Copied { uid_validity, uids })
}

//! `\Seen` of readers who have their own in a mailbox of somebody else's (RFC 4314 §4, `s`; RFC 3501 §2.3.2: flags may differ by user).
//!
//! The owner's `\Seen` stays in the entry; a reader's is a row that says so, with the MODSEQ of its last change. A message without a row
//! is one that he has not seen.

use super::rows::{self, Tally};
use super::{Entry, FlagChange, Flags, Viewed};
use crate::change::{Record, uid_ranges};
use crate::engine::params;
use crate::share::{self, SeenFlags};
use crate::tx::Tx;
use crate::{AccountId, MailboxId, ModSeq, Result, Uid};
use std::ops::{ControlFlow, RangeInclusive};

/// [`super::scan`] of one range, as a reader with `\Seen` of his own sees the entries.
pub(super) fn scan(
    tx: &mut Tx<'_>,
    (account, mailbox, viewer): (AccountId, MailboxId, AccountId),
    uids: &RangeInclusive<u32>,
    since: ModSeq,
    limit: usize,
    entries: &mut Vec<Entry>,
) -> Result<()> {
    tx.each(
        "SELECT e.uid, e.flags, e.keywords, e.modseq, e.internal_date, e.saved, e.size, e.message, e.zone, COALESCE(s.seen, 0), \
         COALESCE(s.modseq, 0) FROM entry e LEFT JOIN seen s ON s.account = e.account AND s.mailbox = e.mailbox \
         AND s.uid = e.uid AND s.viewer = $7 \
         WHERE e.account = $1 AND e.mailbox = $2 AND e.uid BETWEEN $3 AND $4 AND (e.modseq > $5 OR s.modseq > $5) \
         ORDER BY e.uid LIMIT $6",
        params![account, mailbox, *uids.start(), *uids.end(), since, limit, viewer],
        |row| {
            let mut entry = rows::read(row)?;
            let seen = row.flag(9)?;
            entry.flags = with_seen(entry.flags, seen);
            entry.modseq = entry.modseq.max(ModSeq(row.number(10)?));
            entries.push(entry);
            Ok(ControlFlow::Continue(()))
        },
    )
}

fn with_seen(flags: Flags, seen: bool) -> Flags {
    match seen {
        true => flags.with(Flags::SEEN),
        false => flags.without(Flags::SEEN),
    }
}

/// The lowest UID that the reader has not seen.
pub(super) fn first_unseen(
    tx: &mut Tx<'_>,
    (account, mailbox, viewer): (AccountId, MailboxId, AccountId),
) -> Result<Option<Uid>> {
    tx.one(
        "SELECT e.uid FROM entry e LEFT JOIN seen s ON s.account = e.account AND s.mailbox = e.mailbox AND s.uid = e.uid \
         AND s.viewer = $3 WHERE e.account = $1 AND e.mailbox = $2 AND COALESCE(s.seen, 0) = 0 ORDER BY e.uid LIMIT 1",
        params![account, mailbox, viewer],
        |row| Ok(Uid(row.number(0)?)),
    )
}

/// How many messages of a mailbox the reader has not seen. `messages` is how many there are.
pub fn unseen_by(
    tx: &mut Tx<'_>,
    account: AccountId,
    mailbox: MailboxId,
    viewer: AccountId,
    messages: u32,
) -> Result<u32> {
    let seen = tx.one(
        "SELECT COUNT(*) FROM seen WHERE account = $1 AND mailbox = $2 AND viewer = $3 AND seen = 1",
        params![account, mailbox, viewer],
        |row| row.number(0),
    )?;
    Ok(messages.saturating_sub(seen.unwrap_or(0)))
}

/// STORE by a reader with `\Seen` of his own: that goes into his rows, everything else into the entries.
pub(super) fn apply(
    tx: &mut Tx<'_>,
    place: (AccountId, MailboxId),
    viewer: AccountId,
    change: &FlagChange,
    entries: &mut [Entry],
) -> Result<()> {
    let mut tally = Tally::default();
    let (mut of_entries, mut own) = (Vec::new(), Vec::new());
    for entry in entries {
        let (flags, keywords) = change.applied_to(entry)?;
        let shared = (flags.without(Flags::SEEN), entry.flags.without(Flags::SEEN));
        if shared.0 != shared.1 || keywords != entry.keywords {
            entry.modseq = tx.known_modseq(place.0)?;
            tally.change(shared.1, shared.0);
            entry.keywords = keywords;
            update(tx, place, entry, shared.0)?;
            of_entries.push(entry.uid);
        }
        let seen = flags.contains(Flags::SEEN);
        if seen != entry.flags.contains(Flags::SEEN) {
            entry.modseq = tx.known_modseq(place.0)?;
            set(tx, place, viewer, entry.uid, seen, entry.modseq)?;
            own.push(entry.uid);
        }
        entry.flags = flags;
    }
    if of_entries.is_empty() && own.is_empty() {
        return Ok(());
    }
    let modseq = tx.known_modseq(place.0)?;
    rows::count(tx, place, tally, 0, modseq)?;
    if !of_entries.is_empty() {
        let uids = uid_ranges(of_entries);
        tx.record(place.0, Some(place.1), Record::Flags { uids });
    }
    if !own.is_empty() {
        record(tx, place, viewer, own);
    }
    Ok(())
}

/// Writes flags and keywords of an entry; the owner's `\Seen`, its lowest bit, stays.
fn update(
    tx: &mut Tx<'_>,
    (account, mailbox): (AccountId, MailboxId),
    entry: &Entry,
    flags: Flags,
) -> Result<()> {
    tx.execute(
        "UPDATE entry SET flags = $4 + flags % 2, keywords = $5, modseq = $6 WHERE account = $1 AND mailbox = $2 AND uid = $3",
        params![
            account,
            mailbox,
            entry.uid,
            flags.0,
            super::keywords::joined(&entry.keywords).as_ref(),
            entry.modseq
        ],
    )?;
    Ok(())
}

fn set(
    tx: &mut Tx<'_>,
    (account, mailbox): (AccountId, MailboxId),
    viewer: AccountId,
    uid: Uid,
    seen: bool,
    modseq: ModSeq,
) -> Result<()> {
    tx.execute(
        "INSERT INTO seen (account, mailbox, uid, viewer, seen, modseq) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (account, mailbox, uid, viewer) DO UPDATE SET seen = excluded.seen, modseq = excluded.modseq",
        params![account, mailbox, uid, viewer, seen, modseq],
    )?;
    Ok(())
}

fn record(tx: &mut Tx<'_>, place: (AccountId, MailboxId), viewer: AccountId, uids: Vec<Uid>) {
    let viewer = viewer.as_u128().to_be_bytes();
    let uids = uid_ranges(uids);
    tx.record(place.0, Some(place.1), Record::Seen { viewer, uids });
}

/// New entries of a mailbox where `viewer` has `\Seen` of his own: takes it from them, and returns which he has seen.
pub(super) fn take(viewed: Viewed, entry: &mut Entry) -> bool {
    let own = viewed.viewer.is_some() && entry.flags.contains(Flags::SEEN);
    if viewed.viewer.is_some() {
        entry.flags = entry.flags.without(Flags::SEEN);
    }
    own
}

/// Notes that the reader has seen these new entries.
pub(super) fn note(
    tx: &mut Tx<'_>,
    account: AccountId,
    viewed: Viewed,
    uids: Vec<Uid>,
    modseq: ModSeq,
) -> Result<()> {
    let (Some(viewer), false) = (viewed.viewer, uids.is_empty()) else {
        return Ok(());
    };
    for uid in &uids {
        set(tx, (account, viewed.mailbox), viewer, *uid, true, modseq)?;
    }
    record(tx, (account, viewed.mailbox), viewer, uids);
    Ok(())
}

/// These entries are gone.
pub(super) fn forget(
    tx: &mut Tx<'_>,
    (account, mailbox): (AccountId, MailboxId),
    entries: &[Entry],
) -> Result<()> {
    if share::seen_flags(tx, account, mailbox)? == SeenFlags::Shared {
        return Ok(());
    }
    for range in uid_ranges(entries.iter().map(|entry| entry.uid)) {
        tx.execute(
            "DELETE FROM seen WHERE account = $1 AND mailbox = $2 AND uid BETWEEN $3 AND $4",
            params![account, mailbox, *range.start(), *range.end()],
        )?;
    }
    Ok(())
}

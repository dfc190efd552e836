//! IMAP STORE.

use super::rows::{self, Tally};
use super::{Entry, FlagChange, Flags, StoreResult, Viewed, keywords, scan, seen};
use crate::change::{Record, uid_ranges};
use crate::engine::params;
use crate::tx::Tx;
use crate::{AccountId, MailboxId, ModSeq, Result};
use std::ops::RangeInclusive;

/// Changes flags (IMAP STORE) under one new MODSEQ; entries whose flags stay the same keep theirs.
pub fn store_flags(
    tx: &mut Tx<'_>,
    account: AccountId,
    mailbox: impl Into<Viewed>,
    uids: &[RangeInclusive<u32>],
    change: &FlagChange,
    unchanged_since: Option<ModSeq>,
) -> Result<StoreResult> {
    let viewed = mailbox.into();
    let change = change.normalised()?;
    tx.lock_account(account)?;
    let mut result = StoreResult {
        entries: scan(tx, account, viewed, uids, None, usize::MAX)?,
        ..StoreResult::default()
    };
    if let Some(limit) = unchanged_since {
        let (held_back, free) = result
            .entries
            .into_iter()
            .partition(|entry| entry.modseq > limit);
        result.entries = free;
        result.modified = Vec::from_iter(held_back)
            .iter()
            .map(|entry: &Entry| entry.uid)
            .collect();
    }
    result.before = result.entries.iter().map(|entry| entry.modseq).collect();
    let place = (account, viewed.mailbox);
    match viewed.viewer {
        Some(viewer) => seen::apply(tx, place, viewer, &change, &mut result.entries)?,
        None => apply(tx, place, &change, &mut result.entries)?,
    }
    Ok(result)
}

fn apply(
    tx: &mut Tx<'_>,
    place: (AccountId, MailboxId),
    change: &FlagChange,
    entries: &mut [Entry],
) -> Result<()> {
    let mut tally = Tally::default();
    let mut changed = Vec::new();
    for entry in entries {
        let (flags, keywords) = change.applied_to(entry)?;
        if (flags, &keywords) == (entry.flags, &entry.keywords) {
            continue;
        }
        entry.modseq = tx.known_modseq(place.0)?;
        tally.change(entry.flags, flags);
        (entry.flags, entry.keywords) = (flags, keywords);
        update(tx, place, entry)?;
        changed.push(entry.uid);
    }
    if !changed.is_empty() {
        let modseq = tx.known_modseq(place.0)?;
        rows::count(tx, place, tally, 0, modseq)?;
        let uids = uid_ranges(changed);
        tx.record(place.0, Some(place.1), Record::Flags { uids });
    }
    Ok(())
}

fn update(
    tx: &mut Tx<'_>,
    (account, mailbox): (AccountId, MailboxId),
    entry: &Entry,
) -> Result<()> {
    tx.execute(
        "UPDATE entry SET flags = $4, keywords = $5, modseq = $6 WHERE account = $1 AND mailbox = $2 AND uid = $3",
        params![
            account,
            mailbox,
            entry.uid,
            entry.flags.0,
            keywords::joined(&entry.keywords).as_ref(),
            entry.modseq
        ],
    )?;
    Ok(())
}

impl FlagChange {
    /// The same with keywords sorted, or an error if one is not allowed.
    fn normalised(&self) -> Result<FlagChange> {
        Ok(match self {
            FlagChange::Replace(flags, words) => {
                FlagChange::Replace(*flags, keywords::normalised(words)?)
            }
            FlagChange::Add(flags, words) => FlagChange::Add(*flags, keywords::normalised(words)?),
            FlagChange::Remove(flags, words) => FlagChange::Remove(*flags, words.clone()),
            FlagChange::Within {
                mask,
                flags,
                keywords: words,
            } => FlagChange::Within {
                mask: *mask,
                flags: Flags(flags.0 & mask.0),
                keywords: words.as_deref().map(keywords::normalised).transpose()?,
            },
        })
    }

    pub(super) fn applied_to(&self, entry: &Entry) -> Result<(Flags, Vec<String>)> {
        Ok(match self {
            FlagChange::Replace(flags, words) => (*flags, words.clone()),
            FlagChange::Add(flags, words) => (
                entry.flags.with(*flags),
                keywords::with(&entry.keywords, words)?,
            ),
            FlagChange::Remove(flags, words) => (
                entry.flags.without(*flags),
                keywords::without(&entry.keywords, words),
            ),
            FlagChange::Within {
                mask,
                flags,
                keywords,
            } => (
                entry.flags.without(*mask).with(*flags),
                keywords.clone().unwrap_or_else(|| entry.keywords.clone()),
            ),
        })
    }
}

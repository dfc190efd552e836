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
        None => {
            // Those that were held back are between the others, and must stay as they are.
            let together = match result.modified.is_empty() {
                true => uids,
                false => &[],
            };
            result.modseq = apply(tx, place, &change, &mut result.entries, together)?;
        }
    }
    Ok(result)
}

/// Writes what changes, messages beside each other that become alike by one statement. The MODSEQ, if anything changed.
fn apply(
    tx: &mut Tx<'_>,
    place: (AccountId, MailboxId),
    change: &FlagChange,
    entries: &mut [Entry],
    together: &[RangeInclusive<u32>],
) -> Result<Option<ModSeq>> {
    let mut tally = Tally::default();
    let (mut changed, mut runs) = (Vec::new(), Runs::new(together));
    let mut modseq = None;
    for entry in entries {
        let (flags, keywords) = change.applied_to(entry)?;
        if (flags, &keywords) == (entry.flags, &entry.keywords) {
            runs.interrupt();
            continue;
        }
        let now = match modseq {
            Some(modseq) => modseq,
            None => *modseq.insert(tx.known_modseq(place.0)?),
        };
        tally.change(entry.flags, flags);
        (entry.flags, entry.keywords, entry.modseq) = (flags, keywords, now);
        changed.push(entry.uid);
        if let Some(run) = runs.add(entry) {
            update(tx, place, &run)?;
        }
    }
    if let Some(run) = runs.last.take() {
        update(tx, place, &run)?;
    }
    if let Some(modseq) = modseq {
        rows::count(tx, place, tally, 0, modseq)?;
        let uids = uid_ranges(changed);
        tx.record(place.0, Some(place.1), Record::Flags { uids });
    }
    Ok(modseq)
}

/// Messages that become alike, with no other message between the first and the last of them.
struct Run {
    uids: RangeInclusive<u32>,
    flags: Flags,
    keywords: Vec<String>,
    modseq: ModSeq,
}

/// Gathers entries, which come in the order of their UIDs, into runs.
struct Runs<'a> {
    /// Within one of these ranges every message that there is comes by.
    together: &'a [RangeInclusive<u32>],
    last: Option<Run>,
    /// A message came by that stays as it is.
    interrupted: bool,
}

impl<'a> Runs<'a> {
    fn new(together: &'a [RangeInclusive<u32>]) -> Runs<'a> {
        Runs {
            together,
            last: None,
            interrupted: false,
        }
    }

    fn interrupt(&mut self) {
        self.interrupted = true;
    }

    /// Adds an entry as it is to be; the run before it, if it does not go on.
    fn add(&mut self, entry: &Entry) -> Option<Run> {
        let interrupted = std::mem::take(&mut self.interrupted);
        if let Some(run) = self.last.as_mut().filter(|_| !interrupted)
            && (run.flags, &run.keywords) == (entry.flags, &entry.keywords)
            && are_together(self.together, *run.uids.end(), entry.uid.0)
        {
            run.uids = *run.uids.start()..=entry.uid.0;
            return None;
        }
        self.last.replace(Run {
            uids: entry.uid.0..=entry.uid.0,
            flags: entry.flags,
            keywords: entry.keywords.clone(),
            modseq: entry.modseq,
        })
    }
}

/// Can there be no message between these two that did not come by?
fn are_together(together: &[RangeInclusive<u32>], one: u32, next: u32) -> bool {
    if one + 1 == next {
        return true;
    }
    let at = together.partition_point(|range| *range.end() < one);
    together
        .get(at)
        .is_some_and(|range| range.contains(&one) && range.contains(&next))
}

fn update(tx: &mut Tx<'_>, (account, mailbox): (AccountId, MailboxId), run: &Run) -> Result<()> {
    tx.execute(
        "UPDATE entry SET flags = $5, keywords = $6, modseq = $7 WHERE account = $1 AND mailbox = $2 AND uid BETWEEN $3 AND $4",
        params![
            account,
            mailbox,
            *run.uids.start(),
            *run.uids.end(),
            run.flags.0,
            keywords::joined(&run.keywords).as_ref(),
            run.modseq
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

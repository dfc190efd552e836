//! Searches whose results are kept up to date (RFC 5267 §4.3): ADDTO and REMOVEFROM tell what comes and goes, until CANCELUPDATE or
//! until the mailbox is left.
//!
//! Results are in the order of the mailbox, so each position is 0 (§4.3.2). They are kept as UIDs; message numbers are told where the
//! search was by number.

use super::criteria::{Criterion, contains};
use super::finding::Finding;
use crate::listen::imap::connection::Connection;
use crate::listen::imap::failure::Failure;
use crate::listen::imap::state::Selected;
use crate::listen::imap::view::View;
use ::store::entry::Entry;
use imap::Tag;
use imap::command::By;
use imap::encode;
use imap::response::{Code, Status};
use imap::search::Key;
use imap::sequence::{Number, SequenceSet};
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Searches that a session may have kept up to date.
const MOST: usize = 16;

type Uids = Vec<RangeInclusive<u32>>;

/// The searches of a session that are kept up to date.
#[derive(Default)]
pub(in crate::listen::imap) struct Contexts(Vec<Context>);

/// A search that is kept up to date.
struct Context {
    tag: Tag,
    by: By,
    key: Key,
    /// What the client knows to match.
    found: Uids,
}

impl Contexts {
    /// Is there none?
    pub(in crate::listen::imap) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Is there room for one more? If not, the client is told so (RFC 5267 §4.3.1).
    pub(super) fn admit(&mut self, connection: &mut Connection, tag: &Tag) -> bool {
        self.0.retain(|context| context.tag != *tag);
        let room = self.0.len() < MOST;
        if !room {
            refuse(connection, tag);
        }
        room
    }

    /// Keeps a search up to date from here on.
    pub(super) fn keep(&mut self, tag: &Tag, by: By, key: Key, found: Uids) {
        self.0.push(Context {
            tag: tag.clone(),
            by,
            key,
            found,
        });
    }

    /// CANCELUPDATE: all of these, or none if one is not there.
    pub(in crate::listen::imap) fn cancel(&mut self, tags: &[String]) -> Status {
        let named = |context: &Context, tag: &String| context.tag.as_str() == tag;
        let all_there = tags
            .iter()
            .all(|tag| self.0.iter().any(|context| named(context, tag)));
        if !all_there {
            return Status::bad("No search with such a tag is kept up to date.");
        }
        self.0
            .retain(|context| !tags.iter().any(|tag| named(context, tag)));
        Status::ok("No more updates.")
    }

    /// These messages are gone, and are about to be reported gone: their numbers are still theirs.
    pub(in crate::listen::imap) fn remove(&mut self, out: &mut Vec<u8>, view: &View, gone: &[u32]) {
        for context in &mut self.0 {
            let lost = gone.iter().copied();
            let lost: Vec<u32> = lost.filter(|uid| contains(&context.found, *uid)).collect();
            context.tell(out, view, "REMOVEFROM", &lost);
            context.found = without(&context.found, &lost);
        }
    }
}

/// Results will not be kept up to date.
pub(super) fn refuse(connection: &mut Connection, tag: &Tag) {
    let refused = Status::no("The results will not be kept up to date.");
    let refused = refused.code(Code::NoUpdate(tag.as_str().to_owned()));
    refused.encode(None, &mut connection.out);
}

/// The key as it stays meaningful when messages come and go: message numbers and `$` are of the moment of the search.
pub(super) fn lasting(key: &Key, view: &View) -> Result<Key, Status> {
    let boxed = |key: &Key| lasting(key, view).map(Box::new);
    Ok(match key {
        Key::And(keys) => {
            let keys = keys.iter().map(|key| lasting(key, view));
            Key::And(keys.collect::<Result<_, _>>()?)
        }
        Key::Or(a, b) => Key::Or(boxed(a)?, boxed(b)?),
        Key::Not(key) => Key::Not(boxed(key)?),
        Key::Sequence(set) => Key::Uid(as_uids(set, view)?),
        Key::Uid(SequenceSet::Saved) => Key::Uid(as_uids(&SequenceSet::Saved, view)?),
        other => other.clone(),
    })
}

/// The UIDs of these numbers; where they go on to the last message, those of what is to come as well.
fn as_uids(set: &SequenceSet, view: &View) -> Result<SequenceSet, Status> {
    let at = |uid: u32| NonZeroU32::new(uid).map_or(Number::Last, Number::At);
    let uids = view.resolve(By::Sequence, set)?;
    let mut members: Vec<(Number, Number)> = uids
        .iter()
        .map(|range| (at(*range.start()), at(*range.end())))
        .collect();
    let open_ended = set.has_open_range();
    if open_ended {
        members.push((at(view.uid_next()), Number::At(NonZeroU32::MAX)));
    }
    Ok(SequenceSet::Listed(members))
}

/// Tells what these new or changed messages do to the searches that are kept up to date.
pub(in crate::listen::imap) async fn update(
    state: &mut Selected,
    connection: &mut Connection,
    changed: &[Entry],
) -> Result<(), Failure> {
    if changed.is_empty() {
        return Ok(());
    }
    for at in 0..state.contexts.0.len() {
        let matching = matching(state, connection, at, changed).await?;
        let (view, context) = (&state.view, &mut state.contexts.0[at]);
        let uids = changed.iter().map(|entry| entry.uid.0);
        let known = uids.filter(|uid| view.number_of(*uid).is_some());
        let (mut added, mut lost) = (Vec::new(), Vec::new());
        for uid in known {
            match (contains(&context.found, uid), contains(&matching, uid)) {
                (false, true) => added.push(uid),
                (true, false) => lost.push(uid),
                _ => {}
            }
        }
        context.tell(&mut connection.out, view, "REMOVEFROM", &lost);
        context.tell(&mut connection.out, view, "ADDTO", &added);
        context.found = with(&without(&context.found, &lost), &added);
        connection.flush_if_full().await?;
    }
    Ok(())
}

/// The UIDs of those of these messages that match a search now.
async fn matching(
    state: &Selected,
    connection: &mut Connection,
    at: usize,
    changed: &[Entry],
) -> Result<Uids, Failure> {
    let (view, context) = (&state.view, &state.contexts.0[at]);
    let criterion = Criterion::new(&context.key, view, connection.services.clock.now())?;
    let uids = encode::collect_ranges(changed.iter().map(|entry| entry.uid.0));
    let mut finding = Finding::new(view.owner, view.mailbox, Arc::new(criterion), uids);
    let mut matching = Vec::new();
    while let Some(found) = finding.next(connection).await? {
        matching.extend(found.iter().map(|entry| entry.uid.0));
    }
    Ok(encode::collect_ranges(matching))
}

impl Context {
    /// Appends `* ESEARCH (TAG "…") UID ADDTO (0 1:3)`.
    fn tell(&self, out: &mut Vec<u8>, view: &View, item: &str, uids: &[u32]) {
        let named: Vec<u32> = match self.by {
            By::Uid => uids.to_vec(),
            By::Sequence => uids.iter().filter_map(|uid| view.number_of(*uid)).collect(),
        };
        if named.is_empty() {
            return;
        }
        super::answer::begin_esearch(out, &self.tag, self.by);
        out.extend_from_slice(format!(" {item} (0 ").as_bytes());
        encode::ranges(out, &encode::collect_ranges(named));
        out.extend_from_slice(b")\r\n");
    }
}

/// Ascending ranges without these ascending numbers.
fn without(ranges: &[RangeInclusive<u32>], numbers: &[u32]) -> Uids {
    let mut numbers = numbers.iter().copied().peekable();
    let mut left = Vec::with_capacity(ranges.len());
    for range in ranges {
        let (mut start, end) = (*range.start(), *range.end());
        while numbers.next_if(|number| *number < start).is_some() {}
        while let Some(number) = numbers.next_if(|number| *number <= end) {
            if start < number {
                left.push(start..=number - 1);
            }
            start = number.saturating_add(1);
        }
        if start <= end {
            left.push(start..=end);
        }
    }
    left
}

/// Ascending ranges with these numbers, none of which is in them.
fn with(ranges: &[RangeInclusive<u32>], numbers: &[u32]) -> Uids {
    let new = numbers.iter().map(|number| *number..=*number);
    let mut all: Uids = ranges.iter().cloned().chain(new).collect();
    all.sort_unstable_by_key(|range| *range.start());
    let mut merged: Uids = Vec::with_capacity(all.len());
    for range in all {
        match merged.last_mut() {
            Some(last) if last.end().checked_add(1) == Some(*range.start()) => {
                *last = *last.start()..=*range.end();
            }
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn ranges(numbers: &BTreeSet<u32>) -> Uids {
        encode::collect_ranges(numbers.iter().copied())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn ranges_are_sets(a in proptest::collection::btree_set(1u32..40, 0..20), b in proptest::collection::btree_set(1u32..40, 0..20)) {
            let numbers: Vec<u32> = b.iter().copied().collect();
            let left: BTreeSet<u32> = a.difference(&b).copied().collect();
            prop_assert_eq!(without(&ranges(&a), &numbers), ranges(&left));
            let new: Vec<u32> = b.difference(&a).copied().collect();
            let all: BTreeSet<u32> = a.union(&b).copied().collect();
            prop_assert_eq!(with(&ranges(&a), &new), ranges(&all));
        }
    }
}

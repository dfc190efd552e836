//! Search keys made ready for one mailbox: sets resolved to UIDs, texts folded for comparison without case. They judge a message by
//! the evidence there is so far, and say when that is not enough.

use super::digest::{Kind, is_packed};
use super::evidence::Evidence;
use crate::listen::imap::flags;
use crate::listen::imap::internal_date;
use crate::listen::imap::object_id;
use crate::listen::imap::view::View;
use ::store::Timestamp;
use ::store::entry::Flags;
use imap::Flag;
use imap::command::By;
use imap::date::Date;
use imap::response::Status;
use imap::search::{EnvelopeField, Key, When};
use std::ops::RangeInclusive;

pub(super) use crate::search::text::fold;

/// What a message must meet.
pub(in crate::listen::imap) enum Criterion {
    /// Always, or never.
    Constant(bool),
    And(Vec<Criterion>),
    Or(Box<Criterion>, Box<Criterion>),
    Not(Box<Criterion>),
    System(Flags),
    Keyword(String),
    /// UIDs, ascending.
    Uids(Vec<RangeInclusive<u32>>),
    Internal(When, Date),
    Larger(u32),
    Smaller(u32),
    ModSeq(u64),
    Sent(When, Date),
    /// INTERNALDATE at this time or later.
    Since(Timestamp),
    Saved(When, Date),
    EmailId(String),
    ThreadId(String),
    /// A field of the envelope and a folded text that it contains.
    Envelope(EnvelopeField, String),
    /// A header field and a folded text that it contains.
    Field(String, String),
    Body(String),
    Text(String),
}

impl Criterion {
    /// The key, for this mailbox and moment. Fails for message numbers that do not exist.
    pub(in crate::listen::imap) fn new(
        key: &Key,
        view: &View,
        now: Timestamp,
    ) -> Result<Criterion, Status> {
        let boxed = |key: &Key| Criterion::new(key, view, now).map(Box::new);
        Ok(match key {
            // Every mailbox knows when messages came into it (RFC 8514).
            Key::All | Key::SaveDateSupported => Criterion::Constant(true),
            Key::Recent => Criterion::Uids(view.recent.uids().to_vec()),
            Key::And(keys) => {
                let all = keys.iter().map(|key| Criterion::new(key, view, now));
                Criterion::And(all.collect::<Result<_, _>>()?)
            }
            Key::Or(a, b) => Criterion::Or(boxed(a)?, boxed(b)?),
            Key::Not(key) => Criterion::Not(boxed(key)?),
            Key::Flag(Flag::Keyword(name)) => Criterion::Keyword(name.clone()),
            Key::Flag(system) => Criterion::System(flags::bit(system)),
            Key::Sequence(set) => Criterion::Uids(view.resolve(By::Sequence, set)?),
            Key::Uid(set) => Criterion::Uids(view.resolve(By::Uid, set)?),
            Key::Envelope(field, text) => Criterion::Envelope(*field, fold(text)),
            Key::Header(field, text) => Criterion::Field(field.clone(), fold(text)),
            Key::Body(text) => Criterion::Body(fold(text)),
            Key::Text(text) => Criterion::Text(fold(text)),
            Key::Internal(when, date) => Criterion::Internal(*when, *date),
            Key::Sent(when, date) => Criterion::Sent(*when, *date),
            Key::Larger(size) => Criterion::Larger(*size),
            Key::Smaller(size) => Criterion::Smaller(*size),
            Key::ModSeq(modseq) => Criterion::ModSeq(*modseq),
            Key::Younger(seconds) => Criterion::Since(ago(now, *seconds)),
            Key::Saved(when, date) => Criterion::Saved(*when, *date),
            Key::EmailId(id) => Criterion::EmailId(id.clone()),
            Key::ThreadId(id) => Criterion::ThreadId(id.clone()),
            // Their values were put in their place before; one that is still there names none.
            Key::Filter(_) => Criterion::Constant(false),
        })
    }

    /// UIDs outside of which nothing can match, where the criterion names some.
    pub(in crate::listen::imap) fn uids(&self) -> Option<&[RangeInclusive<u32>]> {
        match self {
            Criterion::Uids(uids) => Some(uids),
            Criterion::And(all) => all.iter().find_map(Criterion::uids),
            _ => None,
        }
    }

    /// Does every message match that is among [`Criterion::uids`]?
    pub(super) fn is_met_by_all(&self) -> bool {
        match self {
            Criterion::Constant(value) => *value,
            Criterion::Uids(_) => true,
            Criterion::And(all) => match all.as_slice() {
                [one] => one.is_met_by_all(),
                several => several
                    .iter()
                    .all(|one| matches!(one, Criterion::Constant(true))),
            },
            _ => false,
        }
    }

    /// Does it ask what digests of this kind tell?
    pub(super) fn asks(&self, kind: Kind) -> bool {
        match self {
            Criterion::Envelope(..) => kind == Kind::Texts,
            Criterion::Field(name, _) => kind == Kind::Fields && is_packed(name),
            Criterion::And(all) => all.iter().any(|one| one.asks(kind)),
            Criterion::Or(a, b) => a.asks(kind) || b.asks(kind),
            Criterion::Not(one) => one.asks(kind),
            _ => false,
        }
    }

    /// Does a message match? `None`: the evidence does not say.
    pub(super) fn judge(&self, evidence: &Evidence<'_>) -> Option<bool> {
        let entry = evidence.entry;
        match self {
            Criterion::Constant(value) => Some(*value),
            Criterion::And(all) => all_of(all.iter().map(|one| one.judge(evidence))),
            Criterion::Or(a, b) => {
                // One or both: not (neither).
                let neither = [a, b]
                    .into_iter()
                    .map(|one| one.judge(evidence).map(|met| !met));
                all_of(neither).map(|none| !none)
            }
            Criterion::Not(one) => one.judge(evidence).map(|met| !met),
            Criterion::System(flag) => Some(entry.flags.contains(*flag)),
            Criterion::Keyword(name) => Some(
                entry
                    .keywords
                    .iter()
                    .any(|has| has.eq_ignore_ascii_case(name)),
            ),
            Criterion::Uids(uids) => Some(contains(uids, entry.uid.0)),
            Criterion::Internal(when, date) => {
                Some(when.holds(Date::of(internal_date::told(entry.internal_date)), *date))
            }
            Criterion::Larger(size) => Some(entry.size > *size),
            Criterion::Smaller(size) => Some(entry.size < *size),
            Criterion::ModSeq(modseq) => Some(entry.modseq.0 >= *modseq),
            Criterion::Sent(when, date) => {
                Some(evidence.sent()?.is_some_and(|day| when.holds(day, *date)))
            }
            Criterion::Since(time) => Some(entry.internal_date.time >= *time),
            Criterion::Saved(when, date) => {
                Some(when.holds(Date::of_unix(entry.saved.as_second()), *date))
            }
            Criterion::EmailId(id) => Some(object_id::of_message(entry) == *id),
            Criterion::ThreadId(id) => evidence.thread_id().map(|of_message| of_message == *id),
            Criterion::Envelope(field, text) => evidence.envelope_contains(*field, text),
            Criterion::Field(name, text) => evidence.field_contains(name, text),
            Criterion::Body(text) => evidence.body_contains(text),
            Criterion::Text(text) => match evidence.header_contains(text) {
                Some(true) => Some(true),
                Some(false) => evidence.body_contains(text),
                None => None,
            },
        }
    }
}

/// So many seconds before `now`.
fn ago(now: Timestamp, seconds: u32) -> Timestamp {
    Timestamp::from_second(now.as_second() - i64::from(seconds)).unwrap_or(Timestamp::MIN)
}

/// True if all are; false if one is not, even where others are unknown.
fn all_of(verdicts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut known = true;
    for verdict in verdicts {
        match verdict {
            Some(false) => return Some(false),
            Some(true) => {}
            None => known = false,
        }
    }
    known.then_some(true)
}

pub(super) fn contains(uids: &[RangeInclusive<u32>], uid: u32) -> bool {
    let at = uids.partition_point(|range| *range.end() < uid);
    uids.get(at).is_some_and(|range| range.contains(&uid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_false_decides_an_and_whatever_is_unknown() {
        assert_eq!(all_of([None, Some(false)].into_iter()), Some(false));
        assert_eq!(all_of([None, Some(true)].into_iter()), None);
        assert_eq!(all_of([Some(true)].into_iter()), Some(true));
        assert_eq!(all_of([].into_iter()), Some(true));
    }

    #[test]
    fn what_all_messages_meet_is_known() {
        let and = Criterion::And;
        let all = || Criterion::Constant(true);
        assert!(and(vec![all(), all()]).is_met_by_all());
        assert!(and(vec![Criterion::Uids(vec![1..=2])]).is_met_by_all());
        let two = vec![Criterion::Uids(vec![1..=2]), Criterion::Uids(vec![2..=3])];
        assert!(!and(two).is_met_by_all());
        assert!(!Criterion::Not(Box::new(all())).is_met_by_all());
    }

    #[test]
    fn ranges_are_searched() {
        let uids = [2..=4, 8..=8];
        let found: Vec<u32> = (0..10).filter(|uid| contains(&uids, *uid)).collect();
        assert_eq!(found, [2, 3, 4, 8]);
    }
}

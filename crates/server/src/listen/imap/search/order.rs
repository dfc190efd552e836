//! By what SORT compares messages (RFC 5256 §3, RFC 5957), from what is stored with them.

use super::digest::{Names, Order};
use ::store::entry::Entry;
use imap::sort::{Criterion, SortKey};
use std::cmp::Ordering;

/// What a message has for one criterion. Messages compared with each other have the same kind of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Value {
    /// Not known yet.
    Missing,
    /// A time or a size.
    Number(i64),
    /// A folded text.
    Text(String),
}

/// From where a value comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Source {
    /// The mailbox's entry.
    Entry,
    /// The digest of dates and subjects.
    Order,
    /// The digest of names.
    Names,
}

impl Source {
    /// Of a key.
    pub(super) fn of(key: SortKey) -> Source {
        match key {
            SortKey::Arrival | SortKey::Size => Source::Entry,
            SortKey::Date | SortKey::Subject => Source::Order,
            SortKey::From
            | SortKey::To
            | SortKey::Cc
            | SortKey::DisplayFrom
            | SortKey::DisplayTo => Source::Names,
        }
    }

    /// Does one of the criteria need it?
    pub(super) fn is_needed(self, criteria: &[Criterion]) -> bool {
        criteria
            .iter()
            .any(|criterion| Source::of(criterion.key) == self)
    }
}

/// What an entry has for a key.
pub(super) fn of_entry(key: SortKey, entry: &Entry) -> Option<Value> {
    match key {
        SortKey::Arrival => Some(Value::Number(entry.internal_date.time.as_microsecond())),
        SortKey::Size => Some(Value::Number(i64::from(entry.size))),
        _ => None,
    }
}

/// What a row of dates and subjects has for a key.
pub(super) fn of_order(key: SortKey, row: &Order<'_>) -> Option<Value> {
    match key {
        SortKey::Date => Some(Value::Number(row.sent)),
        SortKey::Subject => Some(Value::Text(row.subject.to_owned())),
        _ => None,
    }
}

/// What a row of names has for a key.
pub(super) fn of_names(key: SortKey, row: &Names<'_>) -> Option<Value> {
    let text = match key {
        SortKey::From => row.from,
        SortKey::To => row.to,
        SortKey::Cc => row.cc,
        SortKey::DisplayFrom => row.shown_from,
        SortKey::DisplayTo => row.shown_to,
        _ => return None,
    };
    Some(Value::Text(text.to_owned()))
}

/// Compares two messages by criteria; alike ones keep the order of the mailbox where sorting is stable (RFC 5256 §3).
pub(super) fn compare(criteria: &[Criterion], a: &[Value], b: &[Value]) -> Ordering {
    let each = criteria.iter().zip(a.iter().zip(b));
    for (criterion, (a, b)) in each {
        let order = match criterion.reverse {
            true => b.cmp(a),
            false => a.cmp(b),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(keys: &[(SortKey, bool)]) -> Vec<Criterion> {
        keys.iter()
            .map(|(key, reverse)| Criterion {
                key: *key,
                reverse: *reverse,
            })
            .collect()
    }

    /// RFC 5256 §3: REVERSE turns its own criterion only.
    #[test]
    fn reverse_is_of_one_criterion() {
        let criteria = by(&[(SortKey::Subject, false), (SortKey::Date, true)]);
        let message = |subject: &str, date| vec![Value::Text(subject.into()), Value::Number(date)];
        let mut messages = [message("b", 1), message("a", 1), message("a", 2)];
        messages.sort_by(|a, b| compare(&criteria, a, b));
        assert_eq!(
            messages,
            [message("a", 2), message("a", 1), message("b", 1)]
        );
    }

    #[test]
    fn only_what_is_compared_is_needed() {
        let criteria = by(&[(SortKey::Size, true), (SortKey::To, false)]);
        assert!(Source::Entry.is_needed(&criteria) && Source::Names.is_needed(&criteria));
        assert!(!Source::Order.is_needed(&criteria));
    }
}

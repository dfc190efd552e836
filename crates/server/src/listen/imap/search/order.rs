//! By what SORT compares messages (RFC 5256 §3, RFC 5957), from what is stored with them.

use super::criteria::fold;
use super::envelope;
use ::store::entry::{Entry, Facts};
use imap::search::EnvelopeField;
use imap::sort::{Criterion, SortKey};
use std::cmp::Ordering;

/// What a message has for one criterion. Messages compared with each other have the same kind of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Value {
    /// A time or a size.
    Number(i64),
    /// A folded text.
    Text(String),
}

/// Do these criteria ask for more than the mailbox itself knows?
pub(super) fn needs_facts(criteria: &[Criterion]) -> bool {
    criteria
        .iter()
        .any(|criterion| !matches!(criterion.key, SortKey::Arrival | SortKey::Size))
}

/// What a message has for these criteria.
pub(super) fn values(criteria: &[Criterion], entry: &Entry, facts: Option<&Facts>) -> Vec<Value> {
    criteria
        .iter()
        .map(|criterion| value(criterion.key, entry, facts))
        .collect()
}

fn value(key: SortKey, entry: &Entry, facts: Option<&Facts>) -> Value {
    let envelope = facts.map_or(&[][..], |facts| &facts.envelope);
    Value::Text(match key {
        SortKey::Arrival => return Value::Number(entry.internal_date.time.as_microsecond()),
        SortKey::Size => return Value::Number(i64::from(entry.size)),
        SortKey::Date => return Value::Number(facts.map_or(0, |facts| sent(entry, facts))),
        SortKey::Subject => facts.map_or_else(String::new, base_subject),
        SortKey::From => envelope::first_mailbox(envelope, EnvelopeField::From),
        SortKey::To => envelope::first_mailbox(envelope, EnvelopeField::To),
        SortKey::Cc => envelope::first_mailbox(envelope, EnvelopeField::Cc),
        SortKey::DisplayFrom => envelope::first_display(envelope, EnvelopeField::From),
        SortKey::DisplayTo => envelope::first_display(envelope, EnvelopeField::To),
    })
}

/// The sent date in seconds since 1970: of a message that does not tell, when it came (RFC 5256 §2.2).
pub(super) fn sent(entry: &Entry, facts: &Facts) -> i64 {
    facts
        .sent
        .unwrap_or_else(|| entry.internal_date.time.as_second())
}

/// The base subject as it is compared.
pub(super) fn base_subject(facts: &Facts) -> String {
    fold(&facts.base_subject)
}

/// Compares two messages by criteria; alike ones keep the order of the mailbox where sorting is stable (RFC 5256 §3).
pub(super) fn compare(criteria: &[Criterion], a: &[Value], b: &[Value]) -> Ordering {
    let each = criteria.iter().zip(a.iter().zip(b));
    let orders = each.map(|(criterion, (a, b))| match criterion.reverse {
        true => b.cmp(a),
        false => a.cmp(b),
    });
    orders.fold(Ordering::Equal, Ordering::then)
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
    fn arrival_and_size_need_no_facts() {
        assert!(!needs_facts(&by(&[
            (SortKey::Size, true),
            (SortKey::Arrival, false)
        ])));
        assert!(needs_facts(&by(&[
            (SortKey::Size, true),
            (SortKey::To, false)
        ])));
    }
}

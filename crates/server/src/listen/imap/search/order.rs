//! By what SORT compares messages (RFC 5256 §3, RFC 5957), from what is stored with them.

use super::digest::{Names, Order};
use ::store::entry::Entry;
use imap::sort::{Criterion, SortKey};
use std::cmp::Ordering;

/// What a message has for one criterion.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Value<'a> {
    /// A time or a size.
    Number(i64),
    /// A folded text.
    Text(&'a str),
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
pub(super) fn of_entry(key: SortKey, entry: &Entry) -> Option<Value<'static>> {
    match key {
        SortKey::Arrival => Some(Value::Number(entry.internal_date.time.as_microsecond())),
        SortKey::Size => Some(Value::Number(i64::from(entry.size))),
        _ => None,
    }
}

/// What a row of dates and subjects has for a key.
pub(super) fn of_order<'a>(key: SortKey, row: &Order<'a>) -> Option<Value<'a>> {
    match key {
        SortKey::Date => Some(Value::Number(row.sent)),
        SortKey::Subject => Some(Value::Text(row.subject)),
        _ => None,
    }
}

/// What a row of names has for a key.
pub(super) fn of_names<'a>(key: SortKey, row: &Names<'a>) -> Option<Value<'a>> {
    let text = match key {
        SortKey::From => row.from,
        SortKey::To => row.to,
        SortKey::Cc => row.cc,
        SortKey::DisplayFrom => row.shown_from,
        SortKey::DisplayTo => row.shown_to,
        _ => return None,
    };
    Some(Value::Text(text))
}

/// The values of all messages that are sorted, a column for each criterion. A message is named by its row, counted from zero.
///
/// Texts lie one behind the other, and each row has the first octets of what is compared first beside it: sorting a large mailbox is then
/// bound by neither allocation nor the way to memory.
pub(super) struct Columns {
    criteria: Vec<Criterion>,
    columns: Vec<Column>,
    rows: usize,
}

impl Columns {
    /// No rows yet.
    pub(super) fn new(criteria: Vec<Criterion>) -> Columns {
        let column = |criterion: &Criterion| match Kind::of(criterion.key) {
            Kind::Number => Column::Numbers(Vec::new()),
            Kind::Text => Column::Texts(Texts::default()),
        };
        Columns {
            columns: criteria.iter().map(column).collect(),
            criteria,
            rows: 0,
        }
    }

    pub(super) fn criteria(&self) -> &[Criterion] {
        &self.criteria
    }

    /// Adds rows of which nothing is known yet, and says which is the first.
    pub(super) fn add(&mut self, rows: usize) -> usize {
        let first = self.rows;
        self.rows += rows;
        for column in &mut self.columns {
            match column {
                Column::Numbers(numbers) => numbers.resize(self.rows, None),
                Column::Texts(texts) => texts.spans.resize(self.rows, None),
            }
        }
        first
    }

    /// Takes what a row has for those criteria that `value` knows.
    pub(super) fn note<'a>(&mut self, row: usize, value: impl Fn(SortKey) -> Option<Value<'a>>) {
        for (criterion, column) in self.criteria.iter().zip(&mut self.columns) {
            match (column, value(criterion.key)) {
                (Column::Numbers(numbers), Some(Value::Number(number))) => {
                    numbers[row] = Some(number);
                }
                (Column::Texts(texts), Some(Value::Text(text))) => texts.put(row, text),
                _ => {}
            }
        }
    }

    /// The rows of which all is known, sorted; alike ones keep the order that they were added in (RFC 5256 §3).
    pub(super) fn sorted(&self) -> Vec<usize> {
        let is_known = |row: &usize| self.columns.iter().all(|column| column.knows(*row));
        let heads = self.heads();
        let with_head = |row| (heads.get(row).copied().unwrap_or_default(), row);
        let mut rows: Vec<(u128, usize)> = (0..self.rows).filter(is_known).map(with_head).collect();
        rows.sort_unstable_by(|(head, row), (other_head, other)| {
            let by_head = head.cmp(other_head);
            by_head
                .then_with(|| self.compare(*row, *other))
                .then_with(|| row.cmp(other))
        });
        rows.into_iter().map(|(_, row)| row).collect()
    }

    /// What decides most comparisons: the beginning of the first criterion's value, in the order wanted. Empty without criteria.
    fn heads(&self) -> Vec<u128> {
        let Some((criterion, column)) = self.criteria.iter().zip(&self.columns).next() else {
            return Vec::new();
        };
        let mut heads = match column {
            Column::Numbers(numbers) => numbers.iter().map(|n| head_of_number(*n)).collect(),
            Column::Texts(texts) => texts.heads(),
        };
        if criterion.reverse {
            heads.iter_mut().for_each(|head| *head = !*head);
        }
        heads
    }

    fn compare(&self, a: usize, b: usize) -> Ordering {
        for (criterion, column) in self.criteria.iter().zip(&self.columns) {
            let order = match column {
                Column::Numbers(numbers) => numbers[a].cmp(&numbers[b]),
                Column::Texts(texts) => texts.get(a).cmp(texts.get(b)),
            };
            if order != Ordering::Equal {
                return match criterion.reverse {
                    true => order.reverse(),
                    false => order,
                };
            }
        }
        Ordering::Equal
    }
}

/// Numbers in the order of their signs, above the lower half.
fn head_of_number(number: Option<i64>) -> u128 {
    let number = number.unwrap_or_default();
    u128::from((number as u64) ^ (1 << 63)) << 64
}

/// What kind of values a key has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Number,
    Text,
}

impl Kind {
    fn of(key: SortKey) -> Kind {
        match key {
            SortKey::Arrival | SortKey::Size | SortKey::Date => Kind::Number,
            SortKey::Subject
            | SortKey::From
            | SortKey::To
            | SortKey::Cc
            | SortKey::DisplayFrom
            | SortKey::DisplayTo => Kind::Text,
        }
    }
}

enum Column {
    Numbers(Vec<Option<i64>>),
    Texts(Texts),
}

impl Column {
    fn knows(&self, row: usize) -> bool {
        match self {
            Column::Numbers(numbers) => numbers[row].is_some(),
            Column::Texts(texts) => texts.spans[row].is_some(),
        }
    }
}

/// Texts of rows.
#[derive(Default)]
struct Texts {
    all: String,
    /// Where each begins and ends.
    spans: Vec<Option<(usize, usize)>>,
}

impl Texts {
    fn put(&mut self, row: usize, text: &str) {
        let start = self.all.len();
        self.all.push_str(text);
        self.spans[row] = Some((start, self.all.len()));
    }

    fn get(&self, row: usize) -> &[u8] {
        let (start, end) = self.spans[row].unwrap_or_default();
        &self.all.as_bytes()[start..end]
    }

    /// The sixteen octets of each that follow what all have in common ("Re: ticket #" tells nothing), filled up with zeros.
    fn heads(&self) -> Vec<u128> {
        let common = self.common();
        let head = |row| {
            let rest = self.get(row).get(common..).unwrap_or_default();
            let mut octets = [0; 16];
            let length = rest.len().min(octets.len());
            octets[..length].copy_from_slice(&rest[..length]);
            u128::from_be_bytes(octets)
        };
        (0..self.spans.len()).map(head).collect()
    }

    /// How many octets at their beginning are the same in all.
    fn common(&self) -> usize {
        let mut known = (0..self.spans.len()).filter(|row| self.spans[*row].is_some());
        let Some(first) = known.next().map(|row| self.get(row)) else {
            return 0;
        };
        known.fold(first.len(), |common, row| {
            let pairs = first[..common].iter().zip(self.get(row));
            pairs.take_while(|(one, other)| one == other).count()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn by(keys: &[(SortKey, bool)]) -> Vec<Criterion> {
        keys.iter()
            .map(|(key, reverse)| Criterion {
                key: *key,
                reverse: *reverse,
            })
            .collect()
    }

    fn columns(keys: &[(SortKey, bool)], rows: &[(&str, i64)]) -> Columns {
        let mut columns = Columns::new(by(keys));
        columns.add(rows.len());
        for (row, (subject, date)) in rows.iter().enumerate() {
            columns.note(row, |key| match key {
                SortKey::Subject => Some(Value::Text(subject)),
                SortKey::Date => Some(Value::Number(*date)),
                _ => None,
            });
        }
        columns
    }

    /// RFC 5256 §3: REVERSE turns its own criterion only.
    #[test]
    fn reverse_is_of_one_criterion() {
        let rows = [("b", 1), ("a", 1), ("a", 2)];
        let sorted = columns(&[(SortKey::Subject, false), (SortKey::Date, true)], &rows);
        assert_eq!(sorted.sorted(), [2, 1, 0]);
    }

    /// RFC 5256 §3: alike messages stay in the order of the mailbox, also where the criterion is reversed.
    #[test]
    fn alike_ones_keep_their_order() {
        let rows = [("a", 1), ("b", 1), ("a", 1)];
        for reverse in [false, true] {
            let sorted = columns(&[(SortKey::Date, reverse)], &rows).sorted();
            assert_eq!(sorted, [0, 1, 2]);
        }
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let mut columns = columns(&[(SortKey::Subject, false)], &[("b", 1), ("a", 1)]);
        assert_eq!(columns.add(2), 2);
        columns.note(3, |_| Some(Value::Text("")));
        assert_eq!(columns.sorted(), [3, 1, 0]);
    }

    #[test]
    fn only_what_is_compared_is_needed() {
        let criteria = by(&[(SortKey::Size, true), (SortKey::To, false)]);
        assert!(Source::Entry.is_needed(&criteria) && Source::Names.is_needed(&criteria));
        assert!(!Source::Order.is_needed(&criteria));
    }

    proptest! {
        /// Beginnings decide nothing otherwise than the whole values would: texts with much in common, zeros, and numbers of all signs.
        #[test]
        fn the_order_is_that_of_the_values(
            rows in proptest::collection::vec(("(same |same beginning of all )?[\\x00ab]{0,20}", any::<i64>()), 0..20),
            subject_first in any::<bool>(),
            reverse in any::<[bool; 2]>(),
        ) {
            let rows: Vec<(&str, i64)> = rows.iter().map(|(text, n)| (text.as_str(), *n)).collect();
            let mut keys = [(SortKey::Subject, reverse[0]), (SortKey::Date, reverse[1])];
            if !subject_first {
                keys.reverse();
            }
            let mut wanted: Vec<usize> = (0..rows.len()).collect();
            wanted.sort_by(|a, b| {
                let turned = |order: Ordering, reverse| if reverse { order.reverse() } else { order };
                let subject = turned(rows[*a].0.cmp(rows[*b].0), reverse[0]);
                let date = turned(rows[*a].1.cmp(&rows[*b].1), reverse[1]);
                if subject_first { subject.then(date) } else { date.then(subject) }
            });
            prop_assert_eq!(columns(&keys, &rows).sorted(), wanted);
        }
    }
}

//! Sequence sets (RFC 3501 §9 `sequence-set`): `2,4:7,9,12:*`, of message numbers or of UIDs; or `$` (RFC 5182).

use std::fmt;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;

/// Members a set may have as written. Clients send a few dozen; a set of this size already fills a command.
pub(crate) const MAX_MEMBERS: usize = 50_000;

/// A number of a set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Number {
    /// A message number or a UID.
    At(NonZeroU32),
    /// `*`: the highest number in use.
    Last,
}

/// A set as written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SequenceSet {
    /// Each member is a range, both ends included, in either order; a single number is a range of one.
    Listed(Vec<(Number, Number)>),
    /// `$`: what the last SEARCH with SAVE found (RFC 5182). The session knows; here it is empty.
    Saved,
}

impl SequenceSet {
    /// The set as ascending ranges that neither overlap nor touch, with `*` standing for `last`. Where `last` is 0 nothing is in
    /// use, and a member that says `*` is empty.
    pub fn resolve(&self, last: u32) -> Vec<RangeInclusive<u32>> {
        let mut ranges: Vec<(u32, u32)> = self
            .members()
            .iter()
            .filter(|(a, b)| last > 0 || (*a != Number::Last && *b != Number::Last))
            .map(|(a, b)| (value(*a, last), value(*b, last)))
            .map(|(a, b)| (a.min(b), a.max(b)))
            .collect();
        ranges.sort_unstable();
        merge(ranges)
    }

    /// The highest number that is named outright, `*` aside.
    pub fn highest(&self) -> u32 {
        let ends = self.members().iter().flat_map(|(a, b)| [*a, *b]);
        ends.map(|n| value(n, 0)).max().unwrap_or(0)
    }

    /// Does it name the highest number without saying it?
    pub fn has_last(&self) -> bool {
        self.members()
            .iter()
            .any(|(a, b)| *a == Number::Last || *b == Number::Last)
    }

    /// Does it name everything from some number on?
    pub fn has_open_range(&self) -> bool {
        self.members()
            .iter()
            .any(|(a, b)| (*a == Number::Last) != (*b == Number::Last))
    }

    /// The numbers in the order in which they are written: where a range is written backwards, so are they (RFC 7162 §3.2.5.2
    /// pairs two sets). At most `limit`.
    pub fn in_order(&self, limit: usize) -> Vec<u32> {
        let numbers = self.members().iter().flat_map(|(a, b)| {
            let (a, b) = (value(*a, 0), value(*b, 0));
            let (up, down) = (a..=b, (b..=a).rev());
            up.chain(down.filter(move |n| *n != b || a > b))
        });
        numbers.take(limit).collect()
    }

    fn members(&self) -> &[(Number, Number)] {
        match self {
            SequenceSet::Listed(members) => members,
            SequenceSet::Saved => &[],
        }
    }
}

fn value(number: Number, last: u32) -> u32 {
    match number {
        Number::At(n) => n.get(),
        Number::Last => last,
    }
}

/// Joins sorted ranges that overlap or touch.
fn merge(sorted: Vec<(u32, u32)>) -> Vec<RangeInclusive<u32>> {
    let mut merged: Vec<(u32, u32)> = Vec::with_capacity(sorted.len());
    for (from, to) in sorted {
        match merged.last_mut() {
            Some(before) if from <= before.1.saturating_add(1) => before.1 = before.1.max(to),
            _ => merged.push((from, to)),
        }
    }
    merged.into_iter().map(|(from, to)| from..=to).collect()
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::At(n) => n.fmt(f),
            Number::Last => f.write_str("*"),
        }
    }
}

impl fmt::Display for SequenceSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == SequenceSet::Saved {
            return f.write_str("$");
        }
        for (index, (from, to)) in self.members().iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            match from == to {
                true => write!(f, "{from}")?,
                false => write!(f, "{from}:{to}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::Cursor;
    use proptest::prelude::*;

    fn resolve(text: &str, last: u32) -> Vec<RangeInclusive<u32>> {
        let mut cursor = Cursor::new(text.as_bytes());
        cursor.sequence_set().unwrap().resolve(last)
    }

    /// RFC 3501 §9: "2,4:7,9,12:*" in a mailbox of 15.
    #[test]
    fn rfc3501_example() {
        assert_eq!(resolve("2,4:7,9,12:*", 15), [2..=2, 4..=7, 9..=9, 12..=15]);
        // "*:4,5:7" in a mailbox of 10 is 4 to 10.
        assert_eq!(resolve("*:4,5:7", 10), [4..=10]);
    }

    #[test]
    fn star_alone_and_in_an_empty_mailbox() {
        assert_eq!(resolve("*", 7), [7..=7]);
        assert_eq!(resolve("1:*", 0), []);
        // A UID range whose start is above the highest UID still holds the last message.
        assert_eq!(resolve("100:*", 7), [7..=100]);
    }

    #[test]
    fn numbers_come_in_the_order_written() {
        let mut cursor = Cursor::new(b"5,1:3,9:7,2");
        let set = cursor.sequence_set().unwrap();
        assert_eq!(set.in_order(100), [5, 1, 2, 3, 9, 8, 7, 2]);
        assert_eq!(set.in_order(2), [5, 1]);
    }

    #[test]
    fn neighbours_are_joined() {
        assert_eq!(resolve("3,1,2,2,7:5", 9), [1..=3, 5..=7]);
        assert_eq!(resolve("4294967295,1", 9), [1..=1, 4294967295..=4294967295]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]
        #[test]
        fn written_and_read_again(members in proptest::collection::vec((1u32.., 1u32..), 1..20)) {
            let at = |n: u32| Number::At(NonZeroU32::new(n).unwrap());
            let set = SequenceSet::Listed(members.iter().map(|(a, b)| (at(*a), at(*b))).collect());
            let text = set.to_string();
            let mut cursor = Cursor::new(text.as_bytes());
            prop_assert_eq!(cursor.sequence_set().unwrap(), set);
        }
        #[test]
        fn resolved_holds_exactly_the_members(members in proptest::collection::vec((1u32..60, 1u32..60), 1..8), probe in 1u32..60) {
            let at = |n: u32| Number::At(NonZeroU32::new(n).unwrap());
            let set = SequenceSet::Listed(members.iter().map(|(a, b)| (at(*a), at(*b))).collect());
            let wanted = members.iter().any(|(a, b)| (*a.min(b)..=*a.max(b)).contains(&probe));
            prop_assert_eq!(set.resolve(60).iter().any(|r| r.contains(&probe)), wanted);
        }
    }
}

//! UIDs as ascending ranges of consecutive numbers.

use std::ops::RangeInclusive;

/// Collects ascending numbers into ranges.
#[derive(Default)]
pub(crate) struct Ranges(Vec<RangeInclusive<u32>>);

impl Ranges {
    /// Adds a number above all before it.
    #[inline]
    pub(crate) fn push(&mut self, number: u32) {
        match self.0.last_mut() {
            Some(last) if last.end().checked_add(1) == Some(number) => {
                *last = *last.start()..=number
            }
            _ => self.0.push(number..=number),
        }
    }

    pub(crate) fn into_vec(self) -> Vec<RangeInclusive<u32>> {
        self.0
    }
}

impl FromIterator<u32> for Ranges {
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Self {
        let mut ranges = Ranges::default();
        numbers.into_iter().for_each(|number| ranges.push(number));
        ranges
    }
}

/// Ranges in any order, overlapping or not, as ascending ones with gaps between them.
pub(crate) fn merged(mut ranges: Vec<RangeInclusive<u32>>) -> Vec<RangeInclusive<u32>> {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_unstable_by_key(|range| *range.start());
    let mut merged: Vec<RangeInclusive<u32>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if *range.start() <= last.end().saturating_add(1) => {
                *last = *last.start()..=*range.end().max(last.end());
            }
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consecutive_numbers_become_one_range() {
        let ranges: Ranges = [1, 2, 3, 7, 9, 10].into_iter().collect();
        assert_eq!(ranges.into_vec(), [1..=3, 7..=7, 9..=10]);
        let highest: Ranges = [u32::MAX - 1, u32::MAX].into_iter().collect();
        assert_eq!(highest.into_vec(), [u32::MAX - 1..=u32::MAX]);
    }

    #[test]
    fn merging_sorts_and_joins() {
        assert_eq!(
            merged(vec![5..=9, 1..=2, 3..=3, 8..=12, 20..=20]),
            [1..=3, 5..=12, 20..=20]
        );
        assert_eq!(merged(vec![1..=u32::MAX, 4..=5]), [1..=u32::MAX]);
    }
}

//! From which sum on a message is called spam: what all but very few ham messages stayed below before they were learned.
//! Never simply one half, where a young model loses a great part of the ham.

use super::Class;
use std::collections::VecDeque;

/// Ham messages that are remembered.
const REMEMBERED: usize = 1000;
/// This part of them stays below the threshold.
const QUANTILE: f64 = 0.998;
/// The threshold is never lower or higher.
const BOUNDS: (f64, f64) = (1.0, 20.0);
/// The threshold while too little is known.
const UNKNOWN: f64 = 4.0;

/// The last sums that ham messages got before they were learned, each above the model's level of that time.
#[derive(Default)]
pub(super) struct Threshold {
    sums: VecDeque<f32>,
}

impl Threshold {
    /// A message of this class had this sum above the level.
    pub(super) fn note(&mut self, class: Class, sum: f64) {
        if class == Class::Ham {
            if self.sums.len() == REMEMBERED {
                self.sums.pop_front();
            }
            self.sums.push_back(sum as f32);
        }
    }

    /// The threshold at this level.
    pub(super) fn value(&self, level: f64) -> f64 {
        let mut sums: Vec<f32> = self.sums.iter().copied().collect();
        sums.sort_unstable_by(f32::total_cmp);
        let index = (sums.len() as f64 * QUANTILE) as usize;
        match sums.get(index.min(sums.len().saturating_sub(1))) {
            Some(sum) => (f64::from(*sum) + level).clamp(BOUNDS.0, BOUNDS.1),
            None => UNKNOWN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearly_all_ham_stays_below() {
        let mut threshold = Threshold::default();
        assert_eq!(threshold.value(0.0), 4.0);
        for n in 0..1000 {
            threshold.note(Class::Ham, f64::from(n) / 100.0);
            threshold.note(Class::Spam, 100.0);
        }
        assert!((threshold.value(0.0) - 9.98).abs() < 1e-6);
        assert!((threshold.value(-5.0) - 4.98).abs() < 1e-6);
        assert_eq!((threshold.value(-50.0), threshold.value(50.0)), (1.0, 20.0));
    }
}

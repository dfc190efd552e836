//! From which sum on a message is called spam: what all but very few ham messages stay below that were never learned.
//! Never simply one half, where a young model loses a great part of the ham.
//!
//! A model that has seen much knows it from its own ham: the quantile of what that got before it was learned. While there is little of
//! it, that says next to nothing of one message in five hundred, and what many young models needed holds instead, if it is higher.

use super::Class;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Ham messages that are remembered.
const REMEMBERED: usize = 1000;
/// This part of them stays below the threshold.
const QUANTILE: f64 = 0.998;
/// The threshold is never lower or higher.
const BOUNDS: (f64, f64) = (1.0, 20.0);

/// What young models need, by the messages of the rarer class that they have seen: few features move them much, so that their sums spread
/// the more, the more they learn, until what they know of ham outweighs that. Found with many small choices of one half of a corpus.
const NEEDED: [(f64, f64); 5] = [
    (0.0, 8.0),
    (10.0, 9.0),
    (40.0, 13.0),
    (250.0, 13.0),
    (1000.0, 0.0),
];

fn needed(rarer: f64) -> f64 {
    let mut below = NEEDED[0];
    for point in NEEDED {
        if rarer < point.0 {
            let part = (rarer - below.0) / (point.0 - below.0);
            return below.1 + part * (point.1 - below.1);
        }
        below = point;
    }
    below.1
}

/// The last sums that ham messages got before they were learned, each above the model's level of that time.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Threshold {
    sums: VecDeque<f32>,
    /// The threshold at level 0; `None`: nothing is known.
    cut: Option<f64>,
}

impl Threshold {
    /// A message of this class had this sum above the level.
    pub(super) fn note(&mut self, class: Class, sum: f64) {
        if class == Class::Ham {
            if self.sums.len() == REMEMBERED {
                self.sums.pop_front();
            }
            self.sums.push_back(sum as f32);
            self.cut = Some(cut(&self.sums));
        }
    }

    /// The threshold at this level, for a model that has seen so many messages of the rarer class.
    pub(super) fn value(&self, level: f64, rarer: f64) -> f64 {
        let known = self.cut.map_or(BOUNDS.0, |cut| cut + level);
        known.max(needed(rarer)).clamp(BOUNDS.0, BOUNDS.1)
    }
}

fn cut(sums: &VecDeque<f32>) -> f64 {
    let mut sorted: Vec<f32> = sums.iter().copied().collect();
    let index = ((sorted.len() as f64 * QUANTILE) as usize).min(sorted.len().saturating_sub(1));
    let (_, quantile, _) = sorted.select_nth_unstable_by(index, f32::total_cmp);
    f64::from(*quantile)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearly_all_ham_stays_below() {
        let mut threshold = Threshold::default();
        for n in 0..1000 {
            threshold.note(Class::Ham, f64::from(n) / 100.0);
            threshold.note(Class::Spam, 100.0);
        }
        let old = 5000.0;
        assert!((threshold.value(0.0, old) - 9.98).abs() < 1e-6);
        assert!((threshold.value(-5.0, old) - 4.98).abs() < 1e-6);
        assert_eq!(
            (threshold.value(-50.0, old), threshold.value(50.0, old)),
            (1.0, 20.0)
        );
    }

    /// I7: a young model is careful, whatever it thinks of itself.
    #[test]
    fn a_young_model_is_careful() {
        let mut threshold = Threshold::default();
        assert_eq!(
            (threshold.value(0.0, 0.0), threshold.value(0.0, 10.0)),
            (8.0, 9.0)
        );
        threshold.note(Class::Ham, -20.0);
        assert_eq!(
            (threshold.value(0.0, 25.0), threshold.value(0.0, 100.0)),
            (11.0, 13.0)
        );
        assert_eq!(threshold.value(0.0, 625.0), 6.5);
        threshold.note(Class::Ham, 15.0);
        assert_eq!(threshold.value(0.0, 100.0), 15.0, "it has seen worse");
    }
}

//! Counts of tokens by class, and what they say: Robinson's f(w), of which only the clear ones count, summed as log odds.
//!
//! No chi-square: it saturates, and a saturated expert cannot be outvoted. Bayes is the expert for a young model: with few messages it
//! knows more than the views, with many it knows less, so it fades out.

use super::{Class, Seen};

/// Strength of the belief in one half for a token that was seen rarely.
const STRENGTH: f32 = 0.03;
/// Nearer to one half than this, a token says nothing.
const CLEAR: f32 = 0.375;
/// What the expert counts beside the views.
const WEIGHT: f32 = 0.25;
/// It speaks with half its voice when it has seen so many messages of the rarer class.
const SHY: f32 = 50.0;
/// And with half of that again when it has seen so many.
const FADE: f32 = 100.0;
/// Messages over which the means of the classes are taken.
const WINDOW: f32 = 100.0;
/// The means count half when so many messages are in them.
const UNSURE: f32 = 5.0;

/// The counts.
pub(super) struct Bayes {
    /// By slot: messages of each class that had it.
    counts: Vec<[u16; 2]>,
    /// What messages of each class got before they were learned. Their middle is the point between spam and ham: the class of which
    /// more was learned has more clear tokens, and would else draw everything to its side.
    means: [Mean; 2],
}

#[derive(Clone, Copy, Default)]
struct Mean {
    value: f32,
    count: f32,
}

impl Mean {
    fn add(&mut self, value: f32) {
        self.count = (self.count + 1.0).min(WINDOW);
        self.value += (value - self.value) / self.count;
    }
}

impl Bayes {
    pub(super) fn new(bits: u32) -> Bayes {
        Bayes {
            counts: vec![[0; 2]; 1 << bits],
            means: [Mean::default(); 2],
        }
    }

    pub(super) fn octets(&self) -> usize {
        self.counts.len() * size_of::<[u16; 2]>()
    }

    fn slot(&self, feature: u32) -> usize {
        feature as usize & (self.counts.len() - 1)
    }

    /// Learns a message; `seen` is what was learned before it.
    pub(super) fn learn(&mut self, tokens: &[u32], class: Class, seen: Seen) {
        if seen.rarer() > 0 {
            let sum = self.sum(tokens, seen);
            self.means[class.index()].add(sum);
        }
        for token in tokens {
            let slot = self.slot(*token);
            let count = &mut self.counts[slot][class.index()];
            *count = count.saturating_add(1);
        }
    }

    /// The weighted log odds of spam.
    pub(super) fn log_odds(&self, tokens: &[u32], seen: Seen) -> f32 {
        let rarer = seen.rarer() as f32;
        if rarer == 0.0 {
            return 0.0;
        }
        let voice = rarer / (rarer + SHY) * FADE / (FADE + rarer);
        WEIGHT * voice * (self.sum(tokens, seen) - self.middle())
    }

    fn middle(&self) -> f32 {
        let [ham, spam] = self.means;
        let count = ham.count.min(spam.count);
        (ham.value + spam.value) / 2.0 * count / (count + UNSURE)
    }

    fn sum(&self, tokens: &[u32], seen: Seen) -> f32 {
        let (mut sum, mut clear) = (0.0, 0.0_f32);
        for token in tokens {
            let f = self.belief(*token, seen);
            if (f - 0.5).abs() >= CLEAR {
                sum += (f / (1.0 - f)).ln();
                clear += 1.0;
            }
        }
        sum / clear.max(1.0).sqrt()
    }

    /// Robinson's f(w): how much this token speaks for spam, between 0 and 1.
    fn belief(&self, token: u32, seen: Seen) -> f32 {
        let [ham, spam] = self.counts[self.slot(token)];
        let (ham, spam) = (f32::from(ham), f32::from(spam));
        let n = ham + spam;
        if n == 0.0 {
            return 0.5;
        }
        let (ham, spam) = (ham / seen.ham as f32, spam / seen.spam as f32);
        (STRENGTH * 0.5 + n * spam / (ham + spam)) / (STRENGTH + n)
    }
}

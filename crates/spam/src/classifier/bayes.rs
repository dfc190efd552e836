//! Counts of tokens by class, and what they say: Robinson's f(w), of which only the clear ones count, summed as log odds.
//!
//! No chi-square: it saturates, and a saturated expert cannot be outvoted. Bayes is the expert for a young model: with few messages it
//! knows more than the views, with many it knows less, so it fades out.

use super::Class;
use serde::{Deserialize, Serialize};

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

/// What a whole message counts in the counts of a token; one of less weight counts less.
const WHOLE: f32 = 5.0;
/// When so many messages of a class are counted, all counts of it are halved: they would not fit much longer, and mail changes.
const MANY: f32 = 12_000.0;
/// Tokens in a part of the stored model.
const PART: usize = 1 << 17;

/// The counts.
pub(super) struct Bayes {
    /// By slot: what of each class had it.
    counts: Vec<[u16; 2]>,
    head: Head,
}

/// What is known besides the counts.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Head {
    /// Messages of each class that are counted.
    counted: [f32; 2],
    /// What messages of each class got before they were learned. Their middle is the point between spam and ham: the class of which
    /// more was learned has more clear tokens, and would else draw everything to its side.
    means: [Mean; 2],
}

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
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
            head: Head::default(),
        }
    }

    pub(super) fn octets(&self) -> usize {
        self.counts.len() * size_of::<[u16; 2]>()
    }

    fn slot(&self, feature: u32) -> usize {
        feature as usize & (self.counts.len() - 1)
    }

    /// Learns a message of this weight.
    pub(super) fn learn(&mut self, tokens: &[u32], class: Class, weight: f32) {
        if self.rarer() > 0.0 {
            let sum = self.sum(tokens);
            self.head.means[class.index()].add(sum);
        }
        let (step, weight) = in_counts(weight);
        for token in tokens {
            let slot = self.slot(*token);
            let count = &mut self.counts[slot][class.index()];
            *count = count.saturating_add(step);
        }
        self.head.counted[class.index()] += weight;
        if self.head.counted[class.index()] >= MANY {
            self.halve(class);
        }
    }

    fn halve(&mut self, class: Class) {
        self.counts
            .iter_mut()
            .for_each(|counts| counts[class.index()] /= 2);
        self.head.counted[class.index()] /= 2.0;
    }

    fn rarer(&self) -> f32 {
        self.head.counted[0].min(self.head.counted[1])
    }

    /// The weighted log odds of spam.
    pub(super) fn log_odds(&self, tokens: &[u32]) -> f32 {
        let rarer = self.rarer();
        if rarer == 0.0 {
            return 0.0;
        }
        let voice = rarer / (rarer + SHY) * FADE / (FADE + rarer);
        WEIGHT * voice * (self.sum(tokens) - self.middle())
    }

    fn middle(&self) -> f32 {
        let [ham, spam] = self.head.means;
        let count = ham.count.min(spam.count);
        (ham.value + spam.value) / 2.0 * count / (count + UNSURE)
    }

    fn sum(&self, tokens: &[u32]) -> f32 {
        let (mut sum, mut clear) = (0.0, 0.0_f32);
        for token in tokens {
            let f = self.belief(*token);
            if (f - 0.5).abs() >= CLEAR {
                sum += (f / (1.0 - f)).ln();
                clear += 1.0;
            }
        }
        sum / clear.max(1.0).sqrt()
    }

    /// Robinson's f(w): how much this token speaks for spam, between 0 and 1.
    fn belief(&self, token: u32) -> f32 {
        let [ham, spam] = self.counts[self.slot(token)];
        let (ham, spam) = (f32::from(ham) / WHOLE, f32::from(spam) / WHOLE);
        let n = ham + spam;
        let [counted_ham, counted_spam] = self.head.counted;
        if n == 0.0 || counted_ham == 0.0 || counted_spam == 0.0 {
            return 0.5;
        }
        let (ham, spam) = (ham / counted_ham, spam / counted_spam);
        (STRENGTH * 0.5 + n * spam / (ham + spam)) / (STRENGTH + n)
    }

    /// What is stored besides the counts.
    pub(super) fn head(&self) -> &Head {
        &self.head
    }

    /// Takes it in.
    pub(super) fn set_head(&mut self, head: Head) {
        self.head = head;
    }

    /// How many parts [`Bayes::part`] gives.
    pub(super) fn parts(&self) -> usize {
        self.counts.len().div_ceil(PART)
    }

    /// A part of the stored model.
    pub(super) fn part(&self, index: usize) -> Vec<u8> {
        let counts = self.counts.chunks(PART).nth(index).unwrap_or_default();
        counts
            .iter()
            .flatten()
            .flat_map(|count| count.to_le_bytes())
            .collect()
    }

    /// Takes a stored part in; `None` if it is none.
    pub(super) fn restore(&mut self, index: usize, octets: &[u8]) -> Option<()> {
        let counts = self.counts.chunks_mut(PART).nth(index)?;
        let (quads, rest) = octets.as_chunks::<4>();
        if !rest.is_empty() || quads.len() != counts.len() {
            return None;
        }
        for (count, [a, b, c, d]) in counts.iter_mut().zip(quads) {
            *count = [u16::from_le_bytes([*a, *b]), u16::from_le_bytes([*c, *d])];
        }
        Some(())
    }
}

/// The weight of a message in the counts of its tokens, and what it is in messages.
fn in_counts(weight: f32) -> (u16, f32) {
    let step = (weight * WHOLE).round().clamp(1.0, WHOLE);
    (step as u16, step / WHOLE)
}

//! Logistic regression over sparse features that are present or not, learned one message at a time by AdaGrad (Duchi, Hazan and
//! Singer 2011): a slot that has moved often moves less.

/// How fast a view learns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate(f32);

/// For octets as received.
pub(super) const SLOW: Rate = Rate(0.35);
/// For text and tokens.
pub(super) const FAST: Rate = Rate(0.5);

/// A message that is judged so well already teaches nothing more.
const GOOD_ENOUGH: f32 = 0.02;
/// Added under the root, so that the steps of a young model are no leaps; the more it has seen, the less.
fn damping(rarer: f64) -> f32 {
    1e-8 + 1e-3 / (1.0 + rarer as f32).powi(2)
}

/// What is known of a feature: 4 octets, in memory as in the stored model.
#[derive(Clone, Copy, Default)]
struct Slot {
    /// The weight, in parts of [`UNIT`]: between -8 and 8, which no feature alone comes near.
    weight: i16,
    /// The sum of squared gradients: the first half of an `f32`, which is right to half a percent.
    moved: u16,
}

/// Parts of one in a stored weight. A smaller step than half of a part changes no verdict.
const UNIT: f32 = 4096.0;

impl Slot {
    fn weight(self) -> f32 {
        f32::from(self.weight) / UNIT
    }

    /// One step of AdaGrad. `pace`: how much of a step this message is worth.
    fn step(&mut self, gradient: f32, pace: f32, damping: f32) {
        let moved = f32::from_bits(u32::from(self.moved) << 16) + gradient * gradient;
        self.moved = half(moved);
        let weight = self.weight() - pace * gradient / (moved + damping).sqrt();
        // A cast of a float stays within the type.
        self.weight = (weight * UNIT).round() as i16;
    }
}

/// The first half of a number, rounded.
fn half(number: f32) -> u16 {
    (number.to_bits().saturating_add(0x8000) >> 16) as u16
}

/// The weights of a view.
pub(super) struct Logistic {
    slots: Vec<Slot>,
    rate: Rate,
}

impl Logistic {
    pub(super) fn new(bits: u32, rate: Rate) -> Logistic {
        Logistic {
            slots: vec![Slot::default(); 1 << bits],
            rate,
        }
    }

    pub(super) fn octets(&self) -> usize {
        self.slots.len() * size_of::<Slot>()
    }

    fn slot(&self, feature: u32) -> usize {
        feature as usize & (self.slots.len() - 1)
    }

    /// The log odds of spam.
    pub(super) fn log_odds(&self, features: &[u32]) -> f32 {
        let weights = features
            .iter()
            .map(|feature| self.slots[self.slot(*feature)].weight());
        weights.sum::<f32>() * scale(features)
    }

    /// Moves the weights towards `target` (1 for spam). `weight`: what the message is worth, at most 1. `rarer`: messages of the rarer
    /// class that were learned before.
    pub(super) fn learn(&mut self, features: &[u32], target: f32, weight: f32, rarer: f64) {
        let error = probability(self.log_odds(features)) - target;
        if error.abs() < GOOD_ENOUGH {
            return;
        }
        let gradient = error * scale(features);
        // Not the gradient: AdaGrad would divide that by itself again.
        let pace = self.rate.0 * weight;
        let damping = damping(rarer);
        for feature in features {
            let slot = self.slot(*feature);
            self.slots[slot].step(gradient, pace, damping);
        }
    }

    /// How many parts [`Logistic::part`] gives.
    pub(super) fn parts(&self) -> usize {
        self.slots.len().div_ceil(PART)
    }

    /// A part of the stored model.
    pub(super) fn part(&self, index: usize) -> Vec<u8> {
        let slots = self.slots.chunks(PART).nth(index).unwrap_or_default();
        let octets = |slot: &Slot| {
            let [a, b] = slot.weight.to_le_bytes();
            let [c, d] = slot.moved.to_le_bytes();
            [a, b, c, d]
        };
        slots.iter().flat_map(octets).collect()
    }

    /// Takes a stored part in; `None` if it is none.
    pub(super) fn restore(&mut self, index: usize, octets: &[u8]) -> Option<()> {
        let slots = self.slots.chunks_mut(PART).nth(index)?;
        let (quads, rest) = octets.as_chunks::<4>();
        if !rest.is_empty() || quads.len() != slots.len() {
            return None;
        }
        for (slot, [a, b, c, d]) in slots.iter_mut().zip(quads) {
            slot.weight = i16::from_le_bytes([*a, *b]);
            slot.moved = u16::from_le_bytes([*c, *d]);
        }
        Some(())
    }
}

/// Slots in a part of the stored model.
const PART: usize = 1 << 17;

/// Long messages count as much as short ones.
fn scale(features: &[u32]) -> f32 {
    1.0 / (features.len() as f32 + 1.0).sqrt()
}

fn probability(log_odds: f32) -> f32 {
    1.0 / (1.0 + (-log_odds).exp())
}

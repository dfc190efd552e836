//! Logistic regression over sparse features that are present or not, learned one message at a time by AdaGrad (Duchi, Hazan and
//! Singer 2011): a slot that has moved often moves less.

/// How fast a view learns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate(f32);

/// For octets as received.
pub(super) const SLOW: Rate = Rate(0.2);
/// For text and tokens.
pub(super) const FAST: Rate = Rate(0.5);

/// A message that is judged so well already teaches nothing more.
const GOOD_ENOUGH: f32 = 0.02;
/// Added under the root, so that the steps of a young model are no leaps; the more it has seen, the less.
fn damping(rarer: u64) -> f32 {
    1e-8 + 1e-3 / (1.0 + rarer as f32).powi(2)
}

/// The weights of a view.
pub(super) struct Logistic {
    weights: Vec<f32>,
    /// Sums of squared gradients.
    moved: Vec<f32>,
    rate: Rate,
}

impl Logistic {
    pub(super) fn new(bits: u32, rate: Rate) -> Logistic {
        Logistic {
            weights: vec![0.0; 1 << bits],
            moved: vec![0.0; 1 << bits],
            rate,
        }
    }

    pub(super) fn octets(&self) -> usize {
        (self.weights.len() + self.moved.len()) * size_of::<f32>()
    }

    fn slot(&self, feature: u32) -> usize {
        feature as usize & (self.weights.len() - 1)
    }

    /// The log odds of spam.
    pub(super) fn log_odds(&self, features: &[u32]) -> f32 {
        let sum: f32 = features
            .iter()
            .map(|feature| self.weights[self.slot(*feature)])
            .sum();
        sum * scale(features)
    }

    /// Moves the weights towards `target` (1 for spam). `rarer`: messages of the rarer class that were learned before.
    pub(super) fn learn(&mut self, features: &[u32], target: f32, weight: f32, rarer: u64) {
        let error = probability(self.log_odds(features)) - target;
        if error.abs() < GOOD_ENOUGH {
            return;
        }
        let gradient = error * scale(features) * weight;
        let damping = damping(rarer);
        for feature in features {
            let slot = self.slot(*feature);
            self.moved[slot] += gradient * gradient;
            self.weights[slot] -= self.rate.0 * gradient / (self.moved[slot] + damping).sqrt();
        }
    }
}

/// Long messages count as much as short ones.
fn scale(features: &[u32]) -> f32 {
    1.0 / (features.len() as f32 + 1.0).sqrt()
}

fn probability(log_odds: f32) -> f32 {
    1.0 / (1.0 + (-log_odds).exp())
}

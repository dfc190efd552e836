//! How far the scores of ham have moved since the model began.
//!
//! A run of one class draws all scores to its side, and a threshold that was found before it would be wrong after it. Old ham that
//! is learned again tells: it scores now so much higher or lower than when it was learned last.

use serde::{Deserialize, Serialize};

/// What one old message counts.
const PACE: f64 = 0.1;

/// The level.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Level(f64);

impl Level {
    pub(super) fn value(self) -> f64 {
        self.0
    }

    /// A ham message that scored `then` at `level` scores `now`.
    pub(super) fn observe(&mut self, now: f64, then: f64, level: f64) {
        let (seen, supposed) = (now - then, self.0 - level);
        self.0 += PACE * (seen - supposed);
    }
}

//! Old messages that are learned again, as many of each class: what is learned today does not push out what was learned before,
//! and it hardly matters in which order messages came. A young model gains most.

use super::{Class, Size};
use crate::features::{Compact, Features};

/// Messages kept of each class.
fn room(size: Size) -> usize {
    match size {
        Size::Server => 500,
        Size::Account => 100,
    }
}

/// The kept messages.
pub(super) struct Reservoir {
    kept: [Vec<Old>; 2],
    /// Messages offered so far, by class: each shall have the same chance to be kept.
    offered: [u64; 2],
    room: usize,
    /// State of the choice. Not secret, and always the same, so that a model can be built again.
    random: u64,
}

/// A kept message.
pub(super) struct Old {
    message: Compact,
    /// How it scored after it was learned last, and the level of the model then (see [`super::level`]).
    pub(super) score: f64,
    /// See `score`.
    pub(super) level: f64,
}

/// Names a kept message until the next [`Reservoir::keep`].
#[derive(Clone, Copy)]
pub(super) struct Place(Class, usize);

impl Reservoir {
    pub(super) fn new(size: Size) -> Reservoir {
        Reservoir {
            kept: [Vec::new(), Vec::new()],
            offered: [0; 2],
            room: room(size),
            random: 0x2545_f491_4f6c_dd1d,
        }
    }

    /// Any old message of this class.
    pub(super) fn draw(&mut self, class: Class) -> Option<(Features, Place)> {
        let count = self.kept[class.index()].len() as u64;
        let chosen = self.below(count)? as usize;
        let old = self.kept[class.index()].get(chosen)?;
        Some((old.message.unpack()?, Place(class, chosen)))
    }

    /// A drawn message.
    pub(super) fn at(&mut self, place: Place) -> Option<&mut Old> {
        self.kept[place.0.index()].get_mut(place.1)
    }

    /// Keeps a message, or not, or in the place of another.
    pub(super) fn keep(&mut self, features: &Features, class: Class, score: f64, level: f64) {
        let index = class.index();
        self.offered[index] += 1;
        let message = Compact::pack(features);
        let old = Old {
            message,
            score,
            level,
        };
        if self.kept[index].len() < self.room {
            return self.kept[index].push(old);
        }
        if let Some(place) = self.below(self.offered[index])
            && let Some(other) = self.kept[index].get_mut(place as usize)
        {
            *other = old;
        }
    }

    /// Octets of memory.
    pub(super) fn octets(&self) -> usize {
        let messages = self.kept.iter().flatten();
        messages
            .map(|old| old.message.octets().len() + size_of::<Old>())
            .sum()
    }

    /// A number below `count`.
    fn below(&mut self, count: u64) -> Option<u64> {
        // xorshift64 (Marsaglia 2003)
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11).checked_rem(count)
    }
}

//! Old messages that are learned again, as many of each class: what is learned today does not push out what was learned before,
//! and it hardly matters in which order messages came. A young model gains most.

use super::{Class, Size};
use crate::features::{Compact, Features};
use serde::{Deserialize, Serialize};

/// Messages kept of each class.
fn room(size: Size) -> usize {
    match size {
        Size::Server => 500,
        Size::Account => 60,
    }
}

/// Messages in a part of the stored model.
const PART: usize = 64;

/// The kept messages.
pub(super) struct Reservoir {
    kept: [Vec<Old>; 2],
    choice: Choice,
    room: usize,
}

/// How it is chosen what is kept.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Choice {
    /// Messages offered so far, by class: each shall have the same chance to be kept.
    offered: [u64; 2],
    /// State of the choice. Not secret, and always the same, so that a model can be built again.
    random: u64,
}

/// A kept message.
#[derive(Serialize, Deserialize)]
pub(super) struct Old {
    message: Compact,
    /// What it is worth.
    pub(super) weight: f32,
    /// How it scored after it was learned last, and the level of the model then (see [`super::level`]).
    pub(super) score: f64,
    /// See `score`.
    pub(super) level: f64,
}

/// Names a kept message until the next [`Reservoir::keep`].
#[derive(Clone, Copy)]
pub(super) struct Place(Class, usize);

/// What is kept with a message.
pub(super) struct Learned {
    pub(super) class: Class,
    pub(super) weight: f32,
    pub(super) score: f64,
    pub(super) level: f64,
}

impl Reservoir {
    pub(super) fn new(size: Size) -> Reservoir {
        Reservoir {
            kept: [Vec::new(), Vec::new()],
            choice: Choice {
                offered: [0; 2],
                random: 0x2545_f491_4f6c_dd1d,
            },
            room: room(size),
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
    pub(super) fn keep(&mut self, features: &Features, learned: &Learned) {
        let index = learned.class.index();
        self.choice.offered[index] += 1;
        let place = match self.kept[index].len() < self.room {
            true => None,
            false => match self.below(self.choice.offered[index]) {
                Some(place) if place < self.room as u64 => Some(place as usize),
                _ => return,
            },
        };
        let old = Old {
            message: Compact::pack(features),
            weight: learned.weight,
            score: learned.score,
            level: learned.level,
        };
        match place {
            None => self.kept[index].push(old),
            Some(place) => self.kept[index][place] = old,
        }
    }

    /// Octets of memory.
    pub(super) fn octets(&self) -> usize {
        let messages = self.kept.iter().flatten();
        messages
            .map(|old| old.message.octets().len() + size_of::<Old>())
            .sum()
    }

    /// What is stored besides the messages.
    pub(super) fn choice(&self) -> Choice {
        self.choice
    }

    /// Takes it in.
    pub(super) fn set_choice(&mut self, choice: Choice) {
        self.choice = choice;
    }

    /// How many parts [`Reservoir::part`] gives.
    pub(super) fn parts(&self) -> usize {
        self.kept.iter().map(|kept| kept.len().div_ceil(PART)).sum()
    }

    /// A part of the stored model.
    pub(super) fn part(&self, index: usize) -> Option<Vec<u8>> {
        let of_class = |class: Class| {
            let chunks = self.kept[class.index()].chunks(PART);
            chunks.map(move |olds| (class, olds))
        };
        let mut all = of_class(Class::Ham).chain(of_class(Class::Spam));
        postcard::to_stdvec(&all.nth(index)?).ok()
    }

    /// Takes a stored part in, after those before it; `None` if it is none.
    pub(super) fn restore(&mut self, octets: &[u8]) -> Option<()> {
        let (class, olds): (Class, Vec<Old>) = postcard::from_bytes(octets).ok()?;
        let kept = &mut self.kept[class.index()];
        kept.extend(olds);
        kept.truncate(self.room);
        Some(())
    }

    /// A number below `count`.
    fn below(&mut self, count: u64) -> Option<u64> {
        // xorshift64 (Marsaglia 2003)
        let random = &mut self.choice.random;
        *random ^= *random << 13;
        *random ^= *random >> 7;
        *random ^= *random << 17;
        (*random >> 11).checked_rem(count)
    }
}

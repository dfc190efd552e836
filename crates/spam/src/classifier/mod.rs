//! The trained classifier: three views of a message, a logistic regression each, and Bayes as one more expert.
//!
//! A model learns message by message. It says nothing loudly before it has seen much ([`Opinion::bounded`]), but it is never silent.
//! It is the same for a server and for one account, which has fewer slots.

mod bayes;
mod level;
mod logistic;
mod reservoir;
mod threshold;

use crate::features::{BITS, Features, VIEWS, View};
use bayes::Bayes;
use level::Level;
use logistic::Logistic;
use reservoir::Reservoir;
use serde::{Deserialize, Serialize};
use threshold::Threshold;

/// Wanted or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Wanted.
    Ham,
    /// Not wanted.
    Spam,
}

impl Class {
    fn index(self) -> usize {
        self as usize
    }

    /// What a probability of spam should have been.
    fn target(self) -> f32 {
        match self {
            Class::Ham => 0.0,
            Class::Spam => 1.0,
        }
    }

    /// The other one.
    pub fn opposite(self) -> Class {
        match self {
            Class::Ham => Class::Spam,
            Class::Spam => Class::Ham,
        }
    }
}

/// How many slots a model has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// For all accounts: 2^20 slots a view.
    Server,
    /// For one account: 2^18.
    Account,
}

impl Size {
    fn bits(self) -> u32 {
        match self {
            Size::Server => BITS,
            Size::Account => BITS - 2,
        }
    }
}

/// What a model has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Messages learned as ham.
    pub ham: u64,
    /// Messages learned as spam.
    pub spam: u64,
}

impl Seen {
    /// Messages of the class of which there are fewer.
    pub fn rarer(self) -> u64 {
        self.ham.min(self.spam)
    }
}

/// What a model thinks of a message, in log odds: above 0 speaks for spam.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Opinion {
    /// By [`View`].
    pub views: [f32; VIEWS],
    /// Bayes, weighted.
    pub bayes: f32,
    /// What the model had seen.
    pub seen: Seen,
}

impl Opinion {
    /// The sum.
    pub fn sum(&self) -> f64 {
        f64::from(self.bayes) + self.views.iter().map(|view| f64::from(*view)).sum::<f64>()
    }

    /// The sum, drawn in while little is learned: within 2 with nothing, 6 with up to 50 of each class, unbounded from 200.
    /// Drawn in smoothly, so that the order of messages stays.
    pub fn bounded(&self) -> f64 {
        match cap(self.seen.rarer()) {
            Some(cap) => cap * (self.sum() / cap).tanh(),
            None => self.sum(),
        }
    }
}

/// How far a model may move the total that has seen so many messages of its rarer class.
fn cap(rarer: u64) -> Option<f64> {
    match rarer as f64 {
        seen if seen < 50.0 => Some(2.0 + 4.0 * seen / 50.0),
        // Rises without a step, and is beyond all sums when it ends.
        seen if seen < 200.0 => Some(6.0 + 60.0 * ((seen - 50.0) / 150.0).powi(2)),
        _ => None,
    }
}

/// What each [`View`] counts in the sum.
const WEIGHTS: [f32; VIEWS] = [1.0, 1.0, 0.8];
/// Before so many messages of each class are learned, sums say nothing about the threshold.
const FIRST_FEW: u64 = 5;

/// A model.
pub struct Model {
    views: [Logistic; VIEWS],
    bayes: Bayes,
    reservoir: Reservoir,
    threshold: Threshold,
    level: Level,
    seen: Seen,
}

impl Model {
    /// A model that has learned nothing. Its memory is used as it learns.
    pub fn new(size: Size) -> Model {
        let bits = size.bits();
        Model {
            views: [
                Logistic::new(bits, logistic::SLOW),
                Logistic::new(bits, logistic::FAST),
                Logistic::new(bits, logistic::FAST),
            ],
            bayes: Bayes::new(bits),
            reservoir: Reservoir::new(size),
            threshold: Threshold::default(),
            level: Level::default(),
            seen: Seen::default(),
        }
    }

    /// What it thinks.
    pub fn score(&self, features: &Features) -> Opinion {
        let mut opinion = Opinion {
            bayes: self
                .bayes
                .log_odds(&features.views[View::Tokens as usize], self.seen),
            seen: self.seen,
            ..Opinion::default()
        };
        for (view, out) in opinion.views.iter_mut().enumerate() {
            *out = WEIGHTS[view] * self.views[view].log_odds(&features.views[view]);
        }
        opinion
    }

    /// Learns a message with weight 1 or less, and then one old message of each class again.
    pub fn learn(&mut self, features: &Features, class: Class, weight: f32) {
        if self.seen.rarer() >= FIRST_FEW {
            let sum = self.score(features).sum();
            self.threshold.note(class, sum - self.level.value());
        }
        self.update(features, class, weight);
        let tokens = &features.views[View::Tokens as usize];
        self.bayes.learn(tokens, class, self.seen);
        match class {
            Class::Ham => self.seen.ham += 1,
            Class::Spam => self.seen.spam += 1,
        }
        self.replay(Class::Ham);
        self.replay(Class::Spam);
        let score = self.score(features).sum();
        self.reservoir
            .keep(features, class, score, self.level.value());
    }

    /// Learns any old message of this class again.
    fn replay(&mut self, class: Class) {
        let Some((features, place)) = self.reservoir.draw(class) else {
            return;
        };
        let before = self.score(&features).sum();
        if let (Class::Ham, Some(old)) = (class, self.reservoir.at(place)) {
            self.level.observe(before, old.score, old.level);
        }
        self.update(&features, class, 1.0);
        let after = self.score(&features).sum();
        if let Some(old) = self.reservoir.at(place) {
            (old.score, old.level) = (after, self.level.value());
        }
    }

    fn update(&mut self, features: &Features, class: Class, weight: f32) {
        for (view, features) in self.views.iter_mut().zip(&features.views) {
            view.learn(features, class.target(), weight, self.seen.rarer());
        }
    }

    /// From this sum on a message is called spam.
    pub fn threshold(&self) -> f64 {
        self.threshold.value(self.level.value())
    }

    /// What it has seen.
    pub fn seen(&self) -> Seen {
        self.seen
    }

    /// Octets of memory, were all of it in use.
    pub fn octets(&self) -> usize {
        let views: usize = self.views.iter().map(Logistic::octets).sum();
        views + self.bayes.octets() + self.reservoir.octets()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mail;

    fn features(word: &str, n: usize) -> Features {
        let message = format!(
            "From: a{n}@{word}.test\r\nSubject: {word} {n}\r\n\r\nthis is {word} number {n}\r\n"
        );
        Features::of(&Mail::open(message.as_bytes()))
    }

    fn trained(count: usize) -> Model {
        let mut model = Model::new(Size::Account);
        for n in 0..count {
            model.learn(&features("meeting", n), Class::Ham, 1.0);
            model.learn(&features("pills", n), Class::Spam, 1.0);
        }
        model
    }

    #[test]
    fn it_learns_and_is_never_loud_too_early() {
        let empty = Model::new(Size::Account).score(&features("pills", 1));
        assert_eq!((empty.sum(), empty.bounded()), (0.0, 0.0));
        let young = trained(2).score(&features("pills", 99));
        assert!(young.sum() > 0.0 && young.bounded() > 0.0 && young.bounded() < 2.2);
        let model = trained(60);
        assert!(model.score(&features("pills", 99)).sum() > model.threshold());
        assert!(model.score(&features("meeting", 99)).sum() < 0.0);
        assert_eq!(model.seen(), Seen { ham: 60, spam: 60 });
    }

    #[test]
    fn the_bound_rises_without_a_step() {
        assert_eq!((cap(0), cap(50), cap(200)), (Some(2.0), Some(6.0), None));
        assert!(cap(49).unwrap() < cap(50).unwrap() && cap(199).unwrap() > 60.0);
    }

    /// V19: what was learned can be built again.
    #[test]
    fn the_same_lessons_make_the_same_model() {
        let (one, other) = (trained(20), trained(20));
        let message = features("pills", 7);
        assert_eq!(one.score(&message), other.score(&message));
    }
}

//! The trained classifier: three views of a message, a logistic regression each, and Bayes as one more expert.
//!
//! A model learns message by message. It says nothing loudly before it has seen much ([`Opinion::bounded`]), but it is never silent.
//! It is the same for a server and for one account, which has fewer slots.

mod bayes;
mod level;
mod logistic;
mod reservoir;
mod stored;
mod threshold;

use crate::features::{BITS, Features, VIEWS, View};
use bayes::Bayes;
use level::Level;
use logistic::Logistic;
use reservoir::{Learned, Reservoir};
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

/// How large a model is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Size {
    /// For all accounts: 2^20 slots a view, 25 MB in all.
    Server,
    /// For one account: 2^16, 2 MB.
    Account,
}

impl Size {
    fn bits(self) -> u32 {
        match self {
            Size::Server => BITS,
            Size::Account => BITS - 4,
        }
    }
}

/// What a model has seen: messages of each class, where a message of less weight counts as less than one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// Learned as ham.
    pub ham: f64,
    /// Learned as spam.
    pub spam: f64,
}

impl Seen {
    /// Messages of the class of which there are fewer.
    pub fn rarer(self) -> f64 {
        self.ham.min(self.spam)
    }

    fn add(&mut self, class: Class, weight: f64) {
        let count = match class {
            Class::Ham => &mut self.ham,
            Class::Spam => &mut self.spam,
        };
        *count += weight;
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

/// What a model says in points of the score, where [`JUNK`] makes junk: at its threshold so many, if it has seen enough to be let.
/// What speaks for a message never outweighs what else is found, and no model refuses a message alone.
pub fn points(opinion: &Opinion, threshold: f64) -> f32 {
    let full = (opinion.sum() / threshold.max(1.0) * JUNK).clamp(LEAST, MOST);
    let points = match cap(opinion.seen.rarer()) {
        Some(cap) => cap * (full / cap).tanh(),
        None => full,
    };
    points as f32
}

/// Points from which on a message is junk, by default.
const JUNK: f64 = 7.5;
/// The points of a message that is surely wanted.
const LEAST: f64 = -5.0;
/// The points of a message that is surely not.
const MOST: f64 = 12.0;

/// How far a model may move the total that has seen so many messages of its rarer class.
fn cap(rarer: f64) -> Option<f64> {
    match rarer {
        seen if seen < 50.0 => Some(2.0 + 4.0 * seen / 50.0),
        // Rises without a step, and is beyond all sums when it ends.
        seen if seen < 200.0 => Some(6.0 + 60.0 * ((seen - 50.0) / 150.0).powi(2)),
        _ => None,
    }
}

/// What each [`View`] counts in the sum.
const WEIGHTS: [f32; VIEWS] = [1.0, 1.0, 0.8];
/// Before so many messages of each class are learned, sums say nothing about the threshold.
const FIRST_FEW: f64 = 5.0;

/// A model.
pub struct Model {
    size: Size,
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
            size,
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
            bayes: self.bayes.log_odds(&features.views[View::Tokens as usize]),
            seen: self.seen,
            ..Opinion::default()
        };
        for (view, out) in opinion.views.iter_mut().enumerate() {
            *out = WEIGHTS[view] * self.views[view].log_odds(&features.views[view]);
        }
        opinion
    }

    /// Learns a message that is worth `weight` (1: somebody said so; less: it looks so), and then one old message of each class again.
    pub fn learn(&mut self, features: &Features, class: Class, weight: f32) {
        let weight = weight.clamp(0.0, 1.0);
        if self.seen.rarer() >= FIRST_FEW {
            let sum = self.score(features).sum();
            self.threshold.note(class, sum - self.level.value());
        }
        self.update(features, class, weight);
        let tokens = &features.views[View::Tokens as usize];
        self.bayes.learn(tokens, class, weight);
        self.seen.add(class, weight.into());
        self.replay(Class::Ham);
        self.replay(Class::Spam);
        let learned = Learned {
            class,
            weight,
            score: self.score(features).sum(),
            level: self.level.value(),
        };
        self.reservoir.keep(features, &learned);
    }

    /// Learns any old message of this class again.
    fn replay(&mut self, class: Class) {
        let Some((features, place)) = self.reservoir.draw(class) else {
            return;
        };
        let before = self.score(&features).sum();
        let mut weight = 1.0;
        if let Some(old) = self.reservoir.at(place) {
            weight = old.weight;
            if class == Class::Ham {
                self.level.observe(before, old.score, old.level);
            }
        }
        self.update(&features, class, weight);
        let after = self.score(&features).sum();
        if let Some(old) = self.reservoir.at(place) {
            (old.score, old.level) = (after, self.level.value());
        }
    }

    fn update(&mut self, features: &Features, class: Class, weight: f32) {
        let rarer = self.seen.rarer();
        for (view, features) in self.views.iter_mut().zip(&features.views) {
            view.learn(features, class.target(), weight, rarer);
        }
    }

    /// From this sum on a message is called spam.
    pub fn threshold(&self) -> f64 {
        self.threshold.value(self.level.value(), self.seen.rarer())
    }

    /// How far the scores of ham have moved since it began; for those who develop the threshold.
    pub fn level(&self) -> f64 {
        self.level.value()
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
        assert!(model.score(&features("pills", 99)).sum() > 2.0);
        assert!(model.score(&features("meeting", 99)).sum() < 0.0);
        assert_eq!(
            model.seen(),
            Seen {
                ham: 60.0,
                spam: 60.0
            }
        );
    }

    /// I7: it is silent with nothing learned alone, and may make junk from 200 messages of each class on.
    #[test]
    fn i07_the_bound_rises_without_a_step() {
        assert_eq!(
            (cap(0.0), cap(50.0), cap(200.0)),
            (Some(2.0), Some(6.0), None)
        );
        assert!(cap(49.0).unwrap() < cap(50.0).unwrap() && cap(199.0).unwrap() > 60.0);
    }

    #[test]
    fn points_are_bounded_by_what_was_seen() {
        let opinion = |sum: f32, rarer: f64| Opinion {
            bayes: sum,
            seen: Seen {
                ham: rarer,
                spam: rarer + 7.0,
            },
            ..Opinion::default()
        };
        assert!(
            points(&opinion(100.0, 0.0), 2.0) <= 2.0,
            "a model without ham makes no junk"
        );
        assert!(
            points(&opinion(100.0, 50.0), 2.0) <= 6.0,
            "nor does a young one"
        );
        assert_eq!(
            points(&opinion(2.0, 200.0), 2.0),
            7.5,
            "at the threshold it is junk"
        );
        assert_eq!(points(&opinion(100.0, 200.0), 2.0), 12.0);
        assert_eq!(points(&opinion(-100.0, 200.0), 2.0), -5.0);
        assert_eq!(points(&opinion(0.0, 10.0), 2.0), 0.0);
    }

    /// I32
    #[test]
    fn a_stored_model_says_the_same() {
        let model = trained(100);
        let parts: Vec<Vec<u8>> = (0..model.parts()).filter_map(|n| model.part(n)).collect();
        assert_eq!(parts.len(), model.parts());
        assert!(model.part(model.parts()).is_none());
        let mut again = Model::restore(parts.clone()).unwrap();
        let message = features("pills", 7);
        assert_eq!(again.score(&message), model.score(&message));
        assert_eq!(again.threshold(), model.threshold());
        let mut model = model;
        for model in [&mut model, &mut again] {
            model.learn(&features("cheap", 1), Class::Spam, 1.0);
        }
        assert_eq!(
            again.score(&message),
            model.score(&message),
            "and goes on the same"
        );
        assert!(Model::restore(parts[..parts.len() - 1].to_vec()).is_none());
        assert!(Model::restore(parts.iter().cloned().chain([vec![0]])).is_none());
        assert!(Model::restore([vec![9; 40]]).is_none());
    }

    #[test]
    fn what_only_looks_so_counts_less() {
        let mut weak = Model::new(Size::Account);
        weak.learn(&features("meeting", 1), Class::Ham, 0.2);
        weak.learn(&features("pills", 1), Class::Spam, 1.0);
        let mut strong = Model::new(Size::Account);
        strong.learn(&features("meeting", 1), Class::Ham, 1.0);
        strong.learn(&features("pills", 1), Class::Spam, 1.0);
        let message = features("meeting", 2);
        assert!(weak.score(&message).views[2] > strong.score(&message).views[2]);
        assert!((weak.seen().ham - 0.2).abs() < 1e-6);
    }

    /// V19: what was learned can be built again.
    #[test]
    fn the_same_lessons_make_the_same_model() {
        let (one, other) = (trained(20), trained(20));
        let message = features("pills", 7);
        assert_eq!(one.score(&message), other.score(&message));
    }
}

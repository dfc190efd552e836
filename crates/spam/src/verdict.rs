//! Reasons make a score, the score decides what is done.
//!
//! What a trained model says is one reason among them; who has a model says so by [`Learned`].

use crate::mail::Mail;
use crate::near;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// One named reason with its weight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// A stable name, e.g. `LINK_TEXT_OTHER_TARGET`.
    pub name: String,
    /// What it adds to the score; negative speaks for the message.
    pub weight: f32,
    /// What was seen, for people; may be empty.
    pub detail: String,
}

impl Reason {
    /// A reason.
    pub fn new(name: &str, weight: f32, detail: impl Into<String>) -> Reason {
        Reason {
            name: name.to_owned(),
            weight,
            detail: detail.into(),
        }
    }
}

/// The sum of the weights.
pub fn sum(reasons: &[Reason]) -> f32 {
    // Not `sum`, which makes -0.0 of nothing.
    reasons.iter().fold(0.0, |sum, reason| sum + reason.weight)
}

/// What is done with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It is delivered.
    Accept,
    /// It is delivered, and marked as spam in its header.
    Mark,
    /// It is delivered as junk.
    Junk,
    /// It is delivered as junk, with `\Seen`.
    JunkSeen,
    /// It is refused in the dialogue.
    Refuse,
}

impl Action {
    /// Its name in headers, counters and the store.
    pub fn name(self) -> &'static str {
        match self {
            Action::Accept => "accept",
            Action::Mark => "mark",
            Action::Junk => "junk",
            Action::JunkSeen => "junk-seen",
            Action::Refuse => "refuse",
        }
    }

    /// Is it filed as junk?
    pub fn is_junk(self) -> bool {
        matches!(self, Action::Junk | Action::JunkSeen)
    }
}

/// From which score on what is done (I3, I5).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// The client is asked to come again later; infinite: never.
    pub greylist: f32,
    /// `X-Spam: yes`.
    pub mark: f32,
    /// It is filed as junk; as a part of `refuse`.
    pub junk: f32,
    /// It is filed as junk with `\Seen` above this part of `refuse`.
    pub junk_seen: f32,
    /// It is refused.
    pub refuse: f32,
}

impl Default for Thresholds {
    fn default() -> Thresholds {
        Thresholds {
            greylist: 4.0,
            mark: 6.0,
            junk: 0.5,
            junk_seen: 0.95,
            refuse: 15.0,
        }
    }
}

/// Thresholds that somebody wants other than they are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Wished {
    /// As [`Thresholds::mark`].
    pub mark: Option<f32>,
    /// Per cent of `refuse`.
    pub junk: Option<u32>,
    /// Per cent of `refuse`.
    pub junk_seen: Option<u32>,
    /// As [`Thresholds::refuse`].
    pub refuse: Option<f32>,
}

impl Thresholds {
    /// These, where nothing else is wished.
    pub fn with(self, wished: &Wished) -> Thresholds {
        let part = |percent: u32| percent as f32 / 100.0;
        Thresholds {
            greylist: self.greylist,
            mark: wished.mark.unwrap_or(self.mark),
            junk: wished.junk.map_or(self.junk, part),
            junk_seen: wished.junk_seen.map_or(self.junk_seen, part),
            refuse: wished.refuse.unwrap_or(self.refuse),
        }
    }

    /// What the score comes to, once a client that is to come again has done so.
    pub fn action(&self, score: f32) -> Action {
        if score >= self.refuse {
            Action::Refuse
        } else if score > self.junk_seen_score() {
            Action::JunkSeen
        } else if score >= self.junk_score() {
            Action::Junk
        } else if score >= self.mark {
            Action::Mark
        } else {
            Action::Accept
        }
    }

    /// From here on a message is filed as junk.
    pub fn junk_score(&self) -> f32 {
        self.refuse * self.junk
    }

    /// Above this nobody need see it.
    pub fn junk_seen_score(&self) -> f32 {
        self.refuse * self.junk_seen
    }
}

/// What models say of one message, in points of the score. Where there is no model, or it knows nothing yet, there is no reason.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Opinions {
    /// Of the model that all accounts share.
    pub server: Option<Reason>,
    /// Of accounts with a model of their own, by account; it counts besides the shared one.
    pub accounts: Vec<(u128, Reason)>,
    /// By which near copies of the message are found; `None`: there is nothing yet that it could be like, or it says too little.
    pub bands: Option<[u64; near::BANDS]>,
}

/// Whoever has learned from messages.
pub trait Learned: Send + Sync {
    /// What is thought of a message that these accounts are to get. Asked on a thread that may compute, once a message, and not to
    /// wait for anything: a model that is not in memory has no opinion.
    fn opinions(&self, mail: &Mail<'_>, accounts: &[u128]) -> Opinions;
}

/// The reasons and what they come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// The sum of the weights.
    pub score: f32,
    /// Why.
    pub reasons: Vec<Reason>,
}

impl Verdict {
    /// The reasons, and their sum.
    pub fn of(reasons: Vec<Reason>) -> Verdict {
        Verdict {
            score: sum(&reasons),
            reasons,
        }
    }

    /// The same with more reasons.
    pub fn with(&self, more: impl IntoIterator<Item = Reason>) -> Verdict {
        Verdict::of(self.reasons.iter().cloned().chain(more).collect())
    }

    /// `A(1.50), B(-2.00)`, the heaviest first.
    pub fn symbols(&self) -> String {
        let mut sorted: Vec<&Reason> = self.reasons.iter().collect();
        sorted.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()));
        let mut text = String::new();
        for reason in sorted {
            let comma = if text.is_empty() { "" } else { ", " };
            // Writing to a string cannot fail.
            let _ = write!(text, "{comma}{}({:.2})", reason.name, reason.weight);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_wishes_otherwise_stays() {
        let usual = Thresholds::default();
        assert_eq!(usual.with(&Wished::default()), usual);
        let wished = Wished {
            junk: Some(40),
            refuse: Some(10.0),
            ..Wished::default()
        };
        let own = usual.with(&wished);
        assert_eq!((own.junk_score(), own.mark, own.refuse), (4.0, 6.0, 10.0));
    }

    /// I3, I5
    #[test]
    fn i05_junk_by_percent_of_the_refusal() {
        let thresholds = Thresholds::default();
        for (score, action) in [
            (5.9, Action::Accept),
            (7.0, Action::Mark),
            (7.4, Action::Mark),
            (7.5, Action::Junk),
            (14.25, Action::Junk),
            (14.4, Action::JunkSeen),
            (15.0, Action::Refuse),
            (16.0, Action::Refuse),
        ] {
            assert_eq!(thresholds.action(score), action, "{score}");
        }
    }

    #[test]
    fn nothing_sums_to_nothing() {
        assert!(sum(&[]).is_sign_positive());
        assert_eq!(
            sum(&[Reason::new("A", 2.5, ""), Reason::new("B", -1.0, "")]),
            1.5
        );
    }
}

//! Reasons make a score, the score decides what is done.

use serde::{Deserialize, Serialize};

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
    /// The client is asked to come again later.
    Greylist,
    /// It is delivered, and marked as spam in its header.
    Mark,
    /// It is delivered as junk.
    Junk,
    /// It is delivered as junk, with `\Seen`.
    JunkSeen,
    /// It is refused in the dialogue.
    Refuse,
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

impl Thresholds {
    /// What the score comes to, for a client that has been asked to come again before, if it was to be.
    pub fn action(&self, score: f32) -> Action {
        if score >= self.refuse {
            Action::Refuse
        } else if score > self.refuse * self.junk_seen {
            Action::JunkSeen
        } else if score >= self.refuse * self.junk {
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
}

#[cfg(test)]
mod tests {
    use super::*;

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

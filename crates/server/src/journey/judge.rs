//! Fourth stage: is the message wanted, and why?
//!
//! The place where every filter adds its reasons; there is none yet, so everything is accepted with an empty list. A verdict is
//! given before the 250, so a refusal reaches the sender in the dialogue and never becomes a bounce.

use super::authenticate::{Disposition, Proof};
use super::authorize::Authorized;
use super::envelope::Refusal;
use super::receive::Received;
use smtp::Enhanced;

/// From here on a message is refused.
pub(super) const REFUSE: f32 = 15.0;
/// K14: `p=quarantine` makes junk by itself, and other reasons may still make a refusal of it.
const QUARANTINE: f32 = 8.0;

/// One named reason with its weight.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    /// A stable name, e.g. `sender_unknown`.
    pub name: &'static str,
    /// What it adds to the score; negative speaks for the message.
    pub weight: f32,
    /// What was seen, for people.
    pub detail: String,
}

/// What is done with the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is delivered.
    Accept,
    /// It is delivered as junk (I5).
    Junk {
        /// So surely junk that its owner need not be told of it: with `\Seen`.
        seen: bool,
    },
    /// It is refused in the dialogue.
    Refuse,
}

/// A verdict and everything that led to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The sum of the weights.
    pub score: f32,
    /// Why.
    pub reasons: Vec<Reason>,
    /// What follows.
    pub action: Action,
}

/// A message with a verdict that lets it pass.
pub(crate) struct Judged {
    authorized: Authorized,
    verdict: Verdict,
}

impl Judged {
    pub(super) fn received(&self) -> &Received {
        self.authorized.received()
    }

    /// What is proved about the sender, on the MX road.
    pub(super) fn proof(&self) -> Option<&Proof> {
        self.authorized.proof()
    }

    pub(super) fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    pub(super) fn into_parts(self) -> (Authorized, Verdict) {
        (self.authorized, self.verdict)
    }
}

/// Judges.
pub(super) fn judge(authorized: Authorized) -> Result<Judged, Refusal> {
    let verdict = sum(reasons(&authorized));
    match verdict.action {
        Action::Accept | Action::Junk { .. } => Ok(Judged {
            authorized,
            verdict,
        }),
        Action::Refuse => Err(refusal(&verdict)),
    }
}

/// What speaks for and against the message.
fn reasons(authorized: &Authorized) -> Vec<Reason> {
    let received = authorized.received();
    let mut reasons = received.facts.impression.reasons.clone();
    reasons.extend(quarantine(authorized));
    reasons.extend(trap(received));
    reasons
}

/// The policy of the author's domain.
fn quarantine(authorized: &Authorized) -> Option<Reason> {
    let proof = authorized
        .proof()
        .filter(|proof| proof.disposition == Disposition::Quarantine)?;
    Some(Reason {
        name: "dmarc_quarantine",
        weight: QUARANTINE,
        detail: format!(
            "{} wants mail that is not proved to be its own treated as suspicious; {}",
            proof.dmarc.author, proof.dmarc.reason
        ),
    })
}

/// An address among the recipients that only spam is sent to.
fn trap(received: &Received) -> Option<Reason> {
    let trap = received.recipients.iter().find(|r| r.is_trap())?;
    Some(Reason {
        name: "spam_trap",
        weight: 10.0,
        detail: format!(
            "it goes to {} too, an address that only spam is sent to",
            trap.path
        ),
    })
}

/// Reasons make a score, the score an action.
fn sum(reasons: Vec<Reason>) -> Verdict {
    /// From here on it is junk, and from there on nobody needs to see it (I5).
    const JUNK: f32 = REFUSE * 0.5;
    const SEEN: f32 = REFUSE * 0.95;
    // Not `sum`, which makes -0.0 of nothing.
    let score = reasons.iter().fold(0.0, |sum, reason| sum + reason.weight);
    Verdict {
        score,
        action: match score {
            score if score >= REFUSE => Action::Refuse,
            score if score >= JUNK => Action::Junk { seen: score > SEEN },
            _ => Action::Accept,
        },
        reasons,
    }
}

/// The client is told that, the log also why.
fn refusal(verdict: &Verdict) -> Refusal {
    let names: Vec<&str> = verdict.reasons.iter().map(|reason| reason.name).collect();
    Refusal::new(550, Enhanced(5, 7, 1), "We do not accept this message").because(format!(
        "score {:.1}: {}",
        verdict.score,
        names.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(weight: f32) -> Reason {
        Reason {
            name: "test",
            weight,
            detail: String::new(),
        }
    }

    #[test]
    fn the_sum_of_the_reasons_decides() {
        assert_eq!(sum(Vec::new()).action, Action::Accept);
        assert_eq!(
            sum(vec![reason(20.0), reason(-13.0)]).action,
            Action::Accept
        );
        for (score, seen) in [(7.5, false), (14.2, false), (14.4, true)] {
            assert_eq!(sum(vec![reason(score)]).action, Action::Junk { seen });
        }
        let refused = sum(vec![reason(8.0), reason(7.5)]);
        assert_eq!((refused.action, refused.score), (Action::Refuse, 15.5));
        assert_eq!(refusal(&refused).reply.code, 550);
        assert!(refusal(&refused).reason.contains("test, test"));
    }
}

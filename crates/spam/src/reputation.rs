//! What is known of a sender, as reasons: a ladder from the correspondent whose identity is proved down to the network of his server.
//!
//! Who has been written to is a friend; who has written often, long and wanted is known; who was called junk is not welcome. Nothing here
//! is believed of a sender who is not proved, but for the network, which cannot be forged. How much is known decides how much it weighs:
//! one message says little. Where the facts come from is not known here.

use crate::verdict::Reason;

/// What is known of somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Days since he was met first.
    pub days: u32,
    /// Messages that were filed as wanted.
    pub wanted: u32,
    /// Messages that were filed as junk.
    pub unwanted: u32,
    /// Messages that people called wanted.
    pub ham: u32,
    /// Messages that people called junk.
    pub spam: u32,
}

/// What an account knows of the sender of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Personal {
    /// It has sent the message that this one answers.
    pub answers_us: bool,
    /// It has written to the proved author.
    pub written_to: bool,
    /// What it knows of the proved author.
    pub author: Option<History>,
}

/// What the whole server knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct General {
    /// Of the proved domain of the author.
    pub domain: Option<History>,
    /// Of the network of the client.
    pub network: Option<History>,
}

/// I16: the answer to a message of ours is welcome, whatever it says; a virus is not.
const ANSWER: f32 = -15.0;
const WRITTEN_TO: f32 = -5.0;
/// What a person says of a sender counts for him as much as so many messages that nobody said anything about.
const OWN_WORD: f32 = 10.0;
/// For all others it counts less: one person's word shall not make a great provider's domain unwanted for everybody.
const WORD: f32 = 3.0;

impl Personal {
    /// For and against the message, for this account.
    pub fn reasons(&self) -> Vec<Reason> {
        let mut reasons = Vec::new();
        if self.answers_us {
            reasons.push(Reason::new(
                "ANSWERS_US",
                ANSWER,
                "it answers a message of this account",
            ));
        }
        if self.written_to {
            let detail = "this account has written to the sender, whose address is proved";
            reasons.push(Reason::new("WRITTEN_TO", WRITTEN_TO, detail));
        }
        let author = self.author.as_ref();
        reasons.extend(author.and_then(|author| author.judged("SENDER", 4.0, 6.0, OWN_WORD)));
        reasons
    }
}

impl General {
    /// For and against the message, for everybody.
    pub fn reasons(&self) -> Vec<Reason> {
        let domain = self.domain.as_ref();
        let network = self.network.as_ref();
        let domain = domain.and_then(|domain| domain.judged("DOMAIN", 2.0, 5.0, WORD));
        let network = network.and_then(|network| network.judged("NETWORK", 1.0, 4.0, WORD));
        domain.into_iter().chain(network).collect()
    }
}

impl History {
    /// `…_KNOWN` or `…_UNWANTED`, weighing at most so much.
    fn judged(&self, who: &str, good: f32, bad: f32, word: f32) -> Option<Reason> {
        let (wanted, unwanted) = (self.good(word), self.bad(word));
        let sure = |count: f32| count / (count + 4.0);
        if unwanted > wanted {
            let share = (unwanted - wanted) / (unwanted + wanted);
            let weight = bad * share * sure(unwanted);
            return (weight >= 0.1)
                .then(|| Reason::new(&format!("{who}_UNWANTED"), weight, self.detail()));
        }
        // A stranger who writes a hundred times in an hour is none the better for it.
        let old = (self.days as f32 / 14.0).min(1.0);
        let share = (wanted - unwanted) / (wanted + unwanted).max(1.0);
        let weight = good * share * sure(wanted) * old;
        (weight >= 0.1).then(|| Reason::new(&format!("{who}_KNOWN"), -weight, self.detail()))
    }

    fn good(&self, word: f32) -> f32 {
        self.wanted as f32 + word * self.ham as f32
    }

    /// What only the filter called junk counts little: it shall not confirm itself.
    fn bad(&self, word: f32) -> f32 {
        0.5 * self.unwanted as f32 + word * self.spam as f32
    }

    fn detail(&self) -> String {
        format!(
            "met {} days ago; {} messages wanted, {} junk; people called {} wanted, {} junk",
            self.days, self.wanted, self.unwanted, self.ham, self.spam
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(days: u32, wanted: u32, spam: u32) -> History {
        History {
            days,
            wanted,
            spam,
            ..History::default()
        }
    }

    fn of(author: History) -> Vec<(String, f32)> {
        let personal = Personal {
            author: Some(author),
            ..Personal::default()
        };
        let reasons = personal.reasons().into_iter();
        reasons.map(|reason| (reason.name, reason.weight)).collect()
    }

    #[test]
    fn nothing_is_said_of_strangers() {
        assert!(of(history(0, 0, 0)).is_empty());
        assert!(of(history(0, 500, 0)).is_empty(), "known since today alone");
        assert!(General::default().reasons().is_empty());
    }

    #[test]
    fn age_and_number_make_known() {
        let weight = |days, wanted| of(history(days, wanted, 0))[0].1;
        assert!(weight(3, 2) > weight(20, 2) && weight(20, 2) > weight(20, 50));
        assert!(weight(1000, 10_000) >= -4.0);
        assert_eq!(of(history(30, 10, 0))[0].0, "SENDER_KNOWN");
    }

    #[test]
    fn what_people_say_outweighs_habit() {
        let told = of(history(30, 5, 2));
        assert_eq!(told[0].0, "SENDER_UNWANTED");
        assert!(told[0].1 > 0.5);
        let filtered = History {
            unwanted: 9,
            wanted: 5,
            ..history(30, 0, 0)
        };
        assert_eq!(
            of(filtered)[0].0,
            "SENDER_KNOWN",
            "the filter does not confirm itself"
        );
    }

    /// What one person calls junk moves what others get of that domain and that network by a few points, and by less where others want it.
    #[test]
    fn one_word_does_not_condemn_a_domain() {
        let reasons = |wanted| {
            let both = Some(history(30, wanted, 1));
            let general = General {
                domain: both,
                network: both,
            };
            crate::verdict::sum(&general.reasons())
        };
        assert!(reasons(0) < 4.0, "{}", reasons(0));
        assert!(reasons(2) < 1.0 && reasons(10) <= 0.0);
    }

    /// I16
    #[test]
    fn i16_answers_pass_with_a_bad_score() {
        let personal = Personal {
            answers_us: true,
            written_to: true,
            author: None,
        };
        assert_eq!(crate::verdict::sum(&personal.reasons()), -20.0);
    }
}

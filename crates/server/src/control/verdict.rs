//! What the filter found in a message, told so that people can follow it: who sent it, each check with its weight, and what would have
//! changed the verdict (V3).

use ::spam::rules;
use ::spam::verdict::{Action, Thresholds};
use serde::{Deserialize, Serialize};
use store::judgement::{self, Judgement};

/// A verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The sum of the weights.
    pub score: f32,
    /// What was done: `accept`, `mark`, `junk`, `junk-seen`, `refuse`.
    pub action: String,
    /// From which score on what is done.
    pub limits: Limits,
    /// By what the sender was known.
    pub senders: Vec<KnownBy>,
    /// Why, the heaviest first.
    pub reasons: Vec<Weighed>,
    /// What would have changed the verdict, in sentences.
    pub changes: Vec<String>,
}

/// From which score on what was done.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Limits {
    pub greylist: f32,
    pub mark: f32,
    pub junk: f32,
    pub junk_seen: f32,
    pub refuse: f32,
}

/// By what a sender is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownBy {
    /// `address` or `domain`, which are proved, or `network`.
    pub by: String,
    /// Which.
    pub name: String,
}

/// A reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weighed {
    /// Its stable name.
    pub name: String,
    /// What it added to the score; negative speaks for the message.
    pub weight: f32,
    /// What was seen; may be empty.
    pub detail: String,
    /// What the check looks for; empty where the detail says it.
    pub about: String,
}

impl Verdict {
    /// As it was kept.
    pub(super) fn of(judgement: &Judgement) -> Verdict {
        let thresholds = thresholds(&judgement.limits);
        let mut reasons: Vec<Weighed> = judgement.reasons.iter().map(weighed).collect();
        reasons.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()));
        Verdict {
            score: judgement.score,
            action: judgement.action.clone(),
            limits: Limits {
                greylist: thresholds.greylist,
                mark: thresholds.mark,
                junk: thresholds.junk_score(),
                junk_seen: thresholds.junk_seen_score(),
                refuse: thresholds.refuse,
            },
            senders: judgement.senders.iter().filter_map(known_by).collect(),
            changes: changes(judgement.score, &reasons, &thresholds),
            reasons,
        }
    }
}

/// The thresholds that a message was judged by.
pub(super) fn thresholds(limits: &judgement::Limits) -> Thresholds {
    Thresholds {
        greylist: limits.greylist,
        mark: limits.mark,
        junk: limits.junk,
        junk_seen: limits.junk_seen,
        refuse: limits.refuse,
    }
}

fn weighed(reason: &judgement::Reason) -> Weighed {
    let rule = rules::all().find(|rule| rule.name == reason.name);
    Weighed {
        name: reason.name.clone(),
        weight: reason.weight,
        detail: reason.detail.clone(),
        about: rule.map_or_else(String::new, |rule| rule.about.to_owned()),
    }
}

fn known_by((kind, name): &(u8, String)) -> Option<KnownBy> {
    let by = ["address", "domain", "network"].get(usize::from(*kind))?;
    Some(KnownBy {
        by: (*by).to_owned(),
        name: name.clone(),
    })
}

/// The nearest scores with another outcome, and the reasons without which there is another.
fn changes(score: f32, reasons: &[Weighed], thresholds: &Thresholds) -> Vec<String> {
    let action = thresholds.action(score);
    let steps = [
        thresholds.mark,
        thresholds.junk_score(),
        thresholds.junk_seen_score(),
        thresholds.refuse,
    ];
    let mut changes = Vec::new();
    // The steps need not be in order: a mark may be given from a higher score on than junk is made of.
    let above = steps.iter().filter(|step| **step > score);
    let above = above.filter(|step| thresholds.action(**step + 0.01) != action);
    if let Some(step) = above.copied().min_by(f32::total_cmp) {
        let outcome = words(thresholds.action(step + 0.01));
        changes.push(format!("{:.2} points more: {outcome}", step - score));
    }
    let below = steps.iter().filter(|step| **step <= score);
    let below = below.filter(|step| thresholds.action(**step - 0.01) != action);
    if let Some(step) = below.copied().max_by(f32::total_cmp) {
        let outcome = words(thresholds.action(step - 0.01));
        changes.push(format!("{:.2} points less: {outcome}", score - step + 0.01));
    }
    for reason in reasons {
        let without = thresholds.action(score - reason.weight);
        if without != action {
            changes.push(format!(
                "without {} ({:+.2}): {}",
                reason.name,
                reason.weight,
                words(without)
            ));
        }
    }
    changes
}

fn words(action: Action) -> &'static str {
    match action {
        Action::Accept => "delivered",
        Action::Mark => "delivered, and marked",
        Action::Junk => "junk",
        Action::JunkSeen => "junk that is filed as read",
        Action::Refuse => "refused",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(weights: &[(&str, f32)]) -> Verdict {
        let reason = |(name, weight): &(&str, f32)| judgement::Reason {
            name: (*name).to_owned(),
            weight: *weight,
            detail: String::new(),
        };
        Verdict::of(&Judgement {
            score: weights.iter().map(|(_, weight)| weight).sum(),
            action: "accept".into(),
            limits: judgement::Limits {
                greylist: 4.0,
                mark: 6.0,
                junk: 0.5,
                junk_seen: 0.95,
                refuse: 15.0,
            },
            reasons: weights.iter().map(reason).collect(),
            senders: vec![(1, "other.example".into()), (9, "unknown kind".into())],
        })
    }

    /// V3: what would have changed the verdict.
    #[test]
    fn v03_the_nearest_other_outcomes_are_told() {
        let verdict = told(&[("WRITTEN_TO", -5.0), ("DATE_MISSING", 0.8), ("B", 8.0)]);
        assert_eq!(
            verdict.changes,
            [
                "2.20 points more: delivered, and marked",
                "without WRITTEN_TO (-5.00): junk"
            ]
        );
        assert_eq!(verdict.reasons[0].name, "B");
        assert_eq!(verdict.reasons[2].about, "No Date");
        let by: Vec<_> = verdict
            .senders
            .iter()
            .map(|known| known.by.as_str())
            .collect();
        assert_eq!(by, ["domain"]);
        assert_eq!(
            told(&[("A", 7.5)]).changes,
            [
                "6.75 points more: junk that is filed as read",
                "0.01 points less: delivered, and marked",
                "without A (+7.50): delivered"
            ]
        );
        assert_eq!(
            told(&[]).changes,
            ["6.00 points more: delivered, and marked"]
        );
    }
}

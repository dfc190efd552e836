//! What other weights and thresholds would have made of the mail of the last weeks (V4): the reasons that were kept are weighed again.
//! Nothing is written.
//!
//! Only what was found then is weighed: a reason that the settings had turned off was not kept.

use super::super::verdict::thresholds;
use super::super::{Failure, World, message};
use super::{Named, find};
use crate::config::SpamSettings;
use ::spam::verdict::{Action, Thresholds, Wished};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::judgement::{self, Judgement};
use store::{MessageId, account, rejection};

/// Messages read in one transaction.
const BATCH: usize = 1000;
/// Messages that are named in an answer.
const NAMED: usize = 200;

/// What would be other than it was; what is `None` stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Change {
    /// `NAME WEIGHT`, as in `spam.weights`.
    pub weights: Vec<String>,
    pub mark: Option<f32>,
    /// Per cent of `refuse`.
    pub junk: Option<u32>,
    /// Per cent of `refuse`.
    pub junk_seen: Option<u32>,
    pub refuse: Option<f32>,
}

/// What would have come of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct WhatIf {
    /// Messages that were judged, one for each account that has it, and those that were refused.
    pub messages: u64,
    /// How many would have fared otherwise, by how they fared.
    pub changes: Vec<Flow>,
    /// Which; the newest of each account, and not more than a few hundred.
    pub moved: Vec<Moved>,
}

/// Messages with the same fate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// What was done with them.
    pub from: String,
    /// What would have been done.
    pub to: String,
    /// How many.
    pub messages: u64,
}

/// A message that would have fared otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moved {
    /// Whose; for one that was refused: its recipients.
    pub account: String,
    /// Its id, for `explain message` or `explain refusal`.
    pub id: String,
    /// What was done with it.
    pub from: String,
    /// What would have been done.
    pub to: String,
    /// The score it had.
    pub score: f32,
    /// The score it would have had.
    pub other: f32,
    /// Its From field.
    pub sender: String,
    /// Its Subject field.
    pub subject: String,
}

pub(super) async fn what_if(
    world: &World,
    account: Option<String>,
    days: u32,
    change: &Change,
) -> Result<WhatIf, Failure> {
    let change = Checked::of(change)?;
    let only = find(world, account).await?;
    let since = world.now - SignedDuration::from_hours(24 * i64::from(days));
    let mut replay = Replay {
        change: &change,
        outcome: WhatIf::default(),
        flows: BTreeMap::new(),
    };
    for named in accounts(world, only.as_ref()).await? {
        replay.account(world, &named, since).await?;
    }
    replay.refusals(world, only.as_ref(), since).await?;
    Ok(replay.finish())
}

async fn accounts(world: &World, only: Option<&Named>) -> Result<Vec<Named>, Failure> {
    if let Some(named) = only {
        return Ok(vec![named.clone()]);
    }
    let all = world.store.read(account::list).await?.into_iter();
    Ok(all.map(|account| (account.id, account.address)).collect())
}

/// A change that can be made.
struct Checked {
    weights: SpamSettings,
    change: Change,
}

impl Checked {
    fn of(change: &Change) -> Result<Checked, Failure> {
        for text in &change.weights {
            crate::config::spam_weight(text).map_err(Failure::invalid)?;
        }
        Ok(Checked {
            weights: SpamSettings {
                weights: change.weights.clone(),
                ..SpamSettings::default()
            },
            change: change.clone(),
        })
    }

    fn score(&self, judgement: &Judgement) -> f32 {
        let weight = |reason: &judgement::Reason| {
            let other = self.weights.weight_of(&reason.name);
            other.unwrap_or(reason.weight)
        };
        judgement
            .reasons
            .iter()
            .map(weight)
            .fold(0.0, |sum, w| sum + w)
    }

    fn thresholds(&self, limits: &judgement::Limits) -> Thresholds {
        thresholds(limits).with(&Wished {
            mark: self.change.mark,
            junk: self.change.junk,
            junk_seen: self.change.junk_seen,
            refuse: self.change.refuse,
        })
    }

    /// What would have been done. What was taken although its score says no, since others wanted it, would have been taken too.
    fn action(&self, judgement: &Judgement, other: f32) -> Action {
        let was_refusable = judgement.action == Action::Refuse.name()
            || thresholds(&judgement.limits).action(judgement.score) != Action::Refuse;
        match self.thresholds(&judgement.limits).action(other) {
            Action::Refuse if !was_refusable => Action::JunkSeen,
            action => action,
        }
    }
}

struct Replay<'a> {
    change: &'a Checked,
    outcome: WhatIf,
    flows: BTreeMap<(String, String), u64>,
}

impl Replay<'_> {
    async fn account(
        &mut self,
        world: &World,
        (id, address): &Named,
        since: Timestamp,
    ) -> Result<(), Failure> {
        let (id, mut from) = (*id, MessageId::from_time(since));
        let mut moved = Vec::new();
        loop {
            let read = move |tx: &mut store::Tx<'_>| judgement::since(tx, id, from, BATCH);
            let batch = world.store.read(read).await?;
            let Some((last, _)) = batch.last() else {
                break;
            };
            let next = last.as_u128().saturating_add(1);
            for (message, judgement) in &batch {
                let found = self.weigh(address, message.to_string(), judgement);
                moved.extend(found.map(|found| (*message, found)));
            }
            from = MessageId::from_u128(next);
            if batch.len() < BATCH {
                break;
            }
        }
        for (message, mut found) in moved.into_iter().rev() {
            if self.outcome.moved.len() >= NAMED {
                break;
            }
            if let Some(heading) = message::heading(world, id, message).await? {
                (found.sender, found.subject) = heading;
            }
            self.outcome.moved.push(found);
        }
        Ok(())
    }

    async fn refusals(
        &mut self,
        world: &World,
        only: Option<&Named>,
        since: Timestamp,
    ) -> Result<(), Failure> {
        let mut after = None;
        loop {
            let read = move |tx: &mut store::Tx<'_>| rejection::since(tx, since, after, BATCH);
            let batch = world.store.read(read).await?;
            for (id, refusal) in &batch {
                self.refusal(*id, refusal, only);
            }
            after = batch.last().map(|(id, _)| *id);
            if batch.len() < BATCH {
                return Ok(());
            }
        }
    }

    fn refusal(&mut self, id: u64, refusal: &rejection::Rejection, only: Option<&Named>) {
        let is_to = |(_, address): &Named| refusal.recipients.iter().any(|r| r == address);
        let judged = refusal.judgement.as_ref();
        // What was put off came again, and is there, or was refused then.
        let judged = judged.filter(|judgement| judgement.action == Action::Refuse.name());
        let Some(judgement) = judged.filter(|_| only.is_none_or(is_to)) else {
            return;
        };
        let to = refusal.recipients.join(" ");
        if let Some(found) = self.weigh(&to, format!("{id:016x}"), judgement)
            && self.outcome.moved.len() < NAMED
        {
            self.outcome.moved.push(Moved {
                sender: refusal.from.clone(),
                subject: refusal.subject.clone(),
                ..found
            });
        }
    }

    /// Counts a message; `Some`: it would have fared otherwise.
    fn weigh(&mut self, account: &str, id: String, judgement: &Judgement) -> Option<Moved> {
        self.outcome.messages += 1;
        let other = self.change.score(judgement);
        let to = self.change.action(judgement, other).name();
        if to == judgement.action {
            return None;
        }
        let flow = (judgement.action.clone(), to.to_owned());
        *self.flows.entry(flow).or_default() += 1;
        Some(Moved {
            account: account.to_owned(),
            id,
            from: judgement.action.clone(),
            to: to.to_owned(),
            score: judgement.score,
            other,
            sender: String::new(),
            subject: String::new(),
        })
    }

    fn finish(self) -> WhatIf {
        let flows = self.flows.into_iter();
        WhatIf {
            changes: flows
                .map(|((from, to), messages)| Flow { from, to, messages })
                .collect(),
            ..self.outcome
        }
    }
}

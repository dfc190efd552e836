//! What scripts pass on to accounts of ours after an event over IMAP: it arrives there as other mail does, so that the scripts of whoever
//! gets it decide (RFC 5228 §4.2). Nobody is there who could be told of a refusal: what is refused, or does not fit, stays with whoever
//! passed it on.

use super::deliver::Part;
use super::file::{Delivery, letter_of};
use super::place::{Copy, Letter, Outcome, Place};
use super::route::{self, Inbox};
use crate::scripts::effects::{self, Answers, Effects, Filed, NEVER, Original, PassedOn};
use crate::scripts::letters::Made;
use crate::scripts::run::{self, Case, Client, Occasion};
use std::collections::HashSet;
use std::sync::Arc;
use store::entry::QuotaRule;
use store::{AccountId, Timestamp, Tx, quota};

/// A message that is passed on, and what becomes of it.
pub(crate) struct Passed {
    letter: Letter,
    /// The account that it was passed on to, and those to which that one passes it on.
    parts: Vec<Part>,
}

/// Who has passed on what; each account gets it once, so that it cannot go in circles.
pub(crate) struct Passing<'a> {
    case: &'a Case,
    /// Names the message in ids and logs.
    id: &'a str,
    quota: QuotaRule,
    time: Timestamp,
    seen: HashSet<AccountId>,
}

impl<'a> Passing<'a> {
    /// By the scripts of this case.
    pub(crate) fn by(case: &'a Case, id: &'a str) -> Passing<'a> {
        Passing {
            case,
            id,
            quota: case.config.mail.quota_rule(quota::Occasion::Delivery),
            time: case.services.clock.now(),
            seen: HashSet::from([case.recipient.account]),
        }
    }

    /// Lets the scripts of the account decide. `None`: it has the message already. `Err`: something could not be looked up now.
    pub(crate) async fn prepare(&mut self, passed_on: PassedOn) -> Result<Option<Passed>, String> {
        let Some((made, section)) = passed_on.made else {
            return Ok(None);
        };
        let message = Arc::new(run::Letter {
            header: section,
            body: made.body.clone().into(),
            summary: made.summary.clone(),
        });
        let (mut parts, mut waiting) = (Vec::new(), vec![(passed_on.account, None)]);
        while let Some((account, via)) = waiting.pop() {
            if !self.seen.insert(account.id) {
                continue;
            }
            let inbox = route::inbox_of(&self.case.services, &self.case.config, account).await;
            let inbox = inbox.map_err(|refusal| refusal.reason)?;
            let mut delivery = self.decide(inbox, via, &message).await?;
            for next in std::mem::take(&mut delivery.effects.passed_on) {
                match self.seen.contains(&next.account.id) {
                    true => self.keep_instead(&mut delivery),
                    false => waiting.push((next.account, Some(delivery.inbox.clone()))),
                }
            }
            parts.push(Part::new(self.time, &self.quota, delivery));
        }
        let letter = letter_of(self.time, &self.quota, made);
        Ok((!parts.is_empty()).then_some(Passed { letter, parts }))
    }

    /// Who has had it may have kept nothing of it.
    fn keep_instead(&self, delivery: &mut Delivery) {
        if !delivery.copies.is_empty() {
            return;
        }
        delivery
            .effects
            .keep_instead("the message has come from there");
        let kept = delivery.effects.copies.drain(..);
        let kept: Vec<Copy> = kept.map(|filed| self.copy(filed)).collect();
        delivery.copies.extend(kept);
    }

    async fn decide(
        &self,
        inbox: Inbox,
        via: Option<Inbox>,
        message: &Arc<run::Letter>,
    ) -> Result<Delivery, String> {
        let mut effects = match inbox.scripted() {
            true => self.effects(&inbox, message).await?,
            false => Effects::default(),
        };
        let refusal = effects
            .refused
            .take()
            .map(|reason| super::refusals::refused_by_rule(&reason));
        let copies = match (inbox.scripted(), &refusal) {
            (_, Some(_)) => Vec::new(),
            (false, None) => vec![Copy::plain()],
            (true, None) => effects.copies.drain(..).map(|one| self.copy(one)).collect(),
        };
        Ok(Delivery {
            inbox,
            copies,
            refusal,
            via,
            effects,
            judgement: None,
        })
    }

    async fn effects(&self, inbox: &Inbox, message: &Arc<run::Letter>) -> Result<Effects, String> {
        let case = Arc::new(Case {
            services: self.case.services.clone(),
            config: self.case.config.clone(),
            recipient: run::Recipient {
                account: inbox.account,
                address: inbox.address.clone(),
            },
            // Nobody sends it now.
            envelope: sieve::Envelope::new("", inbox.address.clone()),
            message: message.clone(),
            found: self.case.found,
            occasion: Occasion::Delivery(Arc::new(Client::default())),
        });
        let ran = run::run(case.clone()).await?;
        let original = Original {
            id: self.id,
            notify: NEVER,
            recipient: &inbox.address,
            requires_tls: false,
            answers: Answers::Wanted,
        };
        let prepared = effects::prepare(&case, ran, original).await;
        prepared.map_err(|error| error.to_string())
    }

    fn copy(&self, filed: Filed) -> Copy {
        Copy {
            place: Place::Named(filed.into),
            flags: filed.flags,
            keywords: filed.keywords,
            instead: filed
                .instead
                .map(|made: Made| letter_of(self.time, &self.quota, made)),
        }
    }
}

impl Passed {
    /// Writes it all. `Err` inside: why the account does not take it; then nothing was written, and whoever passed it on keeps it.
    pub(crate) fn write(&self, tx: &mut Tx<'_>) -> store::Result<Result<(), String>> {
        let Some((first, others)) = self.parts.split_first() else {
            return Ok(Ok(()));
        };
        let to = &first.delivery.inbox.address;
        if first.delivery.refusal.is_some() {
            return Ok(Err(format!("redirect to {to}: it is refused there")));
        }
        if let Outcome::Full { .. } = first.write(tx, &self.letter)? {
            return Ok(Err(format!("redirect to {to}: that mailbox is full")));
        }
        for part in others {
            part.write(tx, &self.letter)?;
        }
        Ok(Ok(()))
    }
}

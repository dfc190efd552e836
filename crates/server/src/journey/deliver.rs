//! Writes what was decided for one account, inside the transaction of [`super::commit`]: its copies, and then what its scripts want
//! besides. An account that is full gets nothing, and nothing is sent for it.

use super::file::Delivery;
use super::place::{self, Copy, Letter, Outcome};
use super::route::Inbox;
use crate::scripts::besides::Besides;
use store::entry::QuotaRule;
use store::script::journal;
use store::{MessageId, Result, Timestamp, Tx, filing, judgement};

/// An account's part of the transaction, ready to be written more than once.
pub(super) struct Part {
    pub(super) delivery: Delivery,
    /// The copies for `:fcc`, by the letter they belong to.
    sent: Vec<Option<Copy>>,
    time: Timestamp,
}

impl Part {
    pub(super) fn new(time: Timestamp, quota: &QuotaRule, mut delivery: Delivery) -> Part {
        let sent = delivery.effects.letters.iter_mut().map(|letter| {
            let filed = letter.fcc.take()?;
            Some(Copy {
                place: place::Place::Named(filed.into),
                flags: filed.flags,
                keywords: filed.keywords,
                instead: filed
                    .instead
                    .map(|made| super::file::letter_of(time, quota, made)),
            })
        });
        Part {
            sent: sent.collect(),
            time,
            delivery,
        }
    }

    /// Writes it all.
    pub(super) fn write(&self, tx: &mut Tx<'_>, letter: &Letter) -> Result<Outcome> {
        let outcome = self.place(tx, letter)?;
        if let Outcome::Filed(_, message) = outcome {
            self.effects(tx, letter, message)?;
        }
        Ok(outcome)
    }

    fn place(&self, tx: &mut Tx<'_>, letter: &Letter) -> Result<Outcome> {
        let delivery = &self.delivery;
        let placed = match (&delivery.refusal, &delivery.via) {
            (Some(_), None) => return Ok(Outcome::Filed(0, None)),
            (Some(_), Some(via)) => return self.give_back(tx, via, letter, "it is refused there"),
            (None, _) => place::place(tx, &delivery.inbox, &delivery.copies, letter)?,
        };
        match (placed, &delivery.via) {
            (Outcome::Full { .. }, Some(via)) => {
                self.give_back(tx, via, letter, "that mailbox is full")
            }
            (placed, _) => Ok(placed),
        }
    }

    /// What was redirected and cannot be filed stays with whoever redirected it.
    fn give_back(
        &self,
        tx: &mut Tx<'_>,
        via: &Inbox,
        letter: &Letter,
        why: &str,
    ) -> Result<Outcome> {
        let line = format!(
            "redirect to {}: kept instead, since {why}",
            self.delivery.inbox.address
        );
        journal::add(tx, via.account, &line)?;
        let placed = place::place(tx, via, &[Copy::plain()], letter)?;
        // The effects of the script that refused it are not wanted.
        Ok(match placed {
            Outcome::Filed(copies, _) => Outcome::Filed(copies, None),
            full @ Outcome::Full { .. } => full,
        })
    }

    fn effects(&self, tx: &mut Tx<'_>, letter: &Letter, message: Option<MessageId>) -> Result<()> {
        let (delivery, effects) = (&self.delivery, &self.delivery.effects);
        let account = delivery.inbox.account;
        if delivery.refusal.is_some() {
            return Ok(());
        }
        if let Some(message) = message {
            if !effects.decisions.is_empty() {
                filing::record(tx, account, message, &effects.decisions)?;
            }
            if let Some(judgement) = &delivery.judgement {
                judgement::record(tx, account, message, judgement)?;
            }
        }
        let besides = Besides {
            account,
            effects,
            time: self.time,
        };
        besides.write(tx, message, &mut |tx, n| {
            let copy = self.sent.get(n).and_then(Option::as_ref);
            match copy {
                Some(copy) => {
                    let copies = std::slice::from_ref(copy);
                    place::place(tx, &delivery.inbox, copies, letter).map(|_| ())
                }
                None => Ok(()),
            }
        })
    }
}

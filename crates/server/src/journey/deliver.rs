//! Writes what was decided for one account, inside the transaction of [`super::commit`]: its copies, and then what its scripts want
//! besides. An account that is full gets nothing, and nothing is sent for it.

use super::file::Delivery;
use super::place::{self, Copy, Letter, Outcome};
use super::receive::Received;
use super::route::Inbox;
use crate::scripts::delivery::Trouble;
use crate::scripts::effects::{self, Memory, Outgoing};
use crate::scripts::letters::Made;
use sieve::Scope;
use store::entry::{Flags, NewEntry, QuotaRule};
use store::learn::{self, Origin};
use store::queue::{self, NewQueued, NewQueuedRecipient};
use store::script::{journal, memory};
use store::{AccountId, Error, MessageId, Result, Timestamp, Tx, entry, filing, mailbox};

/// An account's part of the transaction, ready to be written more than once.
pub(super) struct Part {
    pub(super) delivery: Delivery,
    /// The copies for `:fcc`, by the letter they belong to.
    sent: Vec<Option<Copy>>,
    time: Timestamp,
}

impl Part {
    pub(super) fn new(received: &Received, mut delivery: Delivery) -> Part {
        let sent = delivery.effects.letters.iter_mut().map(|letter| {
            let filed = letter.fcc.take()?;
            Some(Copy {
                place: place::Place::Named(filed.into),
                flags: filed.flags,
                keywords: filed.keywords,
                instead: filed
                    .instead
                    .map(|made| super::file::letter_of(received, made)),
            })
        });
        Part {
            sent: sent.collect(),
            time: received.time,
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
            if let Some(class) = effects.teaches {
                learn::add(tx, account, message, class, Origin::Script)?;
            }
        }
        for memory in &effects.remember {
            remember(tx, account, memory)?;
        }
        for (outgoing, sent) in effects.letters.iter().zip(&self.sent) {
            self.send(tx, outgoing, sent.as_ref(), letter)?;
        }
        for remark in &effects.remarks {
            journal::add(tx, account, remark)?;
        }
        match &effects.trouble {
            Some((trouble, notice)) => self.tell(tx, trouble, notice),
            None => Ok(()),
        }
    }

    fn send(
        &self,
        tx: &mut Tx<'_>,
        outgoing: &Outgoing,
        sent: Option<&Copy>,
        letter: &Letter,
    ) -> Result<()> {
        let account = self.delivery.inbox.account;
        if let Some(memory) = &outgoing.unless {
            if memory::knows(tx, account, memory.kind, &memory.key, tx.now())? {
                return Ok(());
            }
            remember(tx, account, memory)?;
        }
        for account in &outgoing.here {
            self.file_ours(tx, *account, &outgoing.made)?;
        }
        if !outgoing.elsewhere.is_empty() {
            queue::add(tx, &self.queued(outgoing))?;
        }
        if let Some(copy) = sent {
            place::place(tx, &self.delivery.inbox, std::slice::from_ref(copy), letter)?;
        }
        Ok(())
    }

    fn queued(&self, outgoing: &Outgoing) -> NewQueued {
        let recipient = |address: &String| NewQueuedRecipient {
            address: address.clone(),
            orcpt: None,
            notify: outgoing.notify,
            next_attempt: self.time,
            state: store::queue::State::Pending,
        };
        NewQueued {
            reverse_path: outgoing.reverse_path.clone(),
            envid: None,
            ret_full: outgoing.ret_full,
            smtputf8: !outgoing.made.ascii_header,
            eight_bit: !outgoing.made.ascii,
            account: None,
            created: self.time,
            body: outgoing.made.body.clone(),
            header_size: outgoing.made.header_size,
            recipients: outgoing.elsewhere.iter().map(recipient).collect(),
        }
    }

    /// H32: written down each time; the owner is told once for each version of the script. What the admin's scripts do wrong, the
    /// admin is told.
    fn tell(&self, tx: &mut Tx<'_>, trouble: &Trouble, notice: &Made) -> Result<()> {
        let inbox = &self.delivery.inbox;
        journal::add(
            tx,
            inbox.account,
            &format!("{}: {}", trouble.script, trouble.what),
        )?;
        let told = effects::told(trouble, tx.now());
        if trouble.scope == Scope::Global
            || memory::knows(tx, inbox.account, told.kind, &told.key, tx.now())?
        {
            return Ok(());
        }
        remember(tx, inbox.account, &told)?;
        self.file_ours(tx, inbox.account, notice)
    }

    /// A full mailbox takes letters of ours all the same, far beyond its limit, as it takes notices.
    fn file_ours(&self, tx: &mut Tx<'_>, account: AccountId, made: &Made) -> Result<()> {
        let Some(inbox) = mailbox::by_name(tx, account, mailbox::INBOX)? else {
            return Ok(());
        };
        let new = NewEntry {
            account,
            mailbox: inbox.id,
            flags: Flags::default(),
            keywords: Vec::new(),
            internal_date: self.time,
            body: made.body.clone(),
            summary: made.summary.clone(),
            quota: QuotaRule::NOTICE,
        };
        match entry::add(tx, &new) {
            Err(Error::OverQuota { .. }) => {
                tracing::warn!(account = %account, "a letter of a script does not fit into the mailbox, and is dropped");
                Ok(())
            }
            added => added.map(|_| ()),
        }
    }
}

fn remember(tx: &mut Tx<'_>, account: AccountId, memory: &Memory) -> Result<()> {
    memory::remember(tx, account, memory.kind, &memory.key, memory.expires)
}

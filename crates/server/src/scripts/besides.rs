//! Writes what the scripts of an account want besides filing the message: letters, what is to be remembered, entries of the journal, and
//! what the filter shall learn. Inside the transaction that files the message, or that follows an event.

use super::effects::{self, Effects, Memory, Outgoing};
use super::letters::Made;
use super::run::Trouble;
use sieve::Scope;
use store::entry::{Flags, NewEntry, QuotaRule};
use store::learn::{self, Origin};
use store::queue::{self, NewQueued, NewQueuedRecipient};
use store::script::{journal, memory};
use store::{AccountId, Error, MessageId, Result, Timestamp, Tx, entry, mailbox};

/// The account, and what its scripts want.
pub(crate) struct Besides<'a> {
    pub(crate) account: AccountId,
    pub(crate) effects: &'a Effects,
    /// When the message arrived, or when the event was looked at.
    pub(crate) time: Timestamp,
}

impl Besides<'_> {
    /// Writes it all, for a message that is now stored under this id. `file_sent` files the copy (`:fcc`) of the letter with that number.
    pub(crate) fn write(
        &self,
        tx: &mut Tx<'_>,
        message: Option<MessageId>,
        file_sent: &mut dyn FnMut(&mut Tx<'_>, usize) -> Result<()>,
    ) -> Result<()> {
        if let (Some(message), Some(class)) = (message, self.effects.teaches) {
            learn::add(tx, self.account, message, class, Origin::Script)?;
        }
        for memory in &self.effects.remember {
            remember(tx, self.account, memory)?;
        }
        for (n, outgoing) in self.effects.letters.iter().enumerate() {
            if self.send(tx, outgoing)? {
                file_sent(tx, n)?;
            }
        }
        for remark in &self.effects.remarks {
            journal::add(tx, self.account, remark)?;
        }
        match &self.effects.trouble {
            Some((trouble, notice)) => self.tell(tx, trouble, notice),
            None => Ok(()),
        }
    }

    /// False if it is not to be sent, since it was already.
    fn send(&self, tx: &mut Tx<'_>, outgoing: &Outgoing) -> Result<bool> {
        if let Some(memory) = &outgoing.unless {
            if memory::knows(tx, self.account, memory.kind, &memory.key, tx.now())? {
                return Ok(false);
            }
            remember(tx, self.account, memory)?;
        }
        for account in &outgoing.here {
            self.file_ours(tx, *account, &outgoing.made)?;
        }
        if !outgoing.elsewhere.is_empty() {
            let id = queue::add(tx, &self.queued(outgoing))?;
            if outgoing.requires_tls {
                queue::require_tls(tx, id)?;
            }
            if let Some(by) = &outgoing.by {
                queue::set_deliver_by(tx, id, by)?;
            }
        }
        Ok(true)
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
    /// admin is told by the log.
    fn tell(&self, tx: &mut Tx<'_>, trouble: &Trouble, notice: &Made) -> Result<()> {
        let line = format!("{}: {}", trouble.script, trouble.what);
        journal::add(tx, self.account, &line)?;
        let told = effects::told(trouble, tx.now());
        if trouble.scope == Scope::Global
            || memory::knows(tx, self.account, told.kind, &told.key, tx.now())?
        {
            return Ok(());
        }
        remember(tx, self.account, &told)?;
        self.file_ours(tx, self.account, notice)
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
            internal_date: self.time.into(),
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

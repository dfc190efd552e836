//! A running transaction: what the modules of this crate run their statements on, and what is to happen once it is committed.

use crate::body::staged::Staged;
use crate::change::{Record, Touched};
use crate::context::Context;
use crate::engine::{Param, Row, Sql, params};
use crate::quota::{Limits, Usage, Used};
use crate::{AccountId, Error, MailboxId, ModSeq, Result, Timestamp};
use std::ops::ControlFlow;

/// A running transaction. Functions of this crate's modules take it; nobody else runs SQL.
pub struct Tx<'a> {
    sql: &'a mut dyn Sql,
    pub(crate) context: &'a Context,
    pub(crate) effects: Effects,
}

/// What follows from a transaction outside the database, once it is committed.
#[derive(Default)]
pub(crate) struct Effects {
    /// Accounts it changed.
    pub(crate) touched: Vec<Touched>,
    /// Accounts it changed or tried to, in the order in which it came to them.
    pub(crate) wanted: Vec<AccountId>,
    /// Bodies it refers to for the first time; their files must stay.
    pub(crate) kept: Vec<Staged>,
    /// Files whose bodies nothing refers to any more.
    pub(crate) dropped: Vec<String>,
    /// Accounts it removed.
    pub(crate) gone: Vec<AccountId>,
    /// Accounts that hold more or less than before.
    usage: Vec<Usage>,
    /// The queue has something to do.
    pub(crate) queue_work: bool,
    /// Somebody may use more or fewer mailboxes of others.
    pub(crate) access_changed: bool,
    /// The list of events that scripts look at has changed.
    pub(crate) event_work: bool,
    /// The filter has something to learn.
    pub(crate) lessons: bool,
}

impl Effects {
    /// The transaction is committed.
    pub(crate) fn apply(self, context: &Context) {
        self.kept.iter().for_each(Staged::keep);
        context.files.remove_later(self.dropped);
        for touched in &self.touched {
            context.watchers.tell(touched.account, touched.modseq);
        }
        self.usage.iter().for_each(|usage| context.used(usage));
        for account in self.gone {
            context.watchers.tell(account, ModSeq(i64::MAX as u64));
            context.search.forget(account);
        }
        if self.queue_work {
            context.watchers.tell_queue();
        }
        if self.access_changed {
            context.watchers.tell_access();
        }
        if self.event_work {
            context.watchers.tell_events();
        }
        if self.lessons {
            context.watchers.tell_lessons();
        }
    }

    /// The commit failed, and nobody can say how far it came: files stay until the next start finds out.
    pub(crate) fn abandon(self) {
        self.kept.iter().for_each(Staged::keep);
    }
}

impl<'a> Tx<'a> {
    pub(crate) fn new(sql: &'a mut dyn Sql, context: &'a Context) -> Tx<'a> {
        Tx {
            sql,
            context,
            effects: Effects::default(),
        }
    }

    pub(crate) fn has_touched_accounts(&self) -> bool {
        !self.effects.touched.is_empty()
    }

    pub(crate) fn into_effects(self) -> Effects {
        self.effects
    }

    /// The time that new rows carry.
    pub fn now(&self) -> Timestamp {
        self.context.now()
    }

    pub(crate) fn execute(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<u64> {
        self.sql.execute(sql, params)
    }

    /// Runs several statements without parameters.
    pub(crate) fn batch(&mut self, sql: &str) -> Result<()> {
        self.sql.batch(sql)
    }

    /// Hands over row after row until `each` breaks.
    pub(crate) fn each(
        &mut self,
        sql: &'static str,
        params: &[Param<'_>],
        mut each: impl FnMut(&Row<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        self.sql.query(sql, params, &mut each)
    }

    /// All rows, read by `read`.
    pub(crate) fn all<T>(
        &mut self,
        sql: &'static str,
        params: &[Param<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut all = Vec::new();
        self.each(sql, params, |row| {
            all.push(read(row)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(all)
    }

    /// The only row, if there is one. The statement is run to its end, so that one with RETURNING has all its effects.
    pub(crate) fn one<T>(
        &mut self,
        sql: &'static str,
        params: &[Param<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut one = None;
        self.each(sql, params, |row| {
            one = Some(read(row)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(one)
    }

    /// Must come before anything of an account is read in order to change it.
    pub(crate) fn lock_account(&mut self, account: AccountId) -> Result<()> {
        self.effects.wanted.push(account);
        self.sql.lock_account(account)
    }

    /// This transaction's MODSEQ in `account`: the one place where MODSEQs come from. [`Error::Missing`] if there is no such account.
    pub(crate) fn next_modseq(&mut self, account: AccountId) -> Result<ModSeq> {
        self.charge(account, 0, 0).map(|charged| charged.modseq)
    }

    /// The same, sparing the statement if this transaction has its MODSEQ already.
    pub(crate) fn known_modseq(&mut self, account: AccountId) -> Result<ModSeq> {
        match self.effects.touched.iter().find(|t| t.account == account) {
            Some(touched) => Ok(touched.modseq),
            None => self.next_modseq(account),
        }
    }

    /// Adds to what `account` uses, and makes sure that this transaction has a MODSEQ in it.
    pub(crate) fn charge(
        &mut self,
        account: AccountId,
        bytes: i64,
        messages: i64,
    ) -> Result<Charged> {
        let known = self
            .effects
            .touched
            .iter()
            .position(|t| t.account == account);
        if known.is_none() {
            self.effects.wanted.push(account);
        }
        let charged = self.one(
            "UPDATE account SET modseq = modseq + $2, used_bytes = used_bytes + $3, used_messages = used_messages + $4 \
             WHERE id = $1 RETURNING modseq, used_bytes, used_messages, quota, quota_messages, quota_level",
            params![account, i64::from(known.is_none()), bytes, messages],
            |row| {
                Ok(Charged {
                    modseq: ModSeq(row.number(0)?),
                    used: Used { bytes: row.number(1)?, messages: row.number(2)? },
                    limits: Limits {
                        bytes: row.opt_int(3)?.map(i64::unsigned_abs),
                        messages: row.opt_int(4)?.map(i64::unsigned_abs),
                    },
                    level: row.number(5)?,
                })
            },
        )?;
        let charged = charged.ok_or_else(|| Error::Missing(format!("account {account}")))?;
        if bytes != 0 || messages != 0 {
            self.note_usage(account, &charged);
        }
        if known.is_none() {
            self.effects
                .touched
                .push(Touched::new(account, charged.modseq));
        }
        Ok(charged)
    }

    /// What the account uses or may use has changed: those who watch hear of it after the commit.
    fn note_usage(&mut self, account: AccountId, charged: &Charged) {
        let usage = self.usage_of(account);
        (usage.used, usage.limits, usage.level) = (charged.used, charged.limits, charged.level);
    }

    /// The same for limits that were changed by a statement of their own.
    pub(crate) fn note_limits(&mut self, account: AccountId) -> Result<()> {
        let charged = self.charge(account, 0, 0)?;
        self.note_usage(account, &charged);
        Ok(())
    }

    /// Messages went to make room.
    pub(crate) fn note_room(&mut self, account: AccountId, messages: u64) {
        self.usage_of(account).made_room += messages;
    }

    fn usage_of(&mut self, account: AccountId) -> &mut Usage {
        let known = self.effects.usage.iter().position(|u| u.account == account);
        let at = known.unwrap_or_else(|| {
            self.effects.usage.push(Usage {
                account,
                used: Used::default(),
                limits: Limits::default(),
                level: 0,
                made_room: 0,
            });
            self.effects.usage.len() - 1
        });
        &mut self.effects.usage[at]
    }

    /// Appends to the change log of an account that [`Tx::charge`] or [`Tx::next_modseq`] was called for.
    pub(crate) fn record(
        &mut self,
        account: AccountId,
        mailbox: Option<MailboxId>,
        record: Record,
    ) {
        let access = matches!(record, Record::Shared { .. } | Record::AccountChanged);
        self.effects.access_changed |= access;
        if let Some(touched) = self
            .effects
            .touched
            .iter_mut()
            .find(|t| t.account == account)
        {
            touched.push(mailbox, record);
        }
    }

    /// Writes the change log. Runs at the end of every transaction.
    pub(crate) fn flush(&mut self) -> Result<()> {
        // Taken out meanwhile, because writing borrows the transaction.
        let touched = std::mem::take(&mut self.effects.touched);
        for account in &touched {
            account.write(self)?;
        }
        self.effects.touched = touched;
        Ok(())
    }
}

/// What [`Tx::charge`] tells.
pub(crate) struct Charged {
    pub(crate) modseq: ModSeq,
    /// What is used, the charge included.
    pub(crate) used: Used,
    /// The account's own limits.
    pub(crate) limits: Limits,
    level: u8,
}

//! Is there room, and how it is made (P3, P8): the oldest messages of Junk and the like go if a delivery does not fit.
//!
//! UIDs grow as messages are saved, so the oldest are those with the lowest UIDs, and finding them does not read the mailbox.

use super::{Limit, Occasion, Policy, QuotaRule, Used};
use crate::account::Account;
use crate::entry::{self, Entry, Everywhere};
use crate::mailbox::{self, Mailbox};
use crate::removed::Why;
use crate::tx::{Charged, Tx};
use crate::{AccountId, Error, MailboxId, ModSeq, Result};

/// Messages that go for one delivery at most; what needs more is refused.
const MOST: usize = 10_000;
/// Messages looked at in one go.
const BATCH: usize = 100;

/// Whether a message fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// It fits, as far as can be told before it is there.
    Enough,
    /// The account is full.
    Full,
    /// It would not even fit into an empty account.
    Never,
}

/// Whether a message of so many octets will fit, into an account and perhaps into a certain mailbox of it. Reads counters alone.
pub fn room(
    tx: &mut Tx<'_>,
    account: &Account,
    mailbox: Option<&Mailbox>,
    rule: &QuotaRule,
    bytes: u64,
) -> Result<Room> {
    let limits = rule.limits(account.limits());
    let extra = match mailbox {
        Some(mailbox) => extra(rule, mailbox),
        None => 0,
    };
    let limit = limits
        .bytes
        .map(|limit| rule.occasion.of_bytes(limit.saturating_add(extra)));
    if limit.is_some_and(|limit| bytes > limit.highest) {
        return Ok(Room::Never);
    }
    // Of unknown size it has one octet at least.
    let added = bytes.max(1);
    let excess = Used {
        bytes: limit.map_or(0, |limit| {
            limit.excess(account.used_bytes.saturating_add(added), added)
        }),
        messages: limits.messages.map_or(0, |limit| {
            let limit = rule.occasion.of_messages(limit);
            limit.excess(account.used_messages + 1, 1)
        }),
    };
    if excess == Used::default() || (rule.makes_room() && is_there(tx, account.id, rule, excess)?) {
        return Ok(Room::Enough);
    }
    Ok(Room::Full)
}

/// Counts an addition to a mailbox against its account, or refuses it. Where the rule says so, room is made for it.
pub(crate) fn charge(
    tx: &mut Tx<'_>,
    (account, mailbox): (AccountId, MailboxId),
    added: Used,
    rule: &QuotaRule,
) -> Result<ModSeq> {
    let (bytes, messages) = (signed(added.bytes), signed(added.messages));
    let charged = tx.charge(account, bytes, messages)?;
    let allowed = allow(tx, (account, mailbox), &charged, added, rule);
    if allowed.is_err() {
        tx.charge(account, -bytes, -messages)?;
    }
    allowed.map(|()| charged.modseq)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// What a full account costs more is asked only where it is full.
fn allow(
    tx: &mut Tx<'_>,
    (account, mailbox): (AccountId, MailboxId),
    charged: &Charged,
    added: Used,
    rule: &QuotaRule,
) -> Result<()> {
    let Err(over) = rule.check(charged, added, 0) else {
        return Ok(());
    };
    let policy = rule.policy.as_deref();
    if policy.is_some_and(|policy| !policy.extra.is_empty())
        && let Some(mailbox) = mailbox::by_id(tx, account, mailbox)?
    {
        let extra = extra(rule, &mailbox);
        if extra > 0 && rule.check(charged, added, extra).is_ok() {
            return Ok(());
        }
    }
    match rule.makes_room() && make(tx, account, rule, excess(charged, added, rule))? {
        true => Ok(()),
        false => Err(over),
    }
}

fn excess(charged: &Charged, added: Used, rule: &QuotaRule) -> Used {
    let limits = rule.limits(charged.limits);
    let (used, occasion) = (charged.used, rule.occasion);
    let bytes = limits.bytes.map(|limit| occasion.of_bytes(limit));
    let messages = limits.messages.map(|limit| occasion.of_messages(limit));
    let of = |limit: Option<Limit>, used, added| limit.map_or(0, |limit| limit.excess(used, added));
    Used {
        bytes: of(bytes, used.bytes, added.bytes),
        messages: of(messages, used.messages, added.messages),
    }
}

/// How many octets more than elsewhere there may be in this mailbox.
fn extra(rule: &QuotaRule, mailbox: &Mailbox) -> u64 {
    let extra = rule.policy.as_ref().map(|policy| policy.extra.as_slice());
    let those = extra.unwrap_or_default().iter();
    let those = those.filter(|(which, _)| which.is(mailbox));
    those.map(|(_, octets)| *octets).max().unwrap_or(0)
}

impl QuotaRule {
    fn makes_room(&self) -> bool {
        let some = |policy: &Policy| !policy.make_room.is_empty();
        self.occasion == Occasion::Delivery && self.policy.as_deref().is_some_and(some)
    }

    fn make_room(&self) -> &[Everywhere] {
        self.policy
            .as_deref()
            .map_or(&[], |policy| policy.make_room.as_slice())
    }
}

/// Is there as much in the mailboxes that may be emptied?
fn is_there(tx: &mut Tx<'_>, account: AccountId, rule: &QuotaRule, excess: Used) -> Result<bool> {
    let (mut bytes, mut messages) = (0, 0);
    for which in rule.make_room() {
        if let Some(mailbox) = which.find(tx, account)? {
            bytes += mailbox.bytes;
            messages += u64::from(mailbox.messages);
        }
    }
    Ok(bytes >= excess.bytes && messages >= excess.messages)
}

/// Removes as much as is needed, or nothing if there is not enough.
fn make(tx: &mut Tx<'_>, account: AccountId, rule: &QuotaRule, excess: Used) -> Result<bool> {
    if !is_there(tx, account, rule, excess)? {
        return Ok(false);
    }
    let mut goes = Vec::new();
    let mut left = excess;
    for which in rule.make_room() {
        let Some(mailbox) = which.find(tx, account)? else {
            continue;
        };
        let chosen = oldest(tx, account, mailbox.id, &mut left)?;
        goes.push((mailbox.id, chosen));
    }
    let count: usize = goes.iter().map(|(_, entries)| entries.len()).sum();
    if left != Used::default() || count > MOST {
        return Ok(false);
    }
    for (mailbox, entries) in &goes {
        entry::remove(tx, account, *mailbox, entries, Some(Why::Room))?;
    }
    tx.note_room(account, count as u64);
    Ok(true)
}

/// The oldest messages of a mailbox, until what is left to go is nothing.
fn oldest(
    tx: &mut Tx<'_>,
    account: AccountId,
    mailbox: MailboxId,
    left: &mut Used,
) -> Result<Vec<Entry>> {
    let (mut chosen, mut next) = (Vec::new(), 1);
    while *left != Used::default() && chosen.len() <= MOST {
        let batch = entry::scan(tx, account, mailbox, &[next..=u32::MAX], None, BATCH)?;
        let Some(last) = batch.last() else { break };
        next = last.uid.0.saturating_add(1);
        for entry in batch {
            if *left == Used::default() {
                break;
            }
            left.bytes = left.bytes.saturating_sub(u64::from(entry.size));
            left.messages = left.messages.saturating_sub(1);
            chosen.push(entry);
        }
    }
    Ok(chosen)
}

impl Everywhere {
    /// Is this mailbox meant?
    fn is(&self, mailbox: &Mailbox) -> bool {
        match self {
            Everywhere::Special(special) => mailbox.special_use == Some(*special),
            Everywhere::Named(name) => mailbox.name == mailbox::canonical(name),
        }
    }

    /// The mailbox of an account that is meant.
    fn find(&self, tx: &mut Tx<'_>, account: AccountId) -> Result<Option<Mailbox>> {
        match self {
            Everywhere::Special(special) => mailbox::by_special_use(tx, account, *special),
            Everywhere::Named(name) => mailbox::by_name(tx, account, name),
        }
    }
}

impl Room {
    /// [`Error::OverQuota`] unless there is enough.
    pub fn into_result(self, account: &Account, rule: &QuotaRule) -> Result<()> {
        match self {
            Room::Enough => Ok(()),
            Room::Full | Room::Never => Err(Error::OverQuota {
                resource: super::Resource::Bytes,
                limit: rule.limits(account.limits()).bytes.unwrap_or(u64::MAX),
                used: account.used_bytes,
            }),
        }
    }
}

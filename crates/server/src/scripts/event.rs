//! What happens to messages over IMAP, and which scripts that concerns (RFC 6785; G15, H26).
//!
//! A session that copies, moves, appends or flags messages has a [`Witness`] with it in its transaction. Where a rule of `sieve.imap` or an
//! annotation wants scripts to look at them, the event is put on a list in the store; [`crate::jobs`] runs the scripts
//! afterwards. So no command waits for a script, and no script can break one (I12).
//!
//! What scripts themselves do is no event, so that they cannot call each other for ever (RFC 6785 §2.2.3).

use crate::Services;
use crate::config::Config;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use store::annotation::{self, Depth, Place};
use store::entry::{Entry, Flags};
use store::mailbox::{self, Mailbox};
use store::script::event::{self, Cause, Event};
use store::{AccountId, MailboxId, Result, Timestamp, Tx, account};

/// The entry that names the script for a mailbox, or, of the server, for all mailboxes of the account (RFC 6785 §2.3).
pub(crate) const ANNOTATION: &str = "/shared/imapsieve/script";

/// The admin's scripts that an event concerns, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Chosen {
    /// Before the user's.
    pub(super) before: Vec<PathBuf>,
    /// After it.
    pub(super) after: Vec<PathBuf>,
}

/// By all rules that it meets.
pub(super) fn chosen(config: &Config, event: &Event) -> Chosen {
    let mut chosen = Chosen::default();
    let (cause, from) = (event.cause.word(), event.from.as_deref());
    for rule in &config.sieve.imap {
        if rule.meets(cause, &event.name, from) {
            chosen.before.extend(rule.before.clone());
            chosen.after.extend(rule.after.clone());
        }
    }
    chosen
}

/// The name of the user's script for this mailbox; `Some("")` is none, whatever there is for all mailboxes.
pub(super) fn annotated(
    tx: &mut Tx<'_>,
    account: AccountId,
    mailbox: MailboxId,
) -> Result<Option<String>> {
    for place in [Place::shared(account, mailbox), Place::of_account(account)] {
        let found = annotation::read(tx, place, ANNOTATION, Depth::Zero)?;
        if let Some((_, value)) = found.into_iter().next() {
            return Ok(Some(String::from_utf8_lossy(&value).trim().to_owned()));
        }
    }
    Ok(None)
}

/// Sees what a session does.
#[derive(Clone)]
pub(crate) struct Witness {
    config: Arc<Config>,
    /// The address of the account that is logged in.
    actor: String,
    now: Timestamp,
}

impl Witness {
    pub(crate) fn new(services: &Services, actor: String) -> Witness {
        Witness {
            config: services.config.load_full(),
            actor,
            now: services.clock.now(),
        }
    }

    /// Messages have come into a mailbox, with these UIDs there.
    pub(crate) fn arrived(
        &self,
        tx: &mut Tx<'_>,
        cause: Cause,
        (account, mailbox): (AccountId, MailboxId),
        from: Option<(AccountId, MailboxId)>,
        uids: Vec<RangeInclusive<u32>>,
    ) -> Result<()> {
        if uids.is_empty() {
            return Ok(());
        }
        let Some(mailbox) = mailbox::by_id(tx, account, mailbox)? else {
            return Ok(());
        };
        let from = match from {
            Some(from) => name_to(tx, account, from)?,
            None => None,
        };
        let event = self.event(cause, &mailbox, from);
        match self.concerns(tx, account, &event)? {
            true => event::add(tx, account, &Event { uids, ..event }, self.now),
            false => Ok(()),
        }
    }

    /// Does anybody care about flags in this mailbox? If so, [`Watched::changed`] is to be told how they were and are.
    pub(crate) fn watches_flags(
        &self,
        tx: &mut Tx<'_>,
        account: AccountId,
        mailbox: MailboxId,
    ) -> Result<Option<Watched>> {
        let Some(mailbox) = mailbox::by_id(tx, account, mailbox)? else {
            return Ok(None);
        };
        let event = self.event(Cause::Flag, &mailbox, None);
        let concerns = self.concerns(tx, account, &event)?;
        Ok(concerns.then_some(Watched {
            account,
            event,
            now: self.now,
        }))
    }

    fn event(&self, cause: Cause, mailbox: &Mailbox, from: Option<String>) -> Event {
        Event {
            cause,
            actor: self.actor.clone(),
            mailbox: mailbox.id,
            name: mailbox.name.clone(),
            from,
            changed: Vec::new(),
            uids: Vec::new(),
        }
    }

    fn concerns(&self, tx: &mut Tx<'_>, account: AccountId, event: &Event) -> Result<bool> {
        if chosen(&self.config, event) != Chosen::default() {
            return Ok(true);
        }
        let own = annotated(tx, account, event.mailbox)?;
        Ok(own.is_some_and(|name| !name.is_empty()))
    }
}

/// What the owner of `account` would call a mailbox that may be somebody else's.
fn name_to(
    tx: &mut Tx<'_>,
    account: AccountId,
    (owner, mailbox): (AccountId, MailboxId),
) -> Result<Option<String>> {
    let Some(found) = mailbox::by_id(tx, owner, mailbox)? else {
        return Ok(None);
    };
    if owner == account {
        return Ok(Some(found.name));
    }
    let owner = account::by_id(tx, owner)?.map(|owner| owner.address);
    let owner = owner.unwrap_or_default();
    Ok(Some(format!("Other Users/{owner}/{}", found.name)))
}

/// A mailbox in which flags matter to scripts.
pub(crate) struct Watched {
    account: AccountId,
    event: Event,
    now: Timestamp,
}

impl Watched {
    /// Notes how flags have changed: one event for all messages with which the same happened.
    pub(crate) fn changed(&self, tx: &mut Tx<'_>, before: &[Entry], after: &[Entry]) -> Result<()> {
        let mut groups: Vec<(Vec<String>, Vec<RangeInclusive<u32>>)> = Vec::new();
        for new in after {
            let Ok(at) = before.binary_search_by_key(&new.uid, |old| old.uid) else {
                continue;
            };
            let changed = difference(&before[at], new);
            if changed.is_empty() {
                continue;
            }
            match groups.iter_mut().find(|(same, _)| *same == changed) {
                Some((_, uids)) => push(uids, new.uid.0),
                None => groups.push((changed, vec![new.uid.0..=new.uid.0])),
            }
        }
        for (changed, uids) in groups {
            let event = Event {
                changed,
                uids,
                ..self.event.clone()
            };
            event::add(tx, self.account, &event, self.now)?;
        }
        Ok(())
    }
}

fn push(uids: &mut Vec<RangeInclusive<u32>>, uid: u32) {
    match uids.last_mut() {
        Some(last) if *last.end() + 1 == uid => *last = *last.start()..=uid,
        _ => uids.push(uid..=uid),
    }
}

const SYSTEM: [(Flags, &str); 5] = [
    (Flags::ANSWERED, "\\Answered"),
    (Flags::FLAGGED, "\\Flagged"),
    (Flags::DELETED, "\\Deleted"),
    (Flags::SEEN, "\\Seen"),
    (Flags::DRAFT, "\\Draft"),
];

/// The flags and keywords of an entry, by name.
pub(crate) fn flags_of(entry: &Entry) -> Vec<String> {
    let system = SYSTEM
        .iter()
        .filter(|(bit, _)| entry.flags.contains(*bit))
        .map(|(_, name)| (*name).to_owned());
    system.chain(entry.keywords.iter().cloned()).collect()
}

/// The flags that only one of them has.
fn difference(old: &Entry, new: &Entry) -> Vec<String> {
    let (old, new) = (flags_of(old), flags_of(new));
    let has = |all: &[String], one: &String| all.iter().any(|flag| flag.eq_ignore_ascii_case(one));
    let gone = old.iter().filter(|flag| !has(&new, flag));
    let come = new.iter().filter(|flag| !has(&old, flag));
    gone.chain(come).cloned().collect()
}

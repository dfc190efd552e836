//! Puts copies of a message into the mailboxes that were decided on, inside the transaction of the commit.
//!
//! A decision names a mailbox by what it is for; here it is found, or made. What cannot be found or made is no reason to lose mail:
//! the copy goes into INBOX, and the log says why.

use super::route::Inbox;
use crate::scripts::effects::Into;
use store::body::Staged;
use store::entry::{Flags, NewEntry, QuotaRule};
use store::mailbox::{self, SpecialUse};
use store::quota::Resource;
use store::script::journal;
use store::{AccountId, Error, MailboxId, MessageId, Result, Timestamp, Tx, entry};

/// One copy of a message in an account.
#[derive(Clone, Debug)]
pub(crate) struct Copy {
    pub(super) place: Place,
    pub(super) flags: Flags,
    pub(super) keywords: Vec<String>,
    /// Another message than the one that arrived.
    pub(super) instead: Option<Letter>,
}

/// A mailbox, by what it is for.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// INBOX.
    Inbox,
    /// The mailbox with the special use \Junk, else the one of this name, which is made if it is missing.
    Junk(String),
    /// What a script names.
    Named(Into),
}

/// The octets of a copy and what goes with them.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(super) body: Staged,
    pub(super) summary: message::Summary,
    /// INTERNALDATE.
    pub(super) date: Timestamp,
    pub(super) quota: QuotaRule,
}

/// What became of an account's copies.
pub(crate) enum Outcome {
    /// It has the message: so many copies; the id of the first.
    Filed(usize, Option<MessageId>),
    /// Nothing was written, since not even the first copy fits.
    Full {
        /// What there is too much of.
        resource: Resource,
        /// The account's quota of it.
        limit: u64,
        /// What it holds.
        used: u64,
    },
}

/// Files the copies. Those after the first are left out if they do not fit: the message is there.
pub(super) fn place(
    tx: &mut Tx<'_>,
    inbox: &Inbox,
    copies: &[Copy],
    letter: &Letter,
) -> Result<Outcome> {
    let (mut filed, mut first) = (0, None);
    for copy in copies {
        let mailbox = copy.place.mailbox(tx, inbox)?;
        match entry::add(tx, &copy.entry(inbox.account, mailbox, letter)) {
            // The store changes nothing before it says so, and the transaction may go on.
            Err(Error::OverQuota {
                resource,
                limit,
                used,
            }) if filed == 0 => {
                return Ok(Outcome::Full {
                    resource,
                    limit,
                    used,
                });
            }
            Err(Error::OverQuota { .. }) => log_left_out(inbox, copy),
            Err(error) => return Err(error),
            Ok((_, _, message)) => {
                filed += 1;
                first = first.or(Some(message));
            }
        }
    }
    Ok(Outcome::Filed(filed, first))
}

fn log_left_out(inbox: &Inbox, copy: &Copy) {
    tracing::warn!(
        account = inbox.address,
        mailbox = ?copy.place,
        "a further copy of a message does not fit into the quota, and is left out"
    );
}

impl Copy {
    /// As it is, in INBOX.
    pub(super) fn plain() -> Copy {
        Copy {
            place: Place::Inbox,
            flags: Flags::default(),
            keywords: Vec::new(),
            instead: None,
        }
    }

    fn entry(&self, account: AccountId, mailbox: MailboxId, letter: &Letter) -> NewEntry {
        let letter = self.instead.as_ref().unwrap_or(letter);
        NewEntry {
            account,
            mailbox,
            flags: self.flags,
            keywords: self.keywords.clone(),
            internal_date: letter.date.into(),
            body: letter.body.clone(),
            summary: letter.summary.clone(),
            quota: letter.quota.clone(),
        }
    }
}

impl Place {
    fn mailbox(&self, tx: &mut Tx<'_>, inbox: &Inbox) -> Result<MailboxId> {
        match self {
            Place::Inbox | Place::Named(Into::Usual) => Ok(inbox.mailbox),
            Place::Junk(name) => junk(tx, inbox, name),
            Place::Named(Into::Mailbox {
                name,
                create,
                special_use,
                id,
            }) => named(tx, inbox, name, *create, *special_use, *id),
        }
    }
}

fn junk(tx: &mut Tx<'_>, inbox: &Inbox, name: &str) -> Result<MailboxId> {
    let account = inbox.account;
    if let Some(found) = mailbox::by_special_use(tx, account, SpecialUse::Junk)? {
        return Ok(found.id);
    }
    if let Some(found) = mailbox::by_name(tx, account, name)? {
        return Ok(found.id);
    }
    let made = made(tx, account, name, Some(SpecialUse::Junk));
    or_inbox(tx, made, inbox, name)
}

/// RFC 9042 §4, RFC 8579 §4, RFC 5490 §3.2: by id, by use, by name, and made if that was asked for.
fn named(
    tx: &mut Tx<'_>,
    inbox: &Inbox,
    name: &str,
    create: bool,
    special: Option<SpecialUse>,
    id: Option<MailboxId>,
) -> Result<MailboxId> {
    let account = inbox.account;
    if let Some(id) = id
        && let Some(found) = mailbox::by_id(tx, account, id)?
    {
        return Ok(found.id);
    }
    if let Some(special) = special
        && let Some(found) = mailbox::by_special_use(tx, account, special)?
    {
        return Ok(found.id);
    }
    match mailbox::by_name(tx, account, name)? {
        Some(found) => Ok(found.id),
        None if create => {
            let made = made(tx, account, name, special);
            or_inbox(tx, made, inbox, name)
        }
        None => {
            let missing = Err(Error::Refused("there is no such mailbox".into()));
            or_inbox(tx, missing, inbox, name)
        }
    }
}

/// Made and subscribed, so that programs which list subscriptions alone show it.
fn made(
    tx: &mut Tx<'_>,
    account: AccountId,
    name: &str,
    special: Option<SpecialUse>,
) -> Result<MailboxId> {
    let made = mailbox::create(tx, account, name, special)?;
    mailbox::subscribe(tx, account, name, true)?;
    Ok(made)
}

/// A name that no mailbox may have is a mistake of whoever chose it; the mail is kept all the same, and the owner's journal says why (H32).
fn or_inbox(
    tx: &mut Tx<'_>,
    made: Result<MailboxId>,
    inbox: &Inbox,
    name: &str,
) -> Result<MailboxId> {
    match made {
        Err(Error::Refused(why) | Error::Exists(why)) => {
            tracing::warn!(
                account = inbox.address,
                mailbox = name,
                reason = why,
                "mail for this mailbox goes into INBOX"
            );
            let line = format!("mailbox \"{name}\": {why}; filed into INBOX instead");
            journal::add(tx, inbox.account, &line)?;
            Ok(inbox.mailbox)
        }
        made => made,
    }
}

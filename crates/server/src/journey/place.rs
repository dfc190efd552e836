//! Puts copies of a message into the mailboxes that were decided on, inside the transaction of the commit.
//!
//! A decision names a mailbox by what it is for; here it is found, or made. What cannot be found or made is no reason to lose mail:
//! the copy goes into INBOX, and the log says why.

use super::route::Inbox;
use store::body::Staged;
use store::entry::{Flags, NewEntry, QuotaRule};
use store::mailbox::{self, SpecialUse};
use store::{AccountId, Error, MailboxId, Result, Timestamp, Tx, entry};

/// One copy of a message in an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Copy {
    pub(super) place: Place,
    pub(super) flags: Flags,
    pub(super) keywords: Vec<String>,
}

/// A mailbox, by what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// INBOX.
    Inbox,
    /// The mailbox with the special use \Junk, else the one of this name, which is made if it is missing.
    Junk(String),
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
    /// It has the message: so many copies of it.
    Filed(usize),
    /// Nothing was written, since not even the first copy fits.
    Full {
        /// The account's quota, octets.
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
    let mut filed = 0;
    for copy in copies {
        let new = NewEntry {
            account: inbox.account,
            mailbox: copy.place.mailbox(tx, inbox)?,
            flags: copy.flags,
            keywords: copy.keywords.clone(),
            internal_date: letter.date,
            body: letter.body.clone(),
            summary: letter.summary.clone(),
            quota: letter.quota,
        };
        match entry::add(tx, &new) {
            // The store changes nothing before it says so, and the transaction may go on.
            Err(Error::OverQuota { limit, used }) if filed == 0 => {
                return Ok(Outcome::Full { limit, used });
            }
            Err(Error::OverQuota { .. }) => log_left_out(inbox, copy),
            Err(error) => return Err(error),
            Ok(_) => filed += 1,
        }
    }
    Ok(Outcome::Filed(filed))
}

fn log_left_out(inbox: &Inbox, copy: &Copy) {
    tracing::warn!(
        account = inbox.address,
        mailbox = ?copy.place,
        "a further copy of a message does not fit into the quota, and is left out"
    );
}

impl Place {
    fn mailbox(&self, tx: &mut Tx<'_>, inbox: &Inbox) -> Result<MailboxId> {
        match self {
            Place::Inbox => Ok(inbox.mailbox),
            Place::Junk(name) => junk(tx, inbox, name),
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
    or_inbox(make_junk(tx, account, name), inbox, name)
}

/// Made and subscribed, so that programs which list subscriptions alone show it.
fn make_junk(tx: &mut Tx<'_>, account: AccountId, name: &str) -> Result<MailboxId> {
    let made = mailbox::create(tx, account, name, Some(SpecialUse::Junk))?;
    mailbox::subscribe(tx, account, name, true)?;
    Ok(made)
}

/// A name that no mailbox may have is a mistake of whoever chose it; the mail is kept all the same.
fn or_inbox(made: Result<MailboxId>, inbox: &Inbox, name: &str) -> Result<MailboxId> {
    match made {
        Err(Error::Refused(why) | Error::Exists(why)) => {
            tracing::warn!(
                account = inbox.address,
                mailbox = name,
                reason = why,
                "a mailbox cannot be made; mail for it goes into INBOX"
            );
            Ok(inbox.mailbox)
        }
        made => made,
    }
}

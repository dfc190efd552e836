//! Third stage: may this account, or this program of ours, use this sender?
//!
//! Envelope sender (B13, B16) and header From and Sender (B15) must be the account's own: its primary address, an address whose
//! aliases lead to it, the same in an alias domain (E27), or a subaddress of these. A program on this machine may use this host's own
//! name, and what belongs to the account of its user's name; the users of `local.trusted` may use any sender. Mail from other servers
//! passes: whether they may use a sender is for authentication and judging, but for senders of our own domains: see [`outsider`].

use super::authenticate::{Authenticated, Proof};
use super::envelope::{LocalUser, Refusal, Road};
use super::lookup::{self, Found, Target};
use super::receive::Received;
use super::{outsider, refusals};
use crate::config::Config;
use crate::session::login::Login;
use message::{Address, address_list, header};
use std::sync::Arc;
use store::account::Account;
use store::{AccountId, Store};

/// A message whose sender may send as whom it says.
pub(crate) struct Authorized {
    authenticated: Authenticated,
}

impl Authorized {
    pub(super) fn received(&self) -> &Received {
        &self.authenticated.received
    }

    /// What is proved about the sender, on the MX road.
    pub(super) fn proof(&self) -> Option<&Proof> {
        self.authenticated.proof.as_ref()
    }

    pub(super) fn into_authenticated(self) -> Authenticated {
        self.authenticated
    }
}

/// Checks the header's senders; the envelope's was checked at MAIL.
pub(super) async fn authorize(authenticated: Authenticated) -> Result<Authorized, Refusal> {
    let received = &authenticated.received;
    if let Some(proof) = &authenticated.proof {
        outsider::at_end(received, proof).await?;
    }
    if let Some(owner) = Owner::of(&received.config, &received.facts.road) {
        for (field, sender) in header_senders(&received.section)? {
            owner
                .check(&received.services.store, &sender, field)
                .await?;
        }
    }
    Ok(Authorized { authenticated })
}

/// Checks the envelope sender. The null reverse-path is everybody's: read receipts have it (RFC 8098 §2.1).
pub(super) async fn envelope_sender(
    config: &Arc<Config>,
    store: &Store,
    road: &Road,
    sender: Option<&Address>,
) -> Result<(), Refusal> {
    match (Owner::of(config, road), sender) {
        (Some(owner), Some(sender)) => owner.check(store, sender, "MAIL FROM").await,
        _ => Ok(()),
    }
}

/// Every mailbox of From and Sender, with the name of its field. The fix-ups have made sure that there is a From.
fn header_senders(section: &[u8]) -> Result<Vec<(&'static str, Address)>, Refusal> {
    let mut senders: Vec<(&'static str, Address)> = Vec::new();
    for name in ["From", "Sender"] {
        for value in header::values(section, name) {
            let mailboxes = address_list::mailboxes(value);
            if mailboxes.is_empty() {
                return Err(refusals::no_sender_in(name));
            }
            for mailbox in mailboxes {
                let sender = mailbox
                    .address()
                    .ok_or_else(|| refusals::no_sender_in(name))?;
                senders.push((name, sender));
            }
        }
    }
    senders.dedup_by(|later, first| later.1 == first.1);
    Ok(senders)
}

/// Who must own a sender.
struct Owner<'a> {
    config: &'a Arc<Config>,
    who: Who<'a>,
}

enum Who<'a> {
    Account(&'a Login),
    /// A user of this machine who is not trusted.
    User(&'a LocalUser),
}

impl<'a> Owner<'a> {
    /// `None`: this road may use any sender.
    fn of(config: &'a Arc<Config>, road: &'a Road) -> Option<Owner<'a>> {
        let who = match road {
            Road::Submission(login) => Who::Account(login),
            Road::Local(user) if !is_trusted(config, user) => Who::User(user),
            Road::Local(_) | Road::Mx | Road::Lmtp => return None,
        };
        Some(Owner { config, who })
    }

    async fn check(&self, store: &Store, sender: &Address, field: &str) -> Result<(), Refusal> {
        let owns = match self.who {
            Who::Account(login) if sender.key() == login.address => true,
            Who::Account(login) => {
                let account = Named::Id(login.account);
                !self.is_host_name(sender) && self.leads_home(store, sender, account).await?
            }
            Who::User(_) if self.is_host_name(sender) => true,
            Who::User(user) => {
                let own = format!("{}@{}", user.name.to_lowercase(), self.config.domain);
                sender.key() == own || self.leads_home(store, sender, Named::Address(own)).await?
            }
        };
        match (owns, &self.who) {
            (true, _) => Ok(()),
            (false, Who::Account(login)) => Err(refusals::not_your_sender(
                &sender.to_string(),
                field,
                &login.address,
            )),
            (false, Who::User(user)) => Err(refusals::not_this_user_s_sender(
                &sender.to_string(),
                field,
                &user.name,
                &self.config.hostname,
            )),
        }
    }

    /// Does mail to this address reach this account?
    async fn leads_home(
        &self,
        store: &Store,
        sender: &Address,
        account: Named,
    ) -> Result<bool, Refusal> {
        let (config, address) = (self.config.clone(), sender.clone());
        let leads_home = store.read(move |tx| {
            Ok(match lookup::look_up(&config, tx, &address)? {
                Found::Targets(targets) => targets
                    .iter()
                    .any(|target| matches!(target, Target::Account(found) if account.is(found))),
                _ => false,
            })
        });
        leads_home
            .await
            .map_err(|error| refusals::store_failed(&error))
    }

    /// B16: this server's own name is no user's, unless it is also a mail domain.
    fn is_host_name(&self, sender: &Address) -> bool {
        sender.domain().eq_ignore_ascii_case(&self.config.hostname)
            && self.config.hostname != self.config.domain
    }
}

/// An account, by what is known of it.
enum Named {
    Id(AccountId),
    Address(String),
}

impl Named {
    fn is(&self, account: &Account) -> bool {
        match self {
            Named::Id(id) => account.id == *id,
            Named::Address(address) => account.address == *address,
        }
    }
}

/// Root could be anybody anyway, and whoever is the server's own user is the server.
fn is_trusted(config: &Config, user: &LocalUser) -> bool {
    let named = |word: &String| *word == user.name || word == "*";
    user.uid == 0
        || user.uid == nix::unistd::geteuid().as_raw()
        || config.local.trusted.iter().any(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn senders(section: &str) -> Result<Vec<String>, u16> {
        header_senders(section.as_bytes())
            .map(|found| {
                found
                    .iter()
                    .map(|(field, address)| format!("{field} {address}"))
                    .collect()
            })
            .map_err(|refusal| refusal.reply.code)
    }

    /// B15: every mailbox of every From counts, wherever it hides.
    #[test]
    fn b15_all_senders_are_checked() {
        assert_eq!(
            senders("From: A <a@x>, b@x\r\nFrom: c@x\r\nSender: d@x\r\n").unwrap(),
            ["From a@x", "From b@x", "From c@x", "Sender d@x"]
        );
        assert_eq!(
            senders("From: G: a@x, b@y;\r\n").unwrap(),
            ["From a@x", "From b@y"]
        );
        assert_eq!(senders("From: \"a@x\" <b@y>\r\n").unwrap(), ["From b@y"]);
    }

    #[test]
    fn a_sender_that_cannot_be_read_is_refused() {
        assert_eq!(senders("From: nobody in particular\r\n"), Err(550));
        assert_eq!(senders("From:\r\n"), Err(550));
        assert_eq!(senders("From: a@x\r\nSender: G:;\r\n"), Err(550));
    }
}

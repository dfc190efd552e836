//! Third stage, of the submission road: may this account use this sender?
//!
//! Envelope sender (B13, B16) and header From and Sender (B15) must be the account's own: its primary address, an address whose
//! aliases lead to it, the same in an alias domain (E27), or a subaddress of these. Mail from other servers passes: whether they
//! may use a sender is for authentication and judging, but for senders of our own domains: see [`outsider`].

use super::authenticate::{Authenticated, Proof};
use super::envelope::{Refusal, Road};
use super::lookup::{self, Found, Target};
use super::receive::Received;
use super::{outsider, refusals};
use crate::config::Config;
use crate::session::login::Login;
use message::{Address, address_list, header};
use std::sync::Arc;
use store::Store;

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
    if let Road::Submission(login) = &received.facts.road {
        let owner = Owner {
            config: &received.config,
            login,
        };
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
    login: &Login,
    sender: Option<&Address>,
) -> Result<(), Refusal> {
    match sender {
        Some(sender) => {
            Owner { config, login }
                .check(store, sender, "MAIL FROM")
                .await
        }
        None => Ok(()),
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
    login: &'a Login,
}

impl Owner<'_> {
    async fn check(&self, store: &Store, sender: &Address, field: &str) -> Result<(), Refusal> {
        if sender.key() == self.login.address {
            return Ok(());
        }
        let (config, account, address) = (self.config.clone(), self.login.account, sender.clone());
        let leads_home = store.read(move |tx| {
            Ok(match lookup::look_up(&config, tx, &address)? {
                Found::Targets(targets) => targets
                    .iter()
                    .any(|target| matches!(target, Target::Account(found) if found.id == account)),
                _ => false,
            })
        });
        let owns = leads_home
            .await
            .map_err(|error| refusals::store_failed(&error))?;
        if owns && !self.is_host_name(sender) {
            return Ok(());
        }
        Err(refusals::not_your_sender(
            &sender.to_string(),
            field,
            &self.login.address,
        ))
    }

    /// B16: this server's own name is no user's, unless it is also a mail domain.
    fn is_host_name(&self, sender: &Address) -> bool {
        sender.domain().eq_ignore_ascii_case(&self.config.hostname)
            && self.config.hostname != self.config.domain
    }
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

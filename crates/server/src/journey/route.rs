//! Fifth stage: per recipient, file, relay or refuse.
//!
//! Recipients are routed while the client names them (RCPT), so that a refusal comes in the dialogue and never as a bounce (A9);
//! [`Rules`] does that, in one read of the store. What is left for the stage itself is to bring the targets of all recipients
//! together, each once. Addresses are looked up by [`super::lookup`]; quotas are checked here and again inside the commit.

use super::envelope::{ForwardPath, Mail, Notify, Rcpt, Refusal, Road};
use super::judge::Judged;
use super::lookup::{self, Found, Target};
use super::refusals;
use super::srs::{self, Rewritten};
use crate::Services;
use crate::config::Config;
use crate::gate;
use message::Address;
use std::collections::HashSet;
use std::sync::Arc;
use store::account::Account;
use store::quota::{self, Occasion, Room};
use store::script::Traits;
use store::{AccountId, MailboxId, mailbox, script};

/// A recipient that was accepted at RCPT.
#[derive(Clone, Debug)]
pub(crate) struct Recipient {
    /// As the client wrote it.
    pub(crate) path: String,
    /// `ORCPT=`, if given.
    pub(crate) orcpt: Option<String>,
    /// `NOTIFY=`.
    pub(crate) notify: Notify,
    /// Where its copies go; at least one.
    pub(crate) routes: Vec<Route>,
}

impl Recipient {
    /// Whether the address is one that only spam is sent to.
    pub(crate) fn is_trap(&self) -> bool {
        self.routes.iter().any(|route| matches!(route, Route::Trap))
    }
}

/// Where one copy goes.
#[derive(Clone, Debug)]
pub(crate) enum Route {
    /// Into the INBOX of an account.
    File(Inbox),
    /// Into the queue, for another server.
    Relay(Address),
    /// Into the queue, for the machine that keeps this account's mailboxes (A25).
    HandOver(Address),
    /// Nowhere: the address is a trap (J15), and who writes to it is told nothing.
    Trap,
}

/// A mailbox that mail can be filed into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inbox {
    pub(crate) account: AccountId,
    /// The account's address, for replies and logs.
    pub(crate) address: String,
    pub(crate) mailbox: MailboxId,
    /// What its scripts may do; `None`: it has none.
    pub(crate) scripts: Option<Traits>,
}

impl Inbox {
    /// Do scripts decide about its mail?
    pub(crate) fn scripted(&self) -> bool {
        self.scripts.is_some()
    }
}

impl Recipient {
    /// May rules of its own refuse the message when it is complete?
    pub(crate) fn may_refuse(&self) -> bool {
        self.routes.iter().any(|route| match route {
            Route::File(inbox) => inbox.scripts.is_some_and(|traits| traits.refuses),
            Route::Relay(_) | Route::HandOver(_) | Route::Trap => false,
        })
    }
}

/// What decides about recipients of one transaction.
pub(crate) struct Rules<'a> {
    pub(crate) services: &'a Arc<Services>,
    pub(crate) config: &'a Arc<Config>,
    pub(crate) road: &'a Road,
    pub(crate) mail: &'a Mail,
}

impl Rules<'_> {
    /// Routes a recipient, or refuses it.
    pub(crate) async fn recipient(&self, rcpt: Rcpt) -> Result<Recipient, Refusal> {
        let path = self.path(&rcpt.forward_path)?;
        if let Some(original) = self.bounced(&path).await? {
            return self.recipient_at(rcpt, path, original).await;
        }
        if matches!(self.road, Road::Mx) && names_a_route(&path) {
            return Err(refusals::relay_denied(&path));
        }
        self.recipient_at(rcpt, path.clone(), path).await
    }

    /// A recipient whose mail goes where another address leads to.
    async fn recipient_at(
        &self,
        rcpt: Rcpt,
        path: Address,
        leads_to: Address,
    ) -> Result<Recipient, Refusal> {
        let is_bounced = path != leads_to;
        let lookup = self.look_up(leads_to.clone());
        let mut routes = match lookup
            .await
            .map_err(|error| refusals::store_failed(&error))?
        {
            LookedUp::Routes(routes) => routes,
            LookedUp::Full(refusal) => return Err(*refusal),
            // We have vouched for this address ourselves.
            LookedUp::Other(Found::NotOurs) if is_bounced => vec![Route::Relay(leads_to)],
            LookedUp::Other(found) => self.not_routed(leads_to, found)?,
        };
        with_scripts(self.services, self.config, &mut routes).await?;
        Ok(Recipient {
            path: path.to_string(),
            orcpt: rcpt.orcpt,
            notify: rcpt.notify,
            routes,
        })
    }

    /// K19: the sender that an address of ours stands for. One that is forged or too old is nobody's.
    async fn bounced(&self, path: &Address) -> Result<Option<Address>, Refusal> {
        let found = srs::original(self.services, path);
        match found.await.map_err(|why| refusals::store_failed(&why))? {
            Rewritten::No => Ok(None),
            Rewritten::From(original) => Ok(Some(original)),
            Rewritten::Wrong(why) => Err(refusals::not_rewritten_here(path, &why)),
        }
    }

    /// `<Postmaster>` without a domain is that of the first domain (RFC 5321 §4.5.1).
    fn path(&self, forward_path: &ForwardPath) -> Result<Address, Refusal> {
        match forward_path {
            ForwardPath::Address(address) => Ok(address.clone()),
            ForwardPath::Postmaster => {
                Address::parse(&format!("postmaster@{}", self.config.domain)).map_err(|error| {
                    refusals::no_postmaster().because(format!("{}: {error}", self.config.domain))
                })
            }
        }
    }

    /// Everything RCPT asks of the store, in one snapshot.
    async fn look_up(&self, path: Address) -> store::Result<LookedUp> {
        let (config, size) = (self.config.clone(), self.mail.size.unwrap_or(0));
        let sender = self.mail.reverse_path.as_ref().map(ToString::to_string);
        let from_outside = matches!(self.road, Road::Mx);
        let work = move |tx: &mut store::Tx<'_>| {
            if from_outside && gate::traps::is_trap(tx, &path.to_string())? {
                return Ok(LookedUp::Routes(vec![Route::Trap]));
            }
            let found = lookup::look_up(&config, tx, &path)?;
            let Found::Targets(targets) = found else {
                return Ok(LookedUp::Other(found));
            };
            let mut routes = Vec::with_capacity(targets.len());
            for target in targets {
                match target {
                    Target::Elsewhere(address) => routes.push(Route::Relay(address)),
                    Target::Account(account)
                        if config
                            .relay
                            .keeps_elsewhere(sender.as_deref(), &account.address) =>
                    {
                        let address = Address::parse(&account.address).map_err(|why| {
                            store::Error::Corrupt(format!("{}: {why}", account.address))
                        })?;
                        routes.push(Route::HandOver(address));
                    }
                    Target::Account(account) => match room(tx, &config, &account, size)? {
                        Ok(()) => routes.push(Route::File(inbox(tx, *account)?)),
                        Err(refusal) => return Ok(LookedUp::Full(refusal)),
                    },
                }
            }
            Ok(LookedUp::Routes(routes))
        };
        self.services.store.read(work).await
    }

    fn not_routed(&self, path: Address, found: Found) -> Result<Vec<Route>, Refusal> {
        let refusal = match (found, self.road) {
            (Found::Targets(_), _) => return Ok(Vec::new()),
            (Found::NotOurs, Road::Submission(_) | Road::Local(_)) => {
                return Ok(vec![Route::Relay(path)]);
            }
            (Found::NotOurs, Road::Mx) => refusals::relay_denied(&path),
            (Found::NotOurs, Road::Lmtp) => refusals::not_local(&path),
            (Found::Unknown, _) => refusals::no_such_user(&path),
            (Found::DomainOff, _) => refusals::domain_off(&path),
            (Found::Disabled, _) => refusals::disabled(&path),
            (Found::Loop(chain), _) => refusals::alias_loop(&path, &chain),
            (Found::TooMany, _) => refusals::too_many_targets(&path),
        };
        Err(refusal)
    }
}

/// What a look-up comes to.
enum LookedUp {
    Routes(Vec<Route>),
    Full(Box<Refusal>),
    Other(Found),
}

/// Does the local part hold another address, as relays once understood it (`x%other@here`, `other!x@here`, `"x@other"@here`)?
/// Nobody here has such a name, and a catch-all shall not take it (A10).
fn names_a_route(path: &Address) -> bool {
    path.local().contains(['%', '!', '@'])
}

/// Is there room for a message of this size (P1, P4), or can it be made (P8)? A size not told counts as nothing; the commit asks again.
fn room(
    tx: &mut store::Tx<'_>,
    config: &Config,
    account: &Account,
    size: u64,
) -> store::Result<Result<(), Box<Refusal>>> {
    let rule = config.mail.quota_rule(Occasion::Delivery);
    Ok(match quota::room(tx, account, None, &rule, size)? {
        Room::Enough => Ok(()),
        Room::Full => Err(Box::new(refusals::mailbox_full(&account.address))),
        Room::Never => Err(Box::new(refusals::never_fits(&account.address))),
    })
}

/// Does this fit into an empty mailbox of this quota, the grace included?
pub(super) fn fits_empty(limit: u64, size: u64) -> bool {
    size <= limit.saturating_add(limit / 100 * u64::from(quota::GRACE))
}

fn inbox(tx: &mut store::Tx<'_>, account: Account) -> store::Result<Inbox> {
    let inbox = mailbox::by_name(tx, account.id, "INBOX")?;
    let inbox =
        inbox.ok_or_else(|| store::Error::Corrupt(format!("{} has no INBOX", account.address)))?;
    Ok(Inbox {
        account: account.id,
        mailbox: inbox.id,
        scripts: scripts(tx, account.id)?,
        address: account.address,
    })
}

/// What the account's own scripts in the store may do.
fn scripts(tx: &mut store::Tx<'_>, account: AccountId) -> store::Result<Option<Traits>> {
    let Some(active) = script::active(tx, account)? else {
        return Ok(None);
    };
    let refuses =
        active.traits.refuses || (active.traits.includes && script::any_refuses(tx, account)?);
    Ok(Some(Traits {
        refuses,
        ..active.traits
    }))
}

/// Adds what scripts in files may do: the admin's for everybody, and the users' where they are files (H2, H3).
async fn with_scripts(
    services: &Arc<Services>,
    config: &Arc<Config>,
    routes: &mut [Route],
) -> Result<(), Refusal> {
    for route in routes {
        if let Route::File(inbox) = route {
            inbox.scripts = crate::scripts::traits(services, config, inbox)
                .await
                .map_err(|error| refusals::store_failed(&error))?;
        }
    }
    Ok(())
}

/// The INBOX of an account that mail is redirected to.
pub(super) async fn inbox_of(
    services: &Arc<Services>,
    config: &Arc<Config>,
    account: Account,
) -> Result<Inbox, Refusal> {
    let found = services
        .store
        .read(move |tx| inbox(tx, account.clone()))
        .await;
    let mut routes = [Route::File(
        found.map_err(|error| refusals::store_failed(&error))?,
    )];
    with_scripts(services, config, &mut routes).await?;
    let [Route::File(inbox)] = routes else {
        return Err(refusals::store_failed(&store::Error::Bug(
            "a route has changed its kind".into(),
        )));
    };
    Ok(inbox)
}

/// A message whose copies are known.
pub(crate) struct Routed {
    pub(super) judged: Judged,
    /// Mailboxes, each once, whichever recipients led to it (A12).
    pub(super) inboxes: Vec<Inbox>,
    /// Recipients on other servers, each once.
    pub(super) relays: Vec<Relay>,
}

/// A recipient on another server.
pub(crate) struct Relay {
    pub(super) address: Address,
    pub(super) orcpt: Option<String>,
    pub(super) notify: Notify,
    /// The domain of the address that led here, if it is another one.
    pub(super) forwarded_by: Option<String>,
}

/// Brings the targets of all recipients together.
pub(super) fn route(judged: Judged) -> Routed {
    let mut routed = Routed {
        inboxes: Vec::new(),
        relays: Vec::new(),
        judged,
    };
    let (mut filed, mut relayed) = (HashSet::new(), HashSet::new());
    for recipient in &routed.judged.received().recipients {
        for route in &recipient.routes {
            match route {
                Route::File(inbox) if filed.insert(inbox.account) => {
                    routed.inboxes.push(inbox.clone())
                }
                Route::Relay(address) if relayed.insert(address.key()) => {
                    routed.relays.push(relay(recipient, address));
                }
                Route::HandOver(address) if relayed.insert(address.key()) => {
                    // It stays with us, so nobody has forwarded it.
                    routed.relays.push(Relay {
                        forwarded_by: None,
                        ..relay(recipient, address)
                    });
                }
                Route::File(_) | Route::Relay(_) | Route::HandOver(_) | Route::Trap => {}
            }
        }
    }
    routed
}

/// RFC 3461 §5.2.1: the conditions go on with the message; where an alias changed the address, the notice names the original.
fn relay(recipient: &Recipient, address: &Address) -> Relay {
    let changed = recipient.path != address.to_string();
    let domain = || recipient.path.rsplit_once('@').map(|(_, domain)| domain);
    let original = || changed.then(|| format!("rfc822;{}", recipient.path));
    Relay {
        address: address.clone(),
        orcpt: recipient.orcpt.clone().or_else(original),
        notify: recipient.notify,
        forwarded_by: changed.then(domain).flatten().map(str::to_ascii_lowercase),
    }
}

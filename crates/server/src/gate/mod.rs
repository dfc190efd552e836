//! The gate: what is done with a sender before its mail is read, and what is remembered of it.
//!
//! ```text
//! rules        the settings, compiled
//! bans         networks that no session is begun with (J30), senders whose mail is refused (A19)
//! lists        black lists of files and feeds, loaded and fetched again (J20–J23)
//! dns_lists    lists and scores in DNS, with their health (I19, J4)
//! impression   what all of it says of one client, as reasons for the verdict, or a refusal (J1–J4, J24)
//! greylist     strangers are asked to come again (J5–J12, J18)
//! traps        addresses that nobody has, and who wrote to them (J15, J16)
//! hidden       whether something in front of us hides who our clients are (U35)
//! ```
//!
//! What the facts mean is in [`spam::gate`]; here is where they come from. Addresses of our own network and of this machine pass
//! everywhere: behind a proxy that hides its clients all of them would be one sender (U35).

pub(crate) mod bans;
mod dns_lists;
pub(crate) mod greylist;
mod hidden;
mod impression;
pub(crate) mod lists;
mod rules;
pub(crate) mod traps;

pub(crate) use dns_lists::{check_health as check_dns_lists, of_names, view as dns_lists};
pub use impression::Impression;
pub(crate) use impression::of_client;
pub(crate) use rules::times;

use crate::config::Config;
use arc_swap::ArcSwap;
use bans::Banned;
use dns_lists::DnsHealth;
use message::Address;
use rules::Rules;
use spam::gate::lists::{Hit, Lists};
use spam::gate::network::Network;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use store::Timestamp;
use traps::Trapped;

/// What the gate knows, shared by all sessions.
pub struct Gate {
    rules: ArcSwap<Rules>,
    lists: ArcSwap<Lists>,
    feeds: lists::Feeds,
    banned: ArcSwap<Banned>,
    trapped: Trapped,
    dns: DnsHealth,
    held: AtomicU32,
    peers: hidden::Peers,
}

/// A place in the tarpit, given back when dropped.
pub(crate) struct Held(Arc<crate::Services>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.gate.held.fetch_sub(1, Relaxed);
    }
}

impl Gate {
    /// Knows the settings and nothing else yet; see [`Gate::load`].
    pub fn new(config: &Config) -> Gate {
        Gate {
            rules: ArcSwap::from_pointee(Rules::of(&config.gate)),
            lists: ArcSwap::default(),
            feeds: lists::Feeds::default(),
            banned: ArcSwap::default(),
            trapped: Trapped::default(),
            dns: DnsHealth::default(),
            held: AtomicU32::new(0),
            peers: hidden::Peers::default(),
        }
    }

    /// Takes over changed settings. Lists in files and feeds are read again by their job, or by `pennyblack lists`.
    pub fn configure(&self, config: &Config) {
        self.rules.store(Arc::new(Rules::of(&config.gate)));
    }

    /// Reads what the store remembers.
    pub(crate) async fn load(&self, store: &store::Store) -> store::Result<()> {
        let (bans, caught) = store
            .read(|tx| Ok((store::gate::ban::list(tx)?, store::gate::trap::caught(tx)?)))
            .await?;
        self.banned.store(Arc::new(Banned::of(&bans)));
        self.trapped.replace(&caught);
        Ok(())
    }

    /// Whether a connection from here is closed without a word (J30).
    pub(crate) fn is_banned(&self, now: Timestamp, address: IpAddr) -> bool {
        !is_ours(address) && self.banned.load().holds(now, address)
    }

    /// Why mail of this envelope sender is refused at MAIL, if it is (A19); empty if nobody has said why.
    pub(crate) fn banned_sender(&self, now: Timestamp, sender: &Address) -> Option<String> {
        self.banned.load().sender(now, sender).map(str::to_owned)
    }

    /// Whether a client is a server of ours that hands over mail of others (A17).
    pub(crate) fn is_relay(&self, address: IpAddr) -> bool {
        self.rules.load().relays.contains(address.to_canonical())
    }

    /// A client has come to port 25.
    pub fn met(&self, address: IpAddr) {
        self.peers.seen(address);
    }

    /// The private address behind which nearly all clients are hidden, if it is so (U35).
    pub fn mask(&self) -> Option<IpAddr> {
        self.peers.mask()
    }

    /// Whether this address says nothing of the client.
    pub(crate) fn hides(&self, address: IpAddr) -> bool {
        is_ours(address) && self.mask() == Some(address.to_canonical())
    }

    /// Why this client is kept in the tarpit instead of being served, if it is: it wrote to a trap, or is on a black list.
    pub(crate) fn blocked(&self, now: Timestamp, address: IpAddr) -> Option<Hit> {
        if is_ours(address) || self.rules.load().never.contains(address) {
            return None;
        }
        if self.is_caught(now, address) {
            return Some(Hit {
                list: "trapped".to_owned(),
                message: format!(
                    "Mail from {} is refused: it wrote to an address that only spam is sent to",
                    address.to_canonical()
                ),
            });
        }
        self.lists.load().find(address)
    }

    /// Whether this client has been caught by a trap.
    pub fn is_caught(&self, now: Timestamp, address: IpAddr) -> bool {
        self.trapped.holds(now, address)
    }

    /// Whether a client may be refused for what its name or score is: then it is looked at before it is greeted.
    pub(crate) fn decides_before_greeting(&self) -> bool {
        self.rules.load().before_greeting
    }

    /// A place in the tarpit, if there is one left (J14).
    pub(crate) fn hold(services: &Arc<crate::Services>) -> Option<Held> {
        let most = services.config.load().gate.tarpit;
        let taken = services
            .gate
            .held
            .fetch_update(Relaxed, Relaxed, |held| (held < most).then_some(held + 1));
        taken.is_ok().then(|| Held(services.clone()))
    }
}

/// Loopback and private addresses: this machine, and the network behind the same router.
pub(crate) fn is_ours(address: IpAddr) -> bool {
    crate::dial::is_private(address.to_canonical())
}

/// The key of a host, as the greylist and the traps have it.
fn host(address: IpAddr) -> Network {
    Network::host(address)
}

//! The ban table: networks that no session is begun with, on any port (J30), and envelope senders whose mail is refused (A19).
//! Kept in the store; here is its image in memory.
//!
//! It is not the list of addresses that guess passwords ([`crate::session::login`]): those may still deliver mail.

use message::Address;
use spam::gate::network::{AddressSet, Network, Range};
use std::collections::HashMap;
use std::net::IpAddr;
use store::Timestamp;
use store::gate::ban::Ban;

/// The bans in force when it was made.
#[derive(Default)]
pub(super) struct Banned {
    for_good: AddressSet,
    /// Few: admins ban for good, programs for a time.
    for_now: Vec<(Network, Timestamp)>,
    /// By `x@domain` or `@domain`, lower-case: until when, and why.
    senders: HashMap<String, (Option<Timestamp>, String)>,
}

impl Banned {
    pub(super) fn of(bans: &[Ban]) -> Banned {
        let networks = |ban: &Ban| Network::parse(&ban.network).ok();
        let for_good = bans.iter().filter(|ban| ban.expire.is_none());
        let for_now = bans.iter().filter_map(|ban| networks(ban).zip(ban.expire));
        Banned {
            for_good: for_good.filter_map(networks).map(Range::from).collect(),
            for_now: for_now.collect(),
            senders: bans
                .iter()
                .filter(|ban| is_sender(&ban.network))
                .map(|ban| (ban.network.clone(), (ban.expire, ban.reason.clone())))
                .collect(),
        }
    }

    pub(super) fn holds(&self, now: Timestamp, address: IpAddr) -> bool {
        let live =
            |(network, until): &(Network, Timestamp)| *until > now && network.contains(address);
        self.for_good.contains(address) || self.for_now.iter().any(live)
    }
}

impl Banned {
    /// Why mail of this sender is refused, if it is.
    pub(super) fn sender(&self, now: Timestamp, sender: &Address) -> Option<&str> {
        if self.senders.is_empty() {
            return None;
        }
        let whole = sender.to_string().to_lowercase();
        let domain = whole.rfind('@').map_or("", |at| &whole[at..]);
        [whole.as_str(), domain].into_iter().find_map(|key| {
            let (until, reason) = self.senders.get(key)?;
            until
                .is_none_or(|until| until > now)
                .then_some(reason.as_str())
        })
    }
}

/// A ban of a sender, not of a network.
fn is_sender(ban: &str) -> bool {
    ban.contains('@')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn ban(network: &str, expire: Option<i64>) -> Ban {
        Ban {
            network: network.into(),
            reason: String::new(),
            created: at(0),
            expire: expire.map(at),
        }
    }

    /// J30
    #[test]
    fn j30_networks_are_banned_for_good_or_for_a_time() {
        let banned = Banned::of(&[ban("192.0.2.0/24", None), ban("2001:db8::/32", Some(100))]);
        let holds = |now, address: &str| banned.holds(at(now), address.parse().unwrap());
        assert!(holds(0, "192.0.2.77") && holds(1000, "192.0.2.77"));
        assert!(holds(99, "2001:db8::1") && !holds(100, "2001:db8::1"));
        assert!(!holds(0, "198.51.100.1"));
    }

    /// A19
    #[test]
    fn a19_senders_are_banned_one_by_one_or_by_domain() {
        let banned = Banned::of(&[
            Ban {
                reason: "sells lists".into(),
                ..ban("@example.bad", None)
            },
            ban("eve@example.org", Some(100)),
        ]);
        let why = |now, sender: &str| {
            let sender = Address::parse(sender).unwrap();
            banned.sender(at(now), &sender).map(str::to_owned)
        };
        assert_eq!(why(0, "X@Example.BAD").as_deref(), Some("sells lists"));
        assert_eq!(why(99, "eve@example.org").as_deref(), Some(""));
        assert_eq!(why(100, "eve@example.org"), None);
        assert_eq!(why(0, "adam@example.org"), None);
        assert_eq!(why(0, "x@mail.example.bad"), None);
    }
}

//! The ban table (J30): networks that no session is begun with, on any port. Kept in the store; here is its image in memory.
//!
//! It is not the list of addresses that guess passwords ([`crate::session::login`]): those may still deliver mail.

use spam::gate::network::{AddressSet, Network, Range};
use std::net::IpAddr;
use store::Timestamp;
use store::gate::ban::Ban;

/// The bans in force when it was made.
#[derive(Default)]
pub(super) struct Banned {
    for_good: AddressSet,
    /// Few: admins ban for good, programs for a time.
    for_now: Vec<(Network, Timestamp)>,
}

impl Banned {
    pub(super) fn of(bans: &[Ban]) -> Banned {
        let networks = |ban: &Ban| Network::parse(&ban.network).ok();
        let for_good = bans.iter().filter(|ban| ban.expire.is_none());
        let for_now = bans.iter().filter_map(|ban| networks(ban).zip(ban.expire));
        Banned {
            for_good: for_good.filter_map(networks).map(Range::from).collect(),
            for_now: for_now.collect(),
        }
    }

    pub(super) fn holds(&self, now: Timestamp, address: IpAddr) -> bool {
        let live =
            |(network, until): &(Network, Timestamp)| *until > now && network.contains(address);
        self.for_good.contains(address) || self.for_now.iter().any(live)
    }
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
}

//! Does something in front of us hide who our clients are (U35)? A container's proxy or a router that translates addresses gives all of
//! them one private address. Then nothing can be said of a client by its address: SPF is not asked, and a DMARC policy that hangs on it
//! is not carried out. (Bans, lists and the greylist spare private addresses anyway, and no right ever follows from one.)

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Clients of port 25 that are remembered.
const LAST: usize = 50;
/// So many of them from one private address are no neighbour that sends much.
const MANY: usize = 40;

/// The last clients: private addresses as they are, others as `None`.
#[derive(Default)]
pub(super) struct Peers(Mutex<VecDeque<Option<IpAddr>>>);

impl Peers {
    /// A client has come. Programs on this machine do not count.
    pub(super) fn seen(&self, address: IpAddr) {
        let address = address.to_canonical();
        if address.is_loopback() {
            return;
        }
        let mut peers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        peers.push_back(super::is_ours(address).then_some(address));
        if peers.len() > LAST {
            peers.pop_front();
        }
    }

    /// The address that hides the others, if there is one.
    pub(super) fn mask(&self) -> Option<IpAddr> {
        let peers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Whichever has so many of the last is among the last few.
        let candidate = peers.iter().rev().flatten().next().copied()?;
        let count = peers.iter().filter(|peer| **peer == Some(candidate));
        (count.count() > MANY).then_some(candidate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u35_one_private_address_for_nearly_all_is_a_mask() {
        let peers = Peers::default();
        let proxy: IpAddr = "172.17.0.1".parse().unwrap();
        for n in 0..MANY {
            peers.seen(proxy);
            assert_eq!(peers.mask(), None, "{n}");
        }
        peers.seen("::ffff:172.17.0.1".parse().unwrap());
        assert_eq!(peers.mask(), Some(proxy));
        for _ in 0..5 {
            peers.seen("198.51.100.7".parse().unwrap());
        }
        assert_eq!(peers.mask(), Some(proxy));
        for _ in 0..10 {
            peers.seen("198.51.100.7".parse().unwrap());
        }
        assert_eq!(peers.mask(), None, "clients are seen again");
        for _ in 0..LAST {
            peers.seen("127.0.0.1".parse().unwrap());
        }
        assert_eq!(peers.mask(), None);
    }
}

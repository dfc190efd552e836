//! What is known of the hosts that mail goes to: how many connections each has (C17), which are left alone for a while after failures
//! (C18). In memory, bounded; a start begins afresh.

use super::connection::NotOpened;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Hosts that are remembered.
const REMEMBERED: usize = 10_000;
/// The penalty grows with the square of the failures in a row, from here…
const PENALTY: SignedDuration = SignedDuration::from_secs(15);
/// …up to here.
const LONGEST: SignedDuration = SignedDuration::from_mins(20);

/// All of them.
#[derive(Default)]
pub struct Routes {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    hosts: HashMap<IpAddr, Host>,
    connections: HashMap<IpAddr, Arc<Semaphore>>,
}

#[derive(Clone, Debug)]
struct Host {
    name: String,
    failures: u32,
    until: Timestamp,
    words: String,
}

/// A host as `pennyblack routes list` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// What `routes resume` takes: its address.
    pub id: String,
    /// Its name.
    pub host: String,
    /// Open connections.
    pub connections: u32,
    /// Failures in a row.
    pub failures: u32,
    /// `D` while it is disabled, else empty.
    pub flags: String,
    /// Until when, RFC 3339.
    pub until: Option<String>,
    /// Why.
    pub words: String,
}

/// A place among the connections to a host; given back when dropped.
pub(crate) struct Ticket(#[allow(dead_code)] Option<OwnedSemaphorePermit>);

impl Routes {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a place among at most `limit` connections to this address.
    pub(super) async fn ticket(&self, address: IpAddr, limit: u32) -> Ticket {
        let places = {
            let mut state = self.state();
            if state.connections.len() >= REMEMBERED {
                state
                    .connections
                    .retain(|_, places| Arc::strong_count(places) > 1);
            }
            let places = state.connections.entry(address);
            places
                .or_insert_with(|| Arc::new(Semaphore::new(limit as usize)))
                .clone()
        };
        // It is never closed.
        Ticket(places.acquire_owned().await.ok())
    }

    /// The addresses that are not disabled.
    pub(super) fn usable(
        &self,
        addresses: &[SocketAddr],
        now: Timestamp,
    ) -> Result<Vec<SocketAddr>, NotOpened> {
        let state = self.state();
        let disabled = |address: &SocketAddr| {
            state
                .hosts
                .get(&address.ip())
                .filter(|host| host.until > now)
        };
        let usable: Vec<SocketAddr> = addresses
            .iter()
            .copied()
            .filter(|address| disabled(address).is_none())
            .collect();
        match (usable.is_empty(), addresses.iter().find_map(disabled)) {
            (true, Some(host)) => Err(NotOpened::Disabled(format!(
                "{} is not tried until {}, after {} failures in a row: {}",
                host.name, host.until, host.failures, host.words
            ))),
            _ => Ok(usable),
        }
    }

    /// A session got so far that a message could be sent.
    pub(super) fn succeeded(&self, address: IpAddr) {
        self.state().hosts.remove(&address);
    }

    /// None did.
    pub(super) fn failed(&self, name: &str, addresses: &[SocketAddr], words: &str, now: Timestamp) {
        let mut state = self.state();
        if state.hosts.len() >= REMEMBERED {
            state.hosts.retain(|_, host| host.until > now);
        }
        for address in addresses {
            let host = state.hosts.entry(address.ip()).or_insert_with(|| Host {
                name: name.to_string(),
                failures: 0,
                until: now,
                words: String::new(),
            });
            // Many sessions that fail at once are one failure.
            if host.until <= now {
                host.failures = host.failures.saturating_add(1);
                host.until = now
                    .saturating_add(penalty(host.failures))
                    .unwrap_or(Timestamp::MAX);
            }
            host.words = words.to_string();
        }
    }

    /// C18: lifts the penalty of one, or of all. How many there were.
    pub fn resume(&self, id: Option<&str>) -> usize {
        let mut state = self.state();
        let before = state.hosts.len();
        let stays = |name: &str| id.is_some_and(|id| id != name);
        state.hosts.retain(|address, _| stays(&address.to_string()));
        before - state.hosts.len()
    }

    /// C18: the hosts that are used, or disabled now.
    pub fn list(&self, limit: u32, now: Timestamp) -> Vec<View> {
        let state = self.state();
        let mut views: Vec<View> = Vec::new();
        for (address, host) in &state.hosts {
            let disabled = host.until > now;
            views.push(View {
                id: address.to_string(),
                host: host.name.clone(),
                connections: state.open(*address, limit),
                failures: host.failures,
                flags: if disabled { "D" } else { "" }.into(),
                until: disabled.then(|| host.until.to_string()),
                words: host.words.clone(),
            });
        }
        for address in state
            .connections
            .keys()
            .filter(|address| !state.hosts.contains_key(*address))
        {
            let connections = state.open(*address, limit);
            if connections > 0 {
                views.push(View {
                    id: address.to_string(),
                    host: address.to_string(),
                    connections,
                    failures: 0,
                    flags: String::new(),
                    until: None,
                    words: String::new(),
                });
            }
        }
        views.sort_by(|a, b| a.id.cmp(&b.id));
        views
    }
}

impl State {
    fn open(&self, address: IpAddr, limit: u32) -> u32 {
        let places = self
            .connections
            .get(&address)
            .map(|places| places.available_permits());
        places.map_or(0, |free| {
            limit.saturating_sub(u32::try_from(free).unwrap_or(limit))
        })
    }
}

fn penalty(failures: u32) -> SignedDuration {
    let square = i32::try_from(failures.saturating_mul(failures)).unwrap_or(i32::MAX);
    PENALTY.saturating_mul(square).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).unwrap()
    }

    /// C18: a host that fails is left alone for longer and longer, shown as such, and can be resumed.
    #[test]
    fn c18_penalties() {
        let routes = Routes::default();
        let address: SocketAddr = "192.0.2.1:25".parse().unwrap();
        routes.failed("mx.x", &[address], "no answer", at(0));
        assert!(routes.usable(&[address], at(14)).is_err());
        assert_eq!(routes.usable(&[address], at(15)).unwrap(), [address]);
        routes.failed("mx.x", &[address], "no answer", at(15));
        routes.failed("mx.x", &[address], "no answer", at(15));
        assert!(routes.usable(&[address], at(15 + 59)).is_err());
        let shown = routes.list(10, at(20));
        assert_eq!((shown[0].flags.as_str(), shown[0].failures), ("D", 2));
        assert_eq!(routes.resume(Some("192.0.2.1")), 1);
        assert!(routes.usable(&[address], at(20)).is_ok());
        assert!(penalty(1000) == LONGEST);
    }

    /// C17: never more connections than the limit.
    #[tokio::test]
    async fn c17_connections_to_a_host() {
        let routes = Routes::default();
        let address = "192.0.2.1".parse().unwrap();
        let first = routes.ticket(address, 2).await;
        let _second = routes.ticket(address, 2).await;
        assert_eq!(routes.list(2, at(0))[0].connections, 2);
        let third = tokio::time::timeout(
            std::time::Duration::from_millis(20),
            routes.ticket(address, 2),
        );
        assert!(third.await.is_err());
        drop(first);
        let _third = routes.ticket(address, 2).await;
    }
}

//! What is known of the hosts that mail goes to: how many connections each has (C17), which are left alone for a while after failures
//! (C18), and which providers get no mail for a while, since they would only refuse it (U37). In memory, bounded; of all this, a start remembers the
//! pauses of providers.

use super::connection::NotOpened;
use crate::config::Sources;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::{Timestamp, refusal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Providers that can be paused.
const PROVIDERS: usize = 10_000;
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
    hosts: HashMap<Way, Host>,
    connections: HashMap<IpAddr, Arc<Semaphore>>,
    /// By the domain of the provider's hosts, and the addresses that mail goes from.
    paused: HashMap<(String, Sources), Pause>,
}

#[derive(Clone, Debug)]
struct Pause {
    until: Timestamp,
    words: String,
}

/// What fails together: a wrong password says nothing against those who have another or need none, nor a dead service against one on another port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Way {
    address: SocketAddr,
    login: Option<String>,
}

impl Way {
    fn of(address: SocketAddr, login: Option<&str>) -> Way {
        Way {
            address,
            login: login.map(str::to_string),
        }
    }
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
    /// What `routes resume` takes: its address, or the domain of the provider.
    pub id: String,
    /// Its name.
    pub host: String,
    /// Open connections.
    pub connections: u32,
    /// Failures in a row.
    pub failures: u32,
    /// `D` while it is disabled, `P` while its provider is paused, else empty.
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

    /// The addresses that are not disabled for who logs in so.
    pub(super) fn usable(
        &self,
        addresses: &[SocketAddr],
        login: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<SocketAddr>, NotOpened> {
        let state = self.state();
        let disabled = |address: &SocketAddr| {
            let host = state.hosts.get(&Way::of(*address, login));
            host.filter(|host| host.until > now)
        };
        let usable: Vec<SocketAddr> = addresses
            .iter()
            .copied()
            .filter(|address| disabled(address).is_none())
            .collect();
        match (usable.is_empty(), addresses.iter().find_map(disabled)) {
            (true, Some(host)) => Err(NotOpened::Disabled(format!(
                "{} is not tried until {}, after {}: {}",
                host.name,
                host.until,
                match host.failures {
                    1 => "a failure".to_string(),
                    failures => format!("{failures} failures in a row"),
                },
                host.words
            ))),
            _ => Ok(usable),
        }
    }

    /// A session got so far that a message could be sent.
    pub(super) fn succeeded(&self, address: SocketAddr, login: Option<&str>) {
        self.state().hosts.remove(&Way::of(address, login));
    }

    /// None did.
    pub(super) fn failed(
        &self,
        name: &str,
        (addresses, login): (&[SocketAddr], Option<&str>),
        words: &str,
        now: Timestamp,
    ) {
        let mut state = self.state();
        if state.hosts.len() >= REMEMBERED {
            state.hosts.retain(|_, host| host.until > now);
        }
        for address in addresses {
            let way = Way::of(*address, login);
            let host = state.hosts.entry(way).or_insert_with(|| Host {
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

    /// No mail to the provider of this host from these addresses until then, since it refused some with these words. What is to be kept of that.
    pub(crate) fn pause(
        &self,
        host: &str,
        from: Sources,
        until: Timestamp,
        words: &str,
    ) -> refusal::Pause {
        let mut state = self.state();
        if state.paused.len() >= PROVIDERS {
            state.paused.clear();
        }
        let pause = Pause {
            until,
            words: words.to_string(),
        };
        state.paused.insert((provider(host), from), pause);
        refusal::Pause {
            provider: provider(host),
            source: from.to_string(),
            until,
            words: words.to_string(),
        }
    }

    /// Pauses that were kept.
    pub(crate) fn restore(&self, pauses: Vec<refusal::Pause>) {
        let mut state = self.state();
        for kept in pauses.into_iter().take(PROVIDERS) {
            let pause = Pause {
                until: kept.until,
                words: kept.words,
            };
            // Addresses are as they were written here.
            let from = kept.source.parse().unwrap_or_default();
            state.paused.insert((kept.provider, from), pause);
        }
    }

    /// Why no mail goes to the provider of this host from these addresses now.
    pub(super) fn paused(&self, host: &str, from: Sources, now: Timestamp) -> Option<String> {
        let provider = provider(host);
        let state = self.state();
        let pause = state.paused.get(&(provider.clone(), from))?;
        (pause.until > now).then(|| {
            format!(
                "mail to {provider} waits until {}, since it would be refused too: {}",
                pause.until, pause.words
            )
        })
    }

    /// C18: lifts the penalty or pause of one, or of all. How many there were.
    pub fn resume(&self, id: Option<&str>) -> usize {
        let mut state = self.state();
        let count = |state: &State| state.hosts.len() + state.paused.len();
        let before = count(&state);
        let stays = |name: &str| id.is_some_and(|id| id != name);
        state
            .hosts
            .retain(|way, _| stays(&way.address.ip().to_string()));
        state.paused.retain(|(provider, _), _| stays(provider));
        before - count(&state)
    }

    /// C18: the hosts that are used, or disabled now.
    pub fn list(&self, limit: u32, now: Timestamp) -> Vec<View> {
        let state = self.state();
        let mut views: Vec<View> = Vec::new();
        for (way, host) in &state.hosts {
            let address = way.address.ip();
            let disabled = host.until > now;
            views.push(View {
                id: address.to_string(),
                host: host.name.clone(),
                connections: state.open(address, limit),
                failures: host.failures,
                flags: if disabled { "D" } else { "" }.into(),
                until: disabled.then(|| host.until.to_string()),
                words: host.words.clone(),
            });
        }
        for address in state
            .connections
            .keys()
            .filter(|address| !state.hosts.keys().any(|way| way.address.ip() == **address))
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
        let paused = state.paused.iter().filter(|(_, pause)| pause.until > now);
        views.extend(paused.map(|((provider, _), pause)| View {
            id: provider.clone(),
            host: provider.clone(),
            connections: 0,
            failures: 0,
            flags: "P".into(),
            until: Some(pause.until.to_string()),
            words: pause.words.clone(),
        }));
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

/// Whom a host belongs to: all hosts of a large provider share what it thinks of us.
pub(super) fn provider(host: &str) -> String {
    mailauth::suffix::registrable_domain(host).unwrap_or_else(|| host.to_ascii_lowercase())
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
        routes.failed("mx.x", (&[address], None), "no answer", at(0));
        assert!(routes.usable(&[address], None, at(14)).is_err());
        assert_eq!(routes.usable(&[address], None, at(15)).unwrap(), [address]);
        routes.failed("mx.x", (&[address], None), "no answer", at(15));
        routes.failed("mx.x", (&[address], None), "no answer", at(15));
        assert!(routes.usable(&[address], None, at(15 + 59)).is_err());
        let shown = routes.list(10, at(20));
        assert_eq!((shown[0].flags.as_str(), shown[0].failures), ("D", 2));
        assert_eq!(routes.resume(Some("192.0.2.1")), 1);
        assert!(routes.usable(&[address], None, at(20)).is_ok());
        assert!(penalty(1000) == LONGEST);
    }

    /// C18: who has a wrong password, or a service that is away, does not keep mail from other services of the same machine.
    #[test]
    fn c18_ways_fail_by_themselves() {
        let routes = Routes::default();
        let (submission, smtp): (SocketAddr, SocketAddr) = (
            "192.0.2.1:587".parse().unwrap(),
            "192.0.2.1:25".parse().unwrap(),
        );
        let wrong = (&[submission][..], Some("office"));
        routes.failed("smart.x", wrong, "535 no", at(0));
        let usable = |address, login| routes.usable(&[address], login, at(1)).is_ok();
        assert!(!usable(submission, Some("office")));
        assert!(usable(submission, Some("isp")) && usable(submission, None) && usable(smtp, None));
        assert_eq!(routes.list(1, at(1)).len(), 1);
        routes.succeeded(submission, None);
        assert!(!usable(submission, Some("office")));
        assert_eq!(routes.resume(Some("192.0.2.1")), 1);
        assert!(usable(submission, Some("office")));
    }

    /// U37: a provider is paused with all its hosts, for the address that it refused, and can be resumed.
    #[test]
    fn u37_pauses() {
        let (routes, here) = (Routes::default(), Sources::default());
        let other = Sources {
            four: Some("192.0.2.2".parse().unwrap()),
            six: None,
        };
        routes.pause("mx1.big.example", here, at(100), "550 listed");
        let why = routes.paused("MX2.big.example", here, at(99)).unwrap();
        assert!(
            why.contains("big.example") && why.contains("550 listed"),
            "{why}"
        );
        assert!(routes.paused("mx1.big.example", here, at(100)).is_none());
        assert!(routes.paused("mx1.big.example", other, at(0)).is_none());
        assert!(routes.paused("mx1.small.example", here, at(0)).is_none());
        // V8: what was kept is the same after a start.
        let kept = Routes::default().pause("mx1.big.example", other, at(100), "550 listed");
        let again = Routes::default();
        again.restore(vec![kept]);
        assert!(again.paused("mx7.big.example", other, at(99)).is_some());
        assert!(again.paused("mx7.big.example", here, at(99)).is_none());
        assert_eq!(routes.list(1, at(0))[0].flags, "P");
        assert_eq!(routes.resume(Some("big.example")), 1);
        assert!(routes.paused("mx1.big.example", here, at(0)).is_none());
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

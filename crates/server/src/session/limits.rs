//! Limits on sessions: in all, per address (an IPv6 /64 counts as one), per account and address (G19), and on the rate of new
//! connections (R2). Connections from loopback count in all, but not per address: a local proxy or webmail is many clients.
//!
//! Who has logged in to a mailbox counts towards his account and no longer towards his address (W19): behind one address may be a family
//! with telephones that open a connection for each folder, while strangers hold few connections.

use crate::config::{Limits as Settings, Rate};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::AccountId;
use tokio::time::Instant;

/// Addresses whose bursts are counted; those beyond are not slowed until old ones are forgotten.
const BURSTS_KEPT: usize = 65_536;
/// Files the server needs besides its sessions: listeners, store, logs.
const OWN_FILES: u64 = 96;

/// Where a client is, as far as limits tell clients apart: an IPv4 address or an IPv6 /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Source(IpAddr);

impl Source {
    /// The source an address belongs to.
    pub fn of(address: IpAddr) -> Source {
        match address.to_canonical() {
            IpAddr::V6(v6) if !v6.is_loopback() => {
                Source(IpAddr::V6((v6.to_bits() >> 64 << 64).into()))
            }
            other => Source(other),
        }
    }

    pub(super) fn is_loopback(self) -> bool {
        self.0.is_loopback()
    }

    /// The address, or the first of the network.
    pub(super) fn address(self) -> IpAddr {
        self.0
    }
}

/// Counts what is open. Clones share the counts.
#[derive(Clone)]
pub struct Limits {
    counts: Arc<Mutex<Counts>>,
}

/// Why a session may not begin. Say so politely (SMTP 421, IMAP `* BYE`) and close.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooMany {
    /// The server is full.
    #[error("too many connections to this server; try again later")]
    Sessions,
    /// Too many at once from this address.
    #[error("too many connections from your address; close some or try again later")]
    FromAddress,
    /// Too many in a short time from this address.
    #[error("too many new connections from your address in a short time; wait a few seconds")]
    Rate,
    /// Too many sessions of this account from this address (G19).
    #[error("too many connections of this account from your address; close some first")]
    OfAccount,
}

impl TooMany {
    /// Its `kind` in `ratelimited_total`.
    pub fn kind(self) -> &'static str {
        match self {
            TooMany::Sessions => "sessions",
            TooMany::FromAddress => "address",
            TooMany::Rate => "rate",
            TooMany::OfAccount => "account",
        }
    }
}

struct Counts {
    caps: Caps,
    sessions: u32,
    addresses: HashMap<Source, u32>,
    accounts: HashMap<(AccountId, Source), u32>,
    bursts: HashMap<Source, Burst>,
}

#[derive(Clone, Copy)]
struct Caps {
    sessions: u32,
    per_address: u32,
    per_account: u32,
    rate: Rate,
}

/// Connections since a moment.
#[derive(Clone, Copy)]
struct Burst {
    since: Instant,
    connections: u32,
}

/// A place that is given back when dropped.
#[must_use = "dropping it gives the place back"]
pub struct Permit {
    counts: Arc<Mutex<Counts>>,
    place: Place,
}

#[derive(Clone, Copy)]
enum Place {
    Connection(Source),
    /// `moved`: the session no longer counts towards its address.
    Account {
        account: AccountId,
        source: Source,
        moved: bool,
    },
}

impl Limits {
    /// Nothing open yet. Never allows more sessions than the process may open files (S5).
    pub fn new(settings: &Settings) -> Limits {
        Limits::with(Caps::new(settings))
    }

    fn with(caps: Caps) -> Limits {
        let counts = Counts {
            caps,
            sessions: 0,
            addresses: HashMap::new(),
            accounts: HashMap::new(),
            bursts: HashMap::new(),
        };
        Limits {
            counts: Arc::new(Mutex::new(counts)),
        }
    }

    /// Takes over changed settings; open sessions stay.
    pub fn configure(&self, settings: &Settings) {
        lock(&self.counts).caps = Caps::new(settings);
    }

    /// A place for a new connection from this address.
    pub fn connection(&self, from: IpAddr) -> Result<Permit, TooMany> {
        let source = Source::of(from);
        lock(&self.counts).connect(source)?;
        Ok(self.permit(Place::Connection(source)))
    }

    /// A place for a session of this account, from this address; its connection has one already.
    pub fn account(&self, account: AccountId, from: IpAddr) -> Result<Permit, TooMany> {
        let source = Source::of(from);
        let moved = lock(&self.counts).log_in(account, source)?;
        Ok(self.permit(Place::Account {
            account,
            source,
            moved,
        }))
    }

    fn permit(&self, place: Place) -> Permit {
        Permit {
            counts: Arc::clone(&self.counts),
            place,
        }
    }
}

impl Caps {
    fn new(settings: &Settings) -> Caps {
        let by_files = open_files().saturating_sub(OWN_FILES).max(1);
        Caps {
            sessions: settings
                .sessions
                .min(u32::try_from(by_files).unwrap_or(u32::MAX)),
            per_address: settings.sessions_per_address,
            per_account: settings.imap_sessions_per_account,
            rate: settings.connection_rate,
        }
    }
}

impl From<Instant> for Burst {
    fn from(since: Instant) -> Burst {
        Burst {
            since,
            connections: 0,
        }
    }
}

impl Counts {
    fn connect(&mut self, source: Source) -> Result<(), TooMany> {
        if !source.is_loopback() {
            self.count_rate(source)?;
            let open = self.addresses.get(&source).copied().unwrap_or(0);
            if open >= self.caps.per_address {
                return Err(TooMany::FromAddress);
            }
        }
        if self.sessions >= self.caps.sessions {
            return Err(TooMany::Sessions);
        }
        self.sessions += 1;
        *self.addresses.entry(source).or_default() += 1;
        Ok(())
    }

    fn count_rate(&mut self, source: Source) -> Result<(), TooMany> {
        let (rate, now) = (self.caps.rate, Instant::now());
        let over = |burst: &Burst| now.duration_since(burst.since) >= rate.per;
        if self.bursts.len() >= BURSTS_KEPT {
            self.bursts.retain(|_, burst| !over(burst));
        }
        if rate.count == 0
            || (self.bursts.len() >= BURSTS_KEPT && !self.bursts.contains_key(&source))
        {
            return Ok(());
        }
        let burst = self.bursts.entry(source).or_insert(Burst::from(now));
        if over(burst) {
            *burst = Burst::from(now);
        }
        burst.connections = burst.connections.saturating_add(1);
        if burst.connections > rate.count {
            Err(TooMany::Rate)
        } else {
            Ok(())
        }
    }

    /// Whether a connection from there counts less than before: one that came through a proxy never did.
    fn log_in(&mut self, account: AccountId, source: Source) -> Result<bool, TooMany> {
        let open = self.accounts.entry((account, source)).or_default();
        if *open >= self.caps.per_account {
            return Err(TooMany::OfAccount);
        }
        *open += 1;
        let counted = self.addresses.contains_key(&source);
        decrement(&mut self.addresses, source);
        Ok(counted)
    }

    fn leave(&mut self, place: Place) {
        match place {
            Place::Connection(source) => {
                self.sessions -= 1;
                decrement(&mut self.addresses, source);
            }
            Place::Account {
                account,
                source,
                moved,
            } => {
                decrement(&mut self.accounts, (account, source));
                if moved {
                    *self.addresses.entry(source).or_default() += 1;
                }
            }
        }
    }
}

fn decrement<K: Eq + std::hash::Hash>(counts: &mut HashMap<K, u32>, key: K) {
    if let Some(count) = counts.get_mut(&key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&key);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        lock(&self.counts).leave(self.place);
    }
}

/// Nothing panics under the lock.
fn lock(counts: &Mutex<Counts>) -> MutexGuard<'_, Counts> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many files the process may have open.
fn open_files() -> u64 {
    use rustix::process::{Resource, getrlimit};
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const RATE: Rate = Rate {
        count: 100,
        per: Duration::from_secs(10),
    };

    fn limits(sessions: u32, per_address: u32, per_account: u32) -> Limits {
        Limits::with(Caps {
            sessions,
            per_address,
            per_account,
            rate: RATE,
        })
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn places_come_back() {
        let limits = limits(2, 2, 1);
        let first = limits.connection(ip("192.0.2.1")).unwrap();
        let _second = limits.connection(ip("192.0.2.2")).unwrap();
        assert_eq!(
            limits.connection(ip("192.0.2.3")).err(),
            Some(TooMany::Sessions)
        );
        drop(first);
        assert!(limits.connection(ip("192.0.2.3")).is_ok());
        assert_eq!(lock(&limits.counts).addresses.len(), 1);
    }

    #[test]
    fn an_ipv6_network_is_one_address_and_loopback_is_none() {
        let limits = limits(100, 1, 1);
        let _one = limits.connection(ip("2001:db8::1")).unwrap();
        assert_eq!(
            limits.connection(ip("2001:db8::2")).err(),
            Some(TooMany::FromAddress)
        );
        let _other = limits.connection(ip("2001:db8:0:1::2")).unwrap();
        let _mapped = limits.connection(ip("::ffff:192.0.2.1")).unwrap();
        assert_eq!(
            limits.connection(ip("192.0.2.1")).err(),
            Some(TooMany::FromAddress)
        );
        let _local: Vec<_> = (0..50)
            .map(|_| limits.connection(ip("127.0.0.1")).unwrap())
            .collect();
    }

    /// W19, G19: a family behind one address, and a stranger there.
    #[test]
    fn w19_g19_who_has_logged_in_counts_towards_his_account() {
        let limits = limits(1000, 2, 20);
        let (home, mut sessions) = (ip("192.0.2.1"), Vec::new());
        for account in 1..=4 {
            let account = AccountId::from_u128(account);
            for _ in 0..20 {
                let connection = limits.connection(home).unwrap();
                sessions.push((limits.account(account, home).unwrap(), connection));
            }
            let _one_more = limits.connection(home).unwrap();
            assert_eq!(
                limits.account(account, home).err(),
                Some(TooMany::OfAccount)
            );
        }
        let _strangers = [(); 2].map(|()| limits.connection(home).unwrap());
        assert_eq!(limits.connection(home).err(), Some(TooMany::FromAddress));
        drop(sessions);
        assert_eq!(lock(&limits.counts).addresses[&Source::of(home)], 2);
        assert!(lock(&limits.counts).accounts.is_empty());
    }

    /// A session that came through a proxy counts where the proxy counts.
    #[test]
    fn sessions_through_a_proxy_keep_the_counts_right() {
        let limits = limits(10, 1, 1);
        let connection = limits.connection(ip("127.0.0.1")).unwrap();
        let session = limits.account(AccountId::from_u128(1), ip("192.0.2.1"));
        drop((session.unwrap(), connection));
        let counts = lock(&limits.counts);
        assert!(counts.addresses.is_empty() && counts.accounts.is_empty() && counts.sessions == 0);
    }

    /// R2
    #[tokio::test(start_paused = true)]
    async fn r02_the_101st_connection_in_10_s_is_refused() {
        let limits = limits(1000, 1000, 1);
        for _ in 0..100 {
            assert!(limits.connection(ip("192.0.2.1")).is_ok());
        }
        assert_eq!(
            limits.connection(ip("192.0.2.1")).err(),
            Some(TooMany::Rate)
        );
        assert!(limits.connection(ip("192.0.2.2")).is_ok());
        tokio::time::advance(RATE.per).await;
        assert!(limits.connection(ip("192.0.2.1")).is_ok());
    }
}

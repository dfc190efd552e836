//! Asking the authoritative servers from the root on, and verifying their signatures (RFC 1034 §5.3.3, RFC 4035 §5), with small caches.
//!
//! Hardened as resolvers are today: names are asked for one label at a time (RFC 9156), the case of letters is random and must
//! come back, answers outside a server's zone are ignored, and neither servers nor answers may be private addresses, except
//! 127.0.0.0/8 in answers, which block lists use (M29).

use crate::engine::Engine;
use crate::{Error, Lookups, anchors};
use hickory_resolver::config::{ConnectionConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::recursor::{DnssecConfig, DnssecPolicy, Recursor, RecursorOptions};
use hickory_resolver::{ConnectionProvider, PoolContext, TtlConfig};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Zones whose servers are remembered.
const ZONES: usize = 512;
/// Answers that are remembered (M30).
const ANSWERS: u64 = 4096;
/// Verified record sets that are remembered.
const VERIFIED: usize = 2048;
/// Referrals followed for one question.
const DEPTH: u8 = 16;
/// Nothing is remembered longer than this, whatever its TTL.
const LONGEST: Duration = Duration::from_secs(86_400);
/// Absence is not remembered longer than this.
const LONGEST_ABSENCE: Duration = Duration::from_secs(300);

/// The root servers (`named.root` of IANA).
const ROOTS: [&str; 26] = [
    "198.41.0.4",
    "2001:503:ba3e::2:30",
    "170.247.170.2",
    "2801:1b8:10::b",
    "192.33.4.12",
    "2001:500:2::c",
    "199.7.91.13",
    "2001:500:2d::d",
    "192.203.230.10",
    "2001:500:a8::e",
    "192.5.5.241",
    "2001:500:2f::f",
    "192.112.36.4",
    "2001:500:12::d0d",
    "198.97.190.53",
    "2001:500:1::53",
    "192.36.148.17",
    "2001:7fe::53",
    "192.58.128.30",
    "2001:503:c27::2:30",
    "193.0.14.129",
    "2001:7fd::1",
    "199.7.83.42",
    "2001:500:9f::42",
    "202.12.27.33",
    "2001:dc3::35",
];

/// Networks that no public name may point into.
const PRIVATE: [&str; 11] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "::/128",
    "::1/128",
    "::ffff:0:0/96",
    "fc00::/7",
    "fe80::/10",
];

/// How the authoritative servers are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recursion {
    /// Addresses of root servers; empty: those of the Internet.
    pub roots: Vec<IpAddr>,
    /// A file of DNSKEY records of the root to trust instead of the built-in ones.
    pub anchors: Option<PathBuf>,
    /// The port of all servers, 53.
    pub port: u16,
    /// Whether servers and answers may be private addresses.
    pub private: Private,
}

/// Whether private addresses are believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Private {
    /// No (M29).
    #[default]
    Refused,
    /// Servers may be private, answers not.
    AnswersRefused,
    /// Yes, for a network of one's own.
    Allowed,
}

impl Default for Recursion {
    fn default() -> Recursion {
        Recursion {
            roots: Vec::new(),
            anchors: None,
            port: 53,
            private: Private::Refused,
        }
    }
}

impl Lookups {
    /// Asks the authoritative servers.
    pub fn recursing(recursion: &Recursion) -> Result<Lookups, Error> {
        let mut dnssec = DnssecConfig::default();
        dnssec.trust_anchor = anchors::read(recursion.anchors.as_deref())?;
        dnssec.validation_cache_size = Some(VERIFIED);
        let recursor = Recursor::new(
            &roots(recursion),
            DnssecPolicy::ValidateWithStaticKey(dnssec),
            None,
            options(recursion),
            OnPort::new(recursion.port),
        );
        let recursor = recursor.map_err(|why| Error(why.to_string()))?;
        Ok(Lookups::new(Engine::Recursing(Arc::new(recursor))))
    }
}

fn roots(recursion: &Recursion) -> Vec<IpAddr> {
    match recursion.roots.is_empty() {
        true => ROOTS.iter().filter_map(|root| root.parse().ok()).collect(),
        false => recursion.roots.clone(),
    }
}

fn options(recursion: &Recursion) -> RecursorOptions {
    let mut options = RecursorOptions {
        ns_cache_size: ZONES,
        response_cache_size: ANSWERS,
        recursion_limit: DEPTH,
        ns_recursion_limit: DEPTH,
        cache_policy: remembering(),
        case_randomization: true,
        ..RecursorOptions::default()
    };
    if recursion.private != Private::Refused {
        options.deny_server.clear();
    }
    if recursion.private != Private::Allowed {
        options.deny_answers = PRIVATE.iter().filter_map(|net| net.parse().ok()).collect();
    }
    options
}

fn remembering() -> TtlConfig {
    let mut bounds = ResolverOpts::default();
    bounds.positive_max_ttl = Some(LONGEST);
    bounds.negative_max_ttl = Some(LONGEST_ABSENCE);
    TtlConfig::from_opts(&bounds)
}

/// Connections to a port of our choice where others would use 53.
#[derive(Clone)]
pub(crate) struct OnPort {
    inner: TokioRuntimeProvider,
    port: u16,
}

impl OnPort {
    fn new(port: u16) -> OnPort {
        OnPort {
            inner: TokioRuntimeProvider::default(),
            port,
        }
    }
}

impl ConnectionProvider for OnPort {
    type Conn = <TokioRuntimeProvider as ConnectionProvider>::Conn;
    type FutureConn = <TokioRuntimeProvider as ConnectionProvider>::FutureConn;
    type RuntimeProvider = TokioRuntimeProvider;

    fn new_connection(
        &self,
        ip: IpAddr,
        config: &ConnectionConfig,
        context: &PoolContext,
    ) -> Result<Self::FutureConn, NetError> {
        let mut config = config.clone();
        config.port = self.port;
        self.inner.new_connection(ip, &config, context)
    }

    fn runtime_provider(&self) -> &TokioRuntimeProvider {
        &self.inner
    }
}

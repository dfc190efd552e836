//! Asking other resolvers: the configured ones, or those of the system. Answers are cached as long as they allow, within bounds.

use crate::engine::Engine;
use crate::{Error, Lookups, anchors};
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::{ResolverBuilder, TokioResolver};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// One attempt.
const ATTEMPT: Duration = Duration::from_secs(4);
/// Nothing is remembered longer than this, whatever its TTL.
const LONGEST: Duration = Duration::from_secs(3600);
/// Absence is not remembered longer than this.
const LONGEST_ABSENCE: Duration = Duration::from_secs(300);
/// Answers that are remembered.
const CACHE: u64 = 4096;

/// What is made of signatures in the answers of other resolvers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Validation {
    /// Nothing: the answers count as unsigned.
    #[default]
    Off,
    /// They are verified here. The resolver must hand on what signing adds, which most do and some do not.
    Here {
        /// A file of DNSKEY or DS records to trust instead of the root's own.
        anchors: Option<PathBuf>,
    },
}

impl Lookups {
    /// Asks these servers over UDP, and over TCP where an answer is too long for UDP.
    pub fn forwarding(servers: &[SocketAddr], validation: &Validation) -> Result<Lookups, Error> {
        let config =
            ResolverConfig::from_name_servers(servers.iter().copied().map(server).collect());
        let mut builder =
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        builder.options_mut().use_hosts_file = ResolveHosts::Never;
        build(builder, validation)
    }

    /// Asks the system's resolvers (`/etc/resolv.conf`); names in `/etc/hosts` count. Their answers count as unsigned.
    pub fn system() -> Result<Lookups, Error> {
        let builder = TokioResolver::builder_tokio().map_err(failed)?;
        build(builder, &Validation::Off)
    }
}

fn build(
    mut builder: ResolverBuilder<TokioRuntimeProvider>,
    validation: &Validation,
) -> Result<Lookups, Error> {
    bound(builder.options_mut());
    if let Validation::Here { anchors } = validation {
        builder.options_mut().validate = true;
        if let Some(anchors) = anchors::read(anchors.as_deref())? {
            builder = builder.with_trust_anchor(anchors);
        }
    }
    let resolver = builder.build().map_err(failed)?;
    Ok(Lookups::new(Engine::Forwarding(Box::new(resolver))))
}

fn server(address: SocketAddr) -> NameServerConfig {
    let (mut udp, mut tcp) = (ConnectionConfig::udp(), ConnectionConfig::tcp());
    udp.port = address.port();
    tcp.port = address.port();
    NameServerConfig::new(address.ip(), true, vec![udp, tcp])
}

fn bound(options: &mut ResolverOpts) {
    options.timeout = ATTEMPT;
    options.attempts = 2;
    options.cache_size = CACHE;
    options.positive_max_ttl = Some(LONGEST);
    options.negative_max_ttl = Some(LONGEST_ABSENCE);
}

fn failed(error: NetError) -> Error {
    Error(error.to_string())
}

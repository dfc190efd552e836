//! A [`Resolver`] that asks other resolvers: the configured ones, or those of the system. It caches as long as the records
//! allow, within bounds. It does not validate DNSSEC and does not ask authoritative servers by itself.

use crate::{Answer, Error, Family, MxAnswer, Resolver};
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{ResolverBuilder, TokioResolver};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// One question, all attempts and servers together, may take this long.
const QUESTION: Duration = Duration::from_secs(20);
/// One attempt.
const ATTEMPT: Duration = Duration::from_secs(4);
/// Nothing is remembered longer than this, whatever its TTL.
const LONGEST: Duration = Duration::from_secs(3600);
/// Absence is not remembered longer than this.
const LONGEST_ABSENCE: Duration = Duration::from_secs(300);
/// Answers that are remembered.
const CACHE: u64 = 4096;

/// Asks other resolvers. Clones share the cache.
#[derive(Clone)]
pub struct Forwarding {
    resolver: TokioResolver,
}

/// What a question brought: records, or a proved absence.
enum Found {
    Records(Vec<RData>),
    NoRecord,
    NoDomain,
}

impl Forwarding {
    /// Asks these servers over UDP, and over TCP where an answer is too long for UDP.
    pub fn to(servers: &[SocketAddr]) -> Result<Forwarding, Error> {
        let config =
            ResolverConfig::from_name_servers(servers.iter().copied().map(server).collect());
        let mut builder =
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        builder.options_mut().use_hosts_file = ResolveHosts::Never;
        Forwarding::build(builder)
    }

    /// Asks the system's resolvers (`/etc/resolv.conf`); names in `/etc/hosts` count.
    pub fn system() -> Result<Forwarding, Error> {
        Forwarding::build(TokioResolver::builder_tokio().map_err(failed)?)
    }

    fn build(mut builder: ResolverBuilder<TokioRuntimeProvider>) -> Result<Forwarding, Error> {
        bound(builder.options_mut());
        Ok(Forwarding {
            resolver: builder.build().map_err(failed)?,
        })
    }

    async fn ask(&self, name: Name, kind: RecordType) -> Result<Found, Error> {
        let question = self.resolver.lookup(name.clone(), kind);
        match tokio::time::timeout(QUESTION, question).await {
            Err(_) => Err(unknown(&name, kind, &NetError::Timeout)),
            Ok(Err(error)) => absent(&error).ok_or_else(|| unknown(&name, kind, &error)),
            Ok(Ok(lookup)) => Ok(Found::Records(
                lookup
                    .answers()
                    .iter()
                    .filter(|record| record.record_type() == kind)
                    .map(|record| record.data.clone())
                    .collect(),
            )),
        }
    }

    async fn records(&self, name: Name, kind: RecordType) -> Result<Vec<RData>, Error> {
        match self.ask(name, kind).await? {
            Found::Records(records) => Ok(records),
            Found::NoRecord | Found::NoDomain => Ok(Vec::new()),
        }
    }

    async fn exchangers(&self, domain: &str) -> Result<MxAnswer, Error> {
        let Some(name) = absolute(domain) else {
            return Ok(MxAnswer::NoDomain);
        };
        match self.ask(name, RecordType::MX).await? {
            Found::NoDomain => Ok(MxAnswer::NoDomain),
            Found::NoRecord => Ok(MxAnswer::NoRecord),
            Found::Records(records) => Ok(exchangers(&records)),
        }
    }

    /// One family may fail when the other has an answer: that is enough to go on with.
    async fn both_families(&self, host: &str) -> Result<Vec<IpAddr>, Error> {
        let Some(name) = absolute(host) else {
            return Ok(Vec::new());
        };
        let (six, four) = tokio::join!(
            self.records(name.clone(), RecordType::AAAA),
            self.records(name, RecordType::A)
        );
        let found: Vec<IpAddr> = [&six, &four]
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(RData::ip_addr)
            .collect();
        match found.is_empty() {
            true => six.and(four).map(|_| Vec::new()),
            false => Ok(found),
        }
    }
}

impl Resolver for Forwarding {
    fn mx<'a>(&'a self, domain: &'a str) -> Answer<'a, MxAnswer> {
        Box::pin(self.exchangers(domain))
    }

    fn addresses<'a>(&'a self, host: &'a str) -> Answer<'a, Vec<IpAddr>> {
        Box::pin(self.both_families(host))
    }

    fn family<'a>(&'a self, host: &'a str, family: Family) -> Answer<'a, Vec<IpAddr>> {
        Box::pin(async move {
            let Some(name) = absolute(host) else {
                return Ok(Vec::new());
            };
            let kind = match family {
                Family::V4 => RecordType::A,
                Family::V6 => RecordType::AAAA,
            };
            let records = self.records(name, kind).await?;
            Ok(records.iter().filter_map(RData::ip_addr).collect())
        })
    }

    fn names<'a>(&'a self, address: IpAddr) -> Answer<'a, Vec<String>> {
        Box::pin(async move {
            let records = self.records(Name::from(address), RecordType::PTR).await?;
            let names = records.iter().filter_map(|record| match record {
                RData::PTR(name) => Some(spelled(&name.0)),
                _ => None,
            });
            Ok(names.collect())
        })
    }

    fn txt<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<String>> {
        Box::pin(async move {
            let Some(name) = absolute(name) else {
                return Ok(Vec::new());
            };
            let records = self.records(name, RecordType::TXT).await?;
            let texts = records.iter().filter_map(|record| match record {
                RData::TXT(txt) => Some(String::from_utf8_lossy(&txt.txt_data.concat()).into()),
                _ => None,
            });
            Ok(texts.collect())
        })
    }
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

/// A name that no search list is applied to. `None`: no name can be spelled like this, so it does not exist.
fn absolute(name: &str) -> Option<Name> {
    let mut name = Name::from_utf8(name).ok()?;
    name.set_fqdn(true);
    Some(name)
}

fn spelled(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_lowercase()
}

fn exchangers(records: &[RData]) -> MxAnswer {
    let all = records.iter().filter_map(|record| match record {
        RData::MX(mx) => Some((mx.preference, spelled(&mx.exchange))),
        _ => None,
    });
    let (roots, hosts): (Vec<_>, Vec<_>) = all.partition(|(_, host)| host.is_empty());
    match (hosts.is_empty(), roots.is_empty()) {
        (false, _) => MxAnswer::Hosts(hosts),
        (true, false) => MxAnswer::Null,
        (true, true) => MxAnswer::NoRecord,
    }
}

/// Keeps apart what is not there and, `None`, what could not be learned.
fn absent(error: &NetError) -> Option<Found> {
    let NetError::Dns(DnsError::NoRecordsFound(none)) = error else {
        return None;
    };
    match none.response_code {
        ResponseCode::NXDomain => Some(Found::NoDomain),
        ResponseCode::NoError => Some(Found::NoRecord),
        _ => None,
    }
}

/// In words that somebody can do something with.
fn unknown(name: &Name, kind: RecordType, error: &NetError) -> Error {
    let why = match error {
        NetError::Dns(DnsError::ResponseCode(code)) => code.to_string(),
        NetError::Timeout => "no answer in time".to_string(),
        other => other.to_string(),
    };
    Error(format!("{} {kind}: {why}", spelled(name)))
}

fn failed(error: NetError) -> Error {
    Error(error.to_string())
}

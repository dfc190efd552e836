//! `dns lookup`: asks DNS as the server does, and says what DNSSEC proves of the answer.

use super::{Failure, FailureKind, World};
use crate::run;
use dns::{Presence, Resolver};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::sync::Arc;

/// What can be asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Request {
    Lookup {
        name: String,
        /// `MX`, `TLSA`…
        kind: String,
        /// Ask this resolver instead, and verify its answers.
        resolver: Option<SocketAddr>,
    },
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// `records`, `no-record` or `no-domain`.
    pub presence: String,
    /// `secure`, `insecure`, `bogus` or `indeterminate`.
    pub verdict: String,
    /// The records, CNAMEs on the way included.
    pub records: Vec<Record>,
}

/// A record in the form of a zone file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    /// Owner.
    pub name: String,
    /// Seconds.
    pub ttl: u32,
    /// Its type.
    pub kind: String,
    /// Its data.
    pub data: String,
    /// What DNSSEC says of it.
    pub verdict: String,
}

pub(super) async fn execute(world: &World, request: Request) -> Result<Answer, Failure> {
    let Request::Lookup {
        name,
        kind,
        resolver,
    } = request;
    let dns: Arc<dyn Resolver> = match (resolver, &world.running) {
        (Some(server), _) => Arc::new(
            run::asking(server, &world.config).map_err(|why| unavailable(why.to_string()))?,
        ),
        (None, Some(running)) => running.services.dns.clone(),
        (None, None) => run::resolver(&world.config).map_err(|why| unavailable(why.to_string()))?,
    };
    answer(dns.as_ref(), &name, &kind).await
}

/// Asks this resolver, and verifies what it says by the root's own keys: on a machine without a configuration.
pub async fn by_resolver(server: SocketAddr, name: &str, kind: &str) -> Result<Answer, Failure> {
    let validation = dns::Validation::Here { anchors: None };
    let lookups = dns::Lookups::forwarding(&[server], &validation);
    let lookups = lookups.map_err(|why| unavailable(why.to_string()))?;
    answer(&lookups, name, kind).await
}

fn unavailable(why: String) -> Failure {
    Failure::new(FailureKind::Unavailable, why)
}

async fn answer(dns: &dyn Resolver, name: &str, kind: &str) -> Result<Answer, Failure> {
    if !dns::is_record_type(kind) {
        return Err(Failure::invalid(format!(
            "\"{}\" is not a type of record, like MX or TLSA",
            kind.escape_debug()
        )));
    }
    let listing = dns.listing(name, kind).await;
    let listing = listing.map_err(|why| unavailable(why.to_string()))?;
    Ok(Answer {
        presence: match listing.presence {
            Presence::Records => "records",
            Presence::NoRecord => "no-record",
            Presence::NoDomain => "no-domain",
        }
        .into(),
        verdict: listing.proof.to_string(),
        records: listing.records.into_iter().map(record).collect(),
    })
}

fn record(line: dns::Line) -> Record {
    Record {
        name: line.name,
        ttl: line.ttl,
        kind: line.kind,
        data: line.data,
        verdict: line.proof.to_string(),
    }
}

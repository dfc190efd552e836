//! The [`Resolver`] over either engine.

use crate::engine::{Engine, Found, proof, spelled};
use crate::silence::Silence;
use crate::special::{self, Known};
use crate::{
    Answer, Error, Family, Line, Listing, Located, MxAnswer, Presence, Proof, Proved, Resolver,
    Tlsa,
};
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Asks DNS. Clones share cache and counters.
#[derive(Clone)]
pub struct Lookups {
    engine: Engine,
    /// Asked when the engine fails.
    fallback: Option<Engine>,
    counters: Arc<Counters>,
    silence: Arc<Silence>,
}

/// How questions have ended so far (M33).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// With records.
    pub records: u64,
    /// With the knowledge that there are none.
    pub absent: u64,
    /// With nothing: temporary failures.
    pub failed: u64,
    /// With wrong signatures; these are among `failed`.
    pub bogus: u64,
    /// With a proof that the answer is the owner's.
    pub secure: u64,
}

#[derive(Default)]
struct Counters {
    records: AtomicU64,
    absent: AtomicU64,
    failed: AtomicU64,
    bogus: AtomicU64,
    secure: AtomicU64,
}

impl Counters {
    fn count(&self, result: &Result<Found, Error>) {
        let add = |counter: &AtomicU64| counter.fetch_add(1, Ordering::Relaxed);
        let Ok(found) = result else {
            add(&self.failed);
            return;
        };
        match (found.proof, found.presence) {
            (Proof::Bogus, _) => {
                add(&self.bogus);
                add(&self.failed);
            }
            (_, Presence::Records) => {
                add(&self.records);
            }
            _ => {
                add(&self.absent);
            }
        }
        if found.proof.is_secure() {
            add(&self.secure);
        }
    }
}

impl Lookups {
    pub(crate) fn new(engine: Engine) -> Lookups {
        Lookups {
            engine,
            fallback: None,
            counters: Arc::default(),
            silence: Arc::default(),
        }
    }

    /// Asks `fallback` when nobody can be reached, but not when signatures are wrong. What it says counts as unsigned (M31).
    #[must_use]
    pub fn or_else(self, fallback: Lookups) -> Lookups {
        Lookups {
            fallback: Some(fallback.engine),
            ..self
        }
    }

    async fn ask_anyhow(&self, name: &Name, kind: RecordType) -> Result<Found, Error> {
        let mut turn = self.silence.turn();
        let patience = turn.patience;
        let asking = async {
            let found = self.ask_engines(name, kind).await;
            turn.ended(found.is_ok());
            found
        };
        let found = match patience {
            None => asking.await,
            Some(patience) => tokio::time::timeout(patience, asking)
                .await
                .unwrap_or_else(|_| {
                    Err(Error(format!(
                        "{} {kind}: nothing in DNS has answered for a while",
                        spelled(name)
                    )))
                }),
        };
        self.counters.count(&found);
        found
    }

    async fn ask_engines(&self, name: &Name, kind: RecordType) -> Result<Found, Error> {
        let mut found = self.engine.ask_anyhow(name, kind).await;
        if let (Err(_), Some(fallback)) = (&found, &self.fallback) {
            found = fallback.ask_anyhow(name, kind).await.map(|found| Found {
                proof: Proof::Indeterminate,
                ..found
            });
        }
        found
    }

    /// A bogus answer is none.
    async fn ask(&self, name: &Name, kind: RecordType) -> Result<Found, Error> {
        let found = self.ask_anyhow(name, kind).await?;
        match found.proof {
            Proof::Bogus => Err(Error(format!(
                "{} {kind}: its DNSSEC signatures are wrong (bogus)",
                spelled(name)
            ))),
            _ => Ok(found),
        }
    }

    async fn exchangers(&self, domain: &str) -> Result<Proved<MxAnswer>, Error> {
        let Some(name) = asked(domain) else {
            return Ok(Proved::unproved(MxAnswer::NoDomain));
        };
        let found = self.ask(&name, RecordType::MX).await?;
        let value = match found.presence {
            Presence::NoDomain => MxAnswer::NoDomain,
            Presence::NoRecord => MxAnswer::NoRecord,
            Presence::Records => exchangers(&found),
        };
        Ok(Proved {
            value,
            proof: found.proof,
        })
    }

    /// One family may fail when the other has an answer: that is enough to go on with.
    async fn both_families(&self, host: &str) -> Result<Proved<Located>, Error> {
        if special::known(host) == Some(Known::Loopback) {
            return Ok(loopback(host));
        }
        let Some(name) = asked(host) else {
            return Ok(Proved::unproved(Located::default()));
        };
        let (six, four) = tokio::join!(
            self.ask(&name, RecordType::AAAA),
            self.ask(&name, RecordType::A)
        );
        let answers = [(&six, RecordType::AAAA), (&four, RecordType::A)];
        let mut located = Proved {
            value: Located::default(),
            proof: Proof::Secure,
        };
        for (found, kind) in answers {
            let Ok(found) = found else { continue };
            if found.presence == Presence::Records {
                add(&mut located, found, kind, &name);
            }
        }
        match located.value.addresses.is_empty() {
            false => Ok(located),
            true => {
                let (six, four) = (six?, four?);
                located.proof = six.proof.min(four.proof);
                located.value.canonical = spelled(&four.canonical(&name).0);
                Ok(located)
            }
        }
    }

    async fn one_family(&self, host: &str, family: Family) -> Result<Vec<IpAddr>, Error> {
        if special::known(host) == Some(Known::Loopback) {
            let mut addresses = loopback(host).value.addresses;
            addresses.retain(|address| family.holds(address));
            return Ok(addresses);
        }
        let Some(name) = asked(host) else {
            return Ok(Vec::new());
        };
        let kind = match family {
            Family::V4 => RecordType::A,
            Family::V6 => RecordType::AAAA,
        };
        let found = self.ask(&name, kind).await?;
        Ok(found.data(kind).filter_map(RData::ip_addr).collect())
    }

    async fn certificates(&self, name: &str) -> Result<Proved<Vec<Tlsa>>, Error> {
        let Some(name) = asked(name) else {
            return Ok(Proved::unproved(Vec::new()));
        };
        let found = self.ask(&name, RecordType::TLSA).await?;
        let records = found
            .data(RecordType::TLSA)
            .filter_map(|record| match record {
                RData::TLSA(tlsa) => Some(Tlsa {
                    usage: tlsa.cert_usage.into(),
                    selector: tlsa.selector.into(),
                    matching: tlsa.matching.into(),
                    data: tlsa.cert_data.clone(),
                }),
                _ => None,
            });
        Ok(Proved {
            value: records.collect(),
            proof: found.proof,
        })
    }

    async fn reverse(&self, address: IpAddr) -> Result<Vec<String>, Error> {
        if let Engine::Recursing(_) = self.engine {
            match special::known_address(address) {
                Some(Known::Loopback) => return Ok(vec!["localhost".into()]),
                Some(Known::Nowhere) => return Ok(Vec::new()),
                None => {}
            }
        }
        let found = self.ask(&Name::from(address), RecordType::PTR).await?;
        let names = found.data(RecordType::PTR).filter_map(|data| match data {
            RData::PTR(name) => Some(spelled(&name.0)),
            _ => None,
        });
        Ok(names.collect())
    }

    async fn texts(&self, name: &str) -> Result<Vec<String>, Error> {
        let Some(name) = asked(name) else {
            return Ok(Vec::new());
        };
        let found = self.ask(&name, RecordType::TXT).await?;
        let texts = found.data(RecordType::TXT).filter_map(|data| match data {
            RData::TXT(txt) => Some(String::from_utf8_lossy(&txt.txt_data.concat()).into()),
            _ => None,
        });
        Ok(texts.collect())
    }

    async fn list(&self, name: &str, kind: &str) -> Result<Listing, Error> {
        let kind: RecordType = kind
            .to_ascii_uppercase()
            .parse()
            .map_err(|_| Error(format!("{kind} is not a type of record")))?;
        let name = match name.parse::<IpAddr>() {
            Ok(address) if kind == RecordType::PTR => Name::from(address),
            _ => absolute(name).ok_or_else(|| Error(format!("{name} cannot be a name")))?,
        };
        let found = self.ask_anyhow(&name, kind).await?;
        let line = |record: &hickory_resolver::proto::rr::Record| Line {
            name: record.name.to_ascii().to_ascii_lowercase(),
            ttl: record.ttl,
            kind: record.record_type().to_string(),
            data: data(record),
            proof: proof(record.proof),
        };
        Ok(Listing {
            presence: found.presence,
            proof: found.proof,
            records: found.answers.iter().map(line).collect(),
        })
    }
}

impl Resolver for Lookups {
    fn mx<'a>(&'a self, domain: &'a str) -> Answer<'a, MxAnswer> {
        Box::pin(async move { Ok(self.exchangers(domain).await?.value) })
    }

    fn addresses<'a>(&'a self, host: &'a str) -> Answer<'a, Vec<IpAddr>> {
        Box::pin(async move { Ok(self.both_families(host).await?.value.addresses) })
    }

    fn family<'a>(&'a self, host: &'a str, family: Family) -> Answer<'a, Vec<IpAddr>> {
        Box::pin(self.one_family(host, family))
    }

    fn names<'a>(&'a self, address: IpAddr) -> Answer<'a, Vec<String>> {
        Box::pin(self.reverse(address))
    }

    fn txt<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<String>> {
        Box::pin(self.texts(name))
    }

    fn proved_mx<'a>(&'a self, domain: &'a str) -> Answer<'a, Proved<MxAnswer>> {
        Box::pin(self.exchangers(domain))
    }

    fn located<'a>(&'a self, host: &'a str) -> Answer<'a, Proved<Located>> {
        Box::pin(self.both_families(host))
    }

    fn tlsa<'a>(&'a self, name: &'a str) -> Answer<'a, Proved<Vec<Tlsa>>> {
        Box::pin(self.certificates(name))
    }

    fn listing<'a>(&'a self, name: &'a str, kind: &'a str) -> Answer<'a, Listing> {
        Box::pin(self.list(name, kind))
    }

    fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &self.counters;
        Counts {
            records: read(&counters.records),
            absent: read(&counters.absent),
            failed: read(&counters.failed),
            bogus: read(&counters.bogus),
            secure: read(&counters.secure),
        }
    }
}

/// Is this the name of a type of record?
pub fn is_record_type(kind: &str) -> bool {
    kind.to_ascii_uppercase().parse::<RecordType>().is_ok()
}

/// A name that is worth asking for. `None`: nothing can be called like this, so it does not exist.
fn asked(name: &str) -> Option<Name> {
    match special::known(name) {
        None => absolute(name),
        Some(_) => None,
    }
}

/// A name that no search list is applied to. `None`: no name can be spelled like this. DNS takes any octets, not those of host names
/// alone (RFC 2181 §11), and SPF records make use of that.
fn absolute(name: &str) -> Option<Name> {
    let plain = name.strip_suffix('.').unwrap_or(name);
    let mut name = match plain.is_ascii() && !plain.is_empty() && !plain.contains('\\') {
        true => Name::from_labels(plain.split('.').map(str::as_bytes)).ok()?,
        false => Name::from_utf8(name).ok()?,
    };
    name.set_fqdn(true);
    Some(name)
}

fn loopback(host: &str) -> Proved<Located> {
    Proved::unproved(Located {
        addresses: vec![Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()],
        canonical: host.to_ascii_lowercase(),
        alias: None,
    })
}

/// Names in it may have the letters at random that the question had.
fn data(record: &hickory_resolver::proto::rr::Record) -> String {
    let text = record.data.to_string();
    let is_names = matches!(
        record.record_type(),
        RecordType::MX
            | RecordType::CNAME
            | RecordType::NS
            | RecordType::PTR
            | RecordType::SRV
            | RecordType::SOA
    );
    match is_names {
        true => text.to_ascii_lowercase(),
        false => text,
    }
}

fn exchangers(found: &Found) -> MxAnswer {
    let all = found.data(RecordType::MX).filter_map(|data| match data {
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

/// Adds the addresses of one family.
fn add(located: &mut Proved<Located>, found: &Found, kind: RecordType, name: &Name) {
    let (canonical, alias) = found.canonical(name);
    located.proof = located.proof.min(found.proof);
    located.value.canonical = spelled(&canonical);
    located.value.alias = alias;
    let addresses = found.data(kind).filter_map(RData::ip_addr);
    located.value.addresses.extend(addresses);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc2181_section_11_names_hold_any_characters() {
        let spelled_again = |name: &str| absolute(name).map(|name| name.iter().count());
        for (name, labels) in [
            ("foo:bar/baz.example.com", 3),
            ("macro%percent  space%20url.example.com.", 3),
            ("_dmarc.EXAMPLE.com", 3),
            (".", 0),
            ("b\u{fc}cher.example", 2),
        ] {
            assert_eq!(spelled_again(name), Some(labels), "{name}");
        }
        let long = "x".repeat(64);
        for name in ["a..b", ".a", long.as_str()] {
            assert!(absolute(name).is_none(), "{name}");
        }
    }
}

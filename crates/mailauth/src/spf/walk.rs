//! Which networks a domain's SPF records permit (catalogue J9): all records that `include` and `redirect` lead to, read without a message at
//! hand. What depends on the message (macros, `exists`, `ptr`) cannot be told beforehand and is named as a gap.
//!
//! The limits of RFC 7208 §4.6.4 are about a receiver's answer; big providers stay below them, and here other limits hold.

use super::macros::MacroString;
use super::name;
use super::record::{self, Directive, Mechanism, Prefixes, Qualifier, Record};
use dns::{MxAnswer, Resolver};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Records that are read.
const DOMAINS: usize = 200;
/// Networks that are found.
const NETWORKS: usize = 20_000;
/// Gaps that are named.
const GAPS: usize = 1000;
/// Hosts and addresses of one `mx` or `a`.
const HOSTS: usize = 100;

/// An address and how many leading bits of it count; the others are zero.
pub type Permitted = (IpAddr, u8);

/// What a walk has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    /// Sorted, each once.
    pub networks: BTreeSet<Permitted>,
    /// What is permitted besides, or could not be found.
    pub gaps: Vec<Gap>,
    /// DNS did not answer a part: asked again, there may be more.
    pub unknown: bool,
}

/// A part of a record that is no network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The domain whose record it is.
    pub domain: String,
    /// As it is written there; empty for the whole record.
    pub term: String,
    /// One clause for people.
    pub why: String,
}

/// Walks from a domain.
pub async fn walk(resolver: &dyn Resolver, domain: &str) -> Walk {
    let mut walker = Walker {
        resolver,
        found: Walk::default(),
        seen: BTreeSet::new(),
        waiting: Vec::new(),
    };
    walker.visit(domain, domain, "");
    while let Some(next) = walker.waiting.pop() {
        walker.record(&next).await;
    }
    walker.found
}

struct Walker<'a> {
    resolver: &'a dyn Resolver,
    found: Walk,
    seen: BTreeSet<String>,
    waiting: Vec<String>,
}

impl Walker<'_> {
    /// Remembers a record to be read; each is read once, so circles end.
    fn visit(&mut self, target: &str, domain: &str, term: &str) {
        let Some(name) = name::queryable(target) else {
            return self.gap(domain, term, "it leads to no name that DNS could have");
        };
        let name = name.to_ascii_lowercase();
        if self.seen.len() == DOMAINS {
            return self.gap(domain, term, "there are too many records");
        }
        if self.seen.insert(name.clone()) {
            self.waiting.push(name);
        }
    }

    async fn record(&mut self, domain: &str) {
        let texts = match self.resolver.txt(domain).await {
            Ok(texts) => texts,
            Err(why) => return self.away(domain, "", &why),
        };
        let mut records = texts.iter().filter(|text| record::is_spf(text));
        let record = match (records.next(), records.next()) {
            (Some(only), None) => Record::parse(only),
            (None, _) => return self.gap(domain, "", "it has no SPF record"),
            _ => return self.gap(domain, "", "it has more than one SPF record"),
        };
        match record {
            Ok(record) => self.terms(domain, &record).await,
            Err(why) => self.gap(domain, "", &format!("its SPF record is wrong: {why}")),
        }
    }

    /// What stands behind `all` never counts (RFC 7208 §5.1), nor does `redirect` beside it (§6.1).
    async fn terms(&mut self, domain: &str, record: &Record) {
        for directive in &record.directives {
            if directive.mechanism == Mechanism::All {
                if directive.qualifier == Qualifier::Pass {
                    self.gap(domain, &directive.text, "it permits every address");
                }
                return;
            }
            if directive.qualifier == Qualifier::Pass {
                self.term(domain, directive).await;
            }
        }
        if let Some(target) = &record.redirect {
            match target.literal() {
                Some(target) => self.visit(&target, domain, "redirect"),
                None => self.depends(domain, "redirect"),
            }
        }
    }

    async fn term(&mut self, domain: &str, directive: &Directive) {
        let text = &directive.text;
        match &directive.mechanism {
            Mechanism::All => {}
            Mechanism::Network(address, length) => self.add(domain, *address, *length),
            Mechanism::Include(target) => match target.literal() {
                Some(target) => self.visit(&target, domain, text),
                None => self.depends(domain, text),
            },
            Mechanism::A(target, prefixes) => match name_of(target.as_ref(), domain) {
                Some(host) => self.host(domain, text, &host, *prefixes).await,
                None => self.depends(domain, text),
            },
            Mechanism::Mx(target, prefixes) => match name_of(target.as_ref(), domain) {
                Some(target) => self.mx(domain, text, &target, *prefixes).await,
                None => self.depends(domain, text),
            },
            Mechanism::Ptr(_) => self.gap(domain, text, "it permits addresses by their names"),
            Mechanism::Exists(_) => self.gap(domain, text, "it asks DNS about each address"),
        }
    }

    async fn mx(&mut self, domain: &str, text: &str, target: &str, prefixes: Prefixes) {
        match self.resolver.mx(target).await {
            Ok(MxAnswer::Hosts(hosts)) => {
                for (_, host) in hosts.iter().take(HOSTS) {
                    self.host(domain, text, host, prefixes).await;
                }
            }
            Ok(MxAnswer::Null | MxAnswer::NoDomain | MxAnswer::NoRecord) => {}
            Err(why) => self.away(domain, text, &why),
        }
    }

    async fn host(&mut self, domain: &str, text: &str, host: &str, prefixes: Prefixes) {
        match self.resolver.addresses(host).await {
            Ok(addresses) => {
                for address in addresses.into_iter().take(HOSTS) {
                    let length = match address {
                        IpAddr::V4(_) => prefixes.v4,
                        IpAddr::V6(_) => prefixes.v6,
                    };
                    self.add(domain, address, length);
                }
            }
            Err(why) => self.away(domain, text, &why),
        }
    }

    fn add(&mut self, domain: &str, address: IpAddr, length: u8) {
        match self.found.networks.len() < NETWORKS {
            true => drop(
                self.found
                    .networks
                    .insert((masked(address, length), length)),
            ),
            false => self.gap(domain, "", "there are too many networks"),
        }
    }

    fn depends(&mut self, domain: &str, term: &str) {
        self.gap(domain, term, "its macros depend on the message");
    }

    fn away(&mut self, domain: &str, term: &str, why: &dns::Error) {
        self.found.unknown = true;
        self.gap(domain, term, &why.to_string());
    }

    fn gap(&mut self, domain: &str, term: &str, why: &str) {
        let gap = Gap {
            domain: domain.to_string(),
            term: term.to_string(),
            why: why.to_string(),
        };
        if self.found.gaps.len() < GAPS && !self.found.gaps.contains(&gap) {
            self.found.gaps.push(gap);
        }
    }
}

/// A name that is left out is the domain itself; `None`: it has macros.
fn name_of(target: Option<&MacroString>, domain: &str) -> Option<String> {
    match target {
        None => Some(domain.to_string()),
        Some(target) => target.literal(),
    }
}

fn masked(address: IpAddr, length: u8) -> IpAddr {
    match address {
        IpAddr::V4(four) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
            IpAddr::V4((four.to_bits() & mask).into())
        }
        IpAddr::V6(six) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
            IpAddr::V6((six.to_bits() & mask).into())
        }
    }
}

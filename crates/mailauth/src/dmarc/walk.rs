//! The DNS tree walk (RFC 9989 §4.10): whose record holds for a domain, and to which organization it belongs.

use super::record::{Psd, Record, is_dmarc};
use dns::Resolver;

/// Names that are asked for at most.
pub const QUERIES: usize = 8;

/// What a walk has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walk {
    start: String,
    /// Domains with valid records, the longest first.
    found: Vec<(String, Record)>,
}

/// Walks from a domain up to the root. An error means that nobody knows.
pub async fn walk(resolver: &dyn Resolver, domain: &str) -> Result<Walk, dns::Error> {
    let start = domain.trim_end_matches('.').to_ascii_lowercase();
    let mut found = Vec::new();
    for (step, target) in targets(&start).into_iter().enumerate() {
        let Some(record) = record_at(resolver, target).await? else {
            continue;
        };
        let ends = match record.psd {
            Psd::No => true,
            Psd::Yes => step > 0,
            Psd::Unknown => false,
        };
        found.push((target.to_string(), record));
        if ends {
            break;
        }
    }
    Ok(Walk { start, found })
}

/// The organizational domain of a domain.
pub async fn organizational_domain(
    resolver: &dyn Resolver,
    domain: &str,
) -> Result<String, dns::Error> {
    Ok(walk(resolver, domain).await?.organizational_domain())
}

/// The only record of a name; several are none (step 2).
pub async fn record_at(
    resolver: &dyn Resolver,
    domain: &str,
) -> Result<Option<Record>, dns::Error> {
    let texts = resolver.txt(&format!("_dmarc.{domain}")).await?;
    let mut records = texts.iter().filter(|text| is_dmarc(text));
    Ok(match (records.next(), records.next()) {
        (Some(only), None) => Record::parse(only).ok(),
        _ => None,
    })
}

/// The domain, and those above it; of a very long one only the last seven.
fn targets(start: &str) -> Vec<&str> {
    let mut targets = vec![start];
    let mut above = start;
    while let Some((_, rest)) = above.split_once('.') {
        above = rest;
        if above.split('.').count() < QUERIES {
            targets.push(above);
        }
    }
    targets
}

impl Walk {
    /// Where it began.
    pub fn start(&self) -> &str {
        &self.start
    }

    /// §4.10.2.
    pub fn organizational_domain(&self) -> String {
        for (domain, record) in &self.found {
            match record.psd {
                Psd::No => return domain.clone(),
                Psd::Yes if *domain != self.start => return self.one_below(domain),
                _ => {}
            }
        }
        let shortest = self.found.last();
        shortest.map_or(&self.start, |(domain, _)| domain).clone()
    }

    /// The domain one label below this one, towards the start.
    fn one_below(&self, domain: &str) -> String {
        let labels = domain.split('.').count() + 1;
        let all: Vec<&str> = self.start.split('.').collect();
        all[all.len().saturating_sub(labels)..].join(".")
    }

    /// The record that holds for mail from this domain, and the domain it is of (§4.10.1): its own, else that of the
    /// organization, else that of the public suffix.
    pub fn policy(&self) -> Option<(&str, &Record)> {
        let of = |wanted: &str| self.found.iter().find(|(domain, _)| domain == wanted);
        let suffix = || self.found.iter().find(|(_, record)| record.psd == Psd::Yes);
        of(&self.start)
            .or_else(|| of(&self.organizational_domain()))
            .or_else(suffix)
            .map(|(domain, record)| (domain.as_str(), record))
    }
}

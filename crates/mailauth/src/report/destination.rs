//! Where reports on a domain go (RFC 9990 §3.5, §4): the addresses that its record names, as far as those who would get the reports
//! have agreed.

use crate::dmarc::{Record, ReportUri, organizational_domain};
use dns::Resolver;
use message::Address;

/// Addresses that get a report (RFC 9990 §3.5 wants at least two).
const MOST: usize = 5;

/// Who gets a report, and who does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Destinations {
    /// Addresses, each with the octets that it takes at most.
    pub to: Vec<(Address, Option<u64>)>,
    /// URIs that are not used, each with the reason as a clause for people.
    pub refused: Vec<(String, String)>,
}

impl Destinations {
    /// The destinations of reports on the mail that the policy of `domain` holds for. An error means that nobody knows now.
    pub async fn of(
        resolver: &dyn Resolver,
        domain: &str,
        record: &Record,
    ) -> Result<Destinations, dns::Error> {
        let mut found = Destinations::default();
        let own = organizational_domain(resolver, domain).await?;
        for named in &record.aggregate_to {
            if found.to.len() == MOST {
                break;
            }
            match agreed(resolver, domain, &own, named).await? {
                Ok(address) if found.to.iter().any(|(known, _)| *known == address) => {}
                Ok(address) => found.to.push((address, named.limit)),
                Err(why) => found.refused.push((named.uri.clone(), why)),
            }
        }
        Ok(found)
    }
}

/// The mail addresses that a record names.
pub fn addresses(record: &Record) -> Vec<Address> {
    let named = record.aggregate_to.iter();
    named.filter_map(|named| mail_address(&named.uri)).collect()
}

/// §4: whoever is of another organization must say so in its own DNS, and may name another address of the same host.
async fn agreed(
    resolver: &dyn Resolver,
    domain: &str,
    own: &str,
    named: &ReportUri,
) -> Result<Result<Address, String>, dns::Error> {
    let Some(address) = mail_address(&named.uri) else {
        return Ok(Err("it is no mail address".into()));
    };
    let host = address.domain().to_ascii_lowercase();
    if organizational_domain(resolver, &host).await? == own {
        return Ok(Ok(address));
    }
    let name = format!("{domain}._report._dmarc.{host}");
    if name.len() > 253 {
        return Ok(Err(format!(
            "{host} cannot have agreed: {name} is too long for a name"
        )));
    }
    let texts = resolver.txt(&name).await?;
    let mut records = texts.iter().filter_map(|text| Record::parse(text).ok());
    let Some(record) = records.next() else {
        return Ok(Err(format!(
            "{host} has not agreed: there is no v=DMARC1 at {name}"
        )));
    };
    Ok(match record.aggregate_to.first() {
        None => Ok(address),
        Some(other) => match mail_address(&other.uri) {
            Some(other) if other.domain().eq_ignore_ascii_case(&host) => Ok(other),
            _ => Err(format!("{host} names an address that is not its own")),
        },
    })
}

/// RFC 6068, without what follows the address.
fn mail_address(uri: &str) -> Option<Address> {
    let (scheme, rest) = uri.split_once(':')?;
    if !scheme.eq_ignore_ascii_case("mailto") {
        return None;
    }
    let address = rest.split('?').next().unwrap_or_default();
    Address::parse(&percent_decoded(address)?).ok()
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                (digit()? * 16 + digit()?) as u8
            }
            octet => octet,
        });
    }
    String::from_utf8(octets).ok()
}

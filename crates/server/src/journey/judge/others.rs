//! Asks others about a message, where the settings name them: lists in DNS (I20, I21), ClamAV (I26), an Rspamd, a SpamAssassin (I27). All at the same time.

use super::super::envelope::{ClientName, Refusal};
use super::super::receive::Received;
use super::content::{Names, failed};
use crate::filter::{Octets, clamd, rspamd, spamassassin};
use crate::gate;
use aws_lc_rs::digest;
use spam::gate::dns_list::{self, DnsList};
use spam::verdict::Reason;
use std::fmt::Write as _;
use tokio::time::timeout;

/// A virus is refused whatever else is known of its sender.
const VIRUS: f32 = 100.0;

/// What they say.
pub(super) struct Said {
    pub(super) reasons: Vec<Reason>,
    /// By the scanner, if it looked.
    pub(super) scanned: Option<Scanned>,
}

/// What a scanner for viruses found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::journey) enum Scanned {
    /// Nothing.
    Clean,
    /// A virus.
    Infected,
}

/// Asks all.
pub(super) async fn ask(received: &Received, names: &Names) -> Result<Said, Refusal> {
    let (listed, virus, rspamd, spamassassin) = tokio::join!(
        lists(received, names),
        virus(received),
        rspamd(received),
        spamassassin(received)
    );
    let mut reasons = listed;
    let (scanned, virus) = virus?;
    reasons.extend(virus);
    reasons.extend(rspamd?);
    reasons.extend(spamassassin?);
    Ok(Said { reasons, scanned })
}

async fn lists(received: &Received, names: &Names) -> Vec<Reason> {
    let config = &received.config;
    if !config.gate.ask_others {
        return Vec::new(); // I22
    }
    let (urls, addresses) = (
        parsed(&config.spam.url_lists),
        parsed(&config.spam.address_lists),
    );
    if urls.is_empty() && addresses.is_empty() {
        return Vec::new();
    }
    let known = |name: &String| (name.clone(), name.clone());
    let domains: Vec<_> = names.domains.iter().map(known).collect();
    let hashes: Vec<_> = names
        .addresses
        .iter()
        .map(|address| (hash(address), address.clone()))
        .collect();
    let services = &received.services;
    let (mut found, more) = tokio::join!(
        gate::of_names(services, &urls, &domains, "LINK_LISTED"),
        gate::of_names(services, &addresses, &hashes, "ADDRESS_LISTED"),
    );
    found.extend(more);
    found
}

/// Those that are none were refused when the settings were read.
fn parsed(lists: &[String]) -> Vec<DnsList> {
    lists
        .iter()
        .filter_map(|text| dns_list::parse(text).ok())
        .collect()
}

/// As lists of addresses have it: SHA-1 of the address in small letters, without the tag and dots that great providers ignore.
fn hash(address: &str) -> String {
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    let mut local = local.split('+').next().unwrap_or_default().to_owned();
    let domain = if domain == "googlemail.com" {
        "gmail.com"
    } else {
        domain
    };
    if domain == "gmail.com" {
        local.retain(|c| c != '.');
    }
    let digest = digest::digest(
        &digest::SHA1_FOR_LEGACY_USE_ONLY,
        format!("{local}@{domain}").as_bytes(),
    );
    digest
        .as_ref()
        .iter()
        .fold(String::new(), |mut hex, octet| {
            // Writing to a string cannot fail.
            let _ = write!(hex, "{octet:02x}");
            hex
        })
}

async fn virus(received: &Received) -> Result<(Option<Scanned>, Option<Reason>), Refusal> {
    let Some(place) = &received.config.spam.clamd else {
        return Ok((None, None));
    };
    let Some(octets) = octets(received)? else {
        return Ok((None, None));
    };
    let asked = timeout(received.config.spam.timeout, clamd::scan(place, octets)).await;
    let why = match asked {
        Ok(Ok(clamd::Answer::Clean)) => return Ok((Some(Scanned::Clean), None)),
        Ok(Ok(clamd::Answer::Virus(name))) => {
            let reason = Reason::new("VIRUS", VIRUS, name);
            return Ok((Some(Scanned::Infected), Some(reason)));
        }
        Ok(Ok(clamd::Answer::Unknown(said))) => said,
        Ok(Err(why)) => why.to_string(),
        Err(_) => "no answer in time".into(),
    };
    failed(received, "clamd", &why).map(|()| (None, None))
}

async fn rspamd(received: &Received) -> Result<Option<Reason>, Refusal> {
    let Some(place) = &received.config.spam.rspamd else {
        return Ok(None);
    };
    let Some(octets) = octets(received)? else {
        return Ok(None);
    };
    let envelope = envelope(received);
    let asked = timeout(
        received.config.spam.timeout,
        rspamd::check(place, &envelope, octets),
    )
    .await;
    let why = match asked {
        Ok(Ok(answer)) => {
            let weight = answer.weight(received.config.spam.refuse);
            return Ok(Some(Reason::new("RSPAMD", weight, answer.detail())));
        }
        Ok(Err(why)) => why,
        Err(_) => "no answer in time".into(),
    };
    failed(received, "rspamd", &why).map(|()| None)
}

async fn spamassassin(received: &Received) -> Result<Option<Reason>, Refusal> {
    let settings = &received.config.spam;
    let (Some(place), Some(octets)) = (&settings.spamassassin, octets(received)?) else {
        return Ok(None);
    };
    let asked = timeout(settings.timeout, spamassassin::check(place, octets)).await;
    let why = match asked {
        Ok(Ok(answer)) => {
            let weight = answer.weight(settings.thresholds().junk_score());
            return Ok(Some(Reason::new("SPAMASSASSIN", weight, answer.rules)));
        }
        Ok(Err(why)) => why.to_string(),
        Err(_) => "no answer in time".into(),
    };
    failed(received, "spamassassin", &why).map(|()| None)
}

fn octets(received: &Received) -> Result<Option<Octets<'_>>, Refusal> {
    let body = received
        .copies
        .filed
        .as_ref()
        .or(received.copies.relayed.as_ref());
    let octets = body
        .map(|body| Octets::of(&received.section, body))
        .transpose();
    octets.map_err(|why| super::refusals::store_failed(&why))
}

fn envelope(received: &Received) -> rspamd::Envelope {
    let sender = received.mail.reverse_path.as_ref();
    rspamd::Envelope {
        from: sender.map(ToString::to_string).unwrap_or_default(),
        recipients: received.recipients.iter().map(|r| r.path.clone()).collect(),
        address: received.facts.peer.remote.ip().to_canonical().to_string(),
        helo: received.facts.helo.clone().unwrap_or_default(),
        host: match &received.facts.client {
            ClientName::Confirmed(name) => Some(name.clone()),
            _ => None,
        },
        id: received.id.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// I21: the list's own test entry.
    #[test]
    fn i21_addresses_are_hashed_as_the_list_wants() {
        assert_eq!(hash("noemail@example.com"), hash("noemail+tag@example.com"));
        assert_eq!(hash("a.b@googlemail.com"), hash("ab@gmail.com"));
        assert_ne!(hash("a.b@example.com"), hash("ab@example.com"));
        // SHA-1 of "abc@example.com" by sha1sum(1).
        assert_eq!(
            hash("abc@example.com"),
            "760eab446d785ea63ad85b5ea6088e27b37f7546"
        );
    }
}

//! Every ten minutes: whether DNS has TLSA records of the keys that are served, so that a change of keys has to wait for them; and whether a
//! key that waits may take its turn (L24, RFC 7671 §8.1).
//!
//! Others remember the records of before for their TTL, and name servers do not change at the same moment. So a new key is served once each
//! look for two TTLs has seen its records wherever there are any (for an hour at least); a look that does not see them begins the time anew,
//! one that fails says nothing. Where DNS has no TLSA record at all, nothing has to wait.

use super::periodic::{Job, Outcome};
use crate::Services;
use crate::config::Config;
use crate::journey::bounce::Letter;
use crate::session::tls::{Chain, Pair, Side, Waiting, fits};
use dns::{Resolver, Tlsa};
use jiff::{SignedDuration, Timestamp};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

pub(crate) const JOB: &str = "dane";
const OFTEN: Duration = Duration::from_secs(600);
/// The shortest time for which DNS must have shown a key.
const SEEN: SignedDuration = SignedDuration::from_hours(1);
/// Where the resolver cannot tell a TTL: the usual one of zones, in seconds.
const USUAL_TTL: u32 = 86_400;
/// Ports that others reach from outside, whatever they lead to here.
const PORTS: [u16; 4] = [25, 465, 587, 993];
/// Names of a certificate whose records are looked at.
const NAMES: usize = 10;

pub(super) fn job() -> Job {
    Job {
        name: JOB,
        about: "serve a new key once DNS has its TLSA records",
        every: |config| config.tls.await_dane.then_some(OFTEN),
        work: |services| Box::pin(look(services)),
    }
}

/// What DNS says of all names and ports of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Not all could be asked.
    Unknown(String),
    /// There is no TLSA record.
    Nothing,
    /// The records of each name that has some, and the longest TTL of all in seconds.
    Records(Vec<(String, Vec<Tlsa>)>, u32),
}

impl Shown {
    /// Names whose records do not describe this chain; a sender who obeys DANE would not believe it there.
    pub(crate) fn against(&self, chain: &Chain) -> Vec<&str> {
        let Shown::Records(places, _) = self else {
            return Vec::new();
        };
        let wrong = places.iter().filter(|(_, records)| !fits(records, chain));
        wrong.map(|(name, _)| name.as_str()).collect()
    }
}

/// What is to be done with a key that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Wait,
    /// DNS has shown it for long enough, or has no records at all.
    Begin,
    /// The old certificate has ended, so programs of users do not believe it any more.
    Forced,
}

async fn look(services: Arc<Services>) -> Outcome {
    let config = services.config.load_full();
    let mut done = Vec::new();
    for pair in pairs(&services, &config).await? {
        let shown = shown(&*services.dns, &pair, &config).await;
        match &pair.next {
            None => remember(&services, &config, &pair, &shown).await?,
            Some((next, known)) => {
                done.extend(consider(&services, &config, &pair, (next, known), &shown).await?);
            }
        }
    }
    services
        .metrics
        .certificates_waiting(services.tls.waiting());
    Ok((!done.is_empty()).then(|| done.join("; ")))
}

/// All certificates, read where blocking is allowed.
pub(crate) async fn pairs(services: &Services, config: &Arc<Config>) -> std::io::Result<Vec<Pair>> {
    let (tls, config) = (services.tls.clone(), config.clone());
    Ok(tokio::task::spawn_blocking(move || tls.pairs(&config)).await?)
}

/// While DNS has records of a key, its files are copied, so that their change can wait.
async fn remember(
    services: &Services,
    config: &Arc<Config>,
    pair: &Pair,
    shown: &Shown,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let wanted = match shown {
        Shown::Unknown(_) => return Ok(()),
        Shown::Nothing => false,
        // Records that fit nothing here are no reason to hold on to what is served.
        Shown::Records(places, _) => {
            let chain = &pair.serving.chain;
            places.iter().any(|(_, records)| fits(records, chain))
        }
    };
    let (tls, config, source) = (services.tls.clone(), config.clone(), pair.source.clone());
    tokio::task::spawn_blocking(move || tls.keep(&source, wanted, &config)).await??;
    Ok(())
}

async fn consider(
    services: &Services,
    config: &Arc<Config>,
    pair: &Pair,
    (next, known): (&Side, &Waiting),
    shown: &Shown,
) -> Result<Option<String>, Box<dyn std::error::Error + Send + Sync>> {
    let now = services.clock.now();
    let (mut new, turn) = decide(known, pair.serving.expires, &next.chain, shown, now);
    if turn == Turn::Wait {
        if !new.told {
            tell(services, pair, next).await?;
            new.told = true;
        }
        if new != *known {
            let (tls, config, source) = (services.tls.clone(), config.clone(), pair.source.clone());
            tokio::task::spawn_blocking(move || tls.note(&source, &new, &config)).await??;
        }
        return Ok(None);
    }
    let keep = *shown != Shown::Nothing;
    switch(services, config, &next.key, keep).await?;
    let name = next.names.first().map_or("", String::as_str);
    if turn == Turn::Forced {
        tracing::error!(
            name,
            key = next.key,
            "the old certificate has ended, so the new one is served although DNS does not have its TLSA records: servers that obey DANE send nothing here"
        );
    }
    Ok(Some(format!(
        "the new key of {name} is served; the TLSA record of the old one ({}) may go",
        pair.serving.key
    )))
}

/// Serves a key that waits.
pub(crate) async fn switch(
    services: &Services,
    config: &Arc<Config>,
    key: &str,
    keep: bool,
) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
    let (tls, config, key) = (services.tls.clone(), config.clone(), key.to_string());
    Ok(tokio::task::spawn_blocking(move || tls.switch(&key, keep, &config)).await??)
}

/// When the key that waits takes its turn; none: DNS does not show it.
pub(crate) fn due(known: &Waiting) -> Option<Timestamp> {
    let seen = Timestamp::from_second(known.seen?).ok()?;
    let wait = SEEN.max(SignedDuration::from_secs(i64::from(known.ttl) * 2));
    Some(seen.saturating_add(wait).unwrap_or(Timestamp::MAX))
}

fn decide(
    known: &Waiting,
    old_ends: Timestamp,
    next: &Chain,
    shown: &Shown,
    now: Timestamp,
) -> (Waiting, Turn) {
    let mut new = known.clone();
    if let Shown::Records(_, ttl) = shown {
        new.ttl = new.ttl.max(*ttl);
        let seen = shown.against(next).is_empty();
        new.seen = seen.then(|| known.seen.unwrap_or(now.as_second()));
    }
    let turn = match shown {
        Shown::Nothing => Turn::Begin,
        Shown::Records(..) if due(&new).is_some_and(|at| at <= now) => Turn::Begin,
        _ if old_ends <= now => Turn::Forced,
        _ => Turn::Wait,
    };
    (new, turn)
}

/// What DNS says of the names of a certificate that is served.
pub(crate) async fn shown(dns: &dyn Resolver, pair: &Pair, config: &Config) -> Shown {
    let mut places = Vec::new();
    let mut longest = 0;
    for name in names(pair, config) {
        for port in ports(config) {
            let name = format!("_{port}._tcp.{name}");
            match dns.tlsa(&name).await {
                Err(why) => return Shown::Unknown(format!("{name}: {why}")),
                Ok(found) if found.value.is_empty() => {}
                Ok(found) => {
                    longest = longest.max(ttl(dns, &name).await);
                    places.push((name, found.value));
                }
            }
        }
    }
    match places.is_empty() {
        true => Shown::Nothing,
        false => Shown::Records(places, longest),
    }
}

async fn ttl(dns: &dyn Resolver, name: &str) -> u32 {
    match dns.listing(name, "TLSA").await {
        Ok(listing) => listing.records.iter().map(|line| line.ttl).max(),
        Err(_) => None,
    }
    .unwrap_or(USUAL_TTL)
}

/// The host names that a certificate is for; `hostname` too, since that is what an MX record names.
fn names(pair: &Pair, config: &Config) -> Vec<String> {
    let real = |name: &&String| !name.starts_with("*.") && name.contains('.');
    let mut names = vec![config.hostname.clone()];
    names.extend(pair.serving.names.iter().filter(real).cloned());
    names.sort();
    names.dedup();
    names.truncate(NAMES);
    names
}

fn ports(config: &Config) -> Vec<u16> {
    let listen = &config.listen;
    let listeners = [
        &listen.smtp,
        &listen.submission,
        &listen.submissions,
        &listen.imap,
        &listen.imaps,
        &listen.managesieve,
        &listen.pop3,
        &listen.pop3s,
    ];
    let bound = listeners.iter().flat_map(|one| &one.addresses);
    let mut ports: Vec<u16> = PORTS.to_vec();
    ports.extend(
        bound
            .map(|address| address.port())
            .filter(|port| *port != 0),
    );
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// Tells the postmaster that a key waits, and for what.
async fn tell(services: &Services, pair: &Pair, next: &Side) -> store::Result<()> {
    let config = services.config.load_full();
    let name = next.names.first().unwrap_or(&config.hostname);
    tracing::warn!(name, key = next.key, "a new key waits for its TLSA records");
    let postmaster = format!("postmaster@{}", config.domain);
    let letter = Letter {
        to: &postmaster,
        id: format!("tlsa.{}", &next.key.get(..12).unwrap_or_default()),
        subject: format!("A new key of {name} waits for its TLSA record in DNS"),
        text: text(&config.hostname, name, pair, next),
    };
    let Some(prepared) = letter.prepare(services).await? else {
        return Ok(());
    };
    services.store.write(move |tx| prepared.write(tx)).await
}

fn text(hostname: &str, name: &str, pair: &Pair, next: &Side) -> String {
    let mut text = format!(
        "The certificate of {name} has been renewed with another key. DNS has TLSA records of the old key, and none of the new one: if the new \
         certificate were shown now, servers that obey DANE would send no mail here. So the old one is shown until DNS has the new record.\n\n\
         What to do: publish this record beside the old one, wherever there is a TLSA record for this server. It is noticed, and the new \
         certificate is shown two TTLs later; then the old record may go.\n\n    tlsa._dane.{hostname}. IN TLSA 3 1 1 {}\n",
        next.key
    );
    let _ = write!(
        text,
        "\nThe old certificate ends at {:.0}; the new one is shown then in any case.\n\nHow it stands: pennyblack tls show\nShow the new one now: \
         pennyblack tls switch --force\n{}",
        pair.serving.expires,
        match pair.own {
            true => "Go on with the old key: pennyblack tls cancel",
            false =>
                "To keep the key when a certificate is renewed: certbot has --reuse-key, other programs a setting of that kind.",
        }
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::tls::key_hash;

    fn chain() -> Chain {
        let made = rcgen::generate_simple_self_signed(["mx1.example.com".to_string()]).unwrap();
        vec![made.cert.der().clone()]
    }

    fn record(chain: &Chain) -> Tlsa {
        let hash = key_hash(chain).unwrap();
        let octet = |at: usize| u8::from_str_radix(&hash[at..at + 2], 16).unwrap();
        Tlsa {
            usage: 3,
            selector: 1,
            matching: 1,
            data: (0..hash.len()).step_by(2).map(octet).collect(),
        }
    }

    /// L24: two TTLs from the first look that sees it everywhere; a look without it begins anew, a failed one says nothing.
    #[test]
    fn l24_a_key_waits_two_ttls() {
        let (old, new) = (chain(), chain());
        let places = |both: &[&Chain]| {
            let records: Vec<Tlsa> = both.iter().map(|one| record(one)).collect();
            vec![
                (
                    "_25._tcp.mx1.example.com".to_string(),
                    vec![record(&old), record(&new)],
                ),
                ("_993._tcp.mx1.example.com".to_string(), records),
            ]
        };
        let nowhere = Shown::Records(places(&[&old]), 7200);
        let everywhere = Shown::Records(places(&[&old, &new]), 3600);
        let failed = Shown::Unknown("no answer".into());
        let start = Timestamp::from_second(1_796_000_000).unwrap();
        let at = |hours: i64| start + SignedDuration::from_hours(hours);
        let ends = at(1000);
        let mut known = Waiting::default();
        let mut step = |shown: &Shown, hours: i64| {
            let (noted, turn) = decide(&known, ends, &new, shown, at(hours));
            known = noted;
            (turn, known.seen)
        };
        assert_eq!(step(&nowhere, 0), (Turn::Wait, None));
        let first = Some(at(1).as_second());
        assert_eq!(step(&everywhere, 1), (Turn::Wait, first));
        assert_eq!(step(&failed, 2), (Turn::Wait, first));
        assert_eq!(step(&nowhere, 3), (Turn::Wait, None), "gone again");
        let again = Some(at(4).as_second());
        assert_eq!(step(&everywhere, 4), (Turn::Wait, again));
        // The longest TTL that was seen counts.
        assert_eq!(step(&everywhere, 7), (Turn::Wait, again));
        assert_eq!(
            step(&failed, 8),
            (Turn::Wait, again),
            "only a look begins it"
        );
        assert_eq!(step(&everywhere, 8), (Turn::Begin, again));
    }

    /// L24: without records nothing waits; a certificate that has ended is replaced in any case.
    #[test]
    fn l24_nothing_waits_in_vain() {
        let now = Timestamp::from_second(1_796_000_000).unwrap();
        let later = now + SignedDuration::from_hours(1);
        let (known, new) = (Waiting::default(), chain());
        let turn = |shown: &Shown, ends| decide(&known, ends, &new, shown, now).1;
        assert_eq!(turn(&Shown::Nothing, later), Turn::Begin);
        let failed = Shown::Unknown("no answer".into());
        assert_eq!(turn(&failed, later), Turn::Wait);
        assert_eq!(turn(&failed, now), Turn::Forced);
    }
}

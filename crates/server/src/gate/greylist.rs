//! Greylisting with the store: looks up what is known of an arrival, decides, and writes down what follows.

use super::Gate;
use crate::Services;
use crate::config::{GreylistBy, GreylistMode};
use jiff::{SignedDuration, Timestamp};
use spam::gate::greylist::{self as rule, Arrival, Change, Decision, Known, Record, Who};
use spam::gate::network::Network;
use std::net::IpAddr;
use store::Tx;
use store::gate::greylist::{self as rows, Grey, White};

/// Somebody white is renewed at most so often: a busy friend must not cost a write for each message.
const RENEWED_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// How doubtful a message is, as far as the judge has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// Its score is below the threshold.
    Little,
    /// It reaches the threshold: only those are asked to come again by default (J12).
    Much,
}

/// A message as the greylist sees it.
#[derive(Clone, Debug)]
pub(crate) struct Candidate<'a> {
    pub(crate) address: IpAddr,
    pub(crate) helo: &'a str,
    /// The reverse-path; empty for `<>`.
    pub(crate) sender: String,
    pub(crate) recipients: Vec<String>,
    /// Domains for which SPF or DKIM passed.
    pub(crate) proved: Vec<&'a str>,
    pub(crate) doubt: Doubt,
}

/// Whether the message goes on, or its sender is asked to come again. A store that is away decides nothing: the caller says 451.
pub(crate) async fn ask(
    services: &Services,
    candidate: &Candidate<'_>,
) -> store::Result<Option<Decision>> {
    let config = services.config.load_full();
    let settings = &config.gate;
    if !concerns(&services.gate, settings.greylist, candidate) {
        return Ok(None);
    }
    let by_address = settings.greylist_by == GreylistBy::Address;
    // U45: whoever proves who he is is not put off, unless the settings want spamd as it was; there J8 names exceptions.
    if !by_address && !candidate.proved.is_empty() || excepted(&settings.never_domains, candidate) {
        return Ok(None);
    }
    let arrival = arrival(candidate, by_address);
    let times = services.gate.rules.load().times;
    let now = services.clock.now();
    let known = {
        let arrival = arrival.clone();
        services.store.read(move |tx| known(tx, &arrival)).await?
    };
    let (decision, changes) = rule::decide(now, &times, &arrival, &known);
    let changes: Vec<Change> = changes.into_iter().filter(|c| matters(c, &known)).collect();
    if !changes.is_empty() {
        let address = candidate.address.to_canonical().to_string();
        let write = move |tx: &mut Tx<'_>| {
            changes
                .iter()
                .try_for_each(|change| apply(tx, change, &address))
        };
        services.store.write(write).await?;
    }
    Ok(Some(decision))
}

/// J10–J12: who is not asked whatever the mail is like.
fn concerns(gate: &Gate, mode: GreylistMode, candidate: &Candidate<'_>) -> bool {
    let wanted = match mode {
        GreylistMode::Off => false,
        GreylistMode::Doubtful => candidate.doubt == Doubt::Much,
        GreylistMode::Strangers => true,
    };
    wanted
        && !super::is_ours(candidate.address)
        && !gate.rules.load().never.contains(candidate.address)
}

/// J8: a domain on the list that SPF or DKIM proves.
fn excepted(domains: &[String], candidate: &Candidate<'_>) -> bool {
    candidate
        .proved
        .iter()
        .any(|domain| domains.iter().any(|listed| listed == domain))
}

fn arrival(candidate: &Candidate<'_>, by_address: bool) -> Arrival {
    let (who, helo) = match by_address {
        true => (Who::classic(candidate.address), candidate.helo.to_owned()),
        false => (
            Who::all(candidate.address, &candidate.proved),
            String::new(),
        ),
    };
    Arrival {
        who,
        address: candidate.address,
        helo,
        sender: candidate.sender.clone(),
        recipients: candidate.recipients.clone(),
    }
}

fn known(tx: &mut Tx<'_>, arrival: &Arrival) -> store::Result<Known> {
    let mut known = Known::default();
    // Somebody white may be kept by his address too, when an administrator said so.
    let host = Who::Host(Network::host(arrival.address));
    for who in arrival.who.iter().chain([&host]).map(Who::to_string) {
        if let Some(record) = rows::white(tx, &who)? {
            known.white.push((who, from_row(record)));
        }
    }
    for tuple in arrival.tuples() {
        if let Some(record) = rows::grey(tx, &to_key(&tuple))? {
            known.grey.push((tuple, from_row(record)));
        }
    }
    Ok(known)
}

/// Does this change say more than what is there?
fn matters(change: &Change, known: &Known) -> bool {
    let Change::White(who, record) = change else {
        return true;
    };
    let old = known.white.iter().find(|(known, _)| known == who);
    old.is_none_or(|(_, old)| record.expire.duration_since(old.expire) >= RENEWED_AFTER)
}

fn apply(tx: &mut Tx<'_>, change: &Change, address: &str) -> store::Result<()> {
    match change {
        Change::White(who, record) => put_white(tx, who, address, *record),
        Change::Grey(tuple, record) => rows::put_grey(
            tx,
            &Grey {
                tuple: to_key(tuple),
                address: address.to_owned(),
                record: to_row(*record),
            },
        ),
        Change::Forget(tuple) => rows::remove_grey(tx, &to_key(tuple)),
    }
}

fn put_white(tx: &mut Tx<'_>, who: &str, address: &str, record: Record) -> store::Result<()> {
    let white = White {
        who: who.to_owned(),
        address: address.to_owned(),
        record: to_row(record),
    };
    rows::put_white(tx, &white)
}

/// A server that took mail of ours: it is welcome to answer (J18).
#[derive(Clone, Debug)]
pub(crate) struct Guest {
    /// Its network, and the domain that we wrote to.
    who: [String; 2],
    address: String,
    fresh: Record,
}

/// Who is welcome because we have written to this domain at this address; nobody where there is no greylist.
pub(crate) fn wrote_to(services: &Services, domain: &str, address: IpAddr) -> Option<Guest> {
    let off = services.config.load().gate.greylist == GreylistMode::Off;
    if off || super::is_ours(address) {
        return None;
    }
    let times = services.gate.rules.load().times;
    let domain = Who::Domain(domain.to_ascii_lowercase());
    Some(Guest {
        who: [network_key(address), domain.to_string()],
        address: address.to_canonical().to_string(),
        fresh: rule::white(services.clock.now(), &times),
    })
}

impl Guest {
    /// Writes it down, unless that was done within the last hour.
    pub(crate) fn write(&self, tx: &mut Tx<'_>) -> store::Result<()> {
        for who in &self.who {
            let old = rows::white(tx, who)?;
            let gained = old.map(|old| self.fresh.expire.duration_since(old.expire));
            if gained.is_some_and(|gained| gained < RENEWED_AFTER) {
                continue;
            }
            let record = Record {
                first: old.map_or(self.fresh.first, |old| old.first),
                passed: old.map_or(0, |old| old.passed),
                ..self.fresh
            };
            put_white(tx, who, &self.address, record)?;
        }
        Ok(())
    }
}

/// The key of the neighbourhood of an address.
pub(crate) fn network_key(address: IpAddr) -> String {
    Who::Network(Network::neighbourhood(address)).to_string()
}

/// When a retry counts, in words for the reply: whole minutes, at least one.
pub(crate) fn come_again(now: Timestamp, from: Timestamp) -> String {
    let minutes = from.duration_since(now).as_secs().max(0).div_euclid(60) + 1;
    match minutes {
        1 => "a minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    }
}

fn to_key(tuple: &rule::Tuple) -> rows::Tuple {
    rows::Tuple {
        who: tuple.who.clone(),
        helo: tuple.helo.clone(),
        sender: tuple.sender.clone(),
        recipient: tuple.recipient.clone(),
    }
}

pub(crate) fn to_row(record: Record) -> rows::Record {
    rows::Record {
        first: record.first,
        pass: record.pass,
        expire: record.expire,
        blocked: record.blocked,
        passed: record.passed,
    }
}

pub(crate) fn from_row(record: rows::Record) -> Record {
    Record {
        first: record.first,
        pass: record.pass,
        expire: record.expire,
        blocked: record.blocked,
        passed: record.passed,
    }
}

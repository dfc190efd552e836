//! Asks one question and sorts what comes back: records, a proved or unproved absence, or a failure.

use crate::recursing::OnPort;
use crate::{Error, Presence, Proof};
use hickory_resolver::TokioResolver;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::dnssec::Proof as Their;
use hickory_resolver::proto::op::{Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use hickory_resolver::recursor::{Recursor, RecursorError};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One question, all attempts and servers together, may take this long.
const QUESTION: Duration = Duration::from_secs(20);

/// Who is asked.
#[derive(Clone)]
pub(crate) enum Engine {
    /// Other resolvers.
    Forwarding(Box<TokioResolver>),
    /// The authoritative servers, from the root on.
    Recursing(Arc<Recursor<OnPort>>),
}

/// What a question brought.
pub(crate) struct Found {
    pub(crate) presence: Presence,
    pub(crate) proof: Proof,
    /// The answer section without signatures: what was asked for, and the CNAMEs that lead there.
    pub(crate) answers: Vec<Record>,
}

impl Found {
    /// The data of the records that were asked for.
    pub(crate) fn data(&self, kind: RecordType) -> impl Iterator<Item = &RData> {
        self.answers
            .iter()
            .filter(move |record| record.record_type() == kind)
            .map(|record| &record.data)
    }

    /// Where the CNAMEs lead, and the proof of the first one.
    pub(crate) fn canonical(&self, name: &Name) -> (Name, Option<Proof>) {
        let (mut current, mut first) = (name.clone(), None);
        // Each CNAME is followed once at most.
        for _ in 0..self.answers.len() {
            let alias = self.answers.iter().find_map(|record| match &record.data {
                RData::CNAME(target) if record.name == current => Some((record, target)),
                _ => None,
            });
            let Some((record, target)) = alias else { break };
            first = first.or(Some(proof(record.proof)));
            current = target.0.clone();
        }
        (current, first)
    }
}

impl Engine {
    /// Asks, whatever DNSSEC says: bogus answers come as such.
    pub(crate) async fn ask_anyhow(&self, name: &Name, kind: RecordType) -> Result<Found, Error> {
        let question = async {
            match self {
                Engine::Forwarding(resolver) => forwarded(resolver, name, kind).await,
                Engine::Recursing(recursor) => recursed(recursor, name, kind).await,
            }
        };
        let unknown = |why: String| Error(format!("{} {kind}: {why}", spelled(name)));
        match tokio::time::timeout(QUESTION, question).await {
            Err(_) => Err(unknown("no answer in time".into())),
            Ok(found) => found.map_err(unknown),
        }
    }
}

async fn forwarded(
    resolver: &TokioResolver,
    name: &Name,
    kind: RecordType,
) -> Result<Found, String> {
    match resolver.lookup(name.clone(), kind).await {
        Ok(lookup) => Ok(answered(
            lookup.answers().to_vec(),
            kind,
            ResponseCode::NoError,
        )),
        Err(error) => absent(&error).ok_or_else(|| words(&error)),
    }
}

async fn recursed(
    recursor: &Recursor<OnPort>,
    name: &Name,
    kind: RecordType,
) -> Result<Found, String> {
    let query = Query::query(name.clone(), kind);
    match recursor.resolve(query, Instant::now(), true).await {
        Ok(message) => {
            let (answers, code) = (message.answers.clone(), message.metadata.response_code);
            match code {
                ResponseCode::NoError | ResponseCode::NXDomain => Ok(answered(answers, kind, code)),
                failed => Err(failed.to_string()),
            }
        }
        Err(RecursorError::Net(error)) => absent(&error).ok_or_else(|| words(&error)),
        Err(RecursorError::Negative(none)) => {
            let presence = match none.is_nx_domain() {
                true => Presence::NoDomain,
                false => Presence::NoRecord,
            };
            let authorities = none.authorities.as_deref().unwrap_or_default();
            Ok(nothing(presence, weakest(authorities)))
        }
        Err(error) => Err(error.to_string()),
    }
}

fn answered(answers: Vec<Record>, kind: RecordType, code: ResponseCode) -> Found {
    let answers: Vec<Record> = answers
        .into_iter()
        .filter(|record| !record.record_type().is_rrsig())
        .collect();
    let there = answers.iter().any(|record| record.record_type() == kind);
    Found {
        presence: match (there, code) {
            (true, _) => Presence::Records,
            (false, ResponseCode::NXDomain) => Presence::NoDomain,
            (false, _) => Presence::NoRecord,
        },
        proof: weakest(&answers),
        answers,
    }
}

fn nothing(presence: Presence, proof: Proof) -> Found {
    Found {
        presence,
        proof,
        answers: Vec::new(),
    }
}

/// Keeps apart what is not there and, `None`, what could not be learned.
fn absent(error: &NetError) -> Option<Found> {
    let presence = |code| match code {
        ResponseCode::NXDomain => Some(Presence::NoDomain),
        ResponseCode::NoError => Some(Presence::NoRecord),
        _ => None,
    };
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => {
            let authorities = none.authorities.as_deref().unwrap_or_default();
            Some(nothing(presence(none.response_code)?, weakest(authorities)))
        }
        NetError::Dns(DnsError::Nsec {
            response,
            proof: theirs,
            ..
        }) => Some(nothing(
            presence(response.metadata.response_code)?,
            proof(*theirs),
        )),
        NetError::Dns(DnsError::DnssecBogus) => Some(nothing(Presence::NoRecord, Proof::Bogus)),
        _ => None,
    }
}

fn weakest(records: &[Record]) -> Proof {
    let proofs = records
        .iter()
        .filter(|record| !record.record_type().is_rrsig());
    proofs
        .map(|record| proof(record.proof))
        .min()
        .unwrap_or_default()
}

pub(crate) fn proof(theirs: Their) -> Proof {
    match theirs {
        Their::Secure => Proof::Secure,
        Their::Insecure => Proof::Insecure,
        Their::Bogus => Proof::Bogus,
        Their::Indeterminate => Proof::Indeterminate,
    }
}

/// In words that somebody can do something with.
fn words(error: &NetError) -> String {
    match error {
        NetError::Dns(DnsError::ResponseCode(code)) => code.to_string(),
        NetError::Timeout => "no answer in time".to_string(),
        other => other.to_string(),
    }
}

/// Lower-case, without the final dot.
pub(crate) fn spelled(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_lowercase()
}

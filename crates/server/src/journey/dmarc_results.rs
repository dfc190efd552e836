//! Counts what DMARC came to, for the reports of RFC 9990: by day, policy domain, and everything else that a row of a report says. Counts
//! are collected here and written to the store by a job; what a crash takes with it are counts of the last minute.
//!
//! Each message is counted once, when its fate is known: one that is put off comes again. Reports about mail are not counted, lest two
//! servers report about their reports for ever.

use super::authenticate::{Disposition, Override, Proof};
use super::envelope::Road;
use super::receive::Received;
use mailauth::dkim::{DkimResult, Verified};
use mailauth::dmarc::{AlignmentMode, DmarcResult, Outcome, Policy, Record};
use mailauth::report::{DkimEvidence, Evaluated, Published, Reason, Row, SpfEvidence};
use message::{encoded_word, header};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use store::dmarc_result::Count;

/// Different results that are collected before they are written; more are dropped.
const MOST: usize = 20_000;
/// Characters of a selector: whoever signs chooses it, and rows are to be few.
const SELECTOR: usize = 63;

/// What has been counted and not yet written.
#[derive(Default)]
pub struct DmarcResults {
    counts: Mutex<HashMap<Key, u64>>,
}

/// Day since 1970, domain, policy, result.
type Key = (i64, String, String, String);

/// A message that will count as soon as its fate is known.
#[derive(Debug)]
pub(super) struct Seen(Key);

impl DmarcResults {
    pub(super) fn count(&self, seen: Seen) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() < MOST || counts.contains_key(&seen.0) {
            *counts.entry(seen.0).or_default() += 1;
        }
    }

    /// Takes out all that has been counted.
    pub(crate) fn take(&self) -> Vec<Count> {
        let counts =
            std::mem::take(&mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner));
        let count = |((day, domain, policy, result), messages)| Count {
            day,
            domain,
            policy,
            result,
            messages,
        };
        counts.into_iter().map(count).collect()
    }

    /// Puts back what could not be written.
    pub(crate) fn put_back(&self, taken: Vec<Count>) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for count in taken {
            *counts
                .entry((count.day, count.domain, count.policy, count.result))
                .or_default() += count.messages;
        }
    }
}

/// What a report would say of this message. `None`: nobody wants to know.
pub(super) fn seen(received: &Received, proof: &Proof) -> Option<Seen> {
    let client = received.facts.peer.remote.ip().to_canonical();
    let (domain, record) = proof.dmarc.record.as_ref()?;
    let wanted = received.config.authentication.dmarc_reports
        && matches!(received.facts.road, Road::Mx)
        && !record.aggregate_to.is_empty()
        && !received.services.gate.is_relay(client)
        && !received.services.gate.hides(client)
        && !is_report(received, &proof.dmarc);
    if !wanted {
        return None;
    }
    let row = Row {
        source: client.to_string(),
        count: 0,
        evaluated: evaluated(proof, record),
        author: proof.dmarc.author.clone(),
        sender: Some(sender(received)),
        recipient: None,
        dkim: signatures(&proof.dkim, &proof.dmarc),
        spf: vec![SpfEvidence {
            domain: proof.spf.domain.clone(),
            scope: "mfrom".into(),
            result: proof.spf.result.word().into(),
        }],
    };
    Some(Seen((
        received.time.as_second().div_euclid(86_400),
        domain.clone(),
        serde_json::to_string(&published(domain, record)).ok()?,
        serde_json::to_string(&row).ok()?,
    )))
}

/// A proved report: of DMARC by its subject (RFC 9990 §3.5.2), of TLS by its field (RFC 8460 §5.3). A forger gains nothing by looking
/// like one.
fn is_report(received: &Received, dmarc: &Outcome) -> bool {
    let section = received.section.as_slice();
    dmarc.result == DmarcResult::Pass
        && (header::values(section, "TLS-Report-Domain")
            .next()
            .is_some()
            || header::values(section, "Subject").any(is_report_subject))
}

/// The subject of a report, however its writer spells it.
pub(super) fn is_report_subject(value: &[u8]) -> bool {
    let value = encoded_word::decode(value).to_lowercase();
    value.contains("report domain:")
}

fn sender(received: &Received) -> String {
    let path = received.mail.reverse_path.as_ref();
    path.map_or(String::new(), |path| path.domain().to_ascii_lowercase())
}

fn published(domain: &str, record: &Record) -> Published {
    let word = |policy: Option<Policy>| policy.map_or("", Policy::word).to_string();
    let mode = |mode| match mode {
        AlignmentMode::Strict => "s".to_string(),
        AlignmentMode::Relaxed => "r".to_string(),
    };
    Published {
        domain: domain.to_string(),
        policy: word(Some(record.policy)),
        subdomains: word(record.subdomains),
        nonexistent: word(record.nonexistent),
        dkim: mode(record.dkim),
        spf: mode(record.spf),
        testing: record.testing,
        failures: record.failure_options.chars().take(20).collect(),
    }
}

/// RFC 9990 §3.1.1.6, §3.1.6.
fn evaluated(proof: &Proof, record: &Record) -> Evaluated {
    let dmarc = &proof.dmarc;
    let disposition = match (&proof.disposition, dmarc.result) {
        (Disposition::Reject, _) => "reject",
        (Disposition::Quarantine, _) => "quarantine",
        (Disposition::Deliver, DmarcResult::Pass) if dmarc.policy != Policy::None => "pass",
        (Disposition::Deliver | Disposition::Overridden { .. }, _) => "none",
    };
    Evaluated {
        disposition: disposition.into(),
        dkim: dmarc.dkim_aligned,
        spf: dmarc.spf_aligned,
        reasons: reason(proof, record).into_iter().collect(),
    }
}

fn reason(proof: &Proof, record: &Record) -> Option<Reason> {
    let because = |kind: &str, comment: String| {
        Some(Reason {
            kind: kind.into(),
            comment,
        })
    };
    match &proof.disposition {
        Disposition::Overridden { because: why, .. } => match why {
            Override::TrustedSealer(sealer) => {
                because("trusted_forwarder", format!("ARC seal of {sealer}"))
            }
            Override::Forwarder(domain) => because("trusted_forwarder", domain.clone()),
            Override::Relay => because("local_policy", "a relay of ours".into()),
            Override::Watching => because("local_policy", "policies are only watched here".into()),
            Override::Hidden => because("local_policy", "the client is hidden from us".into()),
        },
        _ if proof.dmarc.result == DmarcResult::TempError => {
            because("other", "DNS did not answer".into())
        }
        _ if proof.dmarc.result == DmarcResult::Fail && record.testing => {
            because("policy_test_mode", String::new())
        }
        _ => None,
    }
}

/// RFC 9990 §3.1.3: the most telling first.
fn signatures(verified: &[Verified], dmarc: &Outcome) -> Vec<DkimEvidence> {
    let rank = |one: &Verified| match one.result == DkimResult::Pass {
        true if one.domain == dmarc.author => 0,
        true if one.domain.ends_with(dmarc.organization.as_str()) => 1,
        true => 2,
        false => 3,
    };
    let mut read: Vec<&Verified> = verified
        .iter()
        .filter(|one| !one.domain.is_empty())
        .collect();
    read.sort_by_key(|one| rank(one));
    let evidence = |one: &Verified| DkimEvidence {
        domain: one.domain.clone(),
        selector: one.selector.chars().take(SELECTOR).collect(),
        result: one.result.word().into(),
    };
    read.into_iter().map(evidence).collect()
}

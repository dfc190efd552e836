//! Counts how sessions with other servers were secured, for the reports of RFC 8460: by day, domain, policy and failure. Counts are
//! collected here and written to the store by a job; what a crash takes with it are counts of the last minute.

use super::outcome::Remote;
use super::trust::Security;
use ::dns::Tlsa;
use mailauth::mta_sts::{Mode, Policy};
use rustls::{CertificateError, Error};
use serde_json::json;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io;
use std::sync::{Mutex, PoisonError};
use store::Timestamp;
use store::tls_result::Count;

/// Different results that are collected before they are written; more are dropped.
const MOST: usize = 20_000;
/// Octets of a reason that are kept.
const LONGEST_REASON: usize = 200;

/// The policy that a session is counted under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Watched {
    domain: String,
    /// The `policy` object of a report (RFC 8460 §4.4).
    policy: String,
}

impl Watched {
    /// TLSA records; none that can be used if empty.
    pub(super) fn dane(domain: &str, host: &str, records: &[Tlsa]) -> Watched {
        let line = |record: &Tlsa| {
            let mut text = format!("{} {} {} ", record.usage, record.selector, record.matching);
            record.data.iter().for_each(|octet| {
                let _ = write!(text, "{octet:02x}");
            });
            text
        };
        let lines: Vec<String> = records.iter().map(line).collect();
        let policy = json!({"policy-type": "tlsa", "policy-string": lines, "policy-domain": domain, "mx-host": [host]});
        Watched::new(domain, &policy)
    }

    /// An MTA-STS policy.
    pub(super) fn sts(domain: &str, policy: &Policy) -> Watched {
        let mode = match policy.mode {
            Mode::Enforce => "enforce",
            Mode::Testing => "testing",
            Mode::None => "none",
        };
        let mut lines = vec!["version: STSv1".to_string(), format!("mode: {mode}")];
        lines.extend(policy.mx.iter().map(|mx| format!("mx: {mx}")));
        lines.push(format!("max_age: {}", policy.max_age.as_secs()));
        let policy = json!({"policy-type": "sts", "policy-string": lines, "policy-domain": domain, "mx-host": policy.mx});
        Watched::new(domain, &policy)
    }

    /// No policy.
    pub(super) fn nothing(domain: &str) -> Watched {
        Watched::new(
            domain,
            &json!({"policy-type": "no-policy-found", "policy-domain": domain}),
        )
    }

    fn new(domain: &str, policy: &serde_json::Value) -> Watched {
        Watched {
            domain: domain.to_string(),
            policy: policy.to_string(),
        }
    }
}

/// How a session failed to be secured (RFC 8460 §4.3).
pub(super) struct Failed {
    kind: &'static str,
    reason: String,
}

impl Failed {
    pub(super) fn without_tls() -> Failed {
        Failed {
            kind: "starttls-not-supported",
            reason: String::new(),
        }
    }

    pub(super) fn handshake(error: &io::Error, security: &Security) -> Failed {
        let tls = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<Error>());
        let kind = match tls {
            Some(Error::InvalidCertificate(why)) if !matches!(security, Security::Dane { .. }) => {
                by_certificate(why)
            }
            _ => "validation-failure",
        };
        Failed {
            kind,
            reason: error.to_string().chars().take(LONGEST_REASON).collect(),
        }
    }

    fn details(&self, remote: &Remote) -> String {
        let mut details = json!({
            "result-type": self.kind,
            "receiving-mx-hostname": remote.host,
            "receiving-ip": remote.address.ip().to_string(),
        });
        if let Some(source) = remote.source {
            details["sending-mta-ip"] = source.to_string().into();
        }
        if !self.reason.is_empty() {
            details["failure-reason-code"] = self.reason.clone().into();
        }
        details.to_string()
    }
}

fn by_certificate(why: &CertificateError) -> &'static str {
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "certificate-expired"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "certificate-host-mismatch"
        }
        CertificateError::UnknownIssuer => "certificate-not-trusted",
        _ => "validation-failure",
    }
}

/// What has been counted and not yet written.
#[derive(Default)]
pub struct TlsResults {
    counts: Mutex<HashMap<Key, u64>>,
}

/// Day since 1970, domain, policy, failure (empty: success).
type Key = (i64, String, String, String);

impl TlsResults {
    pub(super) fn count(
        &self,
        watched: &Watched,
        remote: &Remote,
        failed: Option<Failed>,
        now: Timestamp,
    ) {
        let failure = failed.map_or_else(String::new, |failed| failed.details(remote));
        let key = (
            now.as_second().div_euclid(86_400),
            watched.domain.clone(),
            watched.policy.clone(),
            failure,
        );
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() < MOST || counts.contains_key(&key) {
            *counts.entry(key).or_default() += 1;
        }
    }

    /// Takes out all that has been counted.
    pub(crate) fn take(&self) -> Vec<Count> {
        let counts =
            std::mem::take(&mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner));
        let count = |((day, domain, policy, failure), sessions)| Count {
            day,
            domain,
            policy,
            failure,
            sessions,
        };
        counts.into_iter().map(count).collect()
    }

    /// Puts back what could not be written.
    pub(crate) fn put_back(&self, taken: Vec<Count>) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for count in taken {
            *counts
                .entry((count.day, count.domain, count.policy, count.failure))
                .or_default() += count.sessions;
        }
    }
}

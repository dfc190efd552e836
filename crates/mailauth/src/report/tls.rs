//! Reads a report on TLS (RFC 8460 §4.4).

use super::{Totals, Unreadable, plain};
use serde::{Deserialize, Deserializer, Serialize};

/// Octets of a document that are read.
const LARGEST: usize = 4 << 20;
/// Policies, and failures of one policy, that are kept.
const MOST: usize = 2000;
/// Characters of one value.
const LONGEST: usize = 500;

/// A report on TLS of sessions that brought mail to a domain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsReport {
    /// Who reports.
    pub organization: String,
    /// How to reach who reports.
    pub contact: String,
    /// Unique among the reports of this organization.
    pub id: String,
    /// RFC 3339.
    pub begin: String,
    /// RFC 3339.
    pub end: String,
    /// Sessions by policy.
    pub policies: Vec<TlsPolicy>,
}

/// Sessions under one policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsPolicy {
    /// `tlsa`, `sts` or `no-policy-found`.
    pub kind: String,
    /// The domain of the recipients.
    pub domain: String,
    /// Hosts that the policy names.
    pub hosts: Vec<String>,
    /// Sessions that were secured as the policy asks.
    pub successes: u64,
    /// Sessions that were not.
    pub failures: u64,
    /// Why not.
    pub details: Vec<TlsFailure>,
}

/// Sessions that failed for the same reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsFailure {
    /// Such as `certificate-expired`.
    pub kind: String,
    /// The address that sent; may be empty.
    pub source: String,
    /// The host that received; may be empty.
    pub host: String,
    /// Its address; may be empty.
    pub address: String,
    /// How many.
    pub sessions: u64,
    /// In words; may be empty.
    pub reason: String,
}

impl TlsReport {
    /// Over all policies.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for policy in &self.policies {
            totals.pass = totals.pass.saturating_add(policy.successes);
            totals.fail = totals.fail.saturating_add(policy.failures);
        }
        totals
    }

    /// The domain it is about: that of the first policy.
    pub fn domain(&self) -> &str {
        self.policies
            .first()
            .map_or("", |policy| policy.domain.as_str())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Document {
    #[serde(default, deserialize_with = "word")]
    organization_name: String,
    #[serde(default)]
    date_range: Range,
    #[serde(default, deserialize_with = "word")]
    contact_info: String,
    #[serde(default, deserialize_with = "word")]
    report_id: String,
    policies: Vec<Entry>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", default)]
struct Range {
    #[serde(deserialize_with = "word")]
    start_datetime: String,
    #[serde(deserialize_with = "word")]
    end_datetime: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", default)]
struct Entry {
    policy: Policy,
    summary: Summary,
    #[serde(deserialize_with = "list")]
    failure_details: Vec<Failure>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", default)]
struct Policy {
    #[serde(deserialize_with = "word")]
    policy_type: String,
    #[serde(deserialize_with = "word")]
    policy_domain: String,
    mx_host: Hosts,
}

/// An array in the RFC, a string at some reporters.
#[derive(Deserialize, Default)]
#[serde(untagged)]
enum Hosts {
    #[default]
    None,
    Many(Vec<String>),
    One(String),
    Other(serde::de::IgnoredAny),
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", default)]
struct Summary {
    total_successful_session_count: u64,
    total_failure_session_count: u64,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", default)]
struct Failure {
    #[serde(deserialize_with = "word")]
    result_type: String,
    #[serde(deserialize_with = "word")]
    sending_mta_ip: String,
    #[serde(deserialize_with = "word")]
    receiving_mx_hostname: String,
    #[serde(deserialize_with = "word")]
    receiving_ip: String,
    failed_session_count: u64,
    #[serde(deserialize_with = "word")]
    failure_reason_code: String,
}

/// `null` counts as nothing.
fn word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Option::<String>::deserialize(deserializer).map(Option::unwrap_or_default)
}

fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Failure>, D::Error> {
    Option::<Vec<Failure>>::deserialize(deserializer).map(Option::unwrap_or_default)
}

pub(super) fn parse(octets: &[u8]) -> Result<TlsReport, Unreadable> {
    if octets.len() > LARGEST {
        return Err(Unreadable::because(format!(
            "it is larger than {} MB",
            LARGEST >> 20
        )));
    }
    let document: Document = serde_json::from_slice(octets)
        .map_err(|why| Unreadable::because(format!("it is no report on TLS: {why}")))?;
    let short = |text: &str| plain(text, LONGEST);
    let report = TlsReport {
        organization: short(&document.organization_name),
        contact: short(&document.contact_info),
        id: short(&document.report_id),
        begin: short(&document.date_range.start_datetime),
        end: short(&document.date_range.end_datetime),
        policies: document.policies.iter().take(MOST).map(policy).collect(),
    };
    match report.domain() {
        "" => Err(Unreadable::because(
            "it does not say which domain it is about",
        )),
        _ => Ok(report),
    }
}

fn policy(entry: &Entry) -> TlsPolicy {
    let short = |text: &str| plain(text, LONGEST);
    let hosts = match &entry.policy.mx_host {
        Hosts::Many(hosts) => hosts.iter().take(50).map(|host| short(host)).collect(),
        Hosts::One(host) => vec![short(host)],
        Hosts::None | Hosts::Other(_) => Vec::new(),
    };
    let failure = |failure: &Failure| TlsFailure {
        kind: short(&failure.result_type),
        source: short(&failure.sending_mta_ip),
        host: short(&failure.receiving_mx_hostname),
        address: short(&failure.receiving_ip),
        sessions: failure.failed_session_count,
        reason: short(&failure.failure_reason_code),
    };
    TlsPolicy {
        kind: short(&entry.policy.policy_type),
        domain: short(&entry.policy.policy_domain).to_ascii_lowercase(),
        hosts,
        successes: entry.summary.total_successful_session_count,
        failures: entry.summary.total_failure_session_count,
        details: entry
            .failure_details
            .iter()
            .take(MOST)
            .map(failure)
            .collect(),
    }
}

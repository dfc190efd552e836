//! Reports on how our sessions with other servers were secured, to the domains that ask for them (TLSRPT, RFC 8460; catalogue L22).
//!
//! Counts are written to the store every minute. Once a day those of the days before are reported, by mail or HTTPS as the domain's
//! record says, and forgotten; a domain without a record gets no report.

use super::periodic::{Job, Outcome};
use super::report_mail::{Letter, gzip, hand_over};
use crate::Services;
use crate::fetch::{Bounds, Fetched, Method, Network, Redirects, Request, Url, fetch};
use bytes::Bytes;
use jiff::civil::DateTime;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use store::queue::NewQueued;
use store::tls_result::{self, Count};
use store::{Timestamp, Tx};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);
const SECONDS: i64 = 86_400;
/// Reports made in one run.
const MOST: usize = 2000;
/// Addresses that one report goes to.
const ADDRESSES: usize = 4;
/// Failures that one policy of a report names.
const FAILURES: usize = 1000;

pub(super) fn collect() -> Job {
    Job {
        name: "tls-results",
        about: "keep how sessions with other servers were secured",
        every: |config| config.relay.tls_reports.then_some(MINUTE),
        work: |services| Box::pin(keep(services)),
    }
}

pub(super) fn send() -> Job {
    Job {
        name: "tls-reports",
        about: "report on TLS to the domains that ask for it",
        every: |config| config.relay.tls_reports.then_some(DAY),
        work: |services| Box::pin(report(services)),
    }
}

async fn keep(services: Arc<Services>) -> Outcome {
    let counts = services.tls_results.take();
    let written = counts.clone();
    let write = move |tx: &mut Tx<'_>| {
        counts
            .iter()
            .try_for_each(|count| tls_result::add(tx, count))
    };
    match services.store.write(write).await {
        Ok(()) => Ok(None),
        Err(why) => {
            services.tls_results.put_back(written);
            Err(why.into())
        }
    }
}

async fn report(services: Arc<Services>) -> Outcome {
    keep(services.clone()).await?;
    let today = services.clock.now().as_second().div_euclid(SECONDS);
    let read = services
        .store
        .read(move |tx| tls_result::domains_before(tx, today, MOST));
    let mut sent = 0;
    for (day, domain) in read.await? {
        sent += u64::from(report_domain(&services, day, &domain).await?);
    }
    Ok((sent > 0).then(|| format!("sent {sent} reports")))
}

/// Whether a report was sent. A record that cannot be looked up leaves the results for the next run, for a week.
async fn report_domain(services: &Services, day: i64, domain: &str) -> Result<bool, store::Error> {
    let wanted = services.dns.txt(&format!("_smtp._tls.{domain}")).await;
    let today = services.clock.now().as_second().div_euclid(SECONDS);
    let addresses = match wanted {
        Ok(texts) => addresses(&texts),
        Err(_) if today - day < 7 => return Ok(false),
        Err(_) => Vec::new(),
    };
    let of = domain.to_string();
    let counts = services
        .store
        .read(move |tx| tls_result::of_domain(tx, day, &of))
        .await?;
    let report = Report::new(services, day, domain, &counts);
    let mut queued = Vec::new();
    let mut posted = false;
    for address in &addresses {
        match address.split_once(':') {
            Some(("mailto", to)) => queued.push(report.mail(services, to).await?),
            _ => posted |= report.post(services, address).await,
        }
    }
    let sent = posted || !queued.is_empty();
    if sent {
        services.metrics.report("tls", "sent");
    }
    let domain = domain.to_string();
    hand_over(services, queued, move |tx| {
        tls_result::forget(tx, day, &domain)
    })
    .await?;
    Ok(sent)
}

/// RFC 8460 §3: where reports go, `mailto:` and `https:`.
pub(crate) fn addresses(texts: &[String]) -> Vec<String> {
    let mut records = texts.iter().filter(|text| text.starts_with("v=TLSRPTv1"));
    let (Some(record), None) = (records.next(), records.next()) else {
        return Vec::new();
    };
    let rua = record
        .split(';')
        .filter_map(|field| field.trim().strip_prefix("rua="));
    let all = rua.flat_map(|list| list.split(',')).map(str::trim);
    all.filter(|address| {
        let mail = address
            .strip_prefix("mailto:")
            .is_some_and(|to| message::Address::parse(to).is_ok());
        mail || address.starts_with("https://")
    })
    .take(ADDRESSES)
    .map(String::from)
    .collect()
}

/// A report on one domain and day.
struct Report {
    domain: String,
    submitter: String,
    contact: String,
    id: String,
    /// Seconds since 1970.
    begin: i64,
    end: i64,
    gzip: Vec<u8>,
}

impl Report {
    fn new(services: &Services, day: i64, domain: &str, counts: &[Count]) -> Report {
        let config = services.config.load();
        let (begin, end) = (day * SECONDS, (day + 1) * SECONDS - 1);
        let mut report = Report {
            domain: domain.to_string(),
            submitter: config.hostname.clone(),
            contact: format!("postmaster@{}", config.domain),
            id: format!("{day}.{domain}@{}", config.hostname),
            begin,
            end,
            gzip: Vec::new(),
        };
        report.gzip = gzip(report.json(&config.domain, counts).to_string().as_bytes());
        report
    }

    /// §4.4.
    fn json(&self, organisation: &str, counts: &[Count]) -> Value {
        json!({
            "organization-name": organisation,
            "date-range": {"start-datetime": stamp(self.begin), "end-datetime": stamp(self.end)},
            "contact-info": self.contact,
            "report-id": self.id,
            "policies": policies(counts),
        })
    }

    fn file_name(&self) -> String {
        format!(
            "{}!{}!{}!{}.json.gz",
            self.submitter, self.domain, self.begin, self.end
        )
    }

    /// §5.3. The report is to arrive even, and just, if TLS does not work there.
    async fn mail(&self, services: &Services, to: &str) -> Result<NewQueued, store::Error> {
        let (domain, submitter, id) = (&self.domain, &self.submitter, &self.id);
        let letter = Letter {
            from: &self.contact,
            to,
            domain,
            submitter,
            id,
            fields: format!(
                "TLS-Report-Domain: {domain}\r\nTLS-Report-Submitter: {submitter}\r\nTLS-Required: No\r\n"
            ),
            multipart: "report; report-type=\"tlsrpt\"",
            text: format!(
                "This is a report on TLS for mail to {domain}, from {submitter} (RFC 8460)."
            ),
            media_type: "application/tlsrpt+gzip",
            file_name: self.file_name(),
            octets: &self.gzip,
        };
        letter.queued(services).await
    }

    /// §5.4. Whether it was taken.
    async fn post(&self, services: &Services, address: &str) -> bool {
        let Ok(url) = address.parse::<Url>() else {
            return false;
        };
        let request = Request {
            url,
            method: Method::Post {
                media_type: "application/tlsrpt+gzip".into(),
                octets: Bytes::from(self.gzip.clone()),
            },
            fields: Vec::new(),
            known: None,
            bounds: Bounds {
                size: 64 * 1024,
                time: Duration::from_secs(30),
                redirects: Redirects::Forbidden,
                network: Network::Internet,
            },
        };
        match fetch(services, &request).await {
            Ok(Fetched::Answer(answer)) => answer.is_success(),
            Ok(Fetched::Unchanged) => false,
            Err(why) => {
                tracing::info!(domain = self.domain, error = %why, "a TLS report could not be delivered");
                false
            }
        }
    }
}

/// §4.4: for each policy its summary and its failures. Rows come sorted by policy.
fn policies(counts: &[Count]) -> Vec<Value> {
    let mut policies = Vec::new();
    for group in counts.chunk_by(|a, b| a.policy == b.policy) {
        let sum = |good: bool| -> u64 {
            let counted = group
                .iter()
                .filter(|count| count.failure.is_empty() == good);
            counted.map(|count| count.sessions).sum()
        };
        let failures = group
            .iter()
            .filter(|count| !count.failure.is_empty())
            .take(FAILURES);
        let details: Vec<Value> = failures
            .filter_map(|count| {
                let mut details: Value = serde_json::from_str(&count.failure).ok()?;
                details["failed-session-count"] = count.sessions.into();
                Some(details)
            })
            .collect();
        let policy: Value = serde_json::from_str(&group[0].policy).unwrap_or(Value::Null);
        let mut entry = json!({
            "policy": policy,
            "summary": {
                "total-successful-session-count": sum(true),
                "total-failure-session-count": sum(false),
            },
        });
        if !details.is_empty() {
            entry["failure-details"] = details.into();
        }
        policies.push(entry);
    }
    policies
}

fn stamp(seconds: i64) -> String {
    let time = Timestamp::from_second(seconds).unwrap_or_default();
    let civil: DateTime = time.to_zoned(jiff::tz::TimeZone::UTC).datetime();
    format!("{}Z", civil.strftime("%Y-%m-%dT%H:%M:%S"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_8460_3_addresses() {
        let found = |text: &str| addresses(&[text.to_string()]);
        assert_eq!(
            found("v=TLSRPTv1;rua=mailto:reports@example.com"),
            ["mailto:reports@example.com"]
        );
        assert_eq!(
            found("v=TLSRPTv1; rua=https://r.example/v1, mailto:a@b.example;"),
            ["https://r.example/v1", "mailto:a@b.example"]
        );
        assert!(found("v=TLSRPTv1; rua=ftp://x, mailto:nobody").is_empty());
        assert!(found("v=spf1 -all").is_empty());
    }

    #[test]
    fn rfc_8460_4_4_policies() {
        let count = |policy: &str, failure: &str, sessions| Count {
            day: 1,
            domain: "x".into(),
            policy: policy.into(),
            failure: failure.into(),
            sessions,
        };
        let counts = [
            count("{\"policy-type\":\"sts\"}", "", 5),
            count(
                "{\"policy-type\":\"sts\"}",
                "{\"result-type\":\"certificate-expired\"}",
                2,
            ),
            count("{\"policy-type\":\"tlsa\"}", "", 1),
        ];
        let all = policies(&counts);
        assert_eq!(all.len(), 2);
        assert_eq!(all[0]["summary"]["total-successful-session-count"], 5);
        assert_eq!(all[0]["summary"]["total-failure-session-count"], 2);
        assert_eq!(all[0]["failure-details"][0]["failed-session-count"], 2);
        assert_eq!(stamp(0), "1970-01-01T00:00:00Z");
    }
}

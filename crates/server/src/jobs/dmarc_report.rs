//! Reports on mail that named others' domains as its author's, to those who ask for them (DMARC, RFC 9990; catalogue K16).
//!
//! Counts are written to the store every minute. Once a day those of the days before are reported by mail, a report for each policy that
//! was seen, and forgotten. What is about a domain hosted here is kept as a report that came in: its admin is told by `pennyblack report`.

use super::periodic::{Job, Outcome};
use super::report_mail::{Letter, gzip, hand_over};
use crate::Services;
use crate::reports;
use mailauth::dmarc::record_at;
use mailauth::report::{Aggregate, Destinations, Published, Report, Row};
use std::sync::Arc;
use std::time::Duration;
use store::dmarc_result::{self, Count};
use store::queue::NewQueued;
use store::{Tx, domain};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);
const SECONDS: i64 = 86_400;
/// Domains that are reported to in one run.
const DOMAINS: usize = 5000;
/// Lines of one domain on one day; more are not told apart from nothing.
const LINES: u64 = 10_000;
/// Lines of all domains on one day: whoever forges senders at random is not to fill the disk.
const ALL_LINES: u64 = 200_000;
/// Reports on one domain and day; a policy that changes more often is reported as the last of these.
const POLICIES: usize = 4;
/// A domain whose record cannot be looked up gets its report later, or never.
const PATIENCE: i64 = 7;

pub(super) fn collect() -> Job {
    Job {
        name: "dmarc-results",
        about: "keep what DMARC came to, for reports to the domains that ask for them",
        every: |config| config.authentication.dmarc_reports.then_some(MINUTE),
        work: |services| Box::pin(keep(services)),
    }
}

pub(super) fn send() -> Job {
    Job {
        name: "dmarc-reports",
        about: "report on mail in their name to the domains that ask for it",
        every: |config| config.authentication.dmarc_reports.then_some(DAY),
        work: |services| Box::pin(report(services)),
    }
}

async fn keep(services: Arc<Services>) -> Outcome {
    let counts = services.dmarc_results.take();
    let Some(first) = counts.iter().map(|count| count.day).min() else {
        return Ok(None);
    };
    let written = counts.clone();
    let write = move |tx: &mut Tx<'_>| {
        let mut left = ALL_LINES.saturating_sub(dmarc_result::lines_since(tx, first)?);
        for count in &counts {
            // A line too many is none of a new domain only, so that those that are known go on.
            let most = if left > 0 { LINES } else { 0 };
            left = left.saturating_sub(u64::from(dmarc_result::add(tx, count, most)?));
        }
        Ok(())
    };
    match services.store.write(write).await {
        Ok(()) => Ok(None),
        Err(why) => {
            services.dmarc_results.put_back(written);
            Err(why.into())
        }
    }
}

async fn report(services: Arc<Services>) -> Outcome {
    keep(services.clone()).await?;
    let today = services.clock.now().as_second().div_euclid(SECONDS);
    let read = services
        .store
        .read(move |tx| dmarc_result::domains_before(tx, today, DOMAINS));
    let (mut sent, mut later) = (0, 0);
    for (day, domain) in read.await? {
        match report_domain(&services, day, &domain, today).await? {
            Some(reports) => sent += reports,
            None => later += 1,
        }
    }
    if later > 0 {
        tracing::info!(domains = later, "DMARC reports wait until DNS answers");
    }
    Ok((sent > 0).then(|| format!("sent {sent} reports")))
}

/// How many reports were sent. `None`: nobody knows now where they go.
async fn report_domain(
    services: &Arc<Services>,
    day: i64,
    domain: &str,
    today: i64,
) -> Result<Option<usize>, store::Error> {
    let of = domain.to_string();
    let hosted = services.store.read(move |tx| domain::by_name(tx, &of));
    let hosted = hosted.await?.is_some();
    let to = match destinations(services, domain).await {
        Ok(to) => to,
        Err(_) if today - day < PATIENCE => return Ok(None),
        Err(_) => Destinations::default(),
    };
    for (uri, why) in &to.refused {
        tracing::info!(domain, uri, why, "a DMARC report is not sent there");
    }
    let mut queued = Vec::new();
    if hosted || !to.to.is_empty() {
        let all = aggregates(services, day, domain).await?;
        for (index, aggregate) in all.into_iter().enumerate() {
            if hosted {
                let own = services.config.load().hostname.clone();
                reports::keep(services, &own, Report::Dmarc(aggregate)).await?;
            } else {
                queued.extend(letters(services, aggregate, index, &to).await?);
            }
        }
    }
    let (sent, of) = (queued.len(), domain.to_string());
    hand_over(services, queued, move |tx| {
        dmarc_result::forget(tx, day, &of)
    })
    .await?;
    (0..sent).for_each(|_| services.metrics.report("dmarc", "sent"));
    Ok(Some(sent))
}

/// As the record says today; a domain hosted here needs none.
async fn destinations(services: &Services, domain: &str) -> Result<Destinations, dns::Error> {
    let resolver = services.dns.as_ref();
    match record_at(resolver, domain).await? {
        Some(record) => Destinations::of(resolver, domain, &record).await,
        None => Ok(Destinations::default()),
    }
}

/// A report for each policy that was seen. Counts come sorted by policy.
async fn aggregates(
    services: &Services,
    day: i64,
    domain: &str,
) -> Result<Vec<Aggregate>, store::Error> {
    let of = domain.to_string();
    let counts = services
        .store
        .read(move |tx| dmarc_result::of_domain(tx, day, &of))
        .await?;
    let config = services.config.load();
    let mut reports: Vec<Aggregate> = Vec::new();
    for count in &counts {
        // What cannot be read was written by another version, and is nothing to report.
        let (Ok(policy), Some(row)) =
            (serde_json::from_str::<Published>(&count.policy), row(count))
        else {
            continue;
        };
        let same = reports.last().is_some_and(|last| last.policy == policy);
        if !same && reports.len() < POLICIES {
            let number = reports.len();
            reports.push(Aggregate {
                organization: config.domain.clone(),
                email: format!("postmaster@{}", config.domain),
                id: format!("{day}.{number}.{domain}@{}", config.hostname),
                begin: day * SECONDS,
                end: (day + 1) * SECONDS - 1,
                policy,
                ..Aggregate::default()
            });
        }
        if let Some(last) = reports.last_mut() {
            last.rows.push(row);
        }
    }
    Ok(reports)
}

fn row(count: &Count) -> Option<Row> {
    let row: Row = serde_json::from_str(&count.result).ok()?;
    Some(Row {
        count: count.messages,
        ..row
    })
}

/// A letter to each address that takes one of this size (RFC 9990 §3.5).
async fn letters(
    services: &Services,
    aggregate: Aggregate,
    index: usize,
    to: &Destinations,
) -> Result<Vec<NewQueued>, store::Error> {
    let submitter = services.config.load().hostname.clone();
    let (from, id) = (aggregate.email.clone(), aggregate.id.clone());
    let domain = aggregate.policy.domain.clone();
    let unique = if index > 0 {
        index.to_string()
    } else {
        String::new()
    };
    let file_name = format!("{}.xml.gz", aggregate.file_name(&submitter, &unique));
    let generator = concat!("Pennyblack ", env!("CARGO_PKG_VERSION"));
    let packed = tokio::task::spawn_blocking(move || gzip(aggregate.xml(generator).as_bytes()));
    let octets = packed
        .await
        .map_err(|why| store::Error::Bug(format!("writing a report failed: {why}")))?;
    let size = Letter::encoded_size(&octets);
    let mut letters = Vec::new();
    for (address, limit) in &to.to {
        if limit.is_some_and(|limit| size > limit) {
            tracing::info!(domain, %address, size, "a DMARC report is too large for its address");
            continue;
        }
        let letter = Letter {
            from: &from,
            to: &address.to_string(),
            domain: &domain,
            submitter: &submitter,
            id: &id,
            fields: String::new(),
            multipart: "mixed",
            text: format!(
                "This is a report on mail that named {domain} as its author's domain, from {submitter} (RFC 9990)."
            ),
            media_type: "application/gzip",
            file_name: file_name.clone(),
            octets: &octets,
        };
        letters.push(letter.queued(services).await?);
    }
    Ok(letters)
}

/// K15: reports of others are kept for so long, and only so many.
pub(super) fn expire() -> Job {
    Job {
        name: "report-expiry",
        about: "forget old reports of other servers",
        every: |_| Some(DAY),
        work: |services| Box::pin(forget(services)),
    }
}

async fn forget(services: Arc<Services>) -> Outcome {
    let gone = reports::expire(&services).await?;
    Ok((gone > 0).then(|| format!("forgot {gone} reports")))
}

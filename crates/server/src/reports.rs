//! Reports of other servers about mail in the name of our domains (K15), as they are kept. Who brings them is looked at in
//! `journey/reported`; our own findings about mail in our name come here too, from `jobs/dmarc_report`.

use crate::Services;
use jiff::{SignedDuration, Timestamp};
use mailauth::report::{Aggregate, Report, TlsReport};
use std::cmp::Reverse;
use store::Tx;
use store::report::{self, Head, Kind};

/// Rows of one report that are kept, those with most messages first.
const ROWS: usize = 2000;
/// Reports of one reporter in a day.
const OF_ONE: u64 = 500;
/// Reports in all.
const MOST: usize = 20_000;
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// A report ready to be written.
#[derive(Debug)]
pub(crate) struct Kept {
    head: Head,
    json: Vec<u8>,
}

impl Kept {
    /// `reporter` is the domain that is proved to have sent it.
    pub(crate) fn new(report: Report, reporter: &str, now: Timestamp) -> Kept {
        let (kind, domain, their_id, times) = match &report {
            Report::Dmarc(report) => {
                let times = [report.begin, report.end].map(|at| Timestamp::from_second(at).ok());
                (
                    Kind::Dmarc,
                    report.policy.domain.as_str(),
                    report.id.as_str(),
                    times,
                )
            }
            Report::Tls(report) => {
                let times = [&report.begin, &report.end].map(|at| at.parse::<Timestamp>().ok());
                (Kind::Tls, report.domain(), report.id.as_str(), times)
            }
        };
        let totals = match &report {
            Report::Dmarc(report) => report.totals(),
            Report::Tls(report) => report.totals(),
        };
        let head = Head {
            id: report::id(kind, domain, reporter, their_id),
            kind,
            domain: domain.to_string(),
            reporter: reporter.to_string(),
            received: now,
            // Whoever writes an impossible time is not to keep the rest from being read.
            starts: times[0].unwrap_or(now),
            ends: times[1].unwrap_or(now),
            passed: totals.pass,
            failed: totals.fail,
        };
        Kept {
            head,
            json: json(report),
        }
    }

    /// `dmarc` or `tls`.
    pub(crate) fn kind(&self) -> &'static str {
        word(self.head.kind)
    }

    /// Whether it is new.
    pub(crate) fn write(&self, tx: &mut Tx<'_>) -> store::Result<bool> {
        let day = self
            .head
            .received
            .saturating_sub(DAY)
            .unwrap_or(self.head.received);
        report::add(tx, &self.head, &self.json, day, OF_ONE)
    }
}

/// The word for a kind.
pub(crate) fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Dmarc => "dmarc",
        Kind::Tls => "tls",
    }
}

/// What is kept of what it says.
fn json(report: Report) -> Vec<u8> {
    let report = match report {
        Report::Dmarc(report) => Report::Dmarc(shortened(report)),
        Report::Tls(report) => Report::Tls(shortened_tls(report)),
    };
    // Structs of texts and numbers always have a form in JSON.
    serde_json::to_vec(&report).unwrap_or_default()
}

fn shortened(mut report: Aggregate) -> Aggregate {
    report.cut |= report.rows.len() > ROWS;
    report.rows.sort_by_key(|row| Reverse(row.count));
    report.rows.truncate(ROWS);
    report
}

fn shortened_tls(mut report: TlsReport) -> TlsReport {
    let mut left = ROWS;
    for policy in &mut report.policies {
        policy.details.truncate(left);
        left -= policy.details.len();
    }
    report
}

/// Keeps a report of our own.
pub(crate) async fn keep(services: &Services, reporter: &str, report: Report) -> store::Result<()> {
    let kept = Kept::new(report, reporter, services.clock.now());
    services.store.write(move |tx| kept.write(tx)).await?;
    Ok(())
}

/// Forgets old ones. How many.
pub(crate) async fn expire(services: &Services) -> store::Result<u64> {
    let age =
        SignedDuration::try_from(services.config.load().authentication.reports_kept).unwrap_or(DAY);
    let now = services.clock.now();
    let before = now.saturating_sub(age).unwrap_or(now);
    services
        .store
        .write(move |tx| report::expire(tx, before, MOST))
        .await
}

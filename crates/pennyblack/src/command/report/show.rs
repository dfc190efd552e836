//! Reports as people read them: who sent in the domain's name, and was that proved.

use crate::output::{Table, facts, say};
use mailauth::report::{Aggregate, Report, Row, TlsPolicy, TlsReport, Totals};

pub(super) fn reports(reports: &[Report]) {
    for (index, report) in reports.iter().enumerate() {
        if index > 0 {
            say!("");
        }
        one(report);
    }
}

pub(super) fn one(report: &Report) {
    match report {
        Report::Dmarc(report) => aggregate(report),
        Report::Tls(report) => tls(report),
    }
}

/// `12 pass, 3 fail`.
fn counts(totals: Totals) -> String {
    format!("{} pass, {} fail", totals.pass, totals.fail)
}

fn aggregate(report: &Aggregate) {
    let policy = &report.policy;
    let mut words = format!("p={}", policy.policy);
    for (tag, value) in [("sp", &policy.subdomains), ("np", &policy.nonexistent)] {
        if !value.is_empty() {
            words += &format!(" {tag}={value}");
        }
    }
    if policy.testing {
        words += " t=y";
    }
    say!(
        "DMARC report on {}",
        crate::output::printable(&policy.domain)
    );
    facts(&[
        (
            "from",
            format!("{} <{}>", report.organization, report.email),
        ),
        ("id", report.id.clone()),
        ("begin", time(report.begin)),
        ("end", time(report.end)),
        ("policy", words),
        ("messages", counts(report.totals())),
    ]);
    for error in &report.errors {
        facts(&[("error", error.clone())]);
    }
    let mut rows: Vec<&Row> = report.rows.iter().collect();
    rows.sort_by_key(|row| (row.passes(), std::cmp::Reverse(row.count)));
    let mut table = Table::new(&[
        "source", "messages", "dmarc", "done", "author", "dkim", "spf", "because",
    ]);
    for row in rows {
        table.row(cells(row));
    }
    say!("");
    table.print("It has no rows.");
    if report.cut {
        say!("There are more rows than are shown.");
    }
}

fn cells(row: &Row) -> [String; 8] {
    let aligned = |aligned: bool, proved: String| match aligned {
        true => format!("{proved} (aligned)"),
        false => proved,
    };
    let proved = |result: &str, domain: &str| match result.is_empty() {
        true => String::new(),
        false => format!("{result} {domain}"),
    };
    let dkim = row
        .dkim
        .iter()
        .filter(|dkim| !dkim.result.is_empty())
        .map(|dkim| proved(&dkim.result, &dkim.domain));
    let dkim: Vec<String> = dkim.take(3).collect();
    let spf = row.spf.first();
    let because = row
        .evaluated
        .reasons
        .iter()
        .map(|reason| match reason.comment.is_empty() {
            true => reason.kind.clone(),
            false => format!("{}: {}", reason.kind, reason.comment),
        });
    [
        row.source.clone(),
        row.count.to_string(),
        if row.passes() { "pass" } else { "fail" }.into(),
        row.evaluated.disposition.clone(),
        row.author.clone(),
        aligned(row.evaluated.dkim, dkim.join(", ")),
        aligned(
            row.evaluated.spf,
            spf.map_or(String::new(), |spf| proved(&spf.result, &spf.domain)),
        ),
        because.collect::<Vec<_>>().join("; "),
    ]
}

fn tls(report: &TlsReport) {
    say!(
        "TLS report on {}",
        crate::output::printable(report.domain())
    );
    facts(&[
        (
            "from",
            format!("{} <{}>", report.organization, report.contact),
        ),
        ("id", report.id.clone()),
        ("begin", report.begin.clone()),
        ("end", report.end.clone()),
        ("sessions", counts(report.totals())),
    ]);
    let mut table = Table::new(&[
        "policy", "domain", "sessions", "result", "host", "address", "from", "because",
    ]);
    for policy in &report.policies {
        policy_rows(&mut table, policy);
    }
    say!("");
    table.print("It has no policies.");
}

fn policy_rows(table: &mut Table, policy: &TlsPolicy) {
    let begin = |sessions: u64, result: &str| {
        [
            policy.kind.clone(),
            policy.domain.clone(),
            sessions.to_string(),
            result.to_string(),
        ]
    };
    table.row(begin(policy.successes, "good").into_iter().chain(none()));
    for failure in &policy.details {
        let rest = [
            &failure.host,
            &failure.address,
            &failure.source,
            &failure.reason,
        ]
        .map(String::clone);
        table.row(
            begin(failure.sessions, &failure.kind)
                .into_iter()
                .chain(rest),
        );
    }
    let told: u64 = policy
        .details
        .iter()
        .fold(0, |sum, one| sum.saturating_add(one.sessions));
    if policy.failures > told {
        let rest = policy.failures - told;
        table.row(
            begin(rest, "failed, reason not told")
                .into_iter()
                .chain(none()),
        );
    }
}

fn none() -> [String; 4] {
    Default::default()
}

/// RFC 3339, UTC.
fn time(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds)
        .map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

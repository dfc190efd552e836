//! Reports that were kept when they came by mail.

use super::show;
use crate::cli::{Global, Reported};
use crate::command::{ask, unexpected};
use crate::outcome::{Failure, Outcome};
use crate::output::{Table, facts, json, say};
use serde_json::json;
use server::control;
use server::control::report::{Answer, Request};
use std::process::ExitCode;

fn request(global: &Global, request: Request) -> Result<Answer, Failure> {
    match ask(global, control::Request::Report(request))? {
        control::Answer::Report(answer) => Ok(answer),
        _ => Err(unexpected()),
    }
}

pub(super) fn list(which: Reported, global: &Global) -> Outcome {
    let Reported { domain, days } = which;
    let Answer::List(reports) = request(global, Request::List { domain, days })? else {
        return Err(unexpected());
    };
    if global.json {
        return Ok(json(&reports));
    }
    let mut table = Table::new(&["id", "kind", "domain", "reporter", "begin", "pass", "fail"]);
    for report in reports {
        let (passed, failed) = (report.passed.to_string(), report.failed.to_string());
        table.row([
            report.id,
            report.kind,
            report.domain,
            report.reporter,
            report.begin,
            passed,
            failed,
        ]);
    }
    table.print(
        "No reports were kept. They are when the DMARC or TLSRPT record of a domain here names an address here, and mail comes to it.",
    );
    Ok(ExitCode::SUCCESS)
}

pub(super) fn one(id: String, global: &Global) -> Outcome {
    let Answer::Show(view, report) = request(global, Request::Show { id })? else {
        return Err(unexpected());
    };
    if global.json {
        return Ok(json(&json!({"about": view, "report": report})));
    }
    show::one(&report);
    say!("");
    facts(&[
        ("proved to be from", view.reporter),
        ("received", view.received),
    ]);
    Ok(ExitCode::SUCCESS)
}

pub(super) fn sources(which: Reported, global: &Global) -> Outcome {
    let Reported { domain, days } = which;
    let Answer::Sources(sources) = request(global, Request::Sources { domain, days })? else {
        return Err(unexpected());
    };
    if global.json {
        return Ok(json(&sources));
    }
    let mut table = Table::new(&[
        "domain",
        "source",
        "pass",
        "fail",
        "reporters",
        "last",
        "evidence",
    ]);
    for source in sources {
        table.row([
            source.domain,
            source.source,
            source.passed.to_string(),
            source.failed.to_string(),
            source.reporters.to_string(),
            source.last,
            source.evidence.join(", "),
        ]);
    }
    table.print("No reports on DMARC were kept; `pennyblack report list` says how they come.");
    Ok(ExitCode::SUCCESS)
}

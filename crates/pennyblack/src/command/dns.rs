//! `pennyblack dns`.

use super::{ask, unexpected};
use crate::cli::{Dns as Which, Global};
use crate::outcome::Outcome;
use crate::output::{json, printable, say};
use server::control;
use server::control::lookup::{Answer, Request};
use std::process::ExitCode;

/// The name or record does not exist.
const ABSENT: u8 = 3;
/// The signatures are wrong.
const BOGUS: u8 = 2;

pub(crate) fn run(which: Which, global: &Global) -> Outcome {
    let (name, kind, resolver) = match which {
        Which::OrgDomain { resolver } => return super::auth::organizations(resolver),
        Which::Lookup {
            name,
            kind,
            resolver,
        } => (name, kind, resolver),
    };
    let request = Request::Lookup {
        name,
        kind,
        resolver,
    };
    let control::Answer::Dns(answer) = ask(global, control::Request::Dns(request))? else {
        return Err(unexpected());
    };
    match global.json {
        true => drop(json(&answer)),
        false => print(&answer),
    }
    Ok(ExitCode::from(match answer.verdict.as_str() {
        "bogus" => BOGUS,
        _ if answer.presence != "records" => ABSENT,
        _ => 0,
    }))
}

fn print(answer: &Answer) {
    for record in &answer.records {
        let data = printable(&record.data);
        say!(
            "{} {} IN {} {data}",
            printable(&record.name),
            record.ttl,
            record.kind
        );
    }
    match answer.presence.as_str() {
        "no-domain" => say!("; the name does not exist"),
        "no-record" => say!("; the name exists, without records of this type"),
        _ => {}
    }
    say!("; DNSSEC: {}", meaning(&answer.verdict));
}

fn meaning(verdict: &str) -> String {
    let words = match verdict {
        "secure" => "signed, and the signatures lead to a trust anchor",
        "insecure" => "proved to be unsigned",
        "bogus" => {
            "the signatures are wrong or missing, so the server takes this for a failed look-up"
        }
        _ => "nobody validates",
    };
    format!("{verdict} ({words})")
}

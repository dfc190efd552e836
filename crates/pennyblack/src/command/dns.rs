//! `pennyblack dns`.

use super::{ask, block_on, unexpected};
use crate::cli::{Dns as Which, Global};
use crate::outcome::{Failure, Outcome};
use crate::output::{json, printable, say};
use server::control;
use server::control::lookup::{Answer, Request, by_resolver};
use std::net::SocketAddr;
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
    let answer = match resolver.filter(|_| !global.file().exists()) {
        Some(server) => block_on(by_resolver(server, &name, &kind))??,
        None => by_server(global, name, kind, resolver)?,
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

/// As the server would.
fn by_server(
    global: &Global,
    name: String,
    kind: String,
    resolver: Option<SocketAddr>,
) -> Result<Answer, Failure> {
    let request = Request::Lookup {
        name,
        kind,
        resolver,
    };
    match ask(global, control::Request::Dns(request))? {
        control::Answer::Dns(answer) => Ok(answer),
        _ => Err(unexpected()),
    }
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

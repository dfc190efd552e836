//! `pennyblack auth spf` and `auth spf-walk`.

use super::{block_on, resolver, time};
use crate::cli::{AskedResolver, Global};
use crate::outcome::{Failure, Outcome};
use crate::output::{facts, json, printable, say};
use mailauth::spf::{self, Outcome as Checked, Query, Walk};
use serde_json::json;
use std::net::IpAddr;
use std::process::ExitCode;

pub(super) fn check(
    ip: IpAddr,
    helo: &str,
    from: &str,
    asked: &AskedResolver,
    global: &Global,
) -> Outcome {
    let from = from.trim_start_matches('<').trim_end_matches('>');
    let query = Query {
        ip,
        helo,
        sender: (!from.is_empty()).then_some(from),
        receiver: "unknown",
        now: time(None),
    };
    let outcome = block_on(async {
        let resolver = resolver(asked)?;
        Ok::<_, Failure>(spf::check(&resolver, &query).await)
    })??;
    Ok(match global.json {
        true => json(&json!({
            "result": outcome.result.word(),
            "domain": outcome.domain,
            "reason": outcome.reason,
            "explanation": outcome.explanation,
        })),
        false => print(&outcome),
    })
}

fn print(outcome: &Checked) -> ExitCode {
    say!("{}", outcome.result);
    facts(&[
        ("domain", outcome.domain.clone()),
        ("reason", outcome.reason.clone()),
        (
            "explanation",
            outcome.explanation.clone().unwrap_or_default(),
        ),
    ]);
    ExitCode::SUCCESS
}

/// J9: exit code 75 if DNS did not answer everything, 1 if there is no network at all.
pub(super) fn walk(domains: Vec<String>, asked: &AskedResolver, global: &Global) -> Outcome {
    let domains = match domains.is_empty() {
        false => domains,
        true => read_domains()?,
    };
    let walk = block_on(async {
        let resolver = resolver(asked)?;
        let mut all = Walk::default();
        for domain in &domains {
            let walk = spf::walk(&resolver, domain.trim_end_matches('.')).await;
            all.networks.extend(walk.networks);
            all.gaps.extend(walk.gaps);
            all.unknown |= walk.unknown;
        }
        Ok::<_, Failure>(all)
    })??;
    let networks = walk
        .networks
        .iter()
        .map(|(address, length)| format!("{address}/{length}"));
    if global.json {
        let gaps = walk
            .gaps
            .iter()
            .map(|gap| json!({"domain": gap.domain, "term": gap.term, "why": gap.why}));
        json(&json!({
            "networks": networks.collect::<Vec<_>>(),
            "gaps": gaps.collect::<Vec<_>>(),
            "complete": !walk.unknown,
        }));
    } else {
        networks.for_each(|network| say!("{network}"));
        for gap in &walk.gaps {
            eprintln!(
                "{}",
                printable(&format!("{} {}: {}", gap.domain, gap.term, gap.why))
            );
        }
    }
    Ok(match (walk.unknown, walk.networks.is_empty()) {
        (true, _) => ExitCode::from(75),
        (false, true) => ExitCode::FAILURE,
        (false, false) => ExitCode::SUCCESS,
    })
}

/// A line each, `#` begins a comment, as in the lists of other programs.
fn read_domains() -> Result<Vec<String>, Failure> {
    let text = std::io::read_to_string(std::io::stdin())
        .map_err(|why| Failure::failed(format!("cannot read the domains: {why}")))?;
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim());
    Ok(lines
        .filter(|line| !line.is_empty())
        .map(str::to_string)
        .collect())
}

//! `pennyblack auth spf`.

use super::{block_on, resolver, time};
use crate::cli::{AskedResolver, Global};
use crate::outcome::{Failure, Outcome};
use crate::output::{facts, json, say};
use mailauth::spf::{self, Outcome as Checked, Query};
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

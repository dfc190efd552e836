//! `pennyblack auth dmarc`, and `pennyblack dns org-domain`.

use super::{block_on, resolver};
use crate::cli::{AskedResolver, Global};
use crate::outcome::{Failure, Outcome};
use crate::output::{facts, json, printable, say};
use mailauth::dmarc::{self, Evidence, Outcome as Evaluated};
use mailauth::suffix::registrable_domain;
use serde_json::json;
use std::io::Read as _;
use std::process::ExitCode;

pub(super) fn policy(
    domain: &str,
    spf: Option<&str>,
    dkim: &[String],
    asked: &AskedResolver,
    global: &Global,
) -> Outcome {
    let evidence = Evidence {
        author: domain,
        spf,
        dkim: dkim.iter().map(String::as_str).collect(),
        ..Evidence::default()
    };
    let outcome = block_on(async {
        let resolver = resolver(asked)?;
        Ok::<_, Failure>(dmarc::evaluate(&resolver, &evidence).await)
    })??;
    if global.json {
        return Ok(json(&as_json(&outcome)));
    }
    match (&outcome.record, spf.is_some() || !dkim.is_empty()) {
        (Some(_), false) => say!("{}", outcome.policy.word()),
        _ => say!("{}", outcome.result),
    }
    facts(&[
        ("reason", outcome.reason.clone()),
        ("policy", outcome.policy.word().to_string()),
        ("record of", record_domain(&outcome).unwrap_or_default()),
        ("organization", outcome.organization.clone()),
        ("spf aligned", outcome.spf_aligned.to_string()),
        ("dkim aligned", outcome.dkim_aligned.to_string()),
    ]);
    Ok(ExitCode::SUCCESS)
}

fn record_domain(outcome: &Evaluated) -> Option<String> {
    outcome.record.as_ref().map(|(domain, _)| domain.clone())
}

fn as_json(outcome: &Evaluated) -> serde_json::Value {
    json!({
        "result": outcome.result.word(),
        "reason": outcome.reason,
        "policy": outcome.policy.word(),
        "record_of": record_domain(outcome),
        "organization": outcome.organization,
        "spf_aligned": outcome.spf_aligned,
        "dkim_aligned": outcome.dkim_aligned,
    })
}

/// `pennyblack dns org-domain`: reads names, a line each, and prints a line for each. What DNS does not tell is `temperror`, and the exit code
/// 75 then.
pub(crate) fn organizations(asked: Option<String>) -> Outcome {
    let mut octets = Vec::new();
    std::io::stdin()
        .read_to_end(&mut octets)
        .map_err(|why| Failure::failed(format!("cannot read the names: {why}")))?;
    // What is no text is no name either.
    let text = String::from_utf8_lossy(&octets);
    let names = text.lines().map(str::trim).filter(|name| !name.is_empty());
    let Some(server) = asked else {
        names.for_each(|name| say!("{}", registrable_domain(name).as_deref().unwrap_or("none")));
        return Ok(ExitCode::SUCCESS);
    };
    let asked = AskedResolver {
        resolver: Some(server),
    };
    block_on(async {
        let resolver = resolver(&asked)?;
        let mut code = ExitCode::SUCCESS;
        for name in names {
            match dmarc::organizational_domain(&resolver, name).await {
                Ok(organization) => say!("{}", printable(&organization)),
                Err(_) => {
                    say!("temperror");
                    code = ExitCode::from(75);
                }
            }
        }
        Ok(code)
    })?
}

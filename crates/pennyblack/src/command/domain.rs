//! `pennyblack domain`.

use super::{ask, unexpected};
use crate::cli::{Domain as Which, Global};
use crate::outcome::Outcome;
use crate::output::{Table, json, say};
use crate::terminal::consent;
use serde_json::json;
use server::control;
use server::control::domain::{Answer, Request, View};
use std::process::ExitCode;

pub(crate) fn run(which: Which, global: &Global) -> Outcome {
    let request = match which {
        Which::Add { name } => Request::Add { name },
        Which::List => Request::List,
        Which::Alias { name, of, .. } => Request::Alias { name, of },
        Which::Remove { name, sure } => {
            let mode = consent(sure, &format!("Stop hosting {name}"))?;
            Request::Remove { name, mode }
        }
    };
    let control::Answer::Domain(answer) = ask(global, control::Request::Domain(request))? else {
        return Err(unexpected());
    };
    Ok(print(&answer, global.json))
}

fn print(answer: &Answer, as_json: bool) -> ExitCode {
    match answer {
        Answer::Domain(domain) if as_json => return json(domain),
        Answer::List(domains) if as_json => return json(domains),
        Answer::Removed { name, dry_run } if as_json => {
            return json(&json!({"name": name, "dry_run": dry_run}));
        }
        Answer::Domain(View {
            name,
            alias_of: Some(of),
            ..
        }) => say!("{name} is another name of {of}"),
        Answer::Domain(View { name, keys, .. }) => {
            say!("{name} is hosted; `pennyblack account add USER@{name}` adds a person");
            if !keys.is_empty() {
                say!("; its mail is signed; DNS needs these records:");
                keys.iter().for_each(super::dkim::show);
            }
        }
        Answer::List(domains) => list(domains),
        Answer::Removed {
            name,
            dry_run: true,
        } => say!("would remove domain {name}"),
        Answer::Removed { name, .. } => say!("removed domain {name}"),
    }
    ExitCode::SUCCESS
}

fn list(domains: &[View]) {
    let mut table = Table::new(&["domain", "accounts", "another name of"]);
    for domain in domains {
        table.row([
            domain.name.clone(),
            domain.accounts.to_string(),
            domain.alias_of.clone().unwrap_or_default(),
        ]);
    }
    table.print("No domain is hosted; `pennyblack domain add NAME` adds one.");
}

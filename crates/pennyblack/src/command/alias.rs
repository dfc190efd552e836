//! `pennyblack alias`.

use super::{ask, unexpected};
use crate::cli::{Alias as Which, Global};
use crate::outcome::Outcome;
use crate::output::{Table, json, say};
use crate::terminal::consent;
use serde_json::json;
use server::control;
use server::control::alias::{Answer, Request, View};
use std::process::ExitCode;

pub(crate) fn run(which: Which, global: &Global) -> Outcome {
    let request = match which {
        Which::Add { source, targets } => Request::Add { source, targets },
        Which::List => Request::List,
        Which::Remove {
            source,
            target,
            sure,
        } => {
            let mode = consent(sure, &format!("Remove alias {source}"))?;
            Request::Remove {
                source,
                target,
                mode,
            }
        }
    };
    let control::Answer::Alias(answer) = ask(global, control::Request::Alias(request))? else {
        return Err(unexpected());
    };
    Ok(if global.json {
        print_json(&answer)
    } else {
        print(&answer)
    })
}

fn print_json(answer: &Answer) -> ExitCode {
    match answer {
        Answer::Alias(View { source, targets }, notes) => {
            json(&json!({"source": source, "targets": targets, "notes": notes}))
        }
        Answer::List(aliases) => json(aliases),
        Answer::Removed {
            source,
            targets,
            dry_run,
        } => json(&json!({"source": source, "targets": targets, "dry_run": dry_run})),
    }
}

fn print(answer: &Answer) -> ExitCode {
    match answer {
        Answer::Alias(view, notes) => {
            say!("{} → {}", view.source, view.targets.join(", "));
            notes.iter().for_each(|note| eprintln!("note: {note}"));
        }
        Answer::List(aliases) => {
            let mut table = Table::new(&["alias", "goes to"]);
            aliases
                .iter()
                .for_each(|alias| table.row([alias.source.clone(), alias.targets.join(", ")]));
            table.print("There are no aliases; `pennyblack alias add SOURCE TARGET` makes one.");
        }
        Answer::Removed {
            source,
            targets,
            dry_run,
        } => {
            let verb = if *dry_run { "would remove" } else { "removed" };
            say!("{verb} alias {source} → {}", targets.join(", "));
        }
    }
    ExitCode::SUCCESS
}

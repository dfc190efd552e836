//! `pennyblack sieve list|get|put|activate|rename|delete|log`: the scripts of accounts, in the running server or in the store.

use super::super::{ask, unexpected};
use super::read;
use crate::cli::Global;
use crate::outcome::{Failure, Outcome};
use crate::output::{Table, json, printable, say, text};
use server::control;
use server::control::sieve::{Act, Answer, Entry, Request, View};
use std::path::Path;
use std::process::ExitCode;

/// Reads the script and stores it.
pub(super) fn put(
    account: String,
    name: String,
    file: &Path,
    activate: bool,
    global: &Global,
) -> Outcome {
    let text = String::from_utf8(read(file)?)
        .map_err(|_| Failure::failed(format!("{}: it is not UTF-8", file.display())))?;
    run(
        account,
        Act::Put {
            name,
            text,
            activate,
        },
        global,
    )
}

pub(super) fn run(account: String, act: Act, global: &Global) -> Outcome {
    let request = control::Request::Sieve(Request { account, act });
    let control::Answer::Sieve(answer) = ask(global, request)? else {
        return Err(unexpected());
    };
    Ok(match (answer, global.json) {
        (Answer::Scripts { scripts, warnings }, as_json) => {
            for warning in &warnings {
                eprintln!("pennyblack: warning: {}", printable(warning));
            }
            match as_json {
                true => json(&scripts),
                false => print(&scripts),
            }
        }
        (Answer::Log(entries), true) => json(&entries),
        (Answer::Log(entries), false) => log(&entries),
        (Answer::Text(script), true) => json(&script),
        (Answer::Text(script), false) => {
            text(&script);
            ExitCode::SUCCESS
        }
    })
}

fn print(scripts: &[View]) -> ExitCode {
    let mut table = Table::new(&["script", "state"]);
    for script in scripts {
        let state = if script.active { "active" } else { "" };
        table.row([script.name.clone(), state.into()]);
    }
    table.print("There are no scripts; `pennyblack sieve put ACCOUNT NAME FILE` stores one.");
    ExitCode::SUCCESS
}

fn log(entries: &[Entry]) -> ExitCode {
    for entry in entries {
        say!("{} {}", entry.happened, printable(&entry.line));
    }
    ExitCode::SUCCESS
}

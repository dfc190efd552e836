//! `pennyblack reindex`.

use super::{ask, unexpected};
use crate::cli::{Global, Reindex};
use crate::outcome::Outcome;
use crate::output::{Table, json};
use server::control;
use server::control::search::{Accounts, Answer, Request, View};
use std::process::ExitCode;

pub(crate) fn run(wanted: Reindex, global: &Global) -> Outcome {
    let accounts = match wanted.all {
        true => Accounts::All,
        false => Accounts::These(wanted.accounts),
    };
    let request = match wanted.status {
        true => Request::List(accounts),
        false => Request::Rebuild(accounts),
    };
    let control::Answer::Search(Answer(views)) = ask(global, control::Request::Search(request))?
    else {
        return Err(unexpected());
    };
    Ok(match global.json {
        true => json(&views),
        false => list(&views),
    })
}

fn list(views: &[View]) -> ExitCode {
    let mut table = Table::new(&["account", "messages", "in the index", "size", ""]);
    for view in views {
        let Some(index) = &view.index else {
            let dash = || "-".to_owned();
            let none = "no index".to_owned();
            table.row([view.account.clone(), dash(), dash(), dash(), none]);
            continue;
        };
        let how = match index.current {
            true => "up to date",
            false => "being filled",
        };
        table.row([
            view.account.clone(),
            index.messages.to_string(),
            index.indexed.to_string(),
            megabytes(index.bytes),
            how.to_owned(),
        ]);
    }
    table.print("There are no accounts.");
    ExitCode::SUCCESS
}

fn megabytes(octets: u64) -> String {
    match octets {
        0 => "-".into(),
        octets => format!("{:.1} MB", octets as f64 / 1e6),
    }
}

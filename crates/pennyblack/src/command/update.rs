//! `pennyblack update table`.

use super::{ask, unexpected};
use crate::cli::{Global, Update};
use crate::outcome::Outcome;
use crate::output::{json, printable, say};
use server::control;
use server::control::tables::{Answer, Request, Updated};
use std::process::ExitCode;

pub(crate) fn run(which: Update, global: &Global) -> Outcome {
    let Update::Table { name } = which;
    let request = control::Request::Tables(Request::Update { name });
    let control::Answer::Tables(Answer(updated)) = ask(global, request)? else {
        return Err(unexpected());
    };
    match global.json {
        true => drop(json(&updated)),
        false => updated.iter().for_each(print),
    }
    if updated.is_empty() && !global.json {
        say!(
            "The configuration names no tables: `tables.passwd = \"/etc/mail/passwd\"` and its like do."
        );
    }
    let faulty = updated.iter().any(|table| !table.faults.is_empty());
    Ok(ExitCode::from(u8::from(faulty)))
}

fn print(updated: &Updated) {
    for fault in &updated.faults {
        eprintln!(
            "{}:{}: {}",
            updated.file,
            fault.line,
            printable(&fault.message)
        );
    }
    say!(
        "{}: {} lines, {} new, {} changed, {} gone",
        updated.table,
        updated.lines,
        updated.added,
        updated.changed,
        updated.removed
    );
}

//! `pennyblack sieve`: check scripts, and try them on messages.
//!
//! `check`, `test` and `extensions` need no configuration, no store and no server; the others work on the scripts of accounts.

mod check;
mod dry_run;
mod facts;
mod report;
mod stored;

use crate::cli::{Global, Sieve as Which};
use crate::outcome::{Failure, Outcome};
use server::control::sieve::Act;
use sieve::Scope;
use std::io::Read as _;
use std::path::Path;

pub(crate) fn run(which: Which, global: &Global) -> Outcome {
    match which {
        Which::Check { scripts, admin } => check::run(&scripts, scope(admin), global),
        Which::Test(options) => dry_run::run(&options, global),
        Which::List { account } => stored::run(account, Act::List, global),
        Which::Get { account, name } => stored::run(account, Act::Get { name }, global),
        Which::Put {
            account,
            name,
            script,
            activate,
        } => stored::put(account, name, &script, activate, global),
        Which::Activate { account, name, .. } => {
            stored::run(account, Act::Activate { name }, global)
        }
        Which::Rename { account, name, to } => {
            stored::run(account, Act::Rename { name, to }, global)
        }
        Which::Delete { account, name } => stored::run(account, Act::Delete { name }, global),
        Which::Log { account } => stored::run(account, Act::Log, global),
        Which::Extensions { admin } => check::extensions(scope(admin), global),
    }
}

fn scope(admin: bool) -> Scope {
    if admin {
        Scope::Global
    } else {
        Scope::Personal
    }
}

/// The octets of a file; `-` is standard input.
fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let mut octets = Vec::new();
    let read = if file == Path::new("-") {
        std::io::stdin().read_to_end(&mut octets).map(drop)
    } else {
        std::fs::read(file).map(|content| octets = content)
    };
    match read {
        Ok(()) => Ok(octets),
        Err(why) => Err(Failure::failed(format!("{}: {why}", file.display()))),
    }
}

//! A file per command.

mod config;
mod serve;

use crate::cli::{Cli, Command};
use crate::outcome::Outcome;

/// Runs the command.
pub(crate) fn run(cli: Cli) -> Outcome {
    let global = cli.global;
    match cli.command {
        Command::Serve => serve::run(&global),
        Command::Config(which) => config::run(which, &global),
    }
}

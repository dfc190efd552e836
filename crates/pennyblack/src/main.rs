//! The `pennyblack` command: a file per command below `command/`, no logic of its own.

mod cli;
mod command;
mod outcome;
mod output;
mod terminal;
mod trial;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match command::run(cli) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

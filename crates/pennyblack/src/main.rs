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
    // What is made here is for the owner and his group alone, whatever shell we come from.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o027));
    let done = match command::sendmail::called() {
        Some(arguments) => command::sendmail::run(arguments, &cli::Global::usual()),
        None => command::run(cli::Cli::parse()),
    };
    match done {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

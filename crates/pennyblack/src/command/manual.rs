//! `pennyblack completion` and `pennyblack man`: made from the command line's own definition.

use crate::cli::Cli;
use crate::outcome::{Failure, Outcome};
use crate::output::say;
use clap::CommandFactory;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

pub(crate) fn completion(shell: clap_complete::Shell) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "pennyblack", &mut script);
    crate::output::text(&String::from_utf8_lossy(&script));
    Ok(ExitCode::SUCCESS)
}

/// Writes pennyblack(1), a page for each command, and pennyblack.toml(5).
pub(crate) fn pages(folder: &Path) -> Outcome {
    let written = fs::create_dir_all(folder)
        .and_then(|()| {
            clap_mangen::generate_to(Cli::command().disable_help_subcommand(true), folder)
        })
        .and_then(|()| fs::write(folder.join("pennyblack.toml.5"), server::config::man()));
    written.map_err(|why| {
        Failure::failed(format!(
            "cannot write manual pages into {}: {why}",
            folder.display()
        ))
    })?;
    say!("manual pages written into {}", folder.display());
    Ok(ExitCode::SUCCESS)
}

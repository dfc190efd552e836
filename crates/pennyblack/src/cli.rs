//! The command line: all commands with their options and help. Manual pages and completions are made from it.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// A whole mail system in one program.
#[derive(Parser, Debug)]
#[command(
    name = "pennyblack",
    version,
    propagate_version = true,
    infer_subcommands = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Args, Debug, Clone)]
pub(crate) struct Global {
    /// The configuration file
    #[arg(long, global = true, value_name = "FILE", default_value = server::config::DEFAULT_PATH)]
    pub(crate) config: PathBuf,
    /// Answer in JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Run the mail server in the foreground
    Serve,
    /// Check and show the configuration
    #[command(subcommand)]
    Config(Config),
}

#[derive(Subcommand, Debug)]
pub(crate) enum Config {
    /// Name every error of the configuration file; exit code 78 if there is one
    Test {
        /// The file, if not that of --config
        file: Option<PathBuf>,
    },
    /// Print settings with their values and where those came from
    Show {
        /// Print the defaults, without reading a file
        #[arg(long, conflicts_with = "all")]
        defaults: bool,
        /// Print all settings, not only those that the file sets
        #[arg(long)]
        all: bool,
    },
    /// Print a complete commented configuration file
    Example,
}

//! A file per command. Each turns its options into a request, has it carried out, and prints the answer.

mod account;
mod alias;
mod auth;
mod config;
mod dkim;
mod dns;
mod domain;
mod explain;
mod gate;
mod import;
mod jobs;
mod mailbox;
mod manual;
mod queue;
mod quota;
mod reindex;
mod report;
pub(crate) mod sendmail;
mod serve;
mod service;
mod share;
mod sieve;
mod spam;
mod tls;
mod update;

use crate::cli::{Cli, Command, Global};
use crate::outcome::{Failure, Outcome};
use server::control::{Answer, Client, Request};
use std::future::Future;

/// Runs the command.
pub(crate) fn run(cli: Cli) -> Outcome {
    let global = cli.global;
    match cli.command {
        Command::Serve => serve::run(&global),
        Command::Trial(options) => crate::trial::run(&options, &global),
        Command::Account(which) => account::run(which, &global),
        Command::Quota(which) => quota::run(which, &global),
        Command::Mailbox(which) => mailbox::run(which, &global),
        Command::Domain(which) => domain::run(which, &global),
        Command::Alias(which) => alias::run(which, &global),
        Command::Dkim(which) => dkim::run(which, &global),
        Command::Tls(which) => tls::run(which, &global),
        Command::Share(which) => share::run(which, &global),
        Command::Queue(which) => queue::run(which, &global),
        Command::Routes(which) => queue::routes(which, &global),
        Command::Dns(which) => dns::run(which, &global),
        Command::Sieve(which) => sieve::run(which, &global),
        Command::Explain(which) => explain::run(which, &global),
        Command::Spam(which) => spam::run(which, &global),
        Command::Check { which } => service::check(which, &global),
        Command::Status => service::status(&global),
        Command::Health => service::health(&global),
        Command::Metrics => service::metrics(&global),
        Command::Bans => service::bans(&global),
        Command::Unban { address } => service::unban(address, &global),
        Command::Jobs(which) => jobs::run(which, &global),
        Command::Greylist(options) => gate::greylist(options, &global),
        Command::Ban(which) => gate::ban(which, &global),
        Command::Lists => gate::lists(&global),
        Command::Reindex(wanted) => reindex::run(wanted, &global),
        Command::Update(which) => update::run(which, &global),
        Command::Reload => service::reload(&global),
        Command::Pause { what } => service::pause(what, true, &global),
        Command::Resume { what } => service::pause(what, false, &global),
        Command::Config(which) => config::run(which, &global),
        Command::Auth(which) => auth::run(which, &global),
        Command::Report(which) => report::run(which, &global),
        Command::Sendmail { arguments } => sendmail::run(arguments, &global),
        Command::Encrypt { password_stdin } => service::encrypt(password_stdin, &global),
        Command::Completion { shell } => manual::completion(shell),
        Command::Man { folder } => manual::pages(&folder),
    }
}

/// Has one request carried out, by the running server or here.
fn ask(global: &Global, request: Request) -> Result<Answer, Failure> {
    let loaded = config::load(&global.file())?;
    block_on(async {
        let mut client = Client::connect(loaded.config).await?;
        Ok(client.execute(request).await?)
    })?
}

/// Runs a future to its end.
fn block_on<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|why| Failure::failed(format!("cannot start the runtime: {why}")))?;
    Ok(runtime.block_on(work))
}

/// The answer was of another kind than the request.
fn unexpected() -> Failure {
    Failure::failed("the server answered something else: is it of another version?")
}

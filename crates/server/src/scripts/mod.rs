//! Sieve scripts in the server: where they come from, how they are compiled, and how they run.
//!
//! ```text
//! compile    source -> compiled script, cached by content
//! files      the admin's scripts, from the files that the settings name
//! personal   the users' scripts: checked, stored, listed, activated
//! event      what happens over IMAP, and which scripts that concerns (RFC 6785)
//! row        the scripts for one account, in order
//! host       answers what a running script asks
//! run        the row on a message -> what becomes of it
//! effects    a script's actions -> copies, redirects, answers, a refusal
//! besides    writes what is wanted besides filing the message: letters, memories, the journal, learning
//! settle     writes what scripts want after an event
//! lists      external lists of `:list`: files of the admin's
//! letters    the mail that scripts send: answers of vacation, notifications, reports
//! programs   `pipe`, `execute`, `filter`: built-in ones, and those in the admin's folder
//! ```
//!
//! The language itself is the `sieve` crate's. Scripts never run on an async worker.

pub(crate) mod besides;
pub(crate) mod compile;
pub(crate) mod effects;
pub(crate) mod event;
pub(crate) mod files;
mod host;
pub(crate) mod letters;
mod lists;
pub(crate) mod personal;
pub(crate) mod programs;
mod row;
pub(crate) mod run;
pub(crate) mod settle;

use crate::Services;
use crate::config::Config;
use crate::journey::Inbox;
use compile::Cache;
use sieve::{Capability, Compiler, Scope};
use std::sync::Arc;
use store::script::Traits;

/// Compiled scripts, and where the admin's come from. One in the server.
#[derive(Default)]
pub struct Scripts {
    pub(crate) cache: Cache,
    pub(crate) files: files::Files,
}

/// What a script may cost here.
pub(crate) fn limits(config: &Config) -> sieve::Limits {
    sieve::Limits {
        script_size: usize::try_from(config.sieve.max_script_size).unwrap_or(usize::MAX),
        actions: config.sieve.max_actions as usize,
        redirects: config.sieve.max_redirects as usize,
        ..sieve::Limits::default()
    }
}

/// The compiler for scripts of this scope.
pub(crate) fn compiler(config: &Config, scope: Scope) -> Compiler {
    let compiler = Compiler::new(scope).with_limits(limits(config));
    if scope == Scope::Global {
        return compiler;
    }
    let names = config.sieve.without.iter();
    let off = names.filter_map(|name| Capability::by_name(name));
    off.fold(compiler, Compiler::without)
}

/// What the scripts that decide about mail for this account may do; `None`: there are none. The inbox knows of those in the store.
pub(crate) async fn traits(
    services: &Arc<Services>,
    config: &Arc<Config>,
    inbox: &Inbox,
) -> store::Result<Option<Traits>> {
    let source = personal::Source::of(config, &inbox.address);
    let own = match &source {
        personal::Source::Store => inbox.scripts,
        files => {
            let active = files.active(&services.store, inbox.account).await?;
            active.map(|active| active.traits)
        }
    };
    if !config.sieve.filters_for_all() {
        return Ok(own);
    }
    let (services, config) = (services.clone(), config.clone());
    let admin = tokio::task::spawn_blocking(move || {
        services
            .scripts
            .files
            .traits(&config, &services.scripts.cache)
    });
    let admin = admin
        .await
        .map_err(|error| store::Error::Bug(format!("reading scripts panicked: {error}")))?;
    let own = own.unwrap_or_default();
    Ok(Some(Traits {
        refuses: own.refuses || admin.refuses,
        includes: own.includes || admin.includes,
    }))
}

/// The words of ManageSieve's SIEVE capability (H38).
pub(crate) fn capability_line(config: &Config) -> String {
    compiler(config, Scope::Personal).capabilities().to_string()
}

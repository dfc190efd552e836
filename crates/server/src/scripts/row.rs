//! The row of scripts for one account: of the admin's, the user's, and the admin's again.
//!
//! When a message arrives, the user's is his active one, or the default where there is none (H3, H4). When something happens over IMAP
//! (RFC 6785), the admin's are those of the rules in `sieve.imap` that the event meets (H26), and the user's the one that the
//! mailbox's annotation names.

use super::compile::Compiled;
use super::compiler;
use super::event;
use super::files::AdminScript;
use super::personal::{Active, Source};
use super::run::{Case, Happened, Occasion, Trouble};
use sieve::{Run, Scope, Script};
use std::path::PathBuf;
use std::sync::Arc;
use store::script;
use tokio::runtime::Handle;

/// A script in the row.
pub(super) enum Stage {
    Global(AdminScript),
    Personal {
        name: String,
        hash: [u8; 32],
        compiled: Arc<Compiled>,
    },
}

/// The row for this case. Blocks. `Err`: something could not be looked up.
pub(super) fn of(case: &Case, handle: &Handle) -> Result<Vec<Stage>, String> {
    match &case.occasion {
        Occasion::Delivery(_) => of_delivery(case, handle),
        Occasion::Event(happened) => of_event(case, happened, handle),
    }
}

fn of_delivery(case: &Case, handle: &Handle) -> Result<Vec<Stage>, String> {
    let sieve = &case.config.sieve;
    let mut stages = admins(case, &sieve.before);
    match active(case, handle)? {
        Some(stage) => stages.push(stage),
        None => stages.extend(admins(case, sieve.default.as_slice())),
    }
    stages.extend(admins(case, &sieve.after));
    Ok(stages)
}

fn of_event(case: &Case, happened: &Happened, handle: &Handle) -> Result<Vec<Stage>, String> {
    let chosen = event::chosen(&case.config, &happened.event);
    let mut stages = admins(case, &chosen.before);
    stages.extend(annotated(case, happened, handle)?);
    stages.extend(admins(case, &chosen.after));
    Ok(stages)
}

fn admins(case: &Case, paths: &[PathBuf]) -> Vec<Stage> {
    let scripts = &case.services.scripts;
    let row = scripts.files.row(&case.config, &scripts.cache, paths);
    row.into_iter().map(Stage::Global).collect()
}

/// The user's active script.
fn active(case: &Case, handle: &Handle) -> Result<Option<Stage>, String> {
    let source = Source::of(&case.config, &case.recipient.address);
    let (store, account) = (&case.services.store, case.recipient.account);
    let active = handle
        .block_on(source.active(store, account))
        .map_err(|error| error.to_string())?;
    let Some(Active { name, hash, .. }) = active else {
        return Ok(None);
    };
    let cache = &case.services.scripts.cache;
    let compiler = compiler(&case.config, Scope::Personal);
    let compiled = match cache.known(&compiler, &hash) {
        Some(compiled) => compiled,
        None => {
            let content = handle.block_on(source.content(store, account, &name));
            let content = content.map_err(|error| error.to_string())?;
            compiled(case, &content.unwrap_or_default())
        }
    };
    Ok(Some(Stage::Personal {
        name,
        hash,
        compiled,
    }))
}

/// The user's script for a mailbox. RFC 6785 §2.3: an annotation that names none that is there means none.
fn annotated(case: &Case, happened: &Happened, handle: &Handle) -> Result<Option<Stage>, String> {
    let (store, account) = (&case.services.store, case.recipient.account);
    let mailbox = happened.event.mailbox;
    let name = store.read(move |tx| event::annotated(tx, account, mailbox));
    let name = handle.block_on(name).map_err(|error| error.to_string())?;
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        return Ok(None);
    };
    let source = Source::of(&case.config, &case.recipient.address);
    let content = handle.block_on(source.content(store, account, &name));
    let content = content.map_err(|error| error.to_string())?;
    Ok(content.map(|content| Stage::Personal {
        name,
        hash: script::hash(&content),
        compiled: compiled(case, &content),
    }))
}

fn compiled(case: &Case, content: &[u8]) -> Arc<Compiled> {
    let compiler = compiler(&case.config, Scope::Personal);
    let cache = &case.services.scripts.cache;
    cache.compile(&compiler, content)
}

/// That something went wrong in the script of this name.
pub(super) fn trouble(stages: &[Stage], script: &str, what: String) -> Trouble {
    match stages.iter().find(|stage| stage.name() == script) {
        Some(stage) => stage.trouble(what),
        None => Trouble::nobodys(what),
    }
}

impl Stage {
    pub(super) fn name(&self) -> &str {
        match self {
            Stage::Global(script) => &script.name,
            Stage::Personal { name, .. } => name,
        }
    }

    pub(super) fn compiled(&self) -> Result<&Script, &sieve::CompileErrors> {
        match self {
            Stage::Global(script) => script.compiled.as_ref().as_ref(),
            Stage::Personal { compiled, .. } => compiled.as_ref().as_ref(),
        }
    }

    pub(super) fn added<'a>(&self, run: Run<'a>, script: &Script) -> Run<'a> {
        match self {
            Stage::Global(_) => run.global(self.name(), script),
            Stage::Personal { .. } => run.personal(self.name(), script),
        }
    }

    pub(super) fn trouble(&self, what: String) -> Trouble {
        let (version, scope) = match self {
            Stage::Global(_) => (script::hash(what.as_bytes()), Scope::Global),
            Stage::Personal { hash, .. } => (*hash, Scope::Personal),
        };
        Trouble {
            script: self.name().to_owned(),
            what,
            version,
            scope,
        }
    }
}

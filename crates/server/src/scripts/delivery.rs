//! The row of scripts for one recipient: the admin's before, the user's active one (or the default), the admin's after (H3, H4).
//!
//! Here they are brought together and run, on a thread that may block. What is to be made of their actions is [`super::effects`]'.

use super::compile::Compiled;
use super::files::AdminScript;
use super::host::DeliveryHost;
use super::programs;
use super::{compiler, limits};
use crate::Services;
use crate::config::Config;
use sieve::{Action, Envelope, Mail, Outcome, Run, Scope, Script};
use std::sync::Arc;
use store::body::Staged;
use store::learn::Class;
use store::{AccountId, script};

/// What the scripts of one recipient are to decide about.
pub(crate) struct Case {
    pub(crate) services: Arc<Services>,
    pub(crate) config: Arc<Config>,
    pub(crate) recipient: Recipient,
    pub(crate) envelope: Envelope,
    pub(crate) message: Arc<Letter>,
    pub(crate) client: Arc<Client>,
}

/// Whose scripts run.
#[derive(Clone, Debug)]
pub(crate) struct Recipient {
    pub(crate) account: AccountId,
    /// The account's address.
    pub(crate) address: String,
}

/// The message as it will be filed.
pub(crate) struct Letter {
    /// Its header section with the empty line.
    pub(crate) header: Vec<u8>,
    pub(crate) body: Staged,
    pub(crate) summary: message::Summary,
    /// What the filter found, of the score that is spam for certain.
    pub(crate) spam: Option<sieve::SpamScore>,
}

/// Who brought the message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Client {
    pub(crate) address: Option<std::net::IpAddr>,
    /// The name of the address, if DNS confirms it.
    pub(crate) host: Option<String>,
}

/// What came of the scripts.
pub(crate) struct Ran {
    pub(crate) outcome: Outcome,
    /// What the owner should know, if something went wrong.
    pub(crate) trouble: Option<Trouble>,
    /// The filter shall learn that the message is this.
    pub(crate) teaches: Option<Class>,
    /// A program that should have taken the message did not: it stays here.
    pub(crate) keep: bool,
}

/// A script that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// Its name.
    pub(crate) script: String,
    /// What went wrong, in words.
    pub(crate) what: String,
    /// Tells this version of the script from others.
    pub(crate) version: [u8; 32],
    /// Whose script it is.
    pub(crate) scope: Scope,
}

/// Runs the scripts. `Err`: something could not be looked up; the delivery is to be tried again later.
pub(crate) async fn run(case: Arc<Case>) -> Result<Ran, String> {
    let handle = tokio::runtime::Handle::current();
    let span = tracing::Span::current();
    let task = tokio::task::spawn_blocking(move || span.in_scope(|| run_here(&case, handle)));
    task.await
        .unwrap_or_else(|error| Err(format!("running scripts panicked: {error}")))
}

/// A script in the row.
enum Stage {
    Global(AdminScript),
    Personal {
        name: String,
        hash: [u8; 32],
        compiled: Arc<Compiled>,
    },
}

fn run_here(case: &Case, handle: tokio::runtime::Handle) -> Result<Ran, String> {
    let stages = row(case, &handle)?;
    let mut run = Run::new(mail(&case.message), &case.envelope).with_limits(limits(&case.config));
    let mut broken = None;
    for stage in &stages {
        match stage.compiled() {
            Ok(script) => run = stage.added(run, script),
            // A script that does not compile is left out; the others decide.
            Err(errors) => broken = broken.or(Some(stage.trouble(errors.to_string()))),
        }
    }
    let mut host = DeliveryHost::new(case, handle);
    let outcome = run.execute(&mut host);
    case.services
        .metrics
        .scripts_run("delivery", outcome.error.is_some());
    if let Some(error) = outcome.error.as_ref().filter(|error| error.is_temporary()) {
        return Err(error.to_string());
    }
    let failed = outcome.error.as_ref().map(|error| {
        let stage = stages.iter().find(|stage| stage.name() == &*error.script);
        let what = error.to_string();
        stage.map_or_else(
            || nobodys(what.clone()),
            |stage| stage.trouble(what.clone()),
        )
    });
    let mut ran = Ran {
        outcome,
        trouble: failed.or(broken),
        teaches: None,
        keep: false,
    };
    pipe(case, host.handle(), &stages, &mut ran);
    Ok(ran)
}

/// Gives the message to the programs that scripts of the admin named.
fn pipe(case: &Case, handle: &tokio::runtime::Handle, stages: &[Stage], ran: &mut Ran) {
    let mut failures = Vec::new();
    for performed in &ran.outcome.actions {
        let Action::Pipe(pipe) = &performed.action else {
            continue;
        };
        if let Some(class) = programs::teaches(&pipe.program, &pipe.arguments) {
            ran.teaches = Some(class);
            continue;
        }
        let version = performed.version.as_deref();
        let piped = programs::pipe(case, handle, &pipe.program, &pipe.arguments, version);
        match piped.unwrap_or_else(|| Err("there is no such program in sieve.programs".into())) {
            Err(why) if !pipe.lenient => {
                failures.push((performed, format!("pipe \"{}\": {why}", pipe.program)))
            }
            Ok(()) | Err(_) => {}
        }
    }
    let Some((performed, what)) = failures.pop() else {
        return;
    };
    let script = performed.script.as_deref().unwrap_or_default();
    let stage = stages.iter().find(|stage| stage.name() == script);
    ran.trouble = Some(stage.map_or_else(
        || nobodys(what.clone()),
        |stage| stage.trouble(what.clone()),
    ));
    ran.keep = true;
}

/// Only the header section, unless a script asks for more.
fn mail(letter: &Letter) -> Mail<'_> {
    let mut mail = Mail::header_only(&letter.header, letter.summary.size.into());
    mail.summary = Some(&letter.summary);
    mail
}

fn nobodys(what: String) -> Trouble {
    Trouble {
        script: String::new(),
        version: script::hash(what.as_bytes()),
        what,
        scope: Scope::Global,
    }
}

impl Stage {
    fn name(&self) -> &str {
        match self {
            Stage::Global(script) => &script.name,
            Stage::Personal { name, .. } => name,
        }
    }

    fn compiled(&self) -> Result<&Script, &sieve::CompileErrors> {
        match self {
            Stage::Global(script) => script.compiled.as_ref().as_ref(),
            Stage::Personal { compiled, .. } => compiled.as_ref().as_ref(),
        }
    }

    fn added<'a>(&self, run: Run<'a>, script: &Script) -> Run<'a> {
        match self {
            Stage::Global(_) => run.global(self.name(), script),
            Stage::Personal { .. } => run.personal(self.name(), script),
        }
    }

    fn trouble(&self, what: String) -> Trouble {
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

fn row(case: &Case, handle: &tokio::runtime::Handle) -> Result<Vec<Stage>, String> {
    let (sieve, scripts) = (&case.config.sieve, &case.services.scripts);
    let admin = |paths| {
        let row = scripts.files.row(&case.config, &scripts.cache, paths);
        row.into_iter().map(Stage::Global)
    };
    let mut stages: Vec<Stage> = admin(&sieve.before).collect();
    match personal(case, handle)? {
        Some(stage) => stages.push(stage),
        None => stages.extend(admin(sieve.default.as_slice())),
    }
    stages.extend(admin(&sieve.after));
    Ok(stages)
}

/// The user's active script.
fn personal(case: &Case, handle: &tokio::runtime::Handle) -> Result<Option<Stage>, String> {
    let source = super::personal::Source::of(&case.config, &case.recipient.address);
    let (store, account) = (&case.services.store, case.recipient.account);
    let active = handle
        .block_on(source.active(store, account))
        .map_err(|error| error.to_string())?;
    let Some(active) = active else {
        return Ok(None);
    };
    let cache = &case.services.scripts.cache;
    let compiled = match cache.known(Scope::Personal, &active.hash) {
        Some(compiled) => compiled,
        None => {
            let content = handle.block_on(source.content(store, account, &active.name));
            let content = content.map_err(|error| error.to_string())?;
            let compiler = compiler(&case.config, Scope::Personal);
            cache.compile(&compiler, Scope::Personal, &content.unwrap_or_default())
        }
    };
    Ok(Some(Stage::Personal {
        name: active.name,
        hash: active.hash,
        compiled,
    }))
}

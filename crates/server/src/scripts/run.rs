//! A run: the scripts of one account about one message, when it arrives or when something happens to it over IMAP.
//!
//! They run on a thread that may block. Which scripts those are is [`super::row`]'s to say; what is to be made of their actions is
//! [`super::effects`]'.

use super::host::ScriptHost;
use super::letters::Octets;
use super::limits;
use super::programs;
use super::row::{self, Stage};
use crate::Services;
use crate::config::Config;
use sieve::{Action, Envelope, Mail, Outcome, Run, Scope};
use std::sync::Arc;
use store::AccountId;
use store::learn::Class;
use store::script::{self, event::Event};

/// What the scripts of one account are to decide about.
pub(crate) struct Case {
    pub(crate) services: Arc<Services>,
    pub(crate) config: Arc<Config>,
    pub(crate) recipient: Recipient,
    pub(crate) envelope: Envelope,
    pub(crate) message: Arc<Letter>,
    pub(crate) found: Found,
    pub(crate) occasion: Occasion,
}

/// Whose scripts run.
#[derive(Clone, Debug)]
pub(crate) struct Recipient {
    pub(crate) account: AccountId,
    /// The account's address.
    pub(crate) address: String,
}

/// The message as it will be filed, or is.
pub(crate) struct Letter {
    /// Its header section with the empty line.
    pub(crate) header: Vec<u8>,
    pub(crate) body: Octets,
    pub(crate) summary: message::Summary,
}

/// What was found in the message when it arrived, as it counts for the account (RFC 5235); nothing, if nobody looked.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Found {
    /// By the filter, of the score that is spam for certain.
    pub(crate) spam: Option<sieve::SpamScore>,
    /// By the scanner for viruses.
    pub(crate) virus: Option<sieve::VirusVerdict>,
}

/// Why scripts run.
#[derive(Clone, Debug)]
pub(crate) enum Occasion {
    /// The message arrives.
    Delivery(Arc<Client>),
    /// Something happened to it (RFC 6785).
    Event(Arc<Happened>),
}

/// Who brought the message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Client {
    pub(crate) address: Option<std::net::IpAddr>,
    /// The name of the address, if DNS confirms it.
    pub(crate) host: Option<String>,
}

/// What happened to a message over IMAP.
#[derive(Clone, Debug)]
pub(crate) struct Happened {
    pub(crate) event: Event,
    /// The message's flags now.
    pub(crate) flags: Vec<String>,
}

impl Occasion {
    /// As a label of the counters.
    fn word(&self) -> &'static str {
        match self {
            Occasion::Delivery(_) => "delivery",
            Occasion::Event(_) => "imap",
        }
    }
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

/// Runs the scripts. `Err`: something could not be looked up; it is to be tried again later.
pub(crate) async fn run(case: Arc<Case>) -> Result<Ran, String> {
    let handle = tokio::runtime::Handle::current();
    let span = tracing::Span::current();
    let task = tokio::task::spawn_blocking(move || span.in_scope(|| run_here(&case, handle)));
    task.await
        .unwrap_or_else(|error| Err(format!("running scripts panicked: {error}")))
}

fn run_here(case: &Case, handle: tokio::runtime::Handle) -> Result<Ran, String> {
    let stages = row::of(case, &handle)?;
    let mut run = Run::new(mail(&case.message), &case.envelope).with_limits(limits(&case.config));
    if let Occasion::Event(happened) = &case.occasion {
        run = run.on(sieve::Occasion::ImapEvent {
            flags: happened.flags.clone(),
        });
    }
    let (mut broken, mut added) = (None, Vec::new());
    for stage in &stages {
        match stage.compiled() {
            Ok(script) => {
                run = stage.added(run, script);
                added.push(stage);
            }
            // A script that does not compile is left out; the others decide.
            Err(errors) => broken = broken.or(Some(stage.trouble(errors.to_string()))),
        }
    }
    let mut host = ScriptHost::new(case, handle);
    let outcome = run.execute(&mut host);
    case.services.metrics.scripts_run(
        case.occasion.word(),
        outcome.error.is_some() || broken.is_some(),
    );
    if let Some(error) = outcome.error.as_ref().filter(|error| error.is_temporary()) {
        return Err(error.to_string());
    }
    let failed = outcome
        .error
        .as_ref()
        .and_then(|error| Some(added.get(error.stage)?.trouble(error.to_string())));
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
    ran.trouble = Some(row::trouble(stages, script, what));
    ran.keep = true;
}

/// Only the header section, unless a script asks for more.
fn mail(letter: &Letter) -> Mail<'_> {
    let mut mail = Mail::header_only(&letter.header, letter.summary.size.into());
    mail.summary = Some(&letter.summary);
    mail
}

impl Trouble {
    /// Of nobody's script in particular.
    pub(super) fn nobodys(what: String) -> Trouble {
        Trouble {
            script: String::new(),
            version: script::hash(what.as_bytes()),
            what,
            scope: Scope::Global,
        }
    }
}

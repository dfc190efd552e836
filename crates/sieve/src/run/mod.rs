//! Running scripts: [`Run`] is the job, [`Outcome`] what came of it.
//!
//! A run has one [`machine::Machine`] with everything that changes. A file per family: [`commands`] decide the flow, [`deliver`] collects
//! actions and settles what excludes what, [`tests`] evaluates; [`document`] is the message with the script's edits.

mod body;
mod commands;
mod compare;
pub(crate) mod dates;
mod deliver;
mod document;
mod edit;
mod flags;
mod header;
mod include;
mod lists;
mod machine;
pub(crate) mod mailto;
mod notify;
mod parts;
mod programs;
mod sequence;
mod tests;
mod vacation;
mod variables;

use crate::action::Performed;
use crate::error::{Place, RuntimeError};
use crate::host::{DuplicateKey, Host};
use crate::limits::Limits;
use crate::mail::{Envelope, Mail};
use crate::script::Script;
use std::sync::Arc;

/// A message, its envelope, and the scripts that shall decide about it, in order.
///
/// While the message would be kept at the end of a script, the next one runs; the last one's keep files it. So `keep` in a script that is
/// not the last means "go on" (H3). `stop` in a script of the admin's ends the whole sequence; in a user's it ends that script.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    mail: Mail<'a>,
    envelope: &'a Envelope,
    occasion: Occasion,
    stages: Vec<Stage>,
    limits: Limits,
    traced: bool,
}

/// One script of a sequence.
#[derive(Clone, Debug)]
pub struct Stage {
    /// How errors, traces and explanations call it.
    pub name: Arc<str>,
    /// The script.
    pub script: Script,
    /// Whose it is.
    pub scope: crate::Scope,
}

/// When scripts run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Occasion {
    /// A message arrives.
    #[default]
    Delivery,
    /// A message is in a mailbox, and something happened to it (RFC 6785); these are its flags. `keep` leaves it where it is, and there is
    /// nobody to `reject` it to.
    ImapEvent {
        /// IMAP flags and keywords.
        flags: Vec<String>,
    },
}

impl<'a> Run<'a> {
    /// With no scripts yet: what comes of it is the implicit keep.
    pub fn new(mail: Mail<'a>, envelope: &'a Envelope) -> Run<'a> {
        Run {
            mail,
            envelope,
            occasion: Occasion::Delivery,
            stages: Vec::new(),
            limits: Limits::default(),
            traced: false,
        }
    }

    /// Adds a user's script to the sequence.
    #[must_use]
    pub fn personal(self, name: &str, script: &Script) -> Run<'a> {
        self.stage(name, script, crate::Scope::Personal)
    }

    /// Adds a script of the admin's to the sequence.
    #[must_use]
    pub fn global(self, name: &str, script: &Script) -> Run<'a> {
        self.stage(name, script, crate::Scope::Global)
    }

    fn stage(mut self, name: &str, script: &Script, scope: crate::Scope) -> Run<'a> {
        self.stages.push(Stage {
            name: name.into(),
            script: script.clone(),
            scope,
        });
        self
    }

    /// On this occasion; by default it is a delivery.
    #[must_use]
    pub fn on(mut self, occasion: Occasion) -> Run<'a> {
        self.occasion = occasion;
        self
    }

    /// With other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Run<'a> {
        self.limits = limits;
        self
    }

    /// Says in [`Outcome::trace`] what happened.
    #[must_use]
    pub fn traced(mut self) -> Run<'a> {
        self.traced = true;
        self
    }

    /// Runs the scripts. It always ends, and always in an outcome; see [`Outcome::error`].
    pub fn execute(&self, host: &mut dyn Host) -> Outcome {
        sequence::execute(self, host)
    }
}

/// What the scripts decided.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// What to do, in order. Without any that [delivers](crate::Action::delivers) the message is dropped, as a script asked for.
    pub actions: Vec<Performed>,
    /// The script that failed, and why. What it wanted is not among the actions; the message is kept (RFC 5228 §2.10.6). If the error
    /// [is temporary](RuntimeError::is_temporary), try the delivery again later instead.
    pub error: Option<RuntimeError>,
    /// What `duplicate` wants remembered, once the actions are carried out (RFC 7352 §3).
    pub remember: Vec<Remember>,
    /// What `debug_log` said.
    pub debug: Vec<TraceLine>,
    /// What happened, if [`Run::traced`] asked for it.
    pub trace: Vec<TraceLine>,
    /// Steps taken, of those that [`Limits::steps`] allows.
    pub steps: u64,
}

/// A key for the memory of `duplicate`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remember {
    /// The key.
    pub key: DuplicateKey,
    /// For how many seconds from now. If it is remembered already, this replaces the time.
    pub seconds: u64,
}

/// Something that happened at a place in a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceLine {
    /// The script.
    pub script: Arc<str>,
    /// The command or test.
    pub place: Place,
    /// What happened.
    pub what: String,
}

/// A name that a header field can have (RFC 5322 §2.2).
pub(crate) fn is_field_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|o| o.is_ascii_graphic() && o != b':')
}

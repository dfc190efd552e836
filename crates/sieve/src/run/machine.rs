//! Everything that changes while scripts run, with the budgets that keep it bounded.

use super::document::Document;
use super::{Occasion, Remember, Run, TraceLine};
use crate::action::Performed;
use crate::capability::Capability;
use crate::code::Text;
use crate::compare::Captures;
use crate::error::{Fault, HostError, Place, RuntimeError};
use crate::host::{Host, Location};
use crate::script::Script;
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

pub(super) struct Machine<'r> {
    pub(super) run: &'r Run<'r>,
    pub(super) host: &'r mut dyn Host,
    pub(super) document: Document<'r>,
    pub(super) budget: Budget,
    pub(super) now: Timestamp,
    pub(super) frame: Frame,
    pub(super) globals: HashMap<Box<str>, Arc<str>>,
    /// Octets of all variables.
    pub(super) variable_memory: usize,
    /// The internal variable of imap4flags.
    pub(super) flags: Vec<String>,
    pub(super) actions: Vec<Performed>,
    /// Notifications of the older `notify`, which `denotify` can take back.
    pub(super) notifications: Vec<(Option<String>, Performed)>,
    pub(super) implicit_keep: bool,
    pub(super) remember: Vec<Remember>,
    pub(super) debug: Vec<TraceLine>,
    pub(super) trace: Vec<TraceLine>,
    /// Scripts that are being included, outermost first.
    pub(super) including: Vec<(Location, String)>,
    /// All scripts that were included.
    pub(super) included: Vec<(Location, String)>,
    pub(super) includes: usize,
    /// Parts that `foreverypart` is at, outermost first.
    pub(super) parts: Vec<usize>,
    pub(super) added_fields: usize,
    /// New contents of parts, for the end of the loop.
    pub(super) replacements: Vec<(usize, Vec<u8>)>,
    /// Octets that edits have made.
    pub(super) edited: usize,
}

/// What belongs to one script: its variables are not those of the scripts it includes (RFC 6609 §3.1).
pub(super) struct Frame {
    pub(super) script: Arc<str>,
    pub(super) place: Place,
    /// Match variables are set only where a script can see them.
    pub(super) has_variables: bool,
    pub(super) variables: HashMap<Box<str>, Arc<str>>,
    /// Variables declared `global`.
    pub(super) shared: HashSet<Box<str>>,
    pub(super) captures: Captures,
    /// Actions before this script.
    pub(super) first_action: usize,
}

impl Frame {
    pub(super) fn new(name: Arc<str>, script: &Script, first_action: usize) -> Frame {
        Frame {
            script: name,
            place: Place::default(),
            has_variables: script.requires(Capability::Variables),
            variables: HashMap::new(),
            shared: HashSet::new(),
            captures: Captures::new(),
            first_action,
        }
    }
}

/// Steps that are left.
pub(super) struct Budget {
    pub(super) steps: u64,
    pub(super) limit: u64,
}

impl Budget {
    pub(super) fn spend(&mut self, steps: u64) -> Done<()> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > self.limit {
            return Err(Failure::limit(format!(
                "it took more than {} steps",
                self.limit
            )));
        }
        Ok(())
    }

    /// Looking through so many octets.
    pub(super) fn look(&mut self, octets: usize) -> Done<()> {
        self.spend(1 + octets as u64 / 256)
    }
}

/// Why a script cannot go on.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) fault: Fault,
    pub(super) what: String,
}

pub(super) type Done<T> = Result<T, Failure>;

impl Failure {
    pub(super) fn script(what: impl Into<String>) -> Failure {
        Failure {
            fault: Fault::Script,
            what: what.into(),
        }
    }

    pub(super) fn limit(what: impl Into<String>) -> Failure {
        Failure {
            fault: Fault::Limit,
            what: what.into(),
        }
    }

    pub(super) fn include(what: impl Into<String>) -> Failure {
        Failure {
            fault: Fault::Include,
            what: what.into(),
        }
    }
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Failure {
        Failure {
            fault: Fault::Host,
            what: error.0,
        }
    }
}

impl<'r> Machine<'r> {
    pub(super) fn new(run: &'r Run<'r>, host: &'r mut dyn Host, frame: Frame) -> Machine<'r> {
        let now = host.now();
        Machine {
            run,
            host,
            document: Document::new(&run.mail),
            budget: Budget {
                steps: 0,
                limit: run.limits.steps,
            },
            now,
            frame,
            globals: HashMap::new(),
            variable_memory: 0,
            flags: Vec::new(),
            actions: Vec::new(),
            notifications: Vec::new(),
            implicit_keep: true,
            remember: Vec::new(),
            debug: Vec::new(),
            trace: Vec::new(),
            including: Vec::new(),
            included: Vec::new(),
            includes: 0,
            parts: Vec::new(),
            added_fields: 0,
            replacements: Vec::new(),
            edited: 0,
        }
    }

    /// The failure of the script we are in.
    pub(super) fn error(&self, failure: Failure, stage: usize) -> RuntimeError {
        RuntimeError {
            script: self.frame.script.clone(),
            stage,
            place: self.frame.place,
            fault: failure.fault,
            what: failure.what,
        }
    }

    /// Notes what happened, for those who asked.
    pub(super) fn note(&mut self, what: impl FnOnce() -> String) {
        if self.run.traced && self.trace.len() < self.run.limits.trace {
            let line = self.line(what());
            self.trace.push(line);
        }
    }

    pub(super) fn line(&self, what: String) -> TraceLine {
        TraceLine {
            script: self.frame.script.clone(),
            place: self.frame.place,
            what,
        }
    }

    pub(super) fn is_imap_event(&self) -> bool {
        matches!(self.run.occasion, Occasion::ImapEvent { .. })
    }

    /// Several strings at once.
    pub(super) fn expand_all(&mut self, texts: &[Text]) -> Done<Vec<String>> {
        texts
            .iter()
            .map(|text| Ok(self.expand(text)?.into_owned()))
            .collect()
    }

    pub(super) fn expand_some(&mut self, text: Option<&Text>) -> Done<Option<String>> {
        text.map(|text| Ok(self.expand(text)?.into_owned()))
            .transpose()
    }
}

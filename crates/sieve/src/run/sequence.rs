//! Scripts one after the other, and what becomes of the keep between them (catalogue H3; RFC 5228 §2.10).

use super::machine::{Failure, Frame, Machine};
use super::{Occasion, Outcome, Run, Stage};
use crate::action::{Action, Keep, Performed};
use crate::capability::Scope;
use crate::error::Place;
use crate::host::Host;
use crate::run::commands::Flow;
use crate::script::Script;

pub(super) fn execute(run: &Run<'_>, host: &mut dyn Host) -> Outcome {
    let idle = Script::new(Vec::new(), crate::Capabilities::NONE, false, Vec::new());
    let frame = Frame::new("".into(), &idle, 0);
    let present = match &run.occasion {
        Occasion::Delivery => Vec::new(),
        Occasion::ImapEvent { flags } => flags.clone(),
    };
    let mut sequence = Sequence {
        machine: Machine::new(run, host, frame),
        present,
        kept_flags: Vec::new(),
        error: None,
    };
    sequence.machine.flags.clone_from(&sequence.present);
    for (i, stage) in run.stages.iter().enumerate() {
        if !sequence.stage(i, stage) {
            break;
        }
    }
    sequence.finish()
}

struct Sequence<'r> {
    machine: Machine<'r>,
    /// On an IMAP event: the flags of the message, as the scripts that have ended leave them.
    present: Vec<String>,
    /// Flags of the keeps of scripts that have ended: the last keep has them too.
    kept_flags: Vec<String>,
    error: Option<crate::RuntimeError>,
}

impl Sequence<'_> {
    /// Runs a script; true if the next one shall run.
    fn stage(&mut self, index: usize, stage: &Stage) -> bool {
        let machine = &mut self.machine;
        let last = index + 1 == machine.run.stages.len();
        let first_action = machine.actions.len();
        machine.frame = Frame::new(stage.name.clone(), &stage.script, first_action);
        machine.flags.clone_from(&self.present);
        let remembered = machine.remember.len();
        let version = machine.document.version();
        machine.note(|| "begins".into());
        match machine.block(stage.script.block()) {
            Ok(flow) => {
                let stops = matches!(flow, Flow::Stop) && stage.scope == Scope::Global;
                self.end_of_script(stops || last)
            }
            Err(failure) => {
                machine.remember.truncate(remembered);
                machine.document.restore(version);
                self.fail(failure, index, first_action);
                false
            }
        }
    }

    /// The script's actions are forgotten; the mail is kept.
    fn fail(&mut self, failure: Failure, stage: usize, first_action: usize) {
        let machine = &mut self.machine;
        let error = machine.error(failure, stage);
        machine.note(|| format!("failed: {}", error.what));
        machine.actions.truncate(first_action);
        machine.notifications.clear();
        machine.flags.clone_from(&self.present);
        machine.implicit_keep = true;
        self.error = Some(error);
    }

    fn end_of_script(&mut self, ends: bool) -> bool {
        let notifications = std::mem::take(&mut self.machine.notifications);
        let notifications = notifications.into_iter().map(|(_, performed)| performed);
        self.machine.actions.extend(notifications);
        if ends {
            return false;
        }
        let kept = self.take_keep();
        if !self.machine.implicit_keep && kept.is_none() {
            self.machine
                .note(|| "ends all: the mail is not to be kept".into());
            return false;
        }
        let flags = kept.unwrap_or_else(|| std::mem::take(&mut self.machine.flags));
        match &self.machine.run.occasion {
            Occasion::Delivery => super::flags::add(&mut self.kept_flags, &flags),
            Occasion::ImapEvent { .. } => self.present = flags,
        }
        self.machine.implicit_keep = true;
        true
    }

    /// An explicit keep of a script that is not the last one: it only says that the next one shall run.
    fn take_keep(&mut self) -> Option<Vec<String>> {
        let actions = &mut self.machine.actions;
        let at = actions
            .iter()
            .position(|p| matches!(p.action, Action::Keep(_)))?;
        match actions.remove(at).action {
            Action::Keep(keep) => Some(keep.flags),
            _ => None,
        }
    }

    fn finish(mut self) -> Outcome {
        if self.machine.implicit_keep {
            self.implicit_keep();
        }
        for performed in &mut self.machine.actions {
            if let Action::Keep(keep) = &mut performed.action {
                super::flags::add(&mut keep.flags, &self.kept_flags);
            }
        }
        let machine = self.machine;
        Outcome {
            actions: machine.actions,
            error: self.error,
            remember: machine.remember,
            debug: machine.debug,
            trace: machine.trace,
            steps: machine.budget.steps,
        }
    }

    fn implicit_keep(&mut self) {
        let machine = &mut self.machine;
        machine.frame.place = Place::default();
        let flags = std::mem::take(&mut machine.flags);
        if machine.merge_keep(&flags) {
            return;
        }
        let version = machine.document.version();
        machine.actions.push(Performed {
            action: Action::Keep(Keep {
                flags,
                implicit: true,
            }),
            script: None,
            place: Place::default(),
            version,
        });
    }
}

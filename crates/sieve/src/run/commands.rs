//! Commands, one after the other: what each does is in the file of its family.

use super::machine::{Done, Failure, Machine};
use crate::action::Importance;
use crate::code::{Block, Command, Statement};

/// How a block ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// At its end.
    Next,
    /// `stop`: the whole script ends.
    Stop,
    /// `return`: the included script ends (RFC 6609 §3.3).
    Return,
    /// `break`: the loop of this name ends, or without one the innermost (RFC 5703 §3).
    Break(Option<String>),
}

impl Machine<'_> {
    pub(super) fn block(&mut self, block: &Block) -> Done<Flow> {
        for statement in block {
            match self.statement(statement)? {
                Flow::Next => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }

    fn statement(&mut self, statement: &Statement) -> Done<Flow> {
        self.budget.spend(1)?;
        self.frame.place = statement.place;
        match &statement.command {
            Command::If(branches, otherwise) => {
                for (condition, block) in branches {
                    if self.condition(condition)? {
                        return self.block(block);
                    }
                }
                self.block(otherwise)
            }
            Command::Stop => {
                self.note(|| "stop".into());
                Ok(Flow::Stop)
            }
            Command::Return => Ok(Flow::Return),
            Command::Break { name } => Ok(Flow::Break(self.expand_some(name.as_ref())?)),
            Command::Include(include) => self.include(include),
            Command::ForEveryPart { name, block } => self.for_every_part(name.as_ref(), block),
            command => self.action(command).map(|()| Flow::Next),
        }
    }

    /// Commands that never change the flow.
    fn action(&mut self, command: &Command) -> Done<()> {
        match command {
            Command::Keep { flags } => self.keep(flags.as_deref()),
            Command::Discard => self.discard(),
            Command::FileInto(file) => self.file_into(file),
            Command::Redirect(redirect) => self.redirect(redirect),
            Command::Reject { reason, ereject } => self.reject(reason, *ereject),
            Command::Vacation(vacation) => self.vacation(vacation),
            Command::Notify(notify) => self.notify(notify),
            Command::OldNotify(notify) => self.old_notify(notify),
            Command::Denotify(denotify) => self.denotify(denotify),
            Command::Flags {
                change,
                variable,
                flags,
            } => self.change_flags(*change, variable.as_ref(), flags),
            Command::Set {
                variable,
                modifiers,
                value,
            } => self.set(variable, modifiers, value),
            Command::Global(names) => self.share(names),
            Command::Error(message) => {
                let message = self.expand(message)?;
                Err(Failure::script(message))
            }
            Command::Debug(text) => {
                let text = self.expand(text)?.into_owned();
                self.say(text);
                Ok(())
            }
            Command::Unavailable(what) => Err(Failure::script(&**what)),
            command => self.edit(command),
        }
    }

    /// Commands that change the message, or give it to a program.
    fn edit(&mut self, command: &Command) -> Done<()> {
        match command {
            Command::AddHeader(add) => self.add_header(add),
            Command::DeleteHeader(delete) => self.delete_header(delete),
            Command::ExtractText {
                variable,
                modifiers,
                first,
            } => self.extract_text(variable, modifiers, *first),
            Command::Replace(replace) => self.replace(replace),
            Command::Enclose(enclose) => self.enclose(enclose),
            Command::Pipe {
                program,
                arguments,
                copy,
                lenient,
            } => self.pipe(program, arguments, *copy, *lenient),
            Command::Execute(execute) => self.execute(execute).map(drop),
            Command::Filter { program, arguments } => self.filter(program, arguments).map(drop),
            Command::Report {
                feedback_type,
                message,
                address,
                headers_only,
            } => self.report(feedback_type, message, address, *headers_only),
            _ => Ok(()),
        }
    }

    fn say(&mut self, text: String) {
        self.note(|| format!("debug_log {text:?}"));
        if self.debug.len() < self.run.limits.actions {
            let line = self.line(text);
            self.debug.push(line);
        }
    }
}

/// RFC 5435 §3.4
pub(super) fn importance(text: &str) -> Importance {
    match text {
        "1" => Importance::High,
        "3" => Importance::Low,
        _ => Importance::Normal,
    }
}

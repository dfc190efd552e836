//! Programs of the admin's: `pipe`, `execute`, `filter`; and `report` (Pigeonhole's extensions).

use super::deliver::one_address;
use super::machine::{Done, Failure, Machine};
use crate::action::{Action, Pipe, Report};
use crate::code::{Execute, ExecuteInput, Text};
use crate::host::{Executed, Program, ProgramInput};

impl Machine<'_> {
    pub(super) fn pipe(
        &mut self,
        program: &Text,
        arguments: &[Text],
        copy: bool,
        lenient: bool,
    ) -> Done<()> {
        self.not_refused("pipe")?;
        let program = self.program_name(program)?;
        let arguments = self.expand_all(arguments)?;
        if !copy {
            self.implicit_keep = false;
        }
        self.perform(Action::Pipe(Pipe {
            program,
            arguments,
            copy,
            lenient,
        }))
    }

    fn program_name(&mut self, name: &Text) -> Done<String> {
        let name = self.expand(name)?.into_owned();
        let wrong = |c: char| c == '/' || c.is_control();
        if name.is_empty() || name.starts_with('.') || name.contains(wrong) {
            return Err(Failure::script(format!("{name:?} is no name of a program")));
        }
        Ok(name)
    }

    /// True if it ended with success. Without `:output` what it says is dropped.
    pub(super) fn execute(&mut self, execute: &Execute) -> Done<bool> {
        let input = match &execute.input {
            ExecuteInput::Nothing => ProgramInput::Nothing,
            ExecuteInput::Pipe => ProgramInput::Message(self.document.version()),
            ExecuteInput::Text(text) => ProgramInput::Text(self.expand(text)?.into_owned()),
        };
        let output = self.call(&execute.program, &execute.arguments, input)?;
        if let (Some(output), Some(variable)) = (&output, &execute.output) {
            self.assign(variable, String::from_utf8_lossy(output).into_owned())?;
        }
        Ok(output.is_some())
    }

    /// The message becomes what the program says, if it succeeds.
    pub(super) fn filter(&mut self, program: &Text, arguments: &[Text]) -> Done<bool> {
        if !self.parts.is_empty() {
            return Err(Failure::script("filter cannot run in a foreverypart"));
        }
        let input = ProgramInput::Message(self.document.version());
        match self.call(program, arguments, input)? {
            Some(octets) if !octets.is_empty() => {
                self.rewrite(octets, "filter")?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn call(
        &mut self,
        program: &Text,
        arguments: &[Text],
        input: ProgramInput,
    ) -> Done<Option<Vec<u8>>> {
        let program = Program {
            name: self.program_name(program)?,
            arguments: self.expand_all(arguments)?,
            input,
        };
        self.budget.spend(1000)?;
        let executed = self.host.execute(&program)?;
        self.note(|| match &executed {
            Executed::Success(output) => {
                format!("{:?} succeeded with {} octets", program.name, output.len())
            }
            Executed::Failure => format!("{:?} failed", program.name),
            Executed::NotFound => format!("there is no program {:?}", program.name),
        });
        match executed {
            Executed::Success(output) => Ok(Some(output)),
            Executed::Failure => Ok(None),
            Executed::NotFound => Err(Failure::script(format!(
                "there is no program {:?}",
                program.name
            ))),
        }
    }

    pub(super) fn report(
        &mut self,
        feedback_type: &Text,
        message: &Text,
        address: &Text,
        headers_only: bool,
    ) -> Done<()> {
        let feedback_type = self.expand(feedback_type)?.to_ascii_lowercase();
        let token = |o: u8| o.is_ascii_alphanumeric() || o == b'-';
        if feedback_type.is_empty() || !feedback_type.bytes().all(token) {
            return Err(Failure::script(format!(
                "{feedback_type:?} is no type of feedback"
            )));
        }
        let report = Report {
            feedback_type,
            message: self.expand(message)?.into_owned(),
            address: one_address(&self.expand(address)?)?,
            headers_only,
        };
        self.perform(Action::Report(Box::new(report)))
    }
}

//! Commands that change variables or the message, and those of Pigeonhole.

use super::Checked;
use super::arguments::Arguments;
use crate::capability::Capability;
use crate::code::{
    AddHeader, Command, DeleteHeader, Enclose, Execute, ExecuteInput, Modifier, Replace, Text,
    Variable,
};

impl Arguments<'_, '_, '_> {
    pub(super) fn extra(&mut self, name: &str) -> Checked<Command> {
        match name {
            "set" => self.set(),
            "addheader" => self.add_header(),
            "deleteheader" => self.delete_header(),
            "extracttext" => self.extract_text(),
            "replace" => self.replace(),
            "enclose" => self.enclose(),
            "pipe" => self.pipe(),
            "execute" => Ok(Command::Execute(Box::new(self.execute()?))),
            "filter" => {
                let (program, arguments) = self.filter()?;
                Ok(Command::Filter { program, arguments })
            }
            "report" => self.abuse_report(),
            "debug_log" => {
                self.needs(Capability::DovecotDebug)?;
                Ok(Command::Debug(self.text("a text")?))
            }
            _ => self.report(
                format!("`{name}` is a test, not a command"),
                Some("write if … { … }".into()),
            ),
        }
    }

    fn set(&mut self) -> Checked<Command> {
        self.needs(Capability::Variables)?;
        let modifiers = self.modifiers()?;
        let variable = self.variable()?;
        let value = self.text("a value")?;
        Ok(Command::Set {
            variable,
            modifiers,
            value,
        })
    }

    fn variable(&mut self) -> Checked<Variable> {
        let name = self.plain("the name of a variable")?;
        self.checker.variable(self.place, &name)
    }

    /// RFC 5229 §4.1: one of each precedence at most; applied from the highest down.
    fn modifiers(&mut self) -> Checked<Vec<Modifier>> {
        let mut found = Vec::new();
        for group in GROUPS {
            let before = found.len();
            for (tag, modifier, needs) in *group {
                if self.flag(tag, needs)? {
                    found.push(*modifier);
                }
            }
            if found.len() > before + 1 {
                let names: Vec<String> =
                    group.iter().map(|(tag, ..)| format!("`:{tag}`")).collect();
                return self.report(format!("{} exclude each other", names.join(" and ")), None);
            }
        }
        Ok(found)
    }

    fn add_header(&mut self) -> Checked<Command> {
        self.needs(Capability::EditHeader)?;
        let last = self.flag("last", &[])?;
        let name = self.field_name()?;
        let value = self.text("the value of the header field")?;
        Ok(Command::AddHeader(Box::new(AddHeader {
            last,
            name,
            value,
        })))
    }

    fn field_name(&mut self) -> Checked<Text> {
        let name = self.text("the name of a header field")?;
        if let Some(constant) = name.as_constant()
            && !crate::run::is_field_name(constant)
        {
            let what = format!("\"{constant}\" is no name of a header field");
            return self.report(what, None);
        }
        Ok(name)
    }

    fn delete_header(&mut self) -> Checked<Command> {
        self.needs(Capability::EditHeader)?;
        let index = self.index(&[])?;
        let how = self.matching()?;
        let name = self.field_name()?;
        let values = match self.left() {
            0 => None,
            _ => Some(self.criterion(how)?),
        };
        Ok(Command::DeleteHeader(Box::new(DeleteHeader {
            index,
            name,
            values,
        })))
    }

    fn extract_text(&mut self) -> Checked<Command> {
        self.needs(Capability::ExtractText)?;
        if self.checker.loops.is_empty() {
            return self.report("`extracttext` must stand in a `foreverypart`", None);
        }
        let modifiers = self.modifiers()?;
        let first = self.number_tag("first", &[])?;
        let variable = self.variable()?;
        Ok(Command::ExtractText {
            variable,
            modifiers,
            first,
        })
    }

    fn replace(&mut self) -> Checked<Command> {
        self.needs(Capability::Replace)?;
        self.checker.needs_body = true;
        Ok(Command::Replace(Box::new(Replace {
            mime: self.flag("mime", &[])?,
            subject: self.text_tag("subject", &[])?,
            from: self.text_tag("from", &[])?,
            replacement: self.text("the replacement")?,
        })))
    }

    fn enclose(&mut self) -> Checked<Command> {
        self.needs(Capability::Enclose)?;
        self.checker.needs_body = true;
        Ok(Command::Enclose(Box::new(Enclose {
            subject: self.text_tag("subject", &[])?,
            headers: self.texts_tag("headers", &[])?.unwrap_or_default(),
            text: self.text("the text to enclose the message with")?,
        })))
    }

    fn program(&mut self) -> Checked<(Text, Vec<Text>)> {
        let program = self.text("the name of a program")?;
        let arguments = match self.left() {
            0 => Vec::new(),
            _ => self.texts("the arguments of the program")?,
        };
        Ok((program, arguments))
    }

    fn pipe(&mut self) -> Checked<Command> {
        self.needs(Capability::DovecotPipe)?;
        let copy = self.flag("copy", &[Capability::Copy])?;
        let lenient = self.flag("try", &[])?;
        let (program, arguments) = self.program()?;
        Ok(Command::Pipe {
            program,
            arguments,
            copy,
            lenient,
        })
    }

    pub(super) fn filter(&mut self) -> Checked<(Text, Vec<Text>)> {
        self.needs(Capability::DovecotFilter)?;
        self.checker.needs_body = true;
        self.program()
    }

    pub(super) fn execute(&mut self) -> Checked<Execute> {
        self.needs(Capability::DovecotExecute)?;
        let pipe = self.flag("pipe", &[])?;
        let text = self.text_tag("input", &[])?;
        let input = match (pipe, text) {
            (true, Some(_)) => return self.report("`:input` and `:pipe` exclude each other", None),
            (true, None) => ExecuteInput::Pipe,
            (false, Some(text)) => ExecuteInput::Text(text),
            (false, None) => ExecuteInput::Nothing,
        };
        let output = match self.text_tag("output", &[Capability::Variables])? {
            None => None,
            Some(name) => Some(
                self.checker
                    .variable(self.place, name.as_constant().unwrap_or_default())?,
            ),
        };
        let (program, arguments) = self.program()?;
        Ok(Execute {
            program,
            arguments,
            input,
            output,
        })
    }

    fn abuse_report(&mut self) -> Checked<Command> {
        self.needs(Capability::DovecotReport)?;
        Ok(Command::Report {
            headers_only: self.flag("headers_only", &[])?,
            feedback_type: self.text("a type of feedback such as \"abuse\"")?,
            message: self.text("a text for people")?,
            address: self.text("an address")?,
        })
    }
}

type Group = &'static [(&'static str, Modifier, &'static [Capability])];

/// Modifiers by precedence, highest first.
const GROUPS: &[Group] = &[
    &[
        ("lower", Modifier::Lower, &[]),
        ("upper", Modifier::Upper, &[]),
    ],
    &[
        ("lowerfirst", Modifier::LowerFirst, &[]),
        ("upperfirst", Modifier::UpperFirst, &[]),
    ],
    &[
        ("quotewildcard", Modifier::QuoteWildcard, &[]),
        ("quoteregex", Modifier::QuoteRegex, &[Capability::Regex]),
    ],
    &[("encodeurl", Modifier::EncodeUrl, &[Capability::Enotify])],
    &[("length", Modifier::Length, &[])],
];

//! Blocks, `require`, `if`, and the other commands that decide what runs (RFC 5228 §3, RFC 5463, RFC 6609, RFC 5703 §3).

use super::arguments::Arguments;
use super::{Broken, Checked, Checker};
use crate::capability::{Capability, Scope};
use crate::code::{Block, Command, Condition, Include, Statement};
use crate::error::Place;
use crate::host::Location;
use crate::syntax;

/// Names that a mistyped command may have meant.
const COMMANDS: [&str; 41] = [
    "require",
    "if",
    "elsif",
    "else",
    "stop",
    "keep",
    "discard",
    "fileinto",
    "redirect",
    "reject",
    "ereject",
    "vacation",
    "notify",
    "denotify",
    "setflag",
    "addflag",
    "removeflag",
    "mark",
    "unmark",
    "set",
    "include",
    "return",
    "global",
    "error",
    "addheader",
    "deleteheader",
    "foreverypart",
    "break",
    "extracttext",
    "replace",
    "enclose",
    "pipe",
    "execute",
    "filter",
    "report",
    "debug_log",
    "header",
    "address",
    "exists",
    "envelope",
    "size",
];

impl Checker<'_> {
    /// A script as a whole.
    pub(super) fn script(&mut self, commands: &[syntax::Command]) -> Block {
        self.block(commands)
    }

    fn block(&mut self, commands: &[syntax::Command]) -> Block {
        let mut block = Vec::with_capacity(commands.len());
        let mut rest = commands;
        while let Some((first, behind)) = rest.split_first() {
            let length = if is(first, "if") {
                1 + chain_length(behind)
            } else {
                1
            };
            let (chain, behind) = rest.split_at(length);
            rest = behind;
            if let Some(command) = self.command(first, chain) {
                let place = first.place;
                block.push(Statement { place, command });
            }
        }
        block
    }

    /// One command; `chain` is it and the `elsif` and `else` that belong to it.
    fn command(&mut self, command: &syntax::Command, chain: &[syntax::Command]) -> Option<Command> {
        let checked = if is(command, "require") {
            self.require(command)
        } else {
            self.at_start = false;
            match command.name.to_ascii_lowercase().as_str() {
                "if" => self.branches(chain),
                "elsif" | "else" => {
                    let what = format!("`{}` must follow an `if` or `elsif`", command.name);
                    self.report(command.place, what, None)
                }
                "foreverypart" => self.for_every_part(command),
                _ => self.plain_command(command),
            }
        };
        match checked {
            Ok(command) => command,
            Err(Broken::Reported) => None,
            Err(Broken::Unavailable(what)) => Some(Command::Unavailable(what.into())),
        }
    }

    fn require(&mut self, command: &syntax::Command) -> Checked<Option<Command>> {
        self.no_block(command)?;
        self.no_tests(command)?;
        if !self.at_start {
            return self.report(
                command.place,
                "`require` must stand at the start of the script",
                None,
            );
        }
        let mut arguments = Arguments::new(self, command.place, "require", &command.arguments);
        let names = arguments.plains("the names of extensions")?;
        arguments.finish()?;
        for name in names {
            // Each one is reported, and the next one looked at.
            let _ = self.require_one(command.place, &name);
        }
        Ok(None)
    }

    fn require_one(&mut self, place: Place, name: &str) -> Checked<()> {
        let capability = Capability::by_name(name);
        match capability {
            Some(capability) if self.compiler.available.contains(capability) => {
                self.grant(capability);
                self.conflicting_notify(place)
            }
            Some(capability) => {
                let hint =
                    match capability.is_global_only() && self.compiler.scope == Scope::Personal {
                        true => "only scripts of the administrator may use it",
                        false => "it is switched off here",
                    };
                self.report(
                    place,
                    format!("the extension \"{name}\" cannot be used"),
                    Some(hint.into()),
                )
            }
            None => {
                let known: Vec<&str> = self
                    .compiler
                    .available
                    .iter()
                    .map(Capability::name)
                    .collect();
                let hint = super::nearest::nearest(name, &known)
                    .map(|near| format!("did you mean \"{near}\"?"));
                self.report(place, format!("there is no extension \"{name}\""), hint)
            }
        }
    }

    /// Both give `notify` another meaning.
    fn conflicting_notify(&mut self, place: Place) -> Checked<()> {
        if self.has(Capability::Enotify) && self.has(Capability::Notify) {
            let what = "\"enotify\" and the older \"notify\" exclude each other";
            return self.report(place, what, Some("require \"enotify\" only".into()));
        }
        Ok(())
    }

    pub(super) fn grant(&mut self, capability: Capability) {
        self.required = self.required.with(capability);
        for implied in capability.implied() {
            self.required = self.required.with(*implied);
        }
    }

    fn branches(&mut self, chain: &[syntax::Command]) -> Checked<Option<Command>> {
        let mut branches = Vec::new();
        let mut otherwise = Vec::new();
        for link in chain {
            if is(link, "else") {
                self.no_tests(link)?;
                self.no_arguments(link)?;
                otherwise = self.needed_block(link);
            } else if let Some(branch) = self.branch(link) {
                branches.push(branch);
            }
        }
        Ok(Some(Command::If(branches, otherwise)))
    }

    /// `if test { … }`. Errors in the test do not hide those in the block.
    fn branch(&mut self, link: &syntax::Command) -> Option<(Condition, Block)> {
        let condition = match (self.no_arguments(link), link.tests.as_slice()) {
            (Err(_), _) => None,
            (Ok(()), [test]) => self.condition(test),
            (Ok(()), _) => {
                let what = format!("`{}` needs exactly one test", link.name);
                let hint = "join several with allof (…) or anyof (…)".to_owned();
                let _ = self.report::<()>(link.place, what, Some(hint));
                None
            }
        };
        let block = self.needed_block(link);
        condition.map(|condition| (condition, block))
    }

    fn needed_block(&mut self, command: &syntax::Command) -> Block {
        match &command.block {
            Some(commands) => self.block(commands),
            None => {
                let what = format!("`{}` needs a block", command.name);
                let _ = self.report::<()>(command.place, what, Some("{ … }".into()));
                Vec::new()
            }
        }
    }

    fn no_block(&mut self, command: &syntax::Command) -> Checked<()> {
        match command.block {
            None => Ok(()),
            Some(_) => {
                let what = format!("`{}` takes no block", command.name);
                self.report(command.place, what, Some("end it with a semicolon".into()))
            }
        }
    }

    fn no_tests(&mut self, command: &syntax::Command) -> Checked<()> {
        match command.tests.as_slice().first() {
            None => Ok(()),
            Some(test) => {
                let what = format!("`{}` takes no test", command.name);
                let hint = format!("is a ; missing behind `{}`?", command.name);
                self.report(test.place, what, Some(hint))
            }
        }
    }

    fn no_arguments(&mut self, command: &syntax::Command) -> Checked<()> {
        Arguments::new(self, command.place, &command.name, &command.arguments).finish()
    }

    fn for_every_part(&mut self, command: &syntax::Command) -> Checked<Option<Command>> {
        self.need(command.place, "`foreverypart`", Capability::ForEveryPart)?;
        self.no_tests(command)?;
        self.needs_body = true;
        let mut arguments = Arguments::new(self, command.place, "foreverypart", &command.arguments);
        let name = arguments.text_tag("name", &[])?;
        arguments.finish()?;
        let constant = name
            .as_ref()
            .and_then(|name| name.as_constant())
            .unwrap_or_default();
        self.loops.push(constant.to_owned());
        let block = self.needed_block(command);
        self.loops.pop();
        Ok(Some(Command::ForEveryPart { name, block }))
    }

    /// Everything that ends in a semicolon and has no tests.
    fn plain_command(&mut self, command: &syntax::Command) -> Checked<Option<Command>> {
        let name = command.name.to_ascii_lowercase();
        if !COMMANDS.contains(&name.as_str()) {
            return self.unknown(command.place, "command", &command.name, &COMMANDS);
        }
        self.no_tests(command)?;
        self.no_block(command)?;
        let mut arguments = Arguments::new(self, command.place, &name, &command.arguments);
        let compiled = arguments.compile(&name)?;
        arguments.finish()?;
        Ok(Some(compiled))
    }
}

impl Arguments<'_, '_, '_> {
    fn compile(&mut self, name: &str) -> Checked<Command> {
        match name {
            "stop" => Ok(Command::Stop),
            "include" => self.include(),
            "return" => {
                self.needs(Capability::Include)?;
                Ok(Command::Return)
            }
            "global" => self.global(),
            "error" => {
                self.needs(Capability::Ihave)?;
                Ok(Command::Error(self.text("a message")?))
            }
            "break" => self.break_loop(),
            _ => self.action(name),
        }
    }

    /// The command or test as a whole needs an extension.
    pub(super) fn needs(&mut self, capability: Capability) -> Checked<()> {
        self.needs_one(&[capability])
    }

    pub(super) fn needs_one(&mut self, any: &[Capability]) -> Checked<()> {
        let what = format!("`{}`", self.name);
        self.checker.need_one(self.place, &what, any)
    }

    fn include(&mut self) -> Checked<Command> {
        self.needs(Capability::Include)?;
        let location = self.choice(&[
            ("personal", Location::Personal),
            ("global", Location::Global),
        ])?;
        let once = self.flag("once", &[])?;
        let optional = self.flag("optional", &[])?;
        let name = self.text("the name of a script")?;
        Ok(Command::Include(Box::new(Include {
            location: location.unwrap_or(Location::Personal),
            once,
            optional,
            name,
        })))
    }

    fn global(&mut self) -> Checked<Command> {
        self.needs(Capability::Include)?;
        self.checker
            .need(self.place, "`global`", Capability::Variables)?;
        let mut names = Vec::new();
        for name in self.plains("names of variables")? {
            match self.checker.variable(self.place, &name)? {
                crate::code::Variable::Local(name) => names.push(name),
                crate::code::Variable::Global(_) => {
                    return self.report(format!("`{name}` is global as it is"), None);
                }
            }
        }
        Ok(Command::Global(names))
    }

    fn break_loop(&mut self) -> Checked<Command> {
        self.needs(Capability::ForEveryPart)?;
        let name = self.text_tag("name", &[])?;
        if self.checker.loops.is_empty() {
            return self.report("`break` must stand in a `foreverypart`", None);
        }
        if let Some(wanted) = name.as_ref().and_then(|name| name.as_constant())
            && !self.checker.loops.iter().any(|known| known == wanted)
        {
            return self.report(
                format!("no `foreverypart` around this is named \"{wanted}\""),
                None,
            );
        }
        Ok(Command::Break { name })
    }
}

fn is(command: &syntax::Command, name: &str) -> bool {
    command.name.eq_ignore_ascii_case(name)
}

/// How many `elsif`, and after them perhaps an `else`, follow an `if`.
fn chain_length(behind: &[syntax::Command]) -> usize {
    let elsifs = behind.iter().take_while(|c| is(c, "elsif")).count();
    let ends = behind.get(elsifs).is_some_and(|c| is(c, "else"));
    elsifs + usize::from(ends)
}

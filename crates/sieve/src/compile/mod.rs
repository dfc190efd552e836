//! From source to a [`Script`]: what `require` declares, which commands and tests there are, and that their arguments fit.
//!
//! All problems of a script are found at once. A file per family: [`control`], [`actions`], [`tests`]; [`arguments`] reads tags and
//! positional arguments in whatever order RFC 5228 §2.6 lets them have, [`text`] strings with variables, [`matching`] match types.

mod actions;
mod arguments;
mod control;
mod extras;
mod matching;
mod nearest;
mod tests;
mod text;
mod warnings;

use crate::capability::{Capabilities, Capability, Scope};
use crate::error::{CompileErrors, Place, Problem};
use crate::limits::Limits;
use crate::script::Script;
use crate::syntax;

/// Compiles scripts: what they may use, and how large they may be.
#[derive(Clone, Debug)]
pub struct Compiler {
    scope: Scope,
    available: Capabilities,
    limits: Limits,
}

impl Compiler {
    /// For scripts of this scope, with every extension that they may have.
    pub fn new(scope: Scope) -> Compiler {
        Compiler {
            scope,
            available: Capabilities::all(scope),
            limits: Limits::default(),
        }
    }

    /// Switches an extension off: it is not announced, and `require` does not know it.
    #[must_use]
    pub fn without(mut self, capability: Capability) -> Compiler {
        self.available = self.available.without(capability);
        self
    }

    /// With other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Compiler {
        self.limits = limits;
        self
    }

    /// What scripts may require; its text is the `SIEVE` line of ManageSieve.
    pub fn capabilities(&self) -> Capabilities {
        self.available
    }

    /// Compiles a script, which must be UTF-8.
    ///
    /// # Errors
    ///
    /// All problems of the script, by place.
    pub fn compile(&self, source: &[u8]) -> Result<Script, CompileErrors> {
        let text =
            std::str::from_utf8(source).map_err(|error| not_utf8(source, error.valid_up_to()))?;
        let (tree, problems) = syntax::parse_with_problems(text, &self.limits);
        let mut checker = Checker::new(self, problems);
        let block = checker.script(&tree.commands);
        let mut problems = checker.problems;
        if problems.is_empty() {
            let warnings = warnings::of(&block, &self.limits);
            let (required, needs_body) = (checker.required, checker.needs_body);
            return Ok(Script::new(block, required, needs_body, warnings));
        }
        problems.sort_by_key(|problem| problem.place);
        problems.truncate(self.limits.errors.max(1));
        Err(CompileErrors { problems })
    }
}

fn not_utf8(source: &[u8], at: usize) -> CompileErrors {
    let before = String::from_utf8_lossy(&source[..at]);
    let line = before.lines().last().filter(|_| !before.ends_with('\n'));
    let place = Place {
        line: 1 + before.matches('\n').count() as u32,
        column: 1 + line.map_or(0, |line| line.chars().count()) as u32,
    };
    CompileErrors {
        problems: vec![Problem {
            place,
            what: "the script is not UTF-8".into(),
            hint: Some("save it in UTF-8".into()),
        }],
    }
}

/// State while one script is checked.
struct Checker<'c> {
    compiler: &'c Compiler,
    required: Capabilities,
    /// Only `require` was seen so far.
    at_start: bool,
    needs_body: bool,
    /// Names of the loops we are in; empty for one without.
    loops: Vec<String>,
    problems: Vec<Problem>,
}

/// Why a command or test has no meaning.
enum Broken {
    /// It was reported.
    Reported,
    /// It needs what is not there, in a script that may find that out itself (RFC 5463 §4).
    Unavailable(String),
}

type Checked<T> = Result<T, Broken>;

impl<'c> Checker<'c> {
    fn new(compiler: &'c Compiler, problems: Vec<Problem>) -> Checker<'c> {
        Checker {
            compiler,
            required: Capabilities::NONE,
            at_start: true,
            needs_body: false,
            loops: Vec::new(),
            problems,
        }
    }

    fn report<T>(
        &mut self,
        place: Place,
        what: impl Into<String>,
        hint: Option<String>,
    ) -> Checked<T> {
        self.problems.push(Problem {
            place,
            what: what.into(),
            hint,
        });
        Err(Broken::Reported)
    }

    fn has(&self, capability: Capability) -> bool {
        self.required.contains(capability)
    }

    /// `what` needs one of these extensions.
    fn need_one(&mut self, place: Place, what: &str, any: &[Capability]) -> Checked<()> {
        let Some(&first) = any.first() else {
            return Ok(());
        };
        if any.iter().any(|c| self.has(*c)) {
            return Ok(());
        }
        self.unavailable(place, what, first)
    }

    fn need(&mut self, place: Place, what: &str, capability: Capability) -> Checked<()> {
        self.need_one(place, what, &[capability])
    }

    fn unavailable<T>(&mut self, place: Place, what: &str, missing: Capability) -> Checked<T> {
        let text = format!("{what} needs the extension \"{missing}\"");
        if self.has(Capability::Ihave) {
            return Err(Broken::Unavailable(text));
        }
        let hint = if self.compiler.available.contains(missing) {
            format!("write require \"{missing}\"; at the start of the script")
        } else if missing.is_global_only() && self.compiler.scope == Scope::Personal {
            "only scripts of the administrator may use it".into()
        } else {
            "it is switched off here".into()
        };
        self.report(place, text, Some(hint))
    }

    fn unknown<T>(&mut self, place: Place, what: &str, name: &str, known: &[&str]) -> Checked<T> {
        let text = format!("there is no {what} `{name}`");
        if self.has(Capability::Ihave) {
            return Err(Broken::Unavailable(text));
        }
        let hint = nearest::nearest(name, known).map(|near| format!("did you mean `{near}`?"));
        self.report(place, text, hint)
    }
}

//! What can be wrong with a script: when it is compiled (all problems at once), and when it runs.

use std::fmt;
use std::sync::Arc;

/// Where in a script's source something stands. Both count from 1; columns count characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// One problem of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// What is wrong, as a sentence without a full stop.
    pub what: String,
    /// What to do about it, if that can be guessed.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

/// Why a script cannot be compiled: all its problems, by place. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct CompileErrors {
    pub(crate) problems: Vec<Problem>,
}

impl CompileErrors {
    /// The problems, in the order of the source.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for CompileErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.problems.iter().map(Problem::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// A script failed while it ran. The mail is kept (RFC 5228 §2.10.6).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{script}, {place}: {what}")]
pub struct RuntimeError {
    /// Name of the script, as the host gave it.
    pub script: Arc<str>,
    /// Which of the scripts that were added to the run it is, or is included by, from 0 on.
    pub stage: usize,
    /// The command or test that failed.
    pub place: Place,
    /// Whose fault it is.
    pub fault: Fault,
    /// What happened, for the owner of the script to read.
    pub what: String,
}

impl RuntimeError {
    /// May the same message pass later? Then the delivery should be tried again instead of keeping the mail unfiltered.
    pub fn is_temporary(&self) -> bool {
        self.fault == Fault::Host
    }
}

/// Whose fault a failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The script's: it asked for what makes no sense (an `error`, a wrong address, actions that exclude each other).
    Script,
    /// The script would need more than its [`crate::Limits`].
    Limit,
    /// A script that it includes is not there or is broken.
    Include,
    /// The host could not answer a question: temporary.
    Host,
}

/// The host could not answer, for now: its store or a program is away. Absence is an answer, not this.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HostError(pub String);

//! How commands end: exit codes (X33) and the sentence that says why.

use server::control::{self, FailureKind};
use std::fmt;
use std::process::ExitCode;

/// Why a command failed, with its exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
    /// If a request failed: how.
    kind: Option<FailureKind>,
}

impl Failure {
    /// 1: it did not work.
    pub(crate) fn failed(message: impl fmt::Display) -> Failure {
        Failure::with_code(1, message)
    }

    /// 2: the command line is wrong.
    pub(crate) fn usage(message: impl fmt::Display) -> Failure {
        Failure::with_code(2, message)
    }

    /// 78: the configuration is wrong.
    pub(crate) fn config(message: impl fmt::Display) -> Failure {
        Failure::with_code(78, message)
    }

    /// Another code.
    pub(crate) fn with_code(code: u8, message: impl fmt::Display) -> Failure {
        Failure {
            code,
            message: message.to_string(),
            kind: None,
        }
    }

    /// Whether a request failed in this way.
    pub(crate) fn is(&self, kind: FailureKind) -> bool {
        self.kind == Some(kind)
    }

    /// Says it on standard error.
    pub(crate) fn report(self) -> ExitCode {
        for line in self.message.lines() {
            eprintln!("pennyblack: {line}");
        }
        ExitCode::from(self.code)
    }
}

/// What a command returns.
pub(crate) type Outcome = Result<ExitCode, Failure>;

impl From<control::Failure> for Failure {
    fn from(failure: control::Failure) -> Failure {
        let code = match failure.kind {
            FailureKind::Invalid => 2,
            FailureKind::Unavailable => 75,
            FailureKind::Config => 78,
            _ => 1,
        };
        Failure {
            kind: Some(failure.kind),
            ..Failure::with_code(code, failure)
        }
    }
}

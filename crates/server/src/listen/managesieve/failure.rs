//! What a client is told where the store or the compiler says no, or has a warning.

use managesieve::{Code, Response};
use store::Error;
use store::script::Shortage;

/// The response to a failure of the store.
pub(super) fn response(error: &Error) -> Response {
    match error {
        Error::Missing(_) => {
            Response::no("There is no script of this name.").code(Code::NonExistent)
        }
        Error::Exists(_) => {
            Response::no("There is a script of this name already.").code(Code::AlreadyExists)
        }
        Error::Refused(why) => Response::no(format!("That is not possible: {why}.")),
        error => {
            tracing::error!(%error, "a ManageSieve command failed");
            Response::no("The mail store cannot be reached now; try again later.")
                .code(Code::TryLater)
        }
    }
}

/// The response to a script that has no room (RFC 5804 §1.3).
pub(super) fn shortage(shortage: Shortage) -> Response {
    let code = match shortage {
        Shortage::TooMany => Code::QuotaMaxScripts,
        Shortage::TooLarge => Code::QuotaMaxSize,
        Shortage::NoRoom => Code::Quota,
    };
    Response::no(crate::scripts::personal::explain(shortage)).code(code)
}

/// The response to a script that does not compile: a line for each error (RFC 5804 §2.6).
pub(super) fn broken(errors: &sieve::CompileErrors) -> Response {
    Response::no(errors.to_string().replace('\n', "\r\n"))
}

/// The response to a script that compiles: what may not be meant so is told all the same (RFC 5804 §2.6).
pub(super) fn stored(script: &sieve::Script) -> Response {
    let warnings: Vec<String> = script.warnings().iter().map(ToString::to_string).collect();
    match warnings.is_empty() {
        true => Response::ok(),
        false => Response::ok()
            .code(Code::Warnings)
            .text(warnings.join("\r\n")),
    }
}

/// Scripts that are files are the admin's to change.
pub(super) fn files() -> Response {
    Response::no("Scripts are files on this server, and can be read here but not changed.")
}

/// The answer to a command that has nothing to say but how it went.
pub(super) fn outcome(outcome: Result<(), Error>) -> Response {
    match outcome {
        Ok(()) => Response::ok(),
        Err(error) => response(&error),
    }
}

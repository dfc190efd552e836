//! How `sendmail` ends (X17): the codes of `sysexits.h`, which callers go by, and a sentence for the others.

use smtp::{Enhanced, Reply};

/// Exit codes with their old names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Exit {
    Usage = 64,
    DataError = 65,
    NoUser = 67,
    Unavailable = 69,
    Software = 70,
    OsError = 71,
    CannotCreate = 73,
    IoError = 74,
    TempFail = 75,
    NoPermission = 77,
    Config = 78,
}

/// Why a message was not sent. Nothing of it was: nobody has it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// How the program ends.
    pub exit: Exit,
    /// What is wrong, and what to do.
    pub message: String,
}

impl Failure {
    /// A failure with its sentence.
    pub fn new(exit: Exit, message: impl Into<String>) -> Failure {
        Failure {
            exit,
            message: message.into(),
        }
    }

    /// The server refused a command or the message.
    pub(super) fn refused(reply: &Reply, whom: Option<&str>) -> Failure {
        let said = smtp::client::spoken(reply);
        let message = match whom {
            Some(address) => format!("{address}: {said}; the message was sent to nobody"),
            None => format!("the server refuses the message: {said}"),
        };
        Failure::new(exit_of(reply), message)
    }
}

fn exit_of(reply: &Reply) -> Exit {
    match (reply.code, reply.enhanced) {
        (..500, _) => Exit::TempFail,
        (_, Some(Enhanced(_, 1, 0..=3 | 6 | 10))) => Exit::NoUser,
        (_, Some(Enhanced(_, 7, _))) => Exit::NoPermission,
        (552, _) | (_, Some(Enhanced(_, 6, _))) | (_, Some(Enhanced(_, 3, 4))) => Exit::DataError,
        _ => Exit::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// X17
    #[test]
    fn x17_replies_become_exit_codes() {
        for (code, enhanced, exit) in [
            (451, Enhanced(4, 3, 0), Exit::TempFail),
            (550, Enhanced(5, 1, 1), Exit::NoUser),
            (550, Enhanced(5, 7, 1), Exit::NoPermission),
            (552, Enhanced(5, 3, 4), Exit::DataError),
            (554, Enhanced(5, 4, 6), Exit::Unavailable),
        ] {
            let failure = Failure::refused(&Reply::new(code, enhanced, "x"), Some("a@b"));
            assert_eq!(failure.exit, exit, "{code} {enhanced}");
            assert!(failure.message.starts_with("a@b: "), "{failure}");
        }
    }
}

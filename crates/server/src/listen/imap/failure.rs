//! What a command that cannot be done is answered with. One place turns the store's errors into words for clients: whose fault it
//! is decides between NO and its response codes (RFC 5530); the details go to the log.

use super::connection::Ended;
use imap::response::{Code, Status};

/// A command was not done: the client gets this answer, or the session ends.
#[derive(Debug)]
pub(super) enum Failure {
    /// The session goes on with this tagged answer.
    Answer(Status),
    /// The session ends.
    End(Ended),
}

/// How a command ended.
pub(super) type Outcome = Result<Status, Failure>;

impl From<Ended> for Failure {
    fn from(ended: Ended) -> Failure {
        Failure::End(ended)
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Failure {
        Failure::Answer(status)
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Failure {
        Failure::Answer(of_store(&error))
    }
}

/// The tagged answer of a command, unless the session ends.
pub(super) fn answer(outcome: Outcome) -> Result<Status, Ended> {
    match outcome {
        Ok(status) | Err(Failure::Answer(status)) => Ok(status),
        Err(Failure::End(ended)) => Err(ended),
    }
}

/// The answer to a command that the store did not do.
pub(super) fn of_store(error: &store::Error) -> Status {
    use store::Error::*;
    match error {
        Unavailable(_) => {
            tracing::warn!(%error, "command not done");
            Status::no("The mail store is not available now; try again later.")
                .code(Code::Unavailable)
        }
        Full(_) => {
            tracing::error!(%error, "command not done");
            Status::no("The server has no space left; try again later.").code(Code::Unavailable)
        }
        OverQuota { .. } => Status::no("The account is over its quota; delete something first.")
            .code(Code::OverQuota),
        Exists(_) => Status::no("Something of that name exists already.").code(Code::AlreadyExists),
        Missing(_) => Status::no("There is no such mailbox or message.").code(Code::NonExistent),
        Refused(_) => Status::no("That cannot be done.").code(Code::Cannot),
        Corrupt(_) => {
            tracing::error!(%error, "command not done");
            Status::no("Stored data is damaged; the administrator has to look.")
                .code(Code::Corruption)
        }
        Bug(_) => {
            tracing::error!(%error, "command not done");
            Status::no("Internal error; it has been logged.").code(Code::ServerBug)
        }
    }
}

/// The answer where a mailbox that a message should go to does not exist.
pub(super) fn try_create() -> Status {
    Status::no("There is no such mailbox; create it first.").code(Code::TryCreate)
}

/// The answer where a mailbox does not exist.
pub(super) fn no_mailbox() -> Status {
    Status::no("There is no such mailbox.").code(Code::NonExistent)
}

/// The answer where a mailbox that was opened for reading would have to change.
pub(super) fn read_only() -> Status {
    Status::no("The mailbox is open for reading only.").code(Code::ReadOnly)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "Not there" and "could not look" are never mixed.
    #[test]
    fn temporary_errors_are_unavailable() {
        let code = |error: store::Error| of_store(&error).code;
        assert_eq!(
            code(store::Error::Unavailable("x".into())),
            Some(Code::Unavailable)
        );
        assert_eq!(
            code(store::Error::Full("x".into())),
            Some(Code::Unavailable)
        );
        assert_eq!(
            code(store::Error::Missing("x".into())),
            Some(Code::NonExistent)
        );
        let over = store::Error::OverQuota {
            resource: store::quota::Resource::Bytes,
            limit: 1,
            used: 2,
        };
        assert_eq!(code(over), Some(Code::OverQuota));
    }
}

//! What a client did wrong in a command line, and the reply it gets (codes: RFC 5321 §4.2.2, RFC 5248, RFC 4954 §6).

use crate::path::PathError;
use crate::{Enhanced, Reply};

/// Why a line is not a command. Always the client's fault.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CommandError {
    /// Not UTF-8, or with control characters.
    #[error("a command is a line of text without control characters")]
    NotText,
    /// No such command.
    #[error("there is no such command here; HELP lists them")]
    Unknown,
    /// A web browser, or somebody who uses one against us.
    #[error("this is a mail server, it does not speak HTTP")]
    Http,
    /// The argument is wrong; the text is the right form.
    #[error("the right form is: {0}")]
    Syntax(&'static str),
    /// The reverse-path is not one.
    #[error("the sender's address {0}")]
    Sender(PathError),
    /// The forward-path is not one.
    #[error("the recipient's address {0}")]
    Recipient(PathError),
    /// A parameter of an extension that was not announced.
    #[error("the parameter {0} is not supported here")]
    Parameter(String),
    /// A known parameter with a value that it cannot have.
    #[error("the parameter {0} does not have a valid value")]
    Value(&'static str),
    /// A parameter that came twice.
    #[error("the parameter {0} came twice")]
    Twice(&'static str),
    /// BDAT without a readable size: nobody can tell where the next command begins.
    #[error(
        "the right form is: BDAT octets [LAST]; without the size nothing after it can be understood"
    )]
    ChunkSize,
    /// A SASL response that is not base64.
    #[error("the response is not base64")]
    Base64,
}

impl CommandError {
    /// What the client is told.
    pub fn reply(&self) -> Reply {
        let (code, enhanced) = match self {
            CommandError::NotText => (500, Enhanced(5, 5, 2)),
            CommandError::Unknown | CommandError::Http => (500, Enhanced(5, 5, 1)),
            CommandError::Syntax(_) | CommandError::ChunkSize => (501, Enhanced(5, 5, 4)),
            CommandError::Sender(_) => (501, Enhanced(5, 1, 7)),
            CommandError::Recipient(_) => (501, Enhanced(5, 1, 3)),
            CommandError::Parameter(_) => (555, Enhanced(5, 5, 4)),
            CommandError::Value(_) | CommandError::Twice(_) => (501, Enhanced(5, 5, 4)),
            CommandError::Base64 => (501, Enhanced(5, 5, 2)),
        };
        Reply::new(code, enhanced, sentence(&self.to_string()))
    }
}

/// A reply begins with a capital letter; an error, which may stand inside another sentence, does not.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

//! Commands of a client (RFC 5321 §4.1, LMTP RFC 2033, BDAT RFC 3030, STARTTLS RFC 3207, AUTH RFC 4954).
//!
//! Reads one line into a [`Command`]. Whether the command is allowed at this moment, and whether the extension a parameter belongs
//! to was announced, is the business of [`crate::server`]. Command lines are split from the stream, and limited, before they come here.

mod error;
mod parameters;

pub use error::CommandError;
pub use parameters::{Body, Notify, Orcpt, Ret};

use crate::path::{self, ForwardPath, Mailbox};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// Octets of a name given in a greeting.
const MAX_NAME: usize = 255;

/// One command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// `EHLO name`
    Ehlo(String),
    /// `HELO name`
    Helo(String),
    /// `LHLO name`
    Lhlo(String),
    /// `MAIL FROM:<…>`
    Mail(MailCommand),
    /// `RCPT TO:<…>`
    Rcpt(RcptCommand),
    /// `DATA`
    Data,
    /// `BDAT octets [LAST]`
    Bdat {
        /// Octets that follow the line.
        octets: u64,
        /// Whether the message ends with them.
        last: bool,
    },
    /// `RSET`
    Rset,
    /// `NOOP`, with or without a text
    Noop,
    /// `VRFY name`
    Vrfy(String),
    /// `EXPN name`
    Expn(String),
    /// `HELP`, with or without a topic
    Help,
    /// `QUIT`
    Quit,
    /// `STARTTLS`
    StartTls,
    /// `AUTH mechanism [initial-response]`
    Auth {
        /// In upper case.
        mechanism: String,
        /// Decoded; `None` if the client did not send one, empty for `=`.
        initial: Option<Vec<u8>>,
    },
}

/// MAIL with its parameters.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MailCommand {
    /// The sender; `None` is the null reverse-path `<>`.
    pub reverse_path: Option<Mailbox>,
    /// `SIZE=` (RFC 1870), octets.
    pub size: Option<u64>,
    /// `BODY=` (RFC 6152).
    pub body: Option<Body>,
    /// `SMTPUTF8` (RFC 6531).
    pub smtputf8: bool,
    /// `REQUIRETLS` (RFC 8689).
    pub requiretls: bool,
    /// `RET=` (RFC 3461 §4.3).
    pub ret: Option<Ret>,
    /// `ENVID=` (RFC 3461 §4.4), decoded.
    pub envid: Option<String>,
    /// `AUTH=` (RFC 4954 §5), decoded; `<>` if the submitter is not known.
    pub auth: Option<String>,
    /// `PRDR` (draft-hall-prdr): a reply for each recipient after the message.
    pub prdr: bool,
}

/// RCPT with its parameters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RcptCommand {
    /// Whom the message is for.
    pub forward_path: ForwardPath,
    /// `NOTIFY=` (RFC 3461 §4.1).
    pub notify: Option<Notify>,
    /// `ORCPT=` (RFC 3461 §4.2).
    pub orcpt: Option<Orcpt>,
}

impl Command {
    /// Reads one line, without its line end.
    pub fn parse(line: &[u8]) -> Result<Command, CommandError> {
        let text = std::str::from_utf8(line).map_err(|_| CommandError::NotText)?;
        if text.chars().any(|c| c.is_control() && c != '\t') {
            return Err(CommandError::NotText);
        }
        // RFC 5321 §4.1.1: trailing white space before the line end is tolerated.
        let text = text.trim_end_matches([' ', '\t']);
        let (verb, argument) = text.split_once([' ', '\t']).unwrap_or((text, ""));
        by_verb(
            &verb.to_ascii_uppercase(),
            argument.trim_start_matches([' ', '\t']),
        )
    }
}

/// The names of all commands, in upper case. The parser knows no other, so whoever goes through this list goes through all of them.
pub const VERBS: &[&str] = &[
    "EHLO", "HELO", "LHLO", "MAIL", "RCPT", "DATA", "BDAT", "RSET", "NOOP", "VRFY", "EXPN", "HELP",
    "QUIT", "STARTTLS", "AUTH",
];

/// What browsers and scanners say to any port.
const HTTP: &[&str] = &["GET", "HEAD", "POST", "PUT", "CONNECT", "OPTIONS"];

fn by_verb(verb: &str, argument: &str) -> Result<Command, CommandError> {
    if HTTP.contains(&verb) {
        return Err(CommandError::Http);
    }
    if !VERBS.contains(&verb) {
        return Err(CommandError::Unknown);
    }
    match verb {
        "EHLO" => name(argument, "EHLO your-host-name").map(Command::Ehlo),
        "HELO" => name(argument, "HELO your-host-name").map(Command::Helo),
        "LHLO" => name(argument, "LHLO your-host-name").map(Command::Lhlo),
        "MAIL" => mail(argument).map(Command::Mail),
        "RCPT" => rcpt(argument).map(Command::Rcpt),
        "DATA" => alone(argument, Command::Data, "DATA"),
        "BDAT" => bdat(argument),
        "RSET" => alone(argument, Command::Rset, "RSET"),
        "NOOP" => Ok(Command::Noop),
        "VRFY" => something(argument, "VRFY name").map(Command::Vrfy),
        "EXPN" => something(argument, "EXPN list").map(Command::Expn),
        "HELP" => Ok(Command::Help),
        "QUIT" => alone(argument, Command::Quit, "QUIT"),
        "STARTTLS" => alone(argument, Command::StartTls, "STARTTLS"),
        "AUTH" => auth(argument),
        _ => Err(CommandError::Unknown),
    }
}

/// A command that takes no argument.
fn alone(argument: &str, command: Command, usage: &'static str) -> Result<Command, CommandError> {
    match argument {
        "" => Ok(command),
        _ => Err(CommandError::Syntax(usage)),
    }
}

fn something(argument: &str, usage: &'static str) -> Result<String, CommandError> {
    match argument {
        "" => Err(CommandError::Syntax(usage)),
        text => Ok(text.to_owned()),
    }
}

/// The name in a greeting. Real clients send names with underscores, bare addresses and worse, and a server must not refuse mail for
/// that (RFC 5321 §4.1.4), so anything in one word goes.
fn name(argument: &str, usage: &'static str) -> Result<String, CommandError> {
    let one_word = !argument.is_empty() && !argument.contains(char::is_whitespace);
    match one_word && argument.len() <= MAX_NAME {
        true => Ok(argument.to_owned()),
        false => Err(CommandError::Syntax(usage)),
    }
}

fn mail(argument: &str) -> Result<MailCommand, CommandError> {
    const USAGE: CommandError = CommandError::Syntax("MAIL FROM:<address> [parameters]");
    let path = after_keyword(argument, "FROM:").ok_or(USAGE)?;
    let (reverse_path, rest) = path::reverse_path(path).map_err(CommandError::Sender)?;
    let mut mail = MailCommand {
        reverse_path,
        ..MailCommand::default()
    };
    parameters::of_mail(rest, &mut mail)?;
    Ok(mail)
}

fn rcpt(argument: &str) -> Result<RcptCommand, CommandError> {
    const USAGE: CommandError = CommandError::Syntax("RCPT TO:<address> [parameters]");
    let path = after_keyword(argument, "TO:").ok_or(USAGE)?;
    let (forward_path, rest) = path::forward_path(path).map_err(CommandError::Recipient)?;
    let mut rcpt = RcptCommand {
        forward_path,
        notify: None,
        orcpt: None,
    };
    parameters::of_rcpt(rest, &mut rcpt)?;
    Ok(rcpt)
}

/// What follows `FROM:` or `TO:`. RFC 5321 wants the path at once; Outlook puts a space before it (W27).
fn after_keyword<'a>(argument: &'a str, keyword: &str) -> Option<&'a str> {
    let (head, path) = argument.split_at_checked(keyword.len())?;
    head.eq_ignore_ascii_case(keyword)
        .then(|| path.trim_start_matches([' ', '\t']))
}

/// RFC 3030 §2.
fn bdat(argument: &str) -> Result<Command, CommandError> {
    let (count, end) = argument.split_once(' ').unwrap_or((argument, ""));
    let digits = !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit());
    let octets = count.parse().ok().filter(|_| digits);
    match (octets, end) {
        (Some(octets), "") => Ok(Command::Bdat {
            octets,
            last: false,
        }),
        (Some(octets), end) if end.eq_ignore_ascii_case("LAST") => {
            Ok(Command::Bdat { octets, last: true })
        }
        _ => Err(CommandError::ChunkSize),
    }
}

/// RFC 4954 §4.
fn auth(argument: &str) -> Result<Command, CommandError> {
    let (mechanism, initial) = argument.split_once(' ').unwrap_or((argument, ""));
    let well_formed = (1..=20).contains(&mechanism.len())
        && mechanism
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if !well_formed {
        return Err(CommandError::Syntax("AUTH mechanism [initial-response]"));
    }
    let initial = match initial {
        "" => None,
        "=" => Some(Vec::new()),
        text => Some(sasl_response(text.as_bytes())?),
    };
    Ok(Command::Auth {
        mechanism: mechanism.to_ascii_uppercase(),
        initial,
    })
}

/// Decodes a line of a SASL exchange (RFC 4954 §4): base64 without spaces; an empty line is an empty response.
pub fn sasl_response(line: &[u8]) -> Result<Vec<u8>, CommandError> {
    BASE64.decode(line).map_err(|_| CommandError::Base64)
}

/// Encodes a challenge for a 334 reply.
pub fn sasl_challenge(data: &[u8]) -> String {
    BASE64.encode(data)
}

#[cfg(test)]
mod tests;

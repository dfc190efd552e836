//! Why a delivery did not work: whose fault it is, and whether it may work later.

use crate::{Enhanced, Reply};

/// A step of the session whose reply is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names of the commands
pub enum Command {
    Greeting,
    Hello,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// The end of the message: from here on the server may have it, even if no reply comes.
    Body,
    Rset,
    Quit,
}

impl std::fmt::Display for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Command::Greeting => "the connection",
            Command::Hello => "EHLO",
            Command::StartTls => "STARTTLS",
            Command::Auth => "AUTH",
            Command::Mail => "MAIL FROM",
            Command::Rcpt => "RCPT TO",
            Command::Data => "DATA",
            Command::Body => "end of the message",
            Command::Rset => "RSET",
            Command::Quit => "QUIT",
        })
    }
}

/// A delivery, or a whole session, that did not work.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Failure {
    /// The server said no, for now (4xx) or for good (5xx).
    #[error("{reply} (in reply to {0})", reply = spoken(.1))]
    Refused(Command, Reply),
    /// The server does not follow the protocol.
    #[error("the server {0}")]
    Misbehaved(Misbehaved),
    /// The message, or our settings, need what the server does not offer.
    #[error("{0}")]
    Incompatible(Incompatible),
    /// The connection ended while this was awaited.
    #[error("connection lost while waiting for the reply to {0}")]
    Lost(Command),
    /// The server was silent for too long.
    #[error("timed out while waiting for the reply to {0}")]
    TimedOut(Command),
}

/// How a server broke the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misbehaved {
    /// Not `NNN text`, or codes that differ within a reply.
    #[error("sent something that is not an SMTP reply")]
    NotAReply,
    /// A line or reply beyond all measure.
    #[error("sent a reply that is too long")]
    TooLong,
    /// A reply to nothing.
    #[error("sent a reply to no command")]
    Unasked,
    /// A code that makes no sense there, e.g. 354 to RCPT.
    #[error("sent a reply code that does not fit the command")]
    UnfitCode,
    /// Plain text after its consent to STARTTLS.
    #[error("sent unprotected data after agreeing to TLS")]
    BeforeTls,
}

/// What the server does not offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Incompatible {
    /// TLS is required (RFC 3207).
    #[error("TLS is required, but the server does not offer it")]
    NoTls,
    /// A log-in is configured (RFC 4954).
    #[error("a log-in is configured, but the server does not offer AUTH PLAIN")]
    NoAuth,
    /// The message is larger than the server's SIZE (RFC 1870).
    #[error("the message is larger than the server accepts")]
    TooLarge,
    /// The message has octets above 127 (RFC 6152 §3).
    #[error("the message needs 8BITMIME, which the server does not offer")]
    EightBit,
    /// An address or header field is in UTF-8 (RFC 6531 §3.2).
    #[error(
        "the message has international addresses, which need SMTPUTF8; the server does not offer it"
    )]
    SmtpUtf8,
    /// The sender asks for protection all the way (RFC 8689).
    #[error("the sender requires protection all the way, and the server does not offer REQUIRETLS")]
    RequireTls,
    /// It has to be returned after some time (RFC 2852 §4.1.4).
    #[error(
        "the message has to be returned if it is not delivered in time, which the server does not promise (DELIVERBY)"
    )]
    DeliverBy,
    /// An address that cannot be written into a command.
    #[error("the address cannot be sent over SMTP")]
    Address,
}

impl Failure {
    /// May the same work later?
    pub fn is_temporary(&self) -> bool {
        match self {
            Failure::Refused(_, reply) => reply.code < 500,
            Failure::Misbehaved(_) | Failure::Lost(_) | Failure::TimedOut(_) => true,
            Failure::Incompatible(what) => {
                matches!(what, Incompatible::NoTls | Incompatible::NoAuth)
            }
        }
    }

    /// Nobody knows whether the server has the message: the end of it was sent, and no reply came.
    pub fn is_unknown(&self) -> bool {
        matches!(
            self,
            Failure::Lost(Command::Body) | Failure::TimedOut(Command::Body)
        )
    }

    /// The server's own words.
    pub fn reply(&self) -> Option<&Reply> {
        match self {
            Failure::Refused(_, reply) => Some(reply),
            _ => None,
        }
    }

    /// The status code (RFC 3463), the server's if it gave one that agrees with its reply code.
    pub fn enhanced(&self) -> Enhanced {
        match self {
            Failure::Refused(command, reply) => reply
                .enhanced
                .unwrap_or_else(|| guess(*command, reply.code)),
            Failure::Misbehaved(_) => Enhanced(4, 5, 0),
            Failure::Lost(_) | Failure::TimedOut(_) => Enhanced(4, 4, 2),
            Failure::Incompatible(what) => what.enhanced(),
        }
    }
}

impl Incompatible {
    fn enhanced(self) -> Enhanced {
        match self {
            Incompatible::NoTls => Enhanced(4, 7, 10),
            Incompatible::NoAuth => Enhanced(4, 7, 0),
            Incompatible::TooLarge => Enhanced(5, 3, 4),
            Incompatible::EightBit => Enhanced(5, 6, 3),
            Incompatible::SmtpUtf8 => Enhanced(5, 6, 7),
            Incompatible::RequireTls => Enhanced(5, 7, 30),
            Incompatible::DeliverBy => Enhanced(5, 3, 3),
            Incompatible::Address => Enhanced(5, 1, 3),
        }
    }
}

/// A reply as one line: `550 5.1.1 no such user`.
pub fn spoken(reply: &Reply) -> String {
    let text = reply.lines.join(" ");
    match reply.enhanced {
        Some(status) => format!("{} {status} {text}", reply.code),
        None => format!("{} {text}", reply.code),
    }
}

/// For servers without RFC 2034: what the place of the refusal tells.
fn guess(command: Command, code: u16) -> Enhanced {
    let class = if code < 500 { 4 } else { 5 };
    match (command, code) {
        (Command::Rcpt, 450 | 550 | 551 | 553) => Enhanced(class, 1, 1),
        (_, 552 | 452) => Enhanced(class, 2, 2),
        (Command::Mail, 550 | 553) => Enhanced(class, 1, 8),
        (Command::Data | Command::Body, 550 | 554) => Enhanced(class, 6, 0),
        (Command::Greeting | Command::Hello, _) => Enhanced(class, 3, 2),
        _ => Enhanced(class, 0, 0),
    }
}

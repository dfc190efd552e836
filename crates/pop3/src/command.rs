//! The commands (RFC 1939 §5–§7, RFC 2449 §5, RFC 2595 §4, RFC 5034 §3). Keywords in any case; one space between arguments.

use std::fmt;
use std::num::NonZeroU32;

/// A password on its way to be checked. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A message, by its number in the session.
pub type Number = NonZeroU32;

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// CAPA
    Capa,
    /// STLS
    Stls,
    /// USER name
    User(String),
    /// PASS text, with whatever spaces it has (§7)
    Pass(Secret),
    /// AUTH mechanism, with the initial response as it was sent
    Auth(String, Option<String>),
    /// AUTH alone: older clients ask so for the mechanisms
    Mechanisms,
    /// STAT
    Stat,
    /// LIST, of all or of one
    List(Option<Number>),
    /// UIDL, of all or of one
    Uidl(Option<Number>),
    /// RETR
    Retr(Number),
    /// TOP: the header section, and so many lines of the rest
    Top(Number, u32),
    /// DELE
    Dele(Number),
    /// RSET
    Rset,
    /// NOOP
    Noop,
    /// QUIT
    Quit,
}

/// Why a line is no command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No such command.
    #[error("There is no such command.")]
    Unknown,
    /// Its arguments are missing or wrong.
    #[error("The arguments of this command are missing or wrong.")]
    Arguments,
    /// Octets that are not UTF-8 text, or control characters.
    #[error("A command is text.")]
    NotText,
}

impl Command {
    /// Reads a line without its CRLF.
    pub fn parse(line: &[u8]) -> Result<Command, Error> {
        let text = std::str::from_utf8(line).map_err(|_| Error::NotText)?;
        if text.chars().any(char::is_control) {
            return Err(Error::NotText);
        }
        let (keyword, rest) = match text.split_once(' ') {
            Some((keyword, rest)) => (keyword, Some(rest)),
            None => (text, None),
        };
        match keyword.to_ascii_uppercase().as_str() {
            "CAPA" => alone(rest, Command::Capa),
            "STLS" => alone(rest, Command::Stls),
            "USER" => argument(rest).map(|name| Command::User(name.to_owned())),
            "PASS" => argument(rest).map(|text| Command::Pass(Secret(text.to_owned()))),
            "AUTH" => auth(rest),
            "STAT" => alone(rest, Command::Stat),
            "LIST" => optional_number(rest).map(Command::List),
            "UIDL" => optional_number(rest).map(Command::Uidl),
            "RETR" => argument(rest).and_then(number).map(Command::Retr),
            "TOP" => top(argument(rest)?),
            "DELE" => argument(rest).and_then(number).map(Command::Dele),
            "RSET" => alone(rest, Command::Rset),
            "NOOP" => alone(rest, Command::Noop),
            "QUIT" => alone(rest, Command::Quit),
            _ => Err(Error::Unknown),
        }
    }

    /// Its keyword.
    pub fn name(&self) -> &'static str {
        match self {
            Command::Capa => "CAPA",
            Command::Stls => "STLS",
            Command::User(_) => "USER",
            Command::Pass(_) => "PASS",
            Command::Auth(..) | Command::Mechanisms => "AUTH",
            Command::Stat => "STAT",
            Command::List(_) => "LIST",
            Command::Uidl(_) => "UIDL",
            Command::Retr(_) => "RETR",
            Command::Top(..) => "TOP",
            Command::Dele(_) => "DELE",
            Command::Rset => "RSET",
            Command::Noop => "NOOP",
            Command::Quit => "QUIT",
        }
    }
}

/// Some clients leave a space behind a command that has no arguments.
fn alone(rest: Option<&str>, command: Command) -> Result<Command, Error> {
    match rest {
        None | Some("") => Ok(command),
        Some(_) => Err(Error::Arguments),
    }
}

fn argument(rest: Option<&str>) -> Result<&str, Error> {
    rest.filter(|text| !text.is_empty()).ok_or(Error::Arguments)
}

fn auth(rest: Option<&str>) -> Result<Command, Error> {
    let Some(rest) = rest.filter(|text| !text.is_empty()) else {
        return Ok(Command::Mechanisms);
    };
    let (mechanism, initial) = match rest.split_once(' ') {
        Some((mechanism, initial)) => (mechanism, Some(initial.to_owned())),
        None => (rest, None),
    };
    match initial.as_deref() {
        Some(text) if text.is_empty() || text.contains(' ') => Err(Error::Arguments),
        _ => Ok(Command::Auth(mechanism.to_ascii_uppercase(), initial)),
    }
}

fn optional_number(rest: Option<&str>) -> Result<Option<Number>, Error> {
    match rest {
        None | Some("") => Ok(None),
        Some(text) => number(text).map(Some),
    }
}

fn top(arguments: &str) -> Result<Command, Error> {
    let (message, lines) = arguments.split_once(' ').ok_or(Error::Arguments)?;
    Ok(Command::Top(number(message)?, digits(lines)?))
}

fn number(text: &str) -> Result<Number, Error> {
    Number::new(digits(text)?).ok_or(Error::Arguments)
}

/// Digits alone: `parse` would take a sign.
fn digits(text: &str) -> Result<u32, Error> {
    match text.bytes().all(|octet| octet.is_ascii_digit()) {
        true => text.parse().map_err(|_| Error::Arguments),
        false => Err(Error::Arguments),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n(number: u32) -> Number {
        Number::new(number).unwrap()
    }

    #[test]
    fn commands_are_read() {
        for (line, command) in [
            ("quit", Command::Quit),
            ("STAT ", Command::Stat),
            (
                "USER alice@example.com",
                Command::User("alice@example.com".into()),
            ),
            (
                "PASS correct  horse ",
                Command::Pass(Secret("correct  horse ".into())),
            ),
            (
                "auth plain AGE=",
                Command::Auth("PLAIN".into(), Some("AGE=".into())),
            ),
            (
                "AUTH SCRAM-SHA-256",
                Command::Auth("SCRAM-SHA-256".into(), None),
            ),
            ("AUTH", Command::Mechanisms),
            ("LIST", Command::List(None)),
            ("LIST 12", Command::List(Some(n(12)))),
            ("Uidl 1", Command::Uidl(Some(n(1)))),
            ("TOP 1 0", Command::Top(n(1), 0)),
            ("DELE 4294967295", Command::Dele(n(u32::MAX))),
        ] {
            assert_eq!(Command::parse(line.as_bytes()), Ok(command), "{line}");
        }
    }

    #[test]
    fn what_is_wrong_is_refused() {
        for line in [
            "",
            " ",
            "STAT 1",
            "USER",
            "USER ",
            "PASS",
            "LIST 0",
            "LIST +1",
            "LIST -1",
            "LIST 4294967296",
            "RETR",
            "RETR x",
            "TOP 1",
            "TOP 1 ",
            "TOP 1 -1",
            "TOP 1  2",
            "DELE 1 2",
            "AUTH PLAIN a b",
            "APOP a b",
            "XTND",
            "QUIT\0",
        ] {
            assert!(Command::parse(line.as_bytes()).is_err(), "{line:?}");
        }
        assert_eq!(Command::parse(b"USER \xff"), Err(Error::NotText));
        assert_eq!(
            format!("{:?}", Command::parse(b"PASS hush").unwrap()),
            "Pass(Secret(…))"
        );
    }
}

//! The lines of `spamdb`, in which admins of spamd read and write its database (J25).
//!
//! ```text
//! WHITE|ip|||first|pass|expire|blocked|passed
//! GREY|ip|helo|from|to|first|pass|expire|blocked|passed
//! TRAPPED|ip|expire
//! SPAMTRAP|address
//! ```
//!
//! Times are seconds since 1970. Where this server knows a sender by its network or domain, that stands in the place of the address.

use super::greylist::Record;
use jiff::Timestamp;
use std::fmt;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// Somebody whose mail is let in.
    White {
        /// An address, a network, or a domain.
        who: String,
        /// What is remembered.
        record: Record,
    },
    /// A tuple that waits.
    Grey {
        /// An address, a network, or a domain.
        who: String,
        /// HELO; empty where it does not count.
        helo: String,
        /// The reverse-path without brackets.
        sender: String,
        /// The recipient without brackets.
        recipient: String,
        /// What is remembered.
        record: Record,
    },
    /// Somebody who wrote to a trap.
    Trapped {
        /// The address.
        who: String,
        /// Until when.
        expire: Timestamp,
    },
    /// An address that is a trap.
    SpamTrap(String),
}

/// Why a text is no line of `spamdb`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a line of spamdb: {0}")]
pub struct NotALine(String);

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Line::White { who, record } => write!(f, "WHITE|{who}|||{}", times(record)),
            Line::Grey {
                who,
                helo,
                sender,
                recipient,
                record,
            } => {
                let (helo, sender, recipient) = (clean(helo), clean(sender), clean(recipient));
                write!(
                    f,
                    "GREY|{who}|{helo}|<{sender}>|<{recipient}>|{}",
                    times(record)
                )
            }
            Line::Trapped { who, expire } => write!(f, "TRAPPED|{who}|{}", expire.as_second()),
            Line::SpamTrap(address) => write!(f, "SPAMTRAP|{}", clean(address)),
        }
    }
}

/// What a client says must not look like another field or line.
fn clean(text: &str) -> String {
    text.replace(|c: char| c == '|' || c.is_control(), "?")
}

fn times(record: &Record) -> String {
    format!(
        "{}|{}|{}|{}|{}",
        record.first.as_second(),
        record.pass.as_second(),
        record.expire.as_second(),
        record.blocked,
        record.passed
    )
}

impl Line {
    /// Reads a line.
    pub fn parse(line: &str) -> Result<Line, NotALine> {
        let wrong = || NotALine(line.to_owned());
        let fields: Vec<&str> = line.trim_end().split('|').collect();
        let record = |at: usize| record(fields.get(at..).unwrap_or_default()).ok_or_else(wrong);
        match fields.as_slice() {
            ["WHITE", who, "", "", ..] => Ok(Line::White {
                who: filled(who).ok_or_else(wrong)?,
                record: record(4)?,
            }),
            ["GREY", who, helo, sender, recipient, ..] => Ok(Line::Grey {
                who: filled(who).ok_or_else(wrong)?,
                helo: (*helo).to_owned(),
                sender: bare(sender),
                recipient: bare(recipient),
                record: record(5)?,
            }),
            ["TRAPPED", who, expire] => Ok(Line::Trapped {
                who: filled(who).ok_or_else(wrong)?,
                expire: time(expire).ok_or_else(wrong)?,
            }),
            ["SPAMTRAP", address] => Ok(Line::SpamTrap(filled(address).ok_or_else(wrong)?)),
            _ => Err(wrong()),
        }
    }
}

fn filled(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn bare(path: &str) -> String {
    let inside = path
        .strip_prefix('<')
        .and_then(|path| path.strip_suffix('>'));
    inside.unwrap_or(path).to_owned()
}

fn time(text: &str) -> Option<Timestamp> {
    Timestamp::from_second(text.parse().ok()?).ok()
}

fn record(fields: &[&str]) -> Option<Record> {
    let [first, pass, expire, blocked, passed] = fields else {
        return None;
    };
    Some(Record {
        first: time(first)?,
        pass: time(pass)?,
        expire: time(expire)?,
        blocked: blocked.parse().ok()?,
        passed: passed.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// J25
    #[test]
    fn j25_the_sample_lines_are_read_and_written() {
        for line in [
            "WHITE|192.0.2.33|||1462699174|1462699174|1465809574|1|0",
            "GREY|198.51.100.24|dyn-024-100-51-198.isp.example|<x@isp.example>|<bob@example.net>|1473409924|1473424324|1473424324|1|0",
            "SPAMTRAP|trap@home.example",
            "TRAPPED|192.0.2.7|1473510724",
            "GREY|net:192.0.2.0/24||<>|<bob@example.net>|1|2|3|4|5",
        ] {
            assert_eq!(Line::parse(line).unwrap().to_string(), line);
        }
    }

    #[test]
    fn what_is_no_line_is_refused() {
        for line in [
            "",
            "WHITE|192.0.2.33",
            "WHITE||||1|2|3|4|5",
            "TRAPPED|192.0.2.7|soon",
            "BLACK|x",
            "GREY|a|b|c|d|1|2|3|4",
        ] {
            assert!(Line::parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_helo_cannot_forge_a_line() {
        let Line::Grey { who, record, .. } =
            Line::parse("GREY|192.0.2.1|h|<a>|<b>|1|2|3|4|5").unwrap()
        else {
            panic!()
        };
        let line = Line::Grey {
            who,
            helo: "x|y\nWHITE|192.0.2.9|||1|1|1|1|1".into(),
            sender: String::new(),
            recipient: "b".into(),
            record,
        };
        assert_eq!(line.to_string().lines().count(), 1);
        assert_eq!(line.to_string().matches('|').count(), 9);
    }

    proptest! {
        #[test]
        fn no_line_panics(line in "(WHITE|GREY|TRAPPED|SPAMTRAP)?[|0-9a-z<>@.-]{0,80}") {
            let _ = Line::parse(&line);
        }
    }
}

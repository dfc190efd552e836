//! The lines of the tables, in the forms that other servers' files have: `passwd` (E2–E7), `virtuals` (E10–E13, E17), domains (E20); comments,
//! blank lines and `# @list` in all (E21). It looks nothing up.

use super::{Fault, Kind};
use crate::control::{Failure, address, alias, domain_name, import};
use std::collections::BTreeSet;
use store::table::{self, Digest};

/// A right line.
pub(super) struct Line {
    /// Its number, from 1.
    pub(super) number: usize,
    /// What it is about: an address, a source of an alias, a domain.
    pub(super) key: String,
    pub(super) digest: Digest,
    pub(super) content: Content,
}

/// What a line says of its key.
pub(super) enum Content {
    Domain,
    Account(import::Entry),
    /// Where mail goes.
    Alias(Vec<String>),
}

/// All lines of a table.
#[derive(Default)]
pub(super) struct Lines {
    pub(super) lines: Vec<Line>,
    pub(super) faults: Vec<Fault>,
    /// What lines are about, right or wrong.
    named: BTreeSet<String>,
}

impl Lines {
    /// Is a line about this?
    pub(super) fn name(&self, key: &str) -> bool {
        self.named.contains(key)
    }
}

/// The users that own all mail in other servers' files: a target of this name is the mailbox of the address itself (E10, E11).
const OWNERS: [&str; 2] = ["vmail", "_vmail"];

/// Reads a table.
pub(super) fn all(kind: Kind, octets: &[u8]) -> Lines {
    let mut lines = Lines::default();
    for (number, octets) in (1..).zip(octets.split(|octet| *octet == b'\n')) {
        if let Err(message) = lines.take(kind, number, octets) {
            lines.faults.push(Fault {
                line: number,
                message,
            });
        }
    }
    lines
}

impl Lines {
    fn take(&mut self, kind: Kind, number: usize, octets: &[u8]) -> Result<(), String> {
        let text = std::str::from_utf8(octets).map_err(|_| "the line is not UTF-8")?;
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            return Ok(());
        }
        let key = key(kind, text).map_err(|why| why.message)?;
        if !self.named.insert(key.clone()) {
            return Err(format!("{key} is in an earlier line already"));
        }
        let content = match kind {
            Kind::Domains => Some(Content::Domain),
            Kind::Passwd => import::parse(text)?.map(Content::Account),
            Kind::Virtuals => targets(&key, text).map_err(|why| why.message)?,
        };
        let digest = table::digest(text);
        self.lines.extend(content.map(|content| Line {
            number,
            key,
            digest,
            content,
        }));
        Ok(())
    }
}

fn key(kind: Kind, text: &str) -> Result<String, Failure> {
    match kind {
        Kind::Domains => domain_name(text),
        Kind::Passwd => {
            let user = text.split(':').next().unwrap_or_default().trim();
            match user.contains('@') {
                true => Ok(address(user)?.key()),
                false => Err(Failure::invalid(format!(
                    "\"{}\" has no domain: the table wants whole addresses",
                    user.escape_debug()
                ))),
            }
        }
        Kind::Virtuals => source(halves(text).0),
    }
}

/// The source and the targets of a line, which a colon or white space stands between.
fn halves(text: &str) -> (&str, &str) {
    let at = text.find(|c: char| c == ':' || c.is_whitespace());
    let (source, rest) = text.split_at(at.unwrap_or(text.len()));
    (source, rest.trim_start().trim_start_matches(':').trim())
}

/// E17: a bare name with dots is an address whose `@` was forgotten.
fn source(text: &str) -> Result<String, Failure> {
    match !text.contains('@') && text.contains('.') {
        true => Err(Failure::invalid(format!(
            "\"{}\" is a name with no domain: was an @ forgotten?",
            text.escape_debug()
        ))),
        false => alias::parse_source(text),
    }
}

/// `None`: mail stays in the mailbox of the address itself.
fn targets(source: &str, text: &str) -> Result<Option<Content>, Failure> {
    let words = halves(text)
        .1
        .split(|c: char| c == ',' || c.is_whitespace());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    match words[..] {
        [] => Err(Failure::invalid(format!(
            "say where mail to {source} shall go"
        ))),
        [owner] if OWNERS.contains(&owner) => Ok(None),
        _ => {
            let mut targets = Vec::new();
            for word in words {
                let target = alias::parse_target(word)?;
                if !targets.contains(&target) {
                    targets.push(target);
                }
            }
            Ok(Some(Content::Alias(targets)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn virtuals(text: &str) -> (Vec<(String, Vec<String>)>, Vec<Fault>) {
        let lines = all(Kind::Virtuals, text.as_bytes());
        let aliases = lines
            .lines
            .into_iter()
            .filter_map(|line| match line.content {
                Content::Alias(targets) => Some((line.key, targets)),
                _ => None,
            });
        (aliases.collect(), lines.faults)
    }

    /// E10–E13, E17, E21: the lines exactly as other servers' files have them.
    #[test]
    fn e10_virtuals() {
        let (aliases, faults) = virtuals(
            "# @list one line per address\nabuse\t\t\t\tpostmaster\npostmaster\t\t\talice@example.com\n\
             alice@example.com\t\tvmail\nalice@example.net\t\talice@example.com\nbob@home.example: vmail\n\n\
             team@home.example\t\tbob@home.example,carol@home.example\noldname@home.example: bob@elsewhere.example\n\
             @catch.example\t\t\talice@example.com\noldname.home.example: bob@elsewhere.example\n",
        );
        let shown: Vec<String> = aliases
            .iter()
            .map(|(source, targets)| format!("{source} {}", targets.join(",")))
            .collect();
        assert_eq!(
            shown,
            [
                "abuse postmaster",
                "postmaster alice@example.com",
                "alice@example.net alice@example.com",
                "team@home.example bob@home.example,carol@home.example",
                "oldname@home.example bob@elsewhere.example",
                "@catch.example alice@example.com",
            ]
        );
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].line, 11);
        assert!(faults[0].message.contains("no domain"), "{faults:?}");
    }

    /// E20, B8: each line is about something once, and a wrong line is still about it.
    #[test]
    fn b08_what_lines_are_about() {
        let lines = all(Kind::Domains, b"example.com\nExample.com\nno domain\n");
        assert!(lines.name("example.com") && !lines.name("example.net"));
        assert_eq!(lines.lines.len(), 1);
        assert_eq!(lines.faults.len(), 2);
        let lines = all(Kind::Passwd, b"bob@example.com:{PLAIN}x\nbob:$2b$08$x\n");
        assert!(lines.name("bob@example.com"));
        assert_eq!((lines.lines.len(), lines.faults.len()), (0, 2));
        assert!(!format!("{:?}", lines.faults).contains("$x"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn any_octets(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
            for kind in [Kind::Domains, Kind::Passwd, Kind::Virtuals] {
                let lines = all(kind, &octets);
                let count = octets.split(|octet| *octet == b'\n').count();
                prop_assert!(lines.lines.len() + lines.faults.len() <= count);
            }
        }
    }
}

//! The `Authentication-Results` field: written, and read where a trusted forwarder wrote it (RFC 8601).

use crate::arc::Validated;
use crate::dkim::Verified;
use crate::dmarc::{self, DmarcResult};
use crate::spf;
use std::fmt::Write as _;

/// A value under construction.
#[derive(Clone, Debug)]
pub struct Results {
    value: String,
    empty: bool,
}

/// Characters of a reason that are written.
const REASON: usize = 120;

impl Results {
    /// By this server.
    pub fn of(authserv_id: &str) -> Results {
        Results {
            value: authserv_id.to_string(),
            empty: true,
        }
    }

    /// Nothing was added yet.
    pub fn is_empty(&self) -> bool {
        self.empty
    }

    /// The value, folded, without name and final line end. Without results it says `none` (§2.2).
    pub fn value(&self) -> String {
        match self.empty {
            true => format!("{}; none", self.value),
            false => self.value.clone(),
        }
    }

    /// The field with its line end.
    pub fn field(&self) -> String {
        format!("Authentication-Results: {}\r\n", self.value())
    }

    /// Adds `method=result`, and properties `ptype.property` with their values; empty ones are left out.
    pub fn add(&mut self, method: &str, result: &str, reason: &str, properties: &[(&str, &str)]) {
        self.empty = false;
        let _ = write!(self.value, ";\r\n\t{method}={result}");
        if !reason.is_empty() {
            let _ = write!(self.value, " reason={}", quoted(reason));
        }
        for (name, value) in properties {
            if !value.is_empty() {
                let _ = write!(self.value, " {name}={}", pvalue(value));
            }
        }
    }

    /// SPF of the reverse-path, or of the HELO name (§2.7.2).
    pub fn spf(&mut self, outcome: &spf::Outcome, sender: Option<&str>, helo: &str) {
        let reason = match outcome.result {
            spf::SpfResult::Pass | spf::SpfResult::None => "",
            _ => outcome.reason.as_str(),
        };
        let property = match sender {
            Some(sender) => ("smtp.mailfrom", sender),
            None => ("smtp.helo", helo),
        };
        self.add("spf", outcome.result.word(), reason, &[property]);
    }

    /// One signature (§2.7.1, RFC 6008).
    pub fn dkim(&mut self, verified: &Verified) {
        let reason = match verified.result {
            crate::dkim::DkimResult::Pass => "",
            _ => verified.reason.as_str(),
        };
        self.add(
            "dkim",
            verified.result.word(),
            reason,
            &[
                ("header.d", &verified.domain),
                ("header.s", &verified.selector),
                ("header.a", verified.algorithm),
                ("header.b", &verified.signature_start),
            ],
        );
    }

    /// DMARC, with the policy that holds.
    pub fn dmarc(&mut self, outcome: &dmarc::Outcome) {
        let policy = outcome.record.as_ref().map(|_| outcome.policy.word());
        let reason = match outcome.result {
            DmarcResult::Pass | DmarcResult::None => "",
            _ => outcome.reason.as_str(),
        };
        self.add(
            "dmarc",
            outcome.result.word(),
            reason,
            &[
                ("header.from", &outcome.author),
                ("policy.dmarc", policy.unwrap_or_default()),
            ],
        );
    }

    /// The chain (RFC 8617 §6.1).
    pub fn arc(&mut self, validated: &Validated) {
        let reason = match validated.result {
            crate::arc::ArcResult::Pass | crate::arc::ArcResult::None => "",
            _ => validated.reason.as_str(),
        };
        let oldest = validated.sealers.last().cloned().unwrap_or_default();
        self.add(
            "arc",
            validated.result.word(),
            reason,
            &[("header.d", &oldest)],
        );
    }
}

/// A token as it is, everything else quoted, without what could end a line.
fn pvalue(value: &str) -> String {
    let plain = |o: u8| o.is_ascii_alphanumeric() || b"-._+/@=:".contains(&o);
    match !value.is_empty() && value.bytes().all(plain) {
        true => value.to_string(),
        false => quoted(value),
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars().take(REASON) {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push('?'),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// One result of a field that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Lower-case, e.g. `dkim`.
    pub method: String,
    /// Lower-case, e.g. `pass`.
    pub result: String,
    /// `ptype.property`, lower-case, and value.
    pub properties: Vec<(String, String)>,
}

impl Found {
    /// The value of a property.
    pub fn property(&self, name: &str) -> Option<&str> {
        let found = self.properties.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Octets of a value that are read.
const LONGEST: usize = 16 * 1024;
/// Results of a value that are read.
const MOST: usize = 100;

/// Reads the value of an Authentication-Results field: who wrote it, and what he found. Tolerant: what cannot be understood is
/// left out.
pub fn read(value: &str) -> (String, Vec<Found>) {
    let mut parts = split(value).into_iter();
    let authserv = parts.next().unwrap_or_default();
    let id = authserv.into_iter().next().unwrap_or_default();
    let found = parts.filter_map(|words| found(&words)).take(MOST).collect();
    (id.to_ascii_lowercase(), found)
}

fn found(words: &[String]) -> Option<Found> {
    let (method, result) = words.first()?.split_once('=')?;
    let method = method.split('/').next().unwrap_or_default();
    let property = |word: &String| {
        let (name, value) = word.split_once('=')?;
        Some((name.to_ascii_lowercase(), value.to_string()))
    };
    Some(Found {
        method: method.to_ascii_lowercase(),
        result: result.to_ascii_lowercase(),
        properties: words[1..].iter().filter_map(property).collect(),
    })
}

/// Words, in groups that semicolons divide; comments are left out, quotes taken off, blanks around `=` too.
fn split(value: &str) -> Vec<Vec<String>> {
    let mut groups = vec![Vec::new()];
    let mut word = String::new();
    let mut chars = value.chars().take(LONGEST).peekable();
    while let Some(c) = chars.next() {
        match c {
            '(' => skip_comment(&mut chars),
            '"' => quoted_word(&mut chars, &mut word),
            ';' => {
                end_word(&mut groups, &mut word);
                groups.push(Vec::new());
            }
            c if c.is_whitespace() => {
                let equals = word.ends_with('=') || chars.peek() == Some(&'=');
                if !equals {
                    end_word(&mut groups, &mut word);
                }
            }
            c => word.push(c),
        }
    }
    end_word(&mut groups, &mut word);
    groups
}

fn end_word(groups: &mut [Vec<String>], word: &mut String) {
    if !word.is_empty()
        && let Some(group) = groups.last_mut()
    {
        group.push(std::mem::take(word));
    }
}

fn skip_comment(chars: &mut impl Iterator<Item = char>) {
    let mut depth = 1;
    while depth > 0 {
        match chars.next() {
            None => return,
            Some('(') => depth += 1,
            Some(')') => depth -= 1,
            Some('\\') => drop(chars.next()),
            Some(_) => {}
        }
    }
}

fn quoted_word(chars: &mut impl Iterator<Item = char>, word: &mut String) {
    loop {
        match chars.next() {
            None | Some('"') => return,
            Some('\\') => word.extend(chars.next()),
            Some(c) => word.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rfc8601_appendix_b_is_read() {
        let (id, found) = read(
            " example.com;\r\n\tsender-id=fail header.from=example.com;\r\n\tdkim=pass (good (very) signature) header.d = example.com; spf/1=fail\r\n\treason=\"no; way\" smtp.mailfrom=\"a b\"@example.com",
        );
        assert_eq!(id, "example.com");
        let words: Vec<_> = found
            .iter()
            .map(|f| (f.method.as_str(), f.result.as_str()))
            .collect();
        assert_eq!(
            words,
            [("sender-id", "fail"), ("dkim", "pass"), ("spf", "fail")]
        );
        assert_eq!(found[1].property("header.d"), Some("example.com"));
        assert_eq!(found[2].property("smtp.mailfrom"), Some("a b@example.com"));
        assert_eq!(found[2].property("reason"), Some("no; way"));
    }

    #[test]
    fn rfc8601_section_2_2_a_field_is_written() {
        let mut results = Results::of("mx.example");
        assert_eq!(
            results.field(),
            "Authentication-Results: mx.example; none\r\n"
        );
        results.add(
            "spf",
            "fail",
            "so \"it\"\r\nis",
            &[("smtp.mailfrom", "a@b.example"), ("x.y", "")],
        );
        assert_eq!(
            results.field(),
            "Authentication-Results: mx.example;\r\n\tspf=fail reason=\"so \\\"it\\\"??is\" smtp.mailfrom=a@b.example\r\n"
        );
        let (id, found) = read(&results.value());
        assert_eq!((id.as_str(), found.len()), ("mx.example", 1));
        assert_eq!(found[0].property("smtp.mailfrom"), Some("a@b.example"));
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "\\PC{0,80}", odd in "[(;=\" a\\\\)]{0,40}") {
            let _ = read(&text);
            let _ = read(&odd);
        }

        #[test]
        fn what_is_written_is_read(value in "\\PC{1,40}") {
            let mut results = Results::of("mx.example");
            results.add("x", "pass", &value, &[("a.b", &value)]);
            let field = results.field();
            prop_assert!(!field[..field.len() - 2].replace("\r\n\t", "").contains(['\r', '\n']));
            let (_, found) = read(&results.value());
            prop_assert_eq!(found.len(), 1);
        }
    }
}

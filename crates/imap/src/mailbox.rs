//! Mailbox names and patterns (RFC 3501 §5.1): UTF-8 inside, modified UTF-7 on the wire, `INBOX` in any case one name.

use crate::utf7;

/// How mailbox names travel.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Names {
    /// Modified UTF-7 (RFC 3501 §5.1.3), unless the client asked for more.
    #[default]
    ModifiedUtf7,
    /// UTF-8, once the client has enabled UTF8=ACCEPT (RFC 6855 §3) or IMAP4rev2 (RFC 9051 §5.1).
    Utf8,
}

/// The longest name taken, in octets of UTF-8. Longer ones serve nobody and would be repeated in every LIST.
pub const MAX_LENGTH: usize = 1000;

/// A mailbox name as the client meant it: UTF-8; `INBOX` (and the first level of `INBOX/…`) in upper case.
/// It may still be one that no mailbox can have: see [`MailboxName::is_creatable`].
#[derive(Clone, PartialEq, Eq, Debug, Hash)]
pub struct MailboxName(String);

/// Why octets are not a mailbox name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NameError {
    /// Not in the form that names travel in.
    #[error("Mailbox name is not in the encoding of names")]
    Encoding,
    /// Over [`MAX_LENGTH`].
    #[error("Mailbox name is too long")]
    TooLong,
}

impl MailboxName {
    /// From octets of the wire.
    pub fn from_wire(octets: &[u8], names: Names) -> Result<MailboxName, NameError> {
        let name = match names {
            Names::ModifiedUtf7 => utf7::decode(octets),
            Names::Utf8 => String::from_utf8(octets.to_vec()).ok(),
        };
        let name = name.ok_or(NameError::Encoding)?;
        match name.len() {
            0..=MAX_LENGTH => Ok(MailboxName::new(&name)),
            _ => Err(NameError::TooLong),
        }
    }

    /// From UTF-8.
    pub fn new(name: &str) -> MailboxName {
        MailboxName(fold_inbox(name))
    }

    /// In UTF-8.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Is it INBOX?
    pub fn is_inbox(&self) -> bool {
        self.0 == "INBOX"
    }

    /// Can a mailbox have this name? No empty level, no wildcard, no control character.
    pub fn is_creatable(&self) -> bool {
        self.0.split('/').all(|level| !level.is_empty())
            && !self
                .0
                .chars()
                .any(|c| c.is_control() || matches!(c, '%' | '*' | '\u{2028}' | '\u{2029}'))
    }

    /// This name without one trailing separator: `CREATE a/` says that `a` will have children (RFC 3501 §6.3.3).
    pub fn without_trailing_separator(self) -> MailboxName {
        match self.0.strip_suffix('/') {
            Some(name) => MailboxName(name.to_owned()),
            None => self,
        }
    }
}

/// `INBOX` is one mailbox in any case, also as the first level of a longer name.
fn fold_inbox(name: &str) -> String {
    let first = name.split('/').next().unwrap_or_default();
    if first.eq_ignore_ascii_case("INBOX") {
        format!("INBOX{}", &name[first.len()..])
    } else {
        name.to_owned()
    }
}

/// A pattern of LIST or LSUB: `*` matches anything, `%` anything without a separator (RFC 3501 §6.3.8).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pattern(Vec<char>);

impl Pattern {
    /// Reference and pattern as sent, put together as this server interprets them: one after the other.
    pub fn new(reference: &str, pattern: &str) -> Pattern {
        let mut folded: Vec<char> = fold_inbox(&format!("{reference}{pattern}"))
            .chars()
            .collect();
        // Runs of wildcards say no more than one, and cost time.
        folded.dedup_by(|b, a| *a == *b && (*b == '*' || *b == '%'));
        Pattern(folded)
    }

    /// Does it match this name? Time is at most the product of both lengths.
    pub fn matches(&self, name: &str) -> bool {
        // The set of pattern positions that can be reached after each character: no backtracking, whatever the pattern.
        let mut reached = vec![false; self.0.len() + 1];
        reached[0] = true;
        self.skip_wildcards(&mut reached);
        for c in name.chars() {
            reached = self.step(&reached, c);
        }
        reached[self.0.len()]
    }

    /// The positions reachable after one more character of the name.
    fn step(&self, reached: &[bool], c: char) -> Vec<bool> {
        let mut next = vec![false; reached.len()];
        for (at, pattern) in self.0.iter().enumerate().filter(|(at, _)| reached[*at]) {
            match pattern {
                '*' => next[at] = true,
                '%' => next[at] |= c != '/',
                literal => next[at + 1] |= *literal == c,
            }
        }
        self.skip_wildcards(&mut next);
        next
    }

    /// A wildcard may match nothing.
    fn skip_wildcards(&self, reached: &mut [bool]) {
        for at in 0..self.0.len() {
            if reached[at] && matches!(self.0[at], '*' | '%') {
                reached[at + 1] = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Pattern::new("", pattern).matches(name)
    }

    /// RFC 3501 §6.3.8
    #[test]
    fn percent_stops_at_the_separator() {
        assert!(matches("*", "a/b/c"));
        assert!(matches("%", "a"));
        assert!(!matches("%", "a/b"));
        assert!(matches("%/%", "a/b"));
        assert!(matches("a/%", "a/b"));
        assert!(!matches("a/%", "a"));
        assert!(matches("a*c", "a/b/c"));
        assert!(matches("**%%*", "x"));
        assert!(matches("inbox", "INBOX"));
        assert!(matches("Inbox/%", "INBOX/x"));
        assert!(matches("ü%", "übung"));
        assert!(!matches("", "a"));
    }

    #[test]
    fn a_hostile_pattern_takes_no_time() {
        let pattern = "*a".repeat(400);
        assert!(!matches(&pattern, &"a".repeat(390)));
    }

    #[test]
    fn names_that_no_mailbox_can_have() {
        for wrong in ["", "/a", "a/", "a//b", "a*", "%", "a\u{7}"] {
            assert!(!MailboxName::new(wrong).is_creatable(), "{wrong:?}");
        }
        // G18
        for right in ["a.b/ü & ~", "INBOX", "a b", "😀", "\"q\"\\"] {
            assert!(MailboxName::new(right).is_creatable(), "{right:?}");
        }
        assert_eq!(MailboxName::new("inBox/x").as_str(), "INBOX/x");
        assert_eq!(MailboxName::new("inboxes").as_str(), "inboxes");
    }
}

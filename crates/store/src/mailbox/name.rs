//! Which names a mailbox may have.

use crate::{Error, Result};

/// The mailbox that every account has.
pub const INBOX: &str = "INBOX";
/// Separates the levels of a name.
pub const SEPARATOR: char = '/';
/// Octets of the longest name.
const LONGEST: usize = 1000;
/// Levels of the deepest name.
const DEEPEST: usize = 32;

/// The name as it is stored: `INBOX` at the first level in upper case. [`Error::Refused`] says what is wrong with any other.
pub(crate) fn checked(name: &str) -> Result<String> {
    let refuse = |why: String| Err(Error::Refused(why));
    if name.len() > LONGEST {
        return refuse(format!(
            "a mailbox name has at most {LONGEST} octets, this one {}",
            name.len()
        ));
    }
    if name.split(SEPARATOR).count() > DEEPEST {
        return refuse(format!("a mailbox name has at most {DEEPEST} levels"));
    }
    if let Some(bad) = name.chars().find(|c| is_control(*c)) {
        return refuse(format!(
            "a mailbox name must not hold the control character U+{:04X}",
            u32::from(bad)
        ));
    }
    if name.split(SEPARATOR).any(str::is_empty) {
        return refuse(format!("the mailbox name “{name}” has an empty level"));
    }
    Ok(canonical(name))
}

/// Control characters, and the two that end lines and paragraphs (RFC 5198 §2).
fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// `INBOX` is the only name whose case does not matter (RFC 3501 §5.1); below it, its first level is spelled the same.
pub(crate) fn canonical(name: &str) -> String {
    let (first, rest) = name.split_at(name.find(SEPARATOR).unwrap_or(name.len()));
    if first.eq_ignore_ascii_case(INBOX) {
        format!("{INBOX}{rest}")
    } else {
        name.to_owned()
    }
}

/// The names above `name`, highest first: `a`, `a/b` for `a/b/c`.
pub(crate) fn superiors(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices(SEPARATOR).map(|(at, _)| &name[..at])
}

/// Is `name` somewhere below `above`?
pub(crate) fn is_below(name: &str, above: &str) -> bool {
    name.strip_prefix(above)
        .is_some_and(|rest| rest.starts_with(SEPARATOR))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inbox_is_spelled_in_one_way() {
        assert_eq!(canonical("inbox"), "INBOX");
        assert_eq!(canonical("Inbox/Sub"), "INBOX/Sub");
        assert_eq!(canonical("inboxes"), "inboxes");
        assert_eq!(canonical("a/inbox"), "a/inbox");
    }

    #[test]
    fn refused_names_say_why() {
        for (name, why) in [
            ("", "empty level"),
            ("a//b", "empty level"),
            ("/a", "empty level"),
            ("a/", "empty level"),
            ("a\u{7}b", "U+0007"),
            ("a\u{2028}b", "U+2028"),
            (&"x".repeat(1001), "1000 octets"),
            (&["x"; 33].join("/"), "32 levels"),
        ] {
            let Err(Error::Refused(said)) = checked(name) else {
                panic!("{name} was not refused")
            };
            assert!(said.contains(why), "{said}");
        }
        assert_eq!(checked("Entwürfe/日本").unwrap(), "Entwürfe/日本");
    }

    #[test]
    fn superiors_come_highest_first() {
        assert_eq!(superiors("a/b/c").collect::<Vec<_>>(), ["a", "a/b"]);
        assert_eq!(superiors("a").count(), 0);
        assert!(is_below("a/b", "a") && !is_below("ab", "a") && !is_below("a", "a"));
    }
}

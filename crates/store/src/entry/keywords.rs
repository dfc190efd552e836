//! Keywords of an entry: sorted, compared without case, stored in one column separated by spaces.

use crate::{Error, Result};
use std::cmp::Ordering;

/// Keywords of one message.
const MOST: usize = 100;
/// Octets of one keyword.
const LONGEST: usize = 255;

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let fold = |s: &str| {
        s.bytes()
            .map(|b| b.to_ascii_lowercase())
            .collect::<Vec<_>>()
    };
    fold(a).cmp(&fold(b))
}

/// Sorted and without repetitions; of two spellings the first stays. [`Error::Refused`] if one is not an atom of sane length.
pub(super) fn normalised(keywords: &[String]) -> Result<Vec<String>> {
    if let Some(bad) = keywords.iter().find(|keyword| !is_keyword(keyword)) {
        return Err(Error::Refused(format!(
            "“{}” is not a keyword",
            bad.escape_debug()
        )));
    }
    let mut sorted = keywords.to_vec();
    sorted.sort_by(|a, b| compare(a, b));
    sorted.dedup_by(|later, earlier| later.eq_ignore_ascii_case(earlier));
    if sorted.len() > MOST {
        return Err(Error::Refused(format!(
            "a message has at most {MOST} keywords"
        )));
    }
    Ok(sorted)
}

/// An IMAP atom (RFC 3501 §9): nothing that would need quoting, and above all no space.
fn is_keyword(keyword: &str) -> bool {
    let special = |b: u8| {
        matches!(
            b,
            b'(' | b')' | b'{' | b' ' | b'%' | b'*' | b'"' | b'\\' | b']'
        )
    };
    !keyword.is_empty()
        && keyword.len() <= LONGEST
        && keyword.bytes().all(|b| b.is_ascii_graphic() && !special(b))
}

/// `$Forwarded $Junk`, or nothing.
pub(crate) fn joined(keywords: &[String]) -> Option<String> {
    (!keywords.is_empty()).then(|| keywords.join(" "))
}

pub(crate) fn split(stored: Option<&str>) -> Vec<String> {
    stored.map_or_else(Vec::new, |text| {
        text.split(' ').map(str::to_owned).collect()
    })
}

/// Both together; what is there keeps its spelling.
pub(super) fn with(present: &[String], more: &[String]) -> Result<Vec<String>> {
    normalised(&[present, more].concat())
}

/// Those of `present` that are not in `fewer`.
pub(super) fn without(present: &[String], fewer: &[String]) -> Vec<String> {
    let gone = |keyword: &String| {
        fewer
            .iter()
            .any(|other| other.eq_ignore_ascii_case(keyword))
    };
    present
        .iter()
        .filter(|keyword| !gone(keyword))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        split((!text.is_empty()).then_some(text))
    }

    #[test]
    fn the_first_spelling_stays_and_order_ignores_case() {
        assert_eq!(
            normalised(&words("b A $Junk a")).unwrap(),
            words("$Junk A b")
        );
        assert_eq!(
            with(&words("Work"), &words("WORK home")).unwrap(),
            words("home Work")
        );
        assert_eq!(without(&words("home Work"), &words("WORK")), words("home"));
        assert_eq!(joined(&[]), None);
        assert_eq!(words(""), Vec::<String>::new());
    }

    #[test]
    fn what_is_no_atom_is_refused() {
        for bad in ["", "a b", "(", "\\Seen", "naïve", "a\r\n"] {
            assert!(normalised(&[bad.to_owned()]).is_err(), "{bad:?}");
        }
        assert!(normalised(&(0..101).map(|n| format!("k{n}")).collect::<Vec<_>>()).is_err());
    }
}

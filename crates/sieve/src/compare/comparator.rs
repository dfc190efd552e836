//! Comparators: equality, order and substrings (RFC 4790 §9, RFC 5051).

use crate::capability::Capability;
use std::borrow::Cow;
use std::cmp::Ordering;
use unicode_normalization::char::decompose_compatible;

/// A comparator of the collation registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparator {
    Octet,
    AsciiCasemap,
    AsciiNumeric,
    UnicodeCasemap,
}

impl Comparator {
    pub(crate) const ALL: [Comparator; 4] = [
        Comparator::Octet,
        Comparator::AsciiCasemap,
        Comparator::AsciiNumeric,
        Comparator::UnicodeCasemap,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Comparator::Octet => "i;octet",
            Comparator::AsciiCasemap => "i;ascii-casemap",
            Comparator::AsciiNumeric => "i;ascii-numeric",
            Comparator::UnicodeCasemap => "i;unicode-casemap",
        }
    }

    /// The extension it needs; two are there always (RFC 5228 §2.7.3).
    pub(crate) fn capability(self) -> Option<Capability> {
        match self {
            Comparator::Octet | Comparator::AsciiCasemap => None,
            Comparator::AsciiNumeric => Some(Capability::AsciiNumeric),
            Comparator::UnicodeCasemap => Some(Capability::UnicodeCasemap),
        }
    }

    /// Can it look inside strings?
    pub(crate) fn has_substrings(self) -> bool {
        self != Comparator::AsciiNumeric
    }

    /// The form in which two strings that it takes for equal are the same.
    pub(crate) fn fold(self, text: &str) -> Cow<'_, str> {
        match self {
            Comparator::Octet | Comparator::AsciiNumeric => Cow::Borrowed(text),
            Comparator::AsciiCasemap if !text.bytes().any(|o| o.is_ascii_uppercase()) => {
                Cow::Borrowed(text)
            }
            Comparator::AsciiCasemap => Cow::Owned(text.to_ascii_lowercase()),
            Comparator::UnicodeCasemap => Cow::Owned(text.chars().flat_map(unicode_fold).collect()),
        }
    }

    pub(crate) fn equal(self, a: &str, b: &str) -> bool {
        match self {
            Comparator::Octet => a == b,
            Comparator::AsciiCasemap => a.eq_ignore_ascii_case(b),
            Comparator::AsciiNumeric => self.order(a, b).is_eq(),
            Comparator::UnicodeCasemap => a == b || self.fold(a) == self.fold(b),
        }
    }

    pub(crate) fn order(self, a: &str, b: &str) -> Ordering {
        match self {
            Comparator::Octet => a.as_bytes().cmp(b.as_bytes()),
            Comparator::AsciiNumeric => numeric_order(a, b),
            Comparator::AsciiCasemap | Comparator::UnicodeCasemap => {
                self.fold(a).as_bytes().cmp(self.fold(b).as_bytes())
            }
        }
    }

    /// Is the folded key somewhere in the value?
    pub(crate) fn contains(self, value: &str, folded: &str) -> bool {
        if self == Comparator::AsciiCasemap && value.len() < SHORT {
            return contains_ascii(value.as_bytes(), folded.as_bytes());
        }
        memchr::memmem::find(self.fold(value).as_bytes(), folded.as_bytes()).is_some()
    }
}

/// Below this many octets a look at every place is quicker than a folded copy.
const SHORT: usize = 256;

fn contains_ascii(value: &[u8], folded: &[u8]) -> bool {
    let Some((&first, rest)) = folded.split_first() else {
        return true;
    };
    let upper = first.to_ascii_uppercase();
    let mut from = 0;
    while let Some(at) = memchr::memchr2(first, upper, &value[from..]) {
        let start = from + at + 1;
        match value.get(start..start + rest.len()) {
            None => return false,
            Some(here) if here.eq_ignore_ascii_case(rest) => return true,
            Some(_) => from = start,
        }
    }
    false
}

/// RFC 4790 §9.1.1: the number that a string begins with; without one it is larger than all numbers.
fn numeric_order(a: &str, b: &str) -> Ordering {
    match (leading_number(a), leading_number(b)) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(a), Some(b)) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
    }
}

/// Its digits without leading zeros, of any length.
fn leading_number(text: &str) -> Option<&str> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    (end > 0).then(|| text[..end].trim_start_matches('0'))
}

/// RFC 5051 §2: titlecase, then all decompositions.
fn unicode_fold(c: char) -> Decomposed {
    let mut folded = Decomposed::default();
    decompose_compatible(titlecase(c), |part| folded.push(part));
    folded
}

/// The simple titlecase mapping: one character for one.
fn titlecase(c: char) -> char {
    match c {
        'Ǆ' | 'ǆ' => 'ǅ',
        'Ǉ' | 'ǉ' => 'ǈ',
        'Ǌ' | 'ǌ' => 'ǋ',
        'Ǳ' | 'ǳ' => 'ǲ',
        'ǅ' | 'ǈ' | 'ǋ' | 'ǲ' => c,
        _ => {
            let mut upper = c.to_uppercase();
            match (upper.next(), upper.next()) {
                (Some(one), None) => one,
                _ => c,
            }
        }
    }
}

/// Characters that one decomposes into; no character has more than 18.
#[derive(Default)]
struct Decomposed {
    parts: [char; 18],
    length: usize,
    at: usize,
}

impl Decomposed {
    fn push(&mut self, c: char) {
        if let Some(place) = self.parts.get_mut(self.length) {
            *place = c;
            self.length += 1;
        }
    }
}

impl Iterator for Decomposed {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let c = *self.parts[..self.length].get(self.at)?;
        self.at += 1;
        Some(c)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H11
    #[test]
    fn rfc4790_section_9_1_ascii_numeric() {
        let numeric = Comparator::AsciiNumeric;
        assert!(numeric.order("10", "9").is_gt());
        assert!(numeric.equal("007 agents", "7"));
        assert!(numeric.order("x", "99999999999999999999999").is_gt());
        assert!(numeric.equal("x", ""));
        assert!(numeric.order("-1", "1").is_gt());
    }

    #[test]
    fn rfc4790_section_9_2_ascii_casemap() {
        let casemap = Comparator::AsciiCasemap;
        assert!(casemap.equal("FRÄNZ", "frÄnz"));
        assert!(!casemap.equal("FRÄNZ", "fränz"));
        assert!(casemap.contains("make $$$ FAST", "fast"));
        assert!(casemap.contains("x", ""));
        assert!(!casemap.contains("fas", "fast"));
        assert!(casemap.contains(&"x".repeat(400).replace("xxxxy", ""), "xx"));
    }

    #[test]
    fn rfc5051_unicode_casemap() {
        let casemap = Comparator::UnicodeCasemap;
        assert!(casemap.equal("größe", "GRÖßE"));
        assert!(casemap.equal("e\u{301}", "É"));
        assert!(casemap.equal("ﬁ", "ﬁ"));
        assert!(casemap.equal("ǆ", "Ǆ"));
        assert!(casemap.contains("die GRÖSSE", &casemap.fold("größ").replace('ß', "SS")));
        assert!(!casemap.equal("a", "b"));
    }
}

//! `:matches`: `*` stands for any characters, `?` for one (RFC 5228 §2.7.1); each `*` takes as little as it can (RFC 5229 §3.2).
//!
//! The pattern is cut at its stars; each piece is looked for at the first place where it fits, so there is no backtracking.

use super::{Captures, Comparator, MAX_CAPTURES};

/// A pattern, cut into pieces.
#[derive(Debug)]
pub(crate) struct Glob {
    comparator: Comparator,
    /// Pieces between stars: one more than there are stars.
    pieces: Vec<Piece>,
}

/// Characters to be found next to each other.
#[derive(Debug, Default)]
struct Piece {
    units: Vec<Unit>,
}

#[derive(Debug, PartialEq)]
enum Unit {
    /// This character, as the comparator folds it.
    One(char),
    /// `?`
    Any,
}

/// A value, folded, with the place in the original that each folded character comes from.
struct Folded<'a> {
    original: &'a str,
    chars: Vec<char>,
    /// Offsets into `original`; one more than there are characters.
    offsets: Vec<usize>,
}

impl Glob {
    pub(crate) fn new(pattern: &str, comparator: Comparator) -> Glob {
        let mut pieces = vec![Piece::default()];
        let mut chars = pattern.chars();
        while let Some(c) = chars.next() {
            let unit = match c {
                '*' => {
                    pieces.push(Piece::default());
                    continue;
                }
                '?' => Unit::Any,
                '\\' => Unit::One(chars.next().unwrap_or('\\')),
                c => Unit::One(c),
            };
            if let Some(piece) = pieces.last_mut() {
                piece.push(unit, comparator);
            }
        }
        Glob { comparator, pieces }
    }

    /// How often an octet of a value may be looked at.
    pub(crate) fn cost(&self) -> usize {
        let middle = self.pieces.len().saturating_sub(1).max(1);
        self.pieces[1.min(self.pieces.len())..middle]
            .iter()
            .map(|p| p.units.len())
            .max()
            .unwrap_or(1)
            .max(1)
    }

    /// Does the whole value match? With `wanted`: what the wildcards stood for, and first the whole.
    pub(crate) fn matches(&self, value: &str, wanted: bool) -> Option<Captures> {
        let value = Folded::new(value, self.comparator);
        let places = self.places(&value)?;
        Some(if wanted {
            self.captures(&value, &places)
        } else {
            Vec::new()
        })
    }

    /// Where each piece stands: the first at the start, the last at the end, those between as early as possible.
    fn places(&self, value: &Folded<'_>) -> Option<Vec<usize>> {
        let (first, rest) = self.pieces.split_first()?;
        let mut places = Vec::with_capacity(self.pieces.len());
        let chars = &value.chars;
        first.fits(chars, 0).then_some(())?;
        places.push(0);
        let mut from = first.units.len();
        let Some((last, middle)) = rest.split_last() else {
            return (from == chars.len()).then_some(places);
        };
        for piece in middle {
            let at = piece.find(chars, from)?;
            places.push(at);
            from = at + piece.units.len();
        }
        let at = chars.len().checked_sub(last.units.len())?;
        (at >= from && last.fits(chars, at)).then_some(())?;
        places.push(at);
        Some(places)
    }

    fn captures(&self, value: &Folded<'_>, places: &[usize]) -> Captures {
        let mut captures = vec![value.original.to_owned()];
        let mut end = 0;
        for (i, (piece, &at)) in self.pieces.iter().zip(places).enumerate() {
            if i > 0 {
                captures.push(value.slice(end, at));
            }
            for (n, unit) in piece.units.iter().enumerate() {
                if *unit == Unit::Any {
                    captures.push(value.slice(at + n, at + n + 1));
                }
            }
            end = at + piece.units.len();
        }
        captures.truncate(MAX_CAPTURES + 1);
        captures
    }
}

impl Piece {
    fn push(&mut self, unit: Unit, comparator: Comparator) {
        match unit {
            Unit::Any => self.units.push(Unit::Any),
            Unit::One(c) => {
                let folded = comparator.fold(c.encode_utf8(&mut [0; 4])).into_owned();
                self.units.extend(folded.chars().map(Unit::One));
            }
        }
    }

    fn fits(&self, chars: &[char], at: usize) -> bool {
        let fits = |(unit, c): (&Unit, &char)| *unit == Unit::Any || *unit == Unit::One(*c);
        chars
            .get(at..at + self.units.len())
            .is_some_and(|here| self.units.iter().zip(here).all(fits))
    }

    fn find(&self, chars: &[char], from: usize) -> Option<usize> {
        let last = chars.len().checked_sub(self.units.len())?;
        (from..=last).find(|at| self.fits(chars, *at))
    }
}

impl<'a> Folded<'a> {
    fn new(original: &'a str, comparator: Comparator) -> Folded<'a> {
        let mut chars = Vec::with_capacity(original.len());
        let mut offsets = Vec::with_capacity(original.len() + 1);
        for (at, c) in original.char_indices() {
            match comparator {
                Comparator::AsciiCasemap => chars.push(c.to_ascii_lowercase()),
                Comparator::UnicodeCasemap => {
                    chars.extend(comparator.fold(c.encode_utf8(&mut [0; 4])).chars());
                }
                Comparator::Octet | Comparator::AsciiNumeric => chars.push(c),
            }
            offsets.resize(chars.len(), at);
        }
        offsets.push(original.len());
        Folded {
            original,
            chars,
            offsets,
        }
    }

    /// The original of some folded characters.
    fn slice(&self, start: usize, end: usize) -> String {
        let offset = |at: usize| self.offsets.get(at).copied().unwrap_or(self.original.len());
        let range = offset(start)..offset(end);
        self.original.get(range).unwrap_or_default().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn captures(pattern: &str, value: &str) -> Option<Captures> {
        Glob::new(pattern, Comparator::AsciiCasemap).matches(value, true)
    }

    #[test]
    fn rfc5228_section_2_7_1_wildcards() {
        assert!(
            captures(
                "*make*money*fast*",
                "How to MAKE lots of money really fast!"
            )
            .is_some()
        );
        assert!(captures("frop?", "frop").is_none());
        assert!(captures("fro\\*", "fro*").is_some());
        assert!(captures("fro\\*", "frop").is_none());
        assert!(captures("", "").is_some());
        assert!(captures("a", "ab").is_none());
    }

    #[test]
    fn rfc5229_section_3_2_captures() {
        let list = captures("[*] *", "[acme-users] [fwd] version 1.0 is out").unwrap();
        assert_eq!(list[1..], ["acme-users", "[fwd] version 1.0 is out"]);
        let user = captures("coyote@**.com", "coyote@ACME.Example.COM").unwrap();
        assert_eq!(user[1..], ["", "ACME.Example"]);
        let file = captures("?ä*ö?", "xä123öy").unwrap();
        assert_eq!(file[1..], ["x", "123", "y"]);
        assert_eq!(captures("*a*", "bab").unwrap()[1..], ["b", "b"]);
    }

    /// What a pattern means, tried in every way.
    fn slowly(pattern: &[char], value: &[char]) -> bool {
        match pattern.split_first() {
            None => value.is_empty(),
            Some(('*', rest)) => (0..=value.len()).any(|n| slowly(rest, &value[n..])),
            Some(('?', rest)) => !value.is_empty() && slowly(rest, &value[1..]),
            Some((c, rest)) => value.first() == Some(c) && slowly(rest, &value[1..]),
        }
    }

    proptest! {
        #[test]
        fn as_trying_every_way(pattern in "[ab*?]{0,8}", value in "[ab]{0,10}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            let found = captures(&pattern, &value);
            prop_assert_eq!(found.is_some(), slowly(&chars(&pattern), &chars(&value)));
        }

        #[test]
        fn wildcards_and_text_make_the_value(pattern in "[äb*?]{0,8}", value in "[äb]{0,10}") {
            if let Some(found) = captures(&pattern, &value) {
                let mut wild = found[1..].iter();
                let joined: String = pattern
                    .chars()
                    .map(|c| if c == '*' || c == '?' { wild.next().unwrap().clone() } else { c.to_string() })
                    .collect();
                prop_assert_eq!(joined, value);
            }
        }
    }
}

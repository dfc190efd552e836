//! Strings: encoded characters first (RFC 5228 §2.4.2.4), then variables (RFC 5229 §3).

use super::{Checked, Checker};
use crate::capability::Capability;
use crate::code::{Piece, Text, Variable};
use crate::compare::MAX_CAPTURES;
use crate::error::Place;

impl Checker<'_> {
    /// A string as the script means it.
    pub(super) fn text(&mut self, place: Place, written: &str) -> Checked<Text> {
        let decoded = if self.has(Capability::EncodedCharacter) {
            self.encoded_characters(place, written)?
        } else {
            written.to_owned()
        };
        if !self.has(Capability::Variables) || !decoded.contains("${") {
            return Ok(Text::constant(&decoded));
        }
        self.template(place, &decoded)
    }

    fn encoded_characters(&mut self, place: Place, written: &str) -> Checked<String> {
        let mut octets = Vec::with_capacity(written.len());
        let mut rest = written;
        while let Some(start) = rest.find("${") {
            octets.extend_from_slice(&rest.as_bytes()[..start]);
            rest = &rest[start..];
            let length = match encoded(rest) {
                Encoded::Octets(length, found) => {
                    octets.extend_from_slice(&found);
                    length
                }
                Encoded::NoCharacter => {
                    let what = "this string names a character that does not exist";
                    return self.report(
                        place,
                        what,
                        Some("${unicode:…} goes up to 10FFFF, without D800 to DFFF".into()),
                    );
                }
                Encoded::Not => {
                    octets.extend_from_slice(b"${");
                    2
                }
            };
            rest = &rest[length..];
        }
        octets.extend_from_slice(rest.as_bytes());
        // Octets that are no UTF-8 cannot be matched in text that is.
        Ok(String::from_utf8_lossy(&octets).into_owned())
    }

    fn template(&mut self, place: Place, text: &str) -> Checked<Text> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            literal.push_str(&rest[..start]);
            rest = &rest[start..];
            match reference(rest) {
                Some(name) => {
                    flush(&mut literal, &mut pieces);
                    pieces.push(self.piece(place, name)?);
                    rest = &rest[name.len() + 3..];
                }
                None => {
                    literal.push_str("${");
                    rest = &rest[2..];
                }
            }
        }
        literal.push_str(rest);
        if pieces.is_empty() {
            return Ok(Text::constant(&literal));
        }
        flush(&mut literal, &mut pieces);
        Ok(Text::Template(pieces))
    }

    /// What stands between the braces.
    fn piece(&mut self, place: Place, name: &str) -> Checked<Piece> {
        let lower = name.to_ascii_lowercase();
        if lower.starts_with(|c: char| c.is_ascii_digit()) {
            return match lower.parse::<usize>() {
                Ok(number) if number <= MAX_CAPTURES => Ok(Piece::Match(number)),
                _ => {
                    let what = format!(
                        "`${{{name}}}`: there are match variables up to {MAX_CAPTURES} only"
                    );
                    self.report(place, what, None)
                }
            };
        }
        match lower.split_once('.') {
            None => Ok(Piece::Variable(lower.into())),
            Some(("global", rest)) => {
                self.need(place, "the namespace `global`", Capability::Include)?;
                Ok(Piece::Global(rest.into()))
            }
            Some(("env", rest)) => {
                self.need(place, "the namespace `env`", Capability::DovecotEnvironment)?;
                Ok(Piece::Environment(rest.into()))
            }
            Some((space, _)) => self.unknown(place, "namespace", space, &["global", "env"]),
        }
    }

    /// The variable that a command writes to; its name is a constant (RFC 5229 §4).
    pub(super) fn variable(&mut self, place: Place, name: &str) -> Checked<Variable> {
        let lower = name.to_ascii_lowercase();
        if let Some(rest) = lower.strip_prefix("global.") {
            self.need(place, "the namespace `global`", Capability::Include)?;
            if is_identifier(rest) {
                return Ok(Variable::Global(rest.into()));
            }
        }
        if is_identifier(&lower) {
            return Ok(Variable::Local(lower.into()));
        }
        let hint = "letters, digits and _, beginning with no digit".to_owned();
        self.report(
            place,
            format!("`{name}` is no name for a variable"),
            Some(hint),
        )
    }
}

fn flush(literal: &mut String, pieces: &mut Vec<Piece>) {
    if !literal.is_empty() {
        pieces.push(Piece::Literal(std::mem::take(literal).into()));
    }
}

pub(super) fn is_identifier(name: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit())
}

/// The name in `${name}` that the text begins with (RFC 5229 §3 `variable-ref`).
fn reference(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("${")?;
    let name = &inner[..inner.find('}')?];
    let number = !name.is_empty() && name.bytes().all(|o| o.is_ascii_digit());
    // Items of the environment have hyphens in their names.
    let item = |part: &str| is_identifier(&part.replace('-', "_"));
    let words = match name.split_once('.') {
        None => is_identifier(name),
        Some((space, rest)) => is_identifier(space) && rest.split('.').all(item),
    };
    (number || words).then_some(name)
}

enum Encoded {
    /// It is so long, and means these octets.
    Octets(usize, Vec<u8>),
    /// A code point that is none.
    NoCharacter,
    /// It is text.
    Not,
}

/// `${hex: 24 24}` or `${unicode: 40}` that the text begins with.
fn encoded(text: &str) -> Encoded {
    let inner = &text[2..];
    let Some(end) = inner.find('}') else {
        return Encoded::Not;
    };
    let Some((kind, digits)) = inner[..end].split_once(':') else {
        return Encoded::Not;
    };
    let length = end + 3;
    let blank = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n');
    let numbers: Vec<&str> = digits
        .split(blank)
        .filter(|word| !word.is_empty())
        .collect();
    let hex = |word: &&str| word.bytes().all(|o| o.is_ascii_hexdigit());
    if numbers.is_empty() || !numbers.iter().all(hex) {
        return Encoded::Not;
    }
    if kind.eq_ignore_ascii_case("hex") {
        hex_octets(length, &numbers)
    } else if kind.eq_ignore_ascii_case("unicode") {
        characters(length, &numbers)
    } else {
        Encoded::Not
    }
}

fn hex_octets(length: usize, numbers: &[&str]) -> Encoded {
    let octet = |word: &&str| {
        u8::from_str_radix(word, 16)
            .ok()
            .filter(|_| word.len() <= 2)
    };
    match numbers.iter().map(octet).collect() {
        Some(octets) => Encoded::Octets(length, octets),
        None => Encoded::Not,
    }
}

fn characters(length: usize, numbers: &[&str]) -> Encoded {
    let mut octets = Vec::new();
    for word in numbers {
        // Leading zeros make no number larger.
        let digits = word.trim_start_matches('0');
        let number = if digits.is_empty() {
            Ok(0)
        } else {
            u32::from_str_radix(digits, 16)
        };
        match number.ok().and_then(char::from_u32) {
            Some(c) => octets.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            None => return Encoded::NoCharacter,
        }
    }
    Encoded::Octets(length, octets)
}

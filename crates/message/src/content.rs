//! Structured MIME fields: `Content-Type`, `Content-Disposition` and their parameters (RFC 2045 §5, RFC 2183, RFC 2231).
//!
//! Names come out in lower case, values 7-bit (W15): extended and raw 8-bit values take the form `name*` = `utf-8''…` (RFC 2231 §4).

use crate::{charset, transfer};
use std::fmt::Write;

/// Parameters, in order of their first appearance.
pub type Params = Vec<(String, String)>;

/// Octets of a field that are looked at; what is beyond cannot be meant honestly.
const MAX_FIELD: usize = 8192;
/// Parameters of a field.
const MAX_PARAMS: usize = 64;

/// A media type with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaType {
    /// E.g. `text`.
    pub main: String,
    /// E.g. `plain`.
    pub sub: String,
    /// Its parameters.
    pub params: Params,
}

/// Reads a `Content-Type` value. `None` if it names no type at all (RFC 2045 §5.2: then it is text/plain).
pub fn media_type(value: &[u8]) -> Option<MediaType> {
    let mut cursor = Cursor::new(value);
    let main = cursor.token()?;
    cursor.blanks();
    cursor.take(b'/').then_some(())?;
    let sub = cursor.token()?;
    Some(MediaType {
        main,
        sub,
        params: params(&mut cursor),
    })
}

/// Reads a `Content-Disposition` value.
pub fn disposition(value: &[u8]) -> Option<(String, Params)> {
    let mut cursor = Cursor::new(value);
    Some((cursor.token()?, params(&mut cursor)))
}

/// Reads a list of tokens separated by commas, such as `Content-Language`.
pub fn tokens(value: &[u8]) -> Vec<String> {
    let mut cursor = Cursor::new(value);
    let mut found = Vec::new();
    while found.len() < MAX_PARAMS {
        match cursor.token() {
            Some(token) => found.push(token),
            None if cursor.skip_one() => {}
            None => break,
        }
    }
    found
}

/// The first word of a value, in lower case, such as a transfer encoding; quotes around it do not count.
pub fn token(value: &[u8]) -> Option<String> {
    let mut cursor = Cursor::new(value);
    cursor.blanks();
    if cursor.rest.starts_with(b"\"") {
        let quoted = cursor.value();
        return Some(charset::guess(quoted.trim_ascii()).to_lowercase());
    }
    cursor.token()
}

/// The decoded value of a parameter, whichever way it was written.
pub fn param(params: &Params, name: &str) -> Option<String> {
    let find = |name: &str| params.iter().find(|(n, _)| n == name).map(|(_, v)| v);
    if let Some(extended) = find(&format!("{name}*")) {
        return Some(decode_extended(extended));
    }
    find(name).map(|plain| crate::encoded_word::decode(plain.as_bytes()))
}

/// RFC 2231 §4: `charset'language'percent-encoded`.
fn decode_extended(value: &str) -> String {
    let mut parts = value.splitn(3, '\'');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(label), Some(_), Some(text)) => charset::decode(label, &percent_decode(text)),
        _ => charset::guess(&percent_decode(value)),
    }
}

fn percent_decode(text: &str) -> Vec<u8> {
    let octets = text.as_bytes();
    let mut out = Vec::with_capacity(octets.len());
    let mut i = 0;
    while i < octets.len() {
        let escaped =
            (octets[i] == b'%').then(|| octets.get(i + 1..i + 3).and_then(transfer::hex_octet));
        match escaped.flatten() {
            Some(octet) => {
                out.push(octet);
                i += 3;
            }
            None => {
                out.push(octets[i]);
                i += 1;
            }
        }
    }
    out
}

/// One parameter as written: `name`, `name*`, `name*0`, `name*0*`.
struct Section {
    name: String,
    number: Option<u16>,
    extended: bool,
    value: Vec<u8>,
}

fn params(cursor: &mut Cursor<'_>) -> Params {
    let mut sections = Vec::new();
    while sections.len() < MAX_PARAMS && cursor.seek(b';') {
        if let Some(section) = section(cursor) {
            sections.push(section);
        }
    }
    join(sections)
}

fn section(cursor: &mut Cursor<'_>) -> Option<Section> {
    let written = cursor.token()?;
    cursor.blanks();
    cursor.take(b'=').then_some(())?;
    let value = cursor.value();
    let (rest, extended) = match written.strip_suffix('*') {
        Some(rest) => (rest, true),
        None => (written.as_str(), false),
    };
    let (name, number) = match rest.split_once('*') {
        Some((name, number)) => (name, Some(number.parse().ok()?)),
        None => (rest, None),
    };
    Some(Section {
        name: name.to_owned(),
        number,
        extended,
        value,
    })
}

/// Joins continuations (RFC 2231 §3) by number; the first of two equal ones wins.
fn join(mut sections: Vec<Section>) -> Params {
    let mut order: Vec<(String, bool)> = Vec::new();
    for section in &sections {
        let key = (section.name.clone(), section.number.is_some());
        if !order.contains(&key) {
            order.push(key);
        }
    }
    sections.sort_by_key(|section| section.number);
    order
        .into_iter()
        .filter_map(|(name, numbered)| {
            let same = |s: &&Section| s.name == name && s.number.is_some() == numbered;
            let of_name: Vec<&Section> = sections.iter().filter(same).collect();
            match of_name.as_slice() {
                [] => None,
                sections if numbered => Some(join_numbered(name, sections)),
                [section, ..] => Some(render(name, section.extended, &section.value)),
            }
        })
        .collect()
}

fn join_numbered(name: String, sections: &[&Section]) -> (String, String) {
    let extended = sections.iter().any(|section| section.extended);
    let first_is_extended = sections.first().is_some_and(|section| section.extended);
    let mut value = Vec::new();
    if extended && !first_is_extended {
        value.extend_from_slice(b"utf-8''");
    }
    for section in sections {
        if extended && !section.extended {
            value.extend_from_slice(percent_encode(&charset::guess(&section.value)).as_bytes());
        } else {
            value.extend_from_slice(&section.value);
        }
    }
    render(name, extended, &value)
}

/// The 7-bit form of a parameter.
fn render(name: String, extended: bool, value: &[u8]) -> (String, String) {
    let text = charset::guess(value);
    if value.is_ascii() {
        let name = if extended { format!("{name}*") } else { name };
        return (name, text.replace(|c: char| c.is_ascii_control(), " "));
    }
    (
        format!("{name}*"),
        format!("utf-8''{}", percent_encode(&text)),
    )
}

fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&octet) {
            out.push(char::from(octet));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{octet:02X}");
        }
    }
    out
}

/// Reads tokens, quoted strings and comments of a folded value.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn new(value: &'a [u8]) -> Cursor<'a> {
        Cursor {
            rest: &value[..value.len().min(MAX_FIELD)],
        }
    }

    /// Skips blanks, line ends and comments.
    fn blanks(&mut self) {
        loop {
            self.rest = self.rest.trim_ascii_start();
            if !self.rest.starts_with(b"(") {
                return;
            }
            self.rest = &self.rest[comment_length(self.rest)..];
        }
    }

    fn take(&mut self, octet: u8) -> bool {
        let found = self.rest.first() == Some(&octet);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    fn skip_one(&mut self) -> bool {
        let any = !self.rest.is_empty();
        self.rest = self.rest.get(1..).unwrap_or_default();
        any
    }

    /// Moves behind the next `octet` that is not quoted or in a comment.
    fn seek(&mut self, octet: u8) -> bool {
        loop {
            self.blanks();
            match self.rest.first() {
                None => return false,
                Some(b'"') => drop(self.value()),
                Some(_) if self.take(octet) => return true,
                Some(_) => drop(self.skip_one()),
            }
        }
    }

    /// A token in lower case (RFC 2045 §5.1).
    fn token(&mut self) -> Option<String> {
        self.blanks();
        let word = self.run(|o| o.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&o));
        (!word.is_empty()).then(|| String::from_utf8_lossy(word).to_ascii_lowercase())
    }

    fn run(&mut self, accepts: impl Fn(u8) -> bool) -> &'a [u8] {
        let length = self.rest.iter().take_while(|o| accepts(**o)).count();
        let (word, rest) = self.rest.split_at(length);
        self.rest = rest;
        word
    }

    /// A parameter's value: quoted, or everything up to a blank or semicolon (many writers forget the quotes).
    fn value(&mut self) -> Vec<u8> {
        self.blanks();
        if !self.take(b'"') {
            return self.run(|o| !o.is_ascii_whitespace() && o != b';').to_vec();
        }
        let mut value = Vec::new();
        while let Some((&octet, rest)) = self.rest.split_first() {
            self.rest = rest;
            match octet {
                b'"' => break,
                b'\\' => value.extend(self.rest.split_off_first()),
                b'\r' | b'\n' => {}
                octet => value.push(octet),
            }
        }
        value
    }
}

/// Octets of the (nested) comment that the text begins with.
pub(crate) fn comment_length(text: &[u8]) -> usize {
    let (mut depth, mut i) = (0_usize, 0);
    while i < text.len() {
        match text[i] {
            b'\\' => i += 1,
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        i += 1;
        if depth == 0 {
            break;
        }
    }
    i.min(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(value: &str) -> MediaType {
        media_type(value.as_bytes()).unwrap()
    }

    fn pairs(params: &Params) -> Vec<(&str, &str)> {
        params
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect()
    }

    #[test]
    fn rfc2045_section_5_1() {
        let plain = read("text/plain; charset=us-ascii (Plain text)");
        assert_eq!((plain.main.as_str(), plain.sub.as_str()), ("text", "plain"));
        assert_eq!(pairs(&plain.params), [("charset", "us-ascii")]);
        assert_eq!(read("text/plain; charset=\"us-ascii\""), plain);
        assert_eq!(read("TEXT / PLAIN;\r\n CharSet = us-ascii ;;"), plain);
    }

    #[test]
    fn rfc2231_section_3_continuations() {
        let part = read(
            "message/external-body; access-type=URL;\r\n URL*0=\"ftp://\";\r\n URL*1=\"cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar\"",
        );
        assert_eq!(
            pairs(&part.params),
            [
                ("access-type", "URL"),
                (
                    "url",
                    "ftp://cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar"
                )
            ]
        );
    }

    #[test]
    fn rfc2231_section_4_charset_and_language() {
        let part = read(
            "application/x-stuff;\r\n title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
        );
        assert_eq!(
            pairs(&part.params),
            [("title*", "us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A")]
        );
        assert_eq!(param(&part.params, "title").unwrap(), "This is ***fun***");
    }

    #[test]
    fn rfc2231_section_4_1_both() {
        let part = read(
            "application/x-stuff\r\n ;title*0*=us-ascii'en'This%20is%20even%20more%20\r\n ;title*1*=%2A%2A%2Afun%2A%2A%2A%20\r\n ;title*2=\"isn't it!\"",
        );
        assert_eq!(
            param(&part.params, "title").unwrap(),
            "This is even more ***fun*** isn't it!"
        );
    }

    /// W15
    #[test]
    fn w15_parameters_are_7_bit() {
        let part = read("text/plain; name=\"größe.txt\"; b=\u{e4}");
        assert_eq!(
            pairs(&part.params),
            [
                ("name*", "utf-8''gr%C3%B6%C3%9Fe.txt"),
                ("b*", "utf-8''%C3%A4")
            ]
        );
        assert_eq!(param(&part.params, "name").unwrap(), "größe.txt");
    }

    #[test]
    fn careless_writers() {
        assert_eq!(
            pairs(&read("text/html; charset=utf-8; name=a b.txt").params),
            [("charset", "utf-8"), ("name", "a")]
        );
        assert_eq!(
            pairs(&read("text/html; boundary=a/b:c=d").params),
            [("boundary", "a/b:c=d")]
        );
        assert_eq!(
            pairs(&read("text/html; x=\"a;b\\\"c\"; x=2").params),
            [("x", "a;b\"c")]
        );
        assert_eq!(media_type(b"text"), None);
        assert_eq!(media_type(b""), None);
        assert_eq!(tokens(b"en, de (German), fr"), ["en", "de", "fr"]);
    }

    proptest! {
        #[test]
        fn never_panics(value in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = (media_type(&value), disposition(&value), tokens(&value));
            let _ = comment_length(&value);
        }

        #[test]
        fn never_panics_near_the_grammar(value in "a/b(;[ab]\\*?[0-9]?\\*?=[\"'%()\\\\a ]{0,6}){0,4}") {
            for (_, value) in media_type(value.as_bytes()).map(|m| m.params).unwrap_or_default() {
                prop_assert!(value.is_ascii());
            }
        }
    }
}

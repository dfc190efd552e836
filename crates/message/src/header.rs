//! Header sections: their fields, unfolded values, selections (RFC 5322 §2.2, RFC 3501 §6.4.5).
//!
//! Tolerant: 8-bit octets, lines without a colon and missing ends are read as well as they can be; nothing here fails.

use memchr::memchr;
use std::borrow::Cow;

/// A header field as it stands in its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Name and value with folding and the final line end.
    pub raw: &'a [u8],
    /// The name without trailing blanks; empty for a line without a colon.
    pub name: &'a [u8],
    /// What follows the colon, folding and final line end included.
    pub value: &'a [u8],
}

impl<'a> Field<'a> {
    /// Is this the field of that name, in any case?
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The value on one line, without blanks around it.
    pub fn unfolded(&self) -> Cow<'a, [u8]> {
        unfold(self.value)
    }
}

/// The fields of a header section, in order; ends at the empty line.
pub fn fields(section: &[u8]) -> Fields<'_> {
    Fields { rest: section }
}

/// Iterator over [`Field`]s.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        if self.rest.is_empty() || self.rest.starts_with(b"\r\n") || self.rest.starts_with(b"\n") {
            self.rest = &[];
            return None;
        }
        let (raw, rest) = self.rest.split_at(field_length(self.rest));
        self.rest = rest;
        Some(split_name(raw))
    }
}

/// Octets of the first field with its continuation lines.
fn field_length(text: &[u8]) -> usize {
    let mut end = 0;
    loop {
        match memchr(b'\n', &text[end..]) {
            None => return text.len(),
            Some(line) => end += line + 1,
        }
        if !matches!(text.get(end), Some(b' ' | b'\t')) {
            return end;
        }
    }
}

fn split_name(raw: &[u8]) -> Field<'_> {
    match memchr(b':', raw) {
        Some(colon) if !raw[..colon].contains(&b'\n') => Field {
            raw,
            name: raw[..colon].trim_ascii_end(),
            value: &raw[colon + 1..],
        },
        _ => Field {
            raw,
            name: &[],
            value: raw,
        },
    }
}

/// A folded value on one line: line ends removed, blanks around it trimmed (RFC 5322 §2.2.3).
pub fn unfold(value: &[u8]) -> Cow<'_, [u8]> {
    let value = value.trim_ascii();
    if memchr(b'\n', value).is_none() {
        return Cow::Borrowed(value);
    }
    let ends = |octet: &u8| matches!(octet, b'\r' | b'\n');
    value.iter().copied().filter(|o| !ends(o)).collect()
}

/// The raw values of all fields of this name, in order.
pub fn values<'a>(section: &'a [u8], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    fields(section)
        .filter(move |field| field.is(name))
        .map(|field| field.value)
}

/// Which fields a selection keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Select {
    /// `HEADER.FIELDS`: the named ones.
    Only,
    /// `HEADER.FIELDS.NOT`: all but the named ones.
    Except,
}

/// The selected fields as they stand, and the empty line that always ends them (RFC 3501 §6.4.5).
pub fn select<N: AsRef<[u8]>>(section: &[u8], names: &[N], select: Select) -> Vec<u8> {
    let named = |field: &Field<'_>| {
        names
            .iter()
            .any(|name| field.name.eq_ignore_ascii_case(name.as_ref()))
    };
    let mut chosen = Vec::new();
    for field in fields(section).filter(|field| named(field) == (select == Select::Only)) {
        chosen.extend_from_slice(field.raw);
    }
    chosen.extend_from_slice(b"\r\n");
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEADER: &[u8] =
        b"From: a@b\r\nSubject: one\r\n two\r\n\tthree\r\nX : y\r\njunk\r\nTo:\r\n\r\nbody: no\r\n";

    #[test]
    fn fields_are_read_in_order() {
        let names: Vec<_> = fields(HEADER)
            .map(|f| String::from_utf8_lossy(f.name).into_owned())
            .collect();
        assert_eq!(names, ["From", "Subject", "X", "", "To"]);
    }

    #[test]
    fn values_are_unfolded() {
        let subject = fields(HEADER).nth(1).unwrap();
        assert_eq!(subject.unfolded().as_ref(), b"one two\tthree");
        assert_eq!(values(HEADER, "subject").count(), 1);
    }

    #[test]
    fn rfc3501_section_6_4_5_header_fields() {
        assert_eq!(
            select(HEADER, &["from", "TO"], Select::Only),
            b"From: a@b\r\nTo:\r\n\r\n"
        );
        assert_eq!(
            select(HEADER, &["subject", "x"], Select::Except),
            b"From: a@b\r\njunk\r\nTo:\r\n\r\n"
        );
        assert_eq!(select::<&str>(b"", &[], Select::Only), b"\r\n");
    }

    proptest! {
        #[test]
        fn fields_cover_the_section(section in "[a-c: \t\r\n]{0,60}") {
            let total: usize = fields(section.as_bytes()).map(|f| f.raw.len()).sum();
            let rest = &section.as_bytes()[total..];
            prop_assert!(rest.is_empty() || rest.starts_with(b"\n") || rest.starts_with(b"\r\n"));
        }
    }
}

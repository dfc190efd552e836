//! Encoding of the grammar's basic forms (RFC 3501 §9): numbers, strings, names, flags. Everything appends to a buffer of the
//! caller, so that a long answer costs one allocation.

use crate::mailbox::Names;
use crate::parse::is_atom_char;
use crate::utf7;
use std::ops::RangeInclusive;

/// The longest string that is sent quoted; longer ones go as literals, which cost clients no unescaping.
const MAX_QUOTED: usize = 1000;

/// Appends a number.
pub fn number(out: &mut Vec<u8>, value: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    let mut rest = value;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends a string: quoted where that can hold it, else as a literal. Octets above 127 never go quoted, so that no client sees
/// raw UTF-8 it did not ask for (catalogue W15).
pub fn string(out: &mut Vec<u8>, octets: &[u8]) {
    if octets.len() <= MAX_QUOTED && octets.iter().all(|o| (b' '..=b'~').contains(o)) {
        quoted(out, octets);
    } else {
        literal_head(out, octets.len() as u64);
        out.extend_from_slice(octets);
    }
}

/// Appends a text as a quoted string, whatever it holds: what a line cannot carry becomes `?`.
pub(crate) fn string_on_a_line(out: &mut Vec<u8>, text: &str) {
    let plain = |o: u8| if (b' '..=b'~').contains(&o) { o } else { b'?' };
    let octets: Vec<u8> = text.bytes().map(plain).take(MAX_QUOTED).collect();
    quoted(out, &octets);
}

/// Appends a string, or NIL.
pub fn nstring(out: &mut Vec<u8>, octets: Option<&[u8]>) {
    match octets {
        Some(octets) => string(out, octets),
        None => out.extend_from_slice(b"NIL"),
    }
}

/// Appends an atom where the octets are one, else a string. `NIL` is quoted, since it would mean absence.
pub fn astring(out: &mut Vec<u8>, octets: &[u8]) {
    let plain = !octets.is_empty() && octets.iter().all(|o| is_atom_char(*o));
    if plain && !octets.eq_ignore_ascii_case(b"NIL") {
        out.extend_from_slice(octets);
    } else {
        string(out, octets);
    }
}

/// Appends `{size}` and the line end that comes before a literal's octets.
pub fn literal_head(out: &mut Vec<u8>, size: u64) {
    out.push(b'{');
    number(out, size);
    out.extend_from_slice(b"}\r\n");
}

/// Appends a mailbox name in the form the client reads.
pub fn mailbox(out: &mut Vec<u8>, name: &str, names: Names) {
    match names {
        Names::ModifiedUtf7 => {
            let mut wire = Vec::with_capacity(name.len() + 8);
            utf7::encode(name, &mut wire);
            astring(out, &wire);
        }
        Names::Utf8 if name.is_ascii() => astring(out, name.as_bytes()),
        Names::Utf8 => utf8_string(out, name),
    }
}

/// Appends a string for a client that takes UTF-8 in quoted strings (RFC 6855 §3, RFC 9051 §4.3).
pub fn utf8_string(out: &mut Vec<u8>, text: &str) {
    match text.len() <= MAX_QUOTED && !text.chars().any(char::is_control) {
        true => quoted(out, text.as_bytes()),
        false => string(out, text.as_bytes()),
    }
}

/// Appends ascending ranges as a set: `1:3,5`.
pub fn ranges(out: &mut Vec<u8>, ranges: &[RangeInclusive<u32>]) {
    for (index, range) in ranges.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        number(out, u64::from(*range.start()));
        if range.start() != range.end() {
            out.push(b':');
            number(out, u64::from(*range.end()));
        }
    }
}

/// Ascending numbers as ranges of consecutive ones.
pub fn collect_ranges(numbers: impl IntoIterator<Item = u32>) -> Vec<RangeInclusive<u32>> {
    let mut ranges: Vec<RangeInclusive<u32>> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some(last) if number.checked_sub(1) == Some(*last.end()) => {
                *last = *last.start()..=number;
            }
            _ => ranges.push(number..=number),
        }
    }
    ranges
}

/// Appends a quoted string of printable characters.
fn quoted(out: &mut Vec<u8>, octets: &[u8]) {
    out.push(b'"');
    for octet in octets {
        if matches!(octet, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(*octet);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::Cursor;
    use proptest::prelude::*;

    fn written(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn strings_take_the_form_that_can_hold_them() {
        assert_eq!(written(|o| string(o, b"a \"b\\")), r#""a \"b\\""#);
        assert_eq!(written(|o| string(o, "ü".as_bytes())), "{2}\r\nü");
        assert_eq!(written(|o| string(o, b"a\r\nb")), "{4}\r\na\r\nb");
        assert_eq!(written(|o| astring(o, b"INBOX")), "INBOX");
        assert_eq!(written(|o| astring(o, b"nil")), "\"nil\"");
        assert_eq!(written(|o| astring(o, b"")), "\"\"");
        assert_eq!(written(|o| nstring(o, None)), "NIL");
        let name = "a.b/ü & ~";
        assert_eq!(
            written(|o| mailbox(o, name, Names::ModifiedUtf7)),
            "\"a.b/&APw- &- ~\""
        );
        assert_eq!(written(|o| mailbox(o, name, Names::Utf8)), "\"a.b/ü & ~\"");
        assert_eq!(written(|o| mailbox(o, "a", Names::Utf8)), "a");
    }

    #[test]
    fn sets_are_compact() {
        assert_eq!(
            written(|o| ranges(o, &collect_ranges([1, 2, 3, 5, 7, 8]))),
            "1:3,5,7:8"
        );
        assert_eq!(collect_ranges([]), []);
        assert_eq!(written(|o| number(o, u64::MAX)), u64::MAX.to_string());
        assert_eq!(written(|o| number(o, 0)), "0");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn astrings_are_read_as_written(octets in proptest::collection::vec(1u8.., 0..40)) {
            let mut out = Vec::new();
            astring(&mut out, &octets);
            let mut cursor = Cursor::new(&out);
            prop_assert_eq!(cursor.astring().unwrap(), octets);
            prop_assert!(cursor.is_at_end());
        }
    }
}

//! Encoded words: non-ASCII text in header fields (RFC 2047, with the language suffix of RFC 2231 §5).

use crate::{charset, transfer};
use std::borrow::Cow;
use std::fmt::Write;

/// Longest encoded word (RFC 2047 §2).
const MAX_WORD: usize = 75;

/// Decodes the encoded words of an unfolded header value; raw 8-bit octets are read as UTF-8 or windows-1252.
/// Blanks between two encoded words go (RFC 2047 §6.2).
pub fn decode(value: &[u8]) -> String {
    let mut text = String::new();
    let mut rest = value;
    let mut after_word = false;
    while let Some(start) = memchr::memmem::find(rest, b"=?") {
        let Some((word, length)) = parse_word(&rest[start..]) else {
            text.push_str(&charset::guess(&rest[..start + 2]));
            rest = &rest[start + 2..];
            after_word = false;
            continue;
        };
        let between = &rest[..start];
        if !(after_word && between.trim_ascii().is_empty()) {
            text.push_str(&charset::guess(between));
        }
        text.push_str(&charset::decode(word.charset, &word.octets));
        rest = &rest[start + length..];
        after_word = true;
    }
    text.push_str(&charset::guess(rest));
    text
}

struct Word<'a> {
    charset: &'a str,
    octets: Vec<u8>,
}

/// The encoded word that the text begins with, and its length.
fn parse_word(text: &[u8]) -> Option<(Word<'_>, usize)> {
    let inner = text.strip_prefix(b"=?")?;
    let mark = memchr::memchr(b'?', inner)?;
    let charset = std::str::from_utf8(&inner[..mark]).ok()?;
    let charset = charset.split('*').next().unwrap_or(charset);
    let kind = *inner.get(mark + 1)?;
    let payload = inner.get(mark + 2..)?.strip_prefix(b"?")?;
    let end = memchr::memmem::find(payload, b"?=")?;
    let payload = &payload[..end];
    if charset.is_empty() || payload.contains(&b'?') || mark > MAX_WORD {
        return None;
    }
    let octets = match kind {
        b'b' | b'B' => transfer::base64(payload),
        b'q' | b'Q' => decode_q(payload),
        _ => return None,
    };
    Some((Word { charset, octets }, 2 + mark + 3 + end + 2))
}

/// RFC 2047 §4.2.
fn decode_q(payload: &[u8]) -> Vec<u8> {
    let blanks: Vec<u8> = payload
        .iter()
        .map(|o| if *o == b'_' { b' ' } else { *o })
        .collect();
    // A blank at the end was an underscore and counts, so the line rules of quoted-printable must not see it.
    let text = blanks.trim_ascii_end();
    let mut octets = transfer::quoted_printable(text);
    octets.extend_from_slice(&blanks[text.len()..]);
    octets
}

/// A header value in which nothing but printable ASCII is left (W15): runs of words with 8-bit octets become encoded words,
/// control characters become blanks. Encoded words that are there stay.
pub fn encode(value: &[u8]) -> Cow<'_, [u8]> {
    if value.iter().all(|o| matches!(o, b' '..=b'~')) {
        return Cow::Borrowed(value);
    }
    if value.is_ascii() {
        return value.iter().map(|o| printable(*o)).collect();
    }
    let text = charset::guess(value);
    let mut out = String::with_capacity(text.len() * 2);
    let (mut before, mut pending) = (true, String::new());
    for word in text.split(' ') {
        if word.is_ascii() {
            flush(&mut out, &mut pending, before);
            before = out.is_empty();
            push_blank(&mut out, before);
            out.extend(word.bytes().map(|o| char::from(printable(o))));
            before = false;
        } else {
            if !pending.is_empty() {
                pending.push(' ');
            }
            pending.push_str(word);
        }
    }
    flush(&mut out, &mut pending, before);
    Cow::Owned(out.into_bytes())
}

fn printable(octet: u8) -> u8 {
    if octet.is_ascii_graphic() {
        octet
    } else {
        b' '
    }
}

fn push_blank(out: &mut String, first: bool) {
    if !first {
        out.push(' ');
    }
}

/// Writes the collected words as encoded words.
fn flush(out: &mut String, pending: &mut String, first: bool) {
    if pending.is_empty() {
        return;
    }
    push_blank(out, first && out.is_empty());
    write_words(out, pending);
    pending.clear();
}

/// The text as Q-encoded UTF-8 words of at most 75 octets, letters undivided (RFC 2047 §5 (3) phrase rules hold too).
fn write_words(out: &mut String, text: &str) {
    const OPEN: &str = "=?utf-8?q?";
    out.push_str(OPEN);
    let mut length = OPEN.len() + 2;
    for c in text.chars() {
        let safe = c.is_ascii_alphanumeric() || matches!(c, '!' | '*' | '+' | '-' | '/' | ' ');
        let width = if safe { 1 } else { 3 * c.len_utf8() };
        if length + width > MAX_WORD {
            out.push_str("?= ");
            out.push_str(OPEN);
            length = OPEN.len() + 2;
        }
        length += width;
        match c {
            ' ' => out.push('_'),
            c if safe => out.push(c),
            c => escape(out, c),
        }
    }
    out.push_str("?=");
}

fn escape(out: &mut String, c: char) {
    for octet in c.encode_utf8(&mut [0; 4]).bytes() {
        // Writing to a String cannot fail.
        let _ = write!(out, "={octet:02X}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rfc2047_section_8_examples() {
        for (encoded, plain) in [
            ("=?ISO-8859-1?Q?a?=", "a"),
            ("=?ISO-8859-1?Q?a?= b", "a b"),
            ("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"),
            ("=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=", "ab"),
            ("=?ISO-8859-1?Q?a_b?=", "a b"),
            ("=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b"),
            ("=?US-ASCII?Q?Keith_Moore?=", "Keith Moore"),
            ("=?ISO-8859-1?Q?Andr=E9?= Pirard", "André Pirard"),
            (
                "=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?= =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
                "If you can read this you understand the example.",
            ),
            ("=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore"),
        ] {
            assert_eq!(decode(encoded.as_bytes()), plain);
        }
    }

    #[test]
    fn what_is_no_encoded_word_stays() {
        for text in [
            "=?",
            "=?a",
            "=?utf-8?x?a?=",
            "=?utf-8?q?a",
            "a =? b ?=",
            "2 =?= 2",
        ] {
            assert_eq!(decode(text.as_bytes()), text);
        }
    }

    /// W15
    #[test]
    fn w15_raw_octets_become_encoded_words() {
        let encode = |value| encode(value).into_owned();
        assert_eq!(encode("Größe".as_bytes()), b"=?utf-8?q?Gr=C3=B6=C3=9Fe?=");
        assert_eq!(
            encode(b"Re: gr\xf6\xdfe of it"),
            b"Re: =?utf-8?q?gr=C3=B6=C3=9Fe?= of it"
        );
        assert_eq!(encode(b"a\x00b\tc"), b"a b c");
    }

    proptest! {
        #[test]
        fn encoded_text_reads_the_same(text in "[a-zäöß€😀_=?]{1,12}( [a-zäöß€😀_=]{1,12}){0,20}") {
            prop_assume!(!text.contains("=?"));
            let encoded = encode(text.as_bytes());
            prop_assert!(encoded.iter().all(|o| (32..127).contains(o)));
            prop_assert_eq!(decode(&encoded), text);
        }

        #[test]
        fn never_panics(value in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = (decode(&value), encode(&value));
        }
    }
}

//! Content transfer encodings, decoded tolerantly (RFC 2045 §6.7, §6.8). Broken input yields what can be read of it.

use std::borrow::Cow;

/// Decodes octets by the name of their Content-Transfer-Encoding; identity encodings and unknown ones leave them as they are.
pub fn decode<'a>(encoding: &str, octets: &'a [u8]) -> Cow<'a, [u8]> {
    if encoding.eq_ignore_ascii_case("base64") {
        Cow::Owned(base64(octets))
    } else if encoding.eq_ignore_ascii_case("quoted-printable") {
        Cow::Owned(quoted_printable(octets))
    } else {
        Cow::Borrowed(octets)
    }
}

/// Six bits per letter; 255: not a letter of the alphabet.
const SEXTETS: [u8; 256] = {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut table = [255; 256];
    let mut i = 0;
    while i < 64 {
        table[alphabet[i] as usize] = i as u8;
        i += 1;
    }
    table
};

/// Does [`decode`] know what this encoding means?
pub fn is_known(encoding: &str) -> bool {
    ["7bit", "8bit", "binary", "base64", "quoted-printable"]
        .iter()
        .any(|known| encoding.eq_ignore_ascii_case(known))
}

/// Decodes octets as they stream by, to what [`decode`] makes of all of them at once.
pub struct Decoder {
    encoding: Encoding,
    /// Octets whose meaning depends on those to come.
    held: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Encoding {
    Identity,
    Base64,
    QuotedPrintable,
}

/// Quoted-printable without line ends is decoded in pieces of this size.
const LONG_LINE: usize = 64 * 1024;

impl Decoder {
    /// A decoder for this Content-Transfer-Encoding.
    pub fn new(encoding: &str) -> Decoder {
        let encoding = match encoding.to_ascii_lowercase().as_str() {
            "base64" => Encoding::Base64,
            "quoted-printable" => Encoding::QuotedPrintable,
            _ => Encoding::Identity,
        };
        Decoder {
            encoding,
            held: Vec::new(),
        }
    }

    /// Takes octets; gives what they decode to so far.
    pub fn feed(&mut self, octets: &[u8]) -> Vec<u8> {
        match self.encoding {
            Encoding::Identity => octets.to_vec(),
            Encoding::Base64 => {
                let letters = |o: &&u8| SEXTETS[**o as usize] != 255 || **o == b'=';
                self.held.extend(octets.iter().filter(letters));
                let whole = whole_groups(&self.held);
                let rest = self.held.split_off(whole);
                base64(&std::mem::replace(&mut self.held, rest))
            }
            Encoding::QuotedPrintable => {
                self.held.extend_from_slice(octets);
                let lines = memchr::memrchr(b'\n', &self.held).map_or(0, |at| at + 1);
                let whole = match lines {
                    0 if self.held.len() > LONG_LINE => self.held.len() - 2,
                    lines => lines,
                };
                let rest = self.held.split_off(whole);
                quoted_printable(&std::mem::replace(&mut self.held, rest))
            }
        }
    }

    /// What is left at the end.
    pub fn finish(self) -> Vec<u8> {
        match self.encoding {
            Encoding::Identity => Vec::new(),
            Encoding::Base64 => base64(&self.held),
            Encoding::QuotedPrintable => quoted_printable(&self.held),
        }
    }
}

/// How many of these letters stand in groups that are complete: four letters, or fewer and their `=`.
fn whole_groups(letters: &[u8]) -> usize {
    let (mut whole, mut in_group) = (0, 0);
    for (at, letter) in letters.iter().enumerate() {
        in_group = if *letter == b'=' { 4 } else { in_group + 1 };
        if in_group >= 4 {
            (whole, in_group) = (at + 1, 0);
        }
    }
    whole
}

/// Base64 of any line lengths; other letters are skipped, and `=` ends a group (several encodings may follow each other).
pub fn base64(octets: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(octets.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0);
    for &octet in octets {
        let sextet = SEXTETS[octet as usize];
        if sextet == 255 {
            if octet == b'=' {
                push_rest(&mut out, bits, count);
                (bits, count) = (0, 0);
            }
            continue;
        }
        bits = bits << 6 | u32::from(sextet);
        count += 1;
        if count == 4 {
            out.extend_from_slice(&bits.to_be_bytes()[1..]);
            (bits, count) = (0, 0);
        }
    }
    push_rest(&mut out, bits, count);
    out
}

/// The one or two octets of an incomplete group.
fn push_rest(out: &mut Vec<u8>, bits: u32, sextets: u32) {
    match sextets {
        2 => out.push((bits >> 4) as u8),
        3 => out.extend_from_slice(&[(bits >> 10) as u8, (bits >> 2) as u8]),
        _ => {}
    }
}

/// Quoted-printable: soft line breaks joined, blanks at line ends dropped, wrong escapes kept as written.
pub fn quoted_printable(octets: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(octets.len());
    for line in octets.split_inclusive(|o| *o == b'\n') {
        let text = line.trim_ascii_end();
        match text.strip_suffix(b"=") {
            Some(soft) => unescape(soft, &mut out),
            None => {
                unescape(text, &mut out);
                out.extend_from_slice(line_end(line));
            }
        }
    }
    out
}

fn line_end(line: &[u8]) -> &[u8] {
    if line.ends_with(b"\r\n") {
        b"\r\n"
    } else if line.ends_with(b"\n") {
        b"\n"
    } else {
        b""
    }
}

fn unescape(mut text: &[u8], out: &mut Vec<u8>) {
    while let Some(escape) = memchr::memchr(b'=', text) {
        out.extend_from_slice(&text[..escape]);
        match text.get(escape + 1..escape + 3).and_then(hex_octet) {
            Some(octet) => {
                out.push(octet);
                text = &text[escape + 3..];
            }
            None => {
                out.push(b'=');
                text = &text[escape + 1..];
            }
        }
    }
    out.extend_from_slice(text);
}

/// Longest line of quoted-printable (RFC 2045 §6.7 rule 5).
const MAX_LINE: usize = 76;

/// Writes octets as quoted-printable text; line ends stay line ends.
pub fn encode_quoted_printable(octets: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(octets.len() + octets.len() / 8);
    for line in octets.split_inclusive(|o| *o == b'\n') {
        let end = line_end(line);
        encode_line(&line[..line.len() - end.len()], &mut out);
        out.extend_from_slice(end);
    }
    out
}

fn encode_line(line: &[u8], out: &mut Vec<u8>) {
    let mut column = 0;
    for (i, &octet) in line.iter().enumerate() {
        let last = i + 1 == line.len();
        let plain = matches!(octet, b'!'..=b'<' | b'>'..=b'~') || (octet == b' ' && !last);
        let width = if plain { 1 } else { 3 };
        // A place is kept for the mark of a soft line break.
        if column + width > MAX_LINE - 1 {
            out.extend_from_slice(b"=\r\n");
            column = 0;
        }
        column += width;
        if plain {
            out.push(octet);
        } else {
            let digit = |nibble: u8| b"0123456789ABCDEF"[usize::from(nibble)];
            out.extend_from_slice(&[b'=', digit(octet >> 4), digit(octet & 15)]);
        }
    }
}

/// The octet that two hexadecimal digits stand for.
pub(crate) fn hex_octet(digits: &[u8]) -> Option<u8> {
    let digit = |o: &u8| char::from(*o).to_digit(16);
    match digits {
        [high, low] => Some((digit(high)? * 16 + digit(low)?) as u8),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rfc2045_section_6_7_quoted_printable() {
        let text = b"Now's the time =\r\nfor all folk to come=\r\n to the aid of their country.";
        assert_eq!(
            quoted_printable(text),
            b"Now's the time for all folk to come to the aid of their country."
        );
        assert_eq!(
            quoted_printable(b"=C3=A4=3d  \r\nb=XY=\n"),
            "ä=\r\nb=XY".as_bytes()
        );
    }

    #[test]
    fn base64_is_read_as_far_as_it_goes() {
        assert_eq!(base64(b"SGVs\r\nbG8="), b"Hello");
        assert_eq!(base64(b"SGVsbG8"), b"Hello");
        assert_eq!(base64(b"SGVsbG8=SGVsbG8="), b"HelloHello");
        assert_eq!(
            base64(b"S!G*VsbA"),
            b"Hel".iter().chain(b"l").copied().collect::<Vec<_>>()
        );
    }

    proptest! {
        #[test]
        fn quoted_printable_reads_the_same(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
            let encoded = encode_quoted_printable(&octets);
            prop_assert!(encoded.split(|o| *o == b'\n').all(|line| line.len() <= MAX_LINE + 1));
            prop_assert!(encoded.is_ascii());
            prop_assert_eq!(quoted_printable(&encoded), octets);
        }

        fn a_stream_decodes_like_a_whole(octets in proptest::collection::vec(prop_oneof![Just(b'='), Just(b'\n'), Just(b'A'), any::<u8>()], 0..200),
            cut in 1usize..30, encoding in prop::sample::select(vec!["base64", "quoted-printable", "8bit"])) {
            let mut decoder = Decoder::new(encoding);
            let mut streamed: Vec<u8> = octets.chunks(cut).flat_map(|piece| decoder.feed(piece)).collect();
            streamed.extend(decoder.finish());
            prop_assert_eq!(streamed, decode(encoding, &octets).into_owned());
        }
        #[test]
        fn never_panics(octets in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = (base64(&octets), quoted_printable(&octets));
        }
    }
}

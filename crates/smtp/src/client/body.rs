//! Writes a message's octets the way SMTP wants them: every line ends with CRLF, no CR or LF stands alone, and dots at the
//! beginning of a line are doubled for DATA (RFC 5321 §4.5.2) or octets are counted for BDAT (RFC 3030 §2).

/// Turns line ends of any kind into CRLF across pieces.
#[derive(Default)]
pub(super) struct LineEnds {
    /// The last octet was a CR whose LF may still come.
    after_cr: bool,
    /// Octets of the current line.
    in_line: bool,
}

impl LineEnds {
    /// Adds `octets` to `out`.
    pub(super) fn normalise(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        out.reserve(octets.len());
        let mut rest = octets;
        while let Some(&first) = rest.first() {
            let plain = rest
                .iter()
                .position(|octet| matches!(octet, b'\r' | b'\n'))
                .unwrap_or(rest.len());
            if plain > 0 {
                out.extend_from_slice(&rest[..plain]);
                (self.after_cr, self.in_line) = (false, true);
                rest = &rest[plain..];
                continue;
            }
            self.line_end(first, out);
            rest = &rest[1..];
        }
    }

    /// A CR, or an LF that does not belong to the CR before it, ends the line.
    fn line_end(&mut self, octet: u8, out: &mut Vec<u8>) {
        if octet == b'\r' || !self.after_cr {
            out.extend_from_slice(b"\r\n");
        }
        self.after_cr = octet == b'\r';
        self.in_line = false;
    }

    /// Ends a last line that has no end.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.in_line) {
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// Doubles dots at the beginning of lines; takes only normalised text.
pub(super) struct DotStuffing {
    line_start: bool,
}

impl Default for DotStuffing {
    fn default() -> DotStuffing {
        DotStuffing { line_start: true }
    }
}

impl DotStuffing {
    /// Adds `text` to `out`.
    pub(super) fn stuff(&mut self, text: &[u8], out: &mut Vec<u8>) {
        for line in text.split_inclusive(|octet| *octet == b'\n') {
            if self.line_start && line[0] == b'.' {
                out.push(b'.');
            }
            out.extend_from_slice(line);
            self.line_start = line.ends_with(b"\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(pieces: &[&[u8]]) -> Vec<u8> {
        let (mut ends, mut dots) = (LineEnds::default(), DotStuffing::default());
        let mut out = Vec::new();
        for piece in pieces {
            let mut text = Vec::new();
            ends.normalise(piece, &mut text);
            dots.stuff(&text, &mut out);
        }
        let mut text = Vec::new();
        ends.finish(&mut text);
        dots.stuff(&text, &mut out);
        out
    }

    #[test]
    fn rfc_5321_4_5_2_transparency() {
        assert_eq!(written(&[b".\r\n..\r\na.b\r\n"]), b"..\r\n...\r\na.b\r\n");
        assert_eq!(written(&[b"a\r", b"\n", b".b"]), b"a\r\n..b\r\n");
    }

    #[test]
    fn bare_line_ends_become_crlf() {
        assert_eq!(
            written(&[b"a\nb\rc\r\r\nd\n\n"]),
            b"a\r\nb\r\nc\r\n\r\nd\r\n\r\n"
        );
        assert_eq!(written(&[b""]), b"");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        /// Y: nothing that anybody could take for the end of the message is ever written inside it.
        #[test]
        fn no_bare_line_end_and_no_lone_dot(pieces in proptest::collection::vec("[\r\n.a]{0,8}", 0..6)) {
            let pieces: Vec<&[u8]> = pieces.iter().map(String::as_bytes).collect();
            let out = written(&pieces);
            let text = String::from_utf8(out).unwrap();
            let without = text.replace("\r\n", "");
            prop_assert!(!without.contains(['\r', '\n']));
            prop_assert!(text.split("\r\n").all(|line| line != "."));
            prop_assert!(text.is_empty() || text.ends_with("\r\n"));
        }
    }
}

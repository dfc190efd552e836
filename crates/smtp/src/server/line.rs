//! Splits the stream into lines of limited length (RFC 5321 §4.5.3.1.4, RFC 4954 §4). What a line means is not known here.

use memchr::memchr;
use std::borrow::Cow;

/// Octets of a command line. RFC 5321 asks for 512; extensions add to it (AUTH= and ORCPT= 500 each).
const MAX_COMMAND: usize = 2048;
/// Octets of a line in a SASL exchange, or of an AUTH command (RFC 4954 §4: 12288).
const MAX_SASL: usize = 12288;

/// Holds what has come of a line that is not complete yet.
#[derive(Debug, Default)]
pub(super) struct LineReader {
    partial: Vec<u8>,
    /// Octets of this line were thrown away.
    overflow: bool,
}

/// What the next line is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A line without its line end.
    Whole(Cow<'a, [u8]>, LineEnd),
    /// A line over the limit; its text is gone.
    TooLong,
    /// All input is used, and the line has not ended.
    Incomplete,
}

/// How a line ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineEnd {
    /// As it must.
    CrLf,
    /// With LF alone.
    Lf,
}

/// What kind of line is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expect {
    /// A command.
    Command,
    /// A response in a SASL exchange.
    Sasl,
}

impl LineReader {
    /// Whether a line has begun.
    pub(super) fn has_begun(&self) -> bool {
        self.overflow || !self.partial.is_empty()
    }

    /// Takes a line, or all there is of it, from the front of `input`.
    pub(super) fn next<'a>(&mut self, input: &mut &'a [u8], expect: Expect) -> Line<'a> {
        let Some(end) = memchr(b'\n', input) else {
            self.keep(input);
            *input = &[];
            return Line::Incomplete;
        };
        let (piece, rest) = input.split_at(end + 1);
        *input = rest;
        if !self.has_begun() {
            return limited(Cow::Borrowed(piece), expect);
        }
        self.keep(piece);
        let line = std::mem::take(&mut self.partial);
        match std::mem::take(&mut self.overflow) {
            true => Line::TooLong,
            false => limited(Cow::Owned(line), expect),
        }
    }

    fn keep(&mut self, piece: &[u8]) {
        self.overflow |= self.partial.len() + piece.len() > MAX_SASL + 2;
        match self.overflow {
            true => self.partial = Vec::new(),
            false => self.partial.extend_from_slice(piece),
        }
    }
}

fn limited(line: Cow<'_, [u8]>, expect: Expect) -> Line<'_> {
    let end = match line.ends_with(b"\r\n") {
        true => LineEnd::CrLf,
        false => LineEnd::Lf,
    };
    let length = line.len() - if end == LineEnd::CrLf { 2 } else { 1 };
    let is_auth = line
        .get(..5)
        .is_some_and(|verb| verb.eq_ignore_ascii_case(b"AUTH "));
    let limit = match expect {
        Expect::Command if !is_auth => MAX_COMMAND,
        _ => MAX_SASL,
    };
    if length > limit {
        return Line::TooLong;
    }
    let text = match line {
        Cow::Borrowed(line) => Cow::Borrowed(&line[..length]),
        Cow::Owned(mut line) => {
            line.truncate(length);
            Cow::Owned(line)
        }
    };
    Line::Whole(text, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(stream: &[u8], cut: usize, expect: Expect) -> Vec<String> {
        let mut reader = LineReader::default();
        let mut seen = Vec::new();
        for piece in stream.chunks(cut) {
            let mut input = piece;
            loop {
                match reader.next(&mut input, expect) {
                    Line::Whole(text, end) => {
                        seen.push(format!("{} {end:?}", String::from_utf8_lossy(&text)));
                    }
                    Line::TooLong => seen.push("too long".to_owned()),
                    Line::Incomplete => break,
                }
            }
        }
        seen
    }

    #[test]
    fn lines_cut_anywhere() {
        for cut in 1..12 {
            let seen = lines(b"one\r\n\r\ntwo\nthr", cut, Expect::Command);
            assert_eq!(seen, ["one CrLf", " CrLf", "two Lf"], "{cut}");
        }
    }

    /// Y14, Y22: a long line is swallowed whole, and no more of it is held than the limit.
    #[test]
    fn y22_long_lines_are_swallowed() {
        for (length, expect, fits) in [
            (2048, Expect::Command, true),
            (2049, Expect::Command, false),
            (12288, Expect::Sasl, true),
            (12289, Expect::Sasl, false),
            (1_000_000, Expect::Sasl, false),
        ] {
            let stream = [vec![b'x'; length], b"\r\nnext\r\n".to_vec()].concat();
            for cut in [1, 1000, 5000, stream.len()] {
                let seen = lines(&stream, cut, expect);
                assert_eq!(seen.len(), 2);
                assert_eq!(seen[0] != "too long", fits, "{length} {cut}");
                assert_eq!(seen[1], "next CrLf");
            }
        }
        let auth = [b"AUTH PLAIN ".to_vec(), vec![b'x'; 9000], b"\r\n".to_vec()].concat();
        assert_ne!(lines(&auth, 7, Expect::Command), ["too long"]);
    }
}

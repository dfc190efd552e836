//! The message on standard input, as it goes on: line ends are CRLF, the end is a dot alone or the end of the input (X16).
//!
//! Read in pieces of bounded length, so that neither a long message nor a long line takes memory. Only the header section is held.

use super::failure::{Exit, Failure};
use super::options::Dot;
use std::io::{self, BufRead};

/// Octets of a piece.
const PIECE: u64 = 64 * 1024;
/// Octets of a header section; the server's own limit is a setting and smaller.
const LONGEST_HEADER: usize = 16 << 20;

/// A message that is being read.
pub struct Input<R> {
    from: R,
    dot: Dot,
    /// Whether the next piece begins a line.
    fresh: bool,
    /// A CR at the end of the last piece, of which it is not known yet whether it ends a line.
    held: bool,
    ended: bool,
}

/// The header section, and the octets behind it that were read already.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Fields, each with its CRLF.
    pub section: Vec<u8>,
    /// The empty line is not in it.
    pub body: Vec<u8>,
}

impl<R: BufRead> Input<R> {
    /// Begins to read.
    pub fn new(from: R, dot: Dot) -> Input<R> {
        Input {
            from,
            dot,
            fresh: true,
            held: false,
            ended: false,
        }
    }

    /// The next piece, a line at most, in place of what `piece` held; empty at the end.
    pub fn next(&mut self, piece: &mut Vec<u8>) -> Result<(), Failure> {
        piece.clear();
        while piece.is_empty() && !self.ended {
            self.read(piece).map_err(|why| {
                Failure::new(Exit::IoError, format!("cannot read the message: {why}"))
            })?;
        }
        Ok(())
    }

    fn read(&mut self, piece: &mut Vec<u8>) -> io::Result<()> {
        if std::mem::take(&mut self.held) {
            piece.push(b'\r');
        }
        let mut limited = io::Read::take(&mut self.from, PIECE);
        let read = limited.read_until(b'\n', piece)?;
        let began = std::mem::replace(&mut self.fresh, piece.ends_with(b"\n"));
        if read == 0 {
            self.ended = true;
            if piece == b"\r" {
                piece.clear();
            }
            // A last line without an end gets one.
            if !began || !piece.is_empty() {
                piece.extend_from_slice(b"\r\n");
            }
        } else if piece.ends_with(b"\n") {
            piece.pop();
            if piece.ends_with(b"\r") {
                piece.pop();
            }
            if began && piece == b"." && self.dot == Dot::Ends {
                self.ended = true;
                piece.clear();
                return Ok(());
            }
            piece.extend_from_slice(b"\r\n");
        } else if piece.ends_with(b"\r") {
            piece.pop();
            self.held = true;
        }
        Ok(())
    }

    /// The header section. A first line `From …` of mbox is left out; text without a header is body.
    pub fn head(&mut self) -> Result<Head, Failure> {
        let mut head = Head::default();
        let mut piece = Vec::new();
        let mut line_begins = true;
        loop {
            self.next(&mut piece)?;
            let begins = std::mem::replace(&mut line_begins, piece.ends_with(b"\n"));
            let first = head.section.is_empty();
            match piece.as_slice() {
                b"" | b"\r\n" if begins => return Ok(head),
                b"" => return Ok(head),
                _ if !begins => head.section.extend_from_slice(&piece),
                line if first && line.starts_with(b"From ") => {}
                [b' ' | b'\t', ..] if !first => head.section.extend_from_slice(&piece),
                line if is_field(line) => head.section.extend_from_slice(&piece),
                _ => {
                    head.body = piece;
                    return Ok(head);
                }
            }
            if head.section.len() > LONGEST_HEADER {
                let message = "the header section of the message does not end";
                return Err(Failure::new(Exit::DataError, message));
            }
        }
    }
}

fn is_field(line: &[u8]) -> bool {
    let name = line
        .split(|octet| *octet == b':')
        .next()
        .unwrap_or_default();
    let name = name.trim_ascii_end();
    name.len() < line.len() && !name.is_empty() && name.iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &[u8], dot: Dot) -> (String, String) {
        let mut input = Input::new(text, dot);
        let head = input.head().unwrap();
        let mut body = head.body;
        let mut piece = Vec::new();
        loop {
            input.next(&mut piece).unwrap();
            if piece.is_empty() {
                break;
            }
            body.extend_from_slice(&piece);
        }
        (
            String::from_utf8_lossy(&head.section).into_owned(),
            String::from_utf8_lossy(&body).into_owned(),
        )
    }

    fn pair(section: &str, body: &str) -> (String, String) {
        (section.into(), body.into())
    }

    /// X16
    #[test]
    fn x16_line_ends_and_the_dot() {
        let text = b"To: a\n b\nX: y\r\n\nhi\r\n.\nmore\n..\nend";
        assert_eq!(
            read(text, Dot::Ends),
            pair("To: a\r\n b\r\nX: y\r\n", "hi\r\n")
        );
        assert_eq!(
            read(text, Dot::Text),
            pair(
                "To: a\r\n b\r\nX: y\r\n",
                "hi\r\n.\r\nmore\r\n..\r\nend\r\n"
            )
        );
        assert_eq!(read(b".\nx\n", Dot::Ends), pair("", ""));
        assert_eq!(read(b"", Dot::Ends), pair("", ""));
        assert_eq!(read(b"A: b", Dot::Ends), pair("A: b\r\n", ""));
    }

    #[test]
    fn what_is_no_header_is_body() {
        assert_eq!(
            read(b"hello there\nTo: x\n", Dot::Text),
            pair("", "hello there\r\nTo: x\r\n")
        );
        assert_eq!(
            read(b"From me Thu\nTo: x\n\ny\n", Dot::Text),
            pair("To: x\r\n", "y\r\n")
        );
        assert_eq!(
            read(b" folded\nTo: x\n", Dot::Text),
            pair("", " folded\r\nTo: x\r\n")
        );
    }

    #[test]
    fn long_lines_come_in_pieces() {
        let mut text = vec![b'x'; 64 * 1024 - 1];
        text.extend_from_slice(b"\r\ny\n.\n");
        let mut input = Input::new(text.as_slice(), Dot::Ends);
        let mut piece = Vec::new();
        let mut all = Vec::new();
        loop {
            input.next(&mut piece).unwrap();
            if piece.is_empty() && input.ended {
                break;
            }
            all.extend_from_slice(&piece);
        }
        assert!(all.ends_with(b"x\r\ny\r\n"), "{:?}", &all[all.len() - 10..]);
        assert_eq!(all.len(), 64 * 1024 - 1 + 5);
    }

    proptest! {
        #[test]
        fn any_octets_end_in_whole_lines(text in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut input = Input::new(text.as_slice(), Dot::Text);
            let head = input.head().unwrap();
            let (mut piece, mut all) = (Vec::new(), [head.section, head.body].concat());
            while { input.next(&mut piece).unwrap(); !piece.is_empty() } {
                all.extend_from_slice(&piece);
            }
            prop_assert!(all.is_empty() || all.ends_with(b"\r\n"));
        }
    }
}

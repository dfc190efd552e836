//! A message as a multi-line response (RFC 1939 §3): lines that begin with a dot get another one, every line ends with CRLF, and a line
//! with a dot alone ends it all. For TOP it stops after so many lines of the body.

/// Writes one message.
#[derive(Clone, Debug)]
pub struct Dots {
    at_start: bool,
    /// The last octet was a CR.
    after_cr: bool,
    /// Lines of the body that may still be written; `None`: all. It counts once the header section is over.
    lines: Option<u32>,
    in_header: bool,
    /// The line so far is empty.
    empty: bool,
    done: bool,
}

impl Dots {
    /// Begins; with `lines` the header section, the empty line behind it and so many lines of the body are written.
    pub fn new(lines: Option<u32>) -> Dots {
        Dots {
            at_start: true,
            after_cr: false,
            lines,
            in_header: true,
            empty: true,
            done: false,
        }
    }

    /// Writes octets of the message.
    pub fn write(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        for octet in octets {
            if self.done {
                return;
            }
            self.octet(*octet, out);
        }
    }

    /// Whether no more of the message is wanted.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Ends the response.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if !self.at_start {
            match self.after_cr {
                true => out.push(b'\n'),
                false => out.extend_from_slice(b"\r\n"),
            }
        }
        out.extend_from_slice(b".\r\n");
    }

    fn octet(&mut self, octet: u8, out: &mut Vec<u8>) {
        if octet == b'\n' {
            // A line end that is not CRLF becomes one: clients look for CRLF.
            if !self.after_cr {
                out.push(b'\r');
            }
            out.push(b'\n');
            self.line_ended();
            return;
        }
        if self.at_start && octet == b'.' {
            out.push(b'.');
        }
        out.push(octet);
        self.at_start = false;
        self.empty &= octet == b'\r';
        self.after_cr = octet == b'\r';
    }

    fn line_ended(&mut self) {
        if self.in_header {
            self.in_header = !self.empty;
            self.done = !self.in_header && self.lines == Some(0);
        } else if let Some(lines) = &mut self.lines {
            *lines = lines.saturating_sub(1);
            self.done = *lines == 0;
        }
        (self.at_start, self.after_cr, self.empty) = (true, false, true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(message: &[u8], lines: Option<u32>, cut: usize) -> String {
        let (mut dots, mut out) = (Dots::new(lines), Vec::new());
        for piece in message.chunks(cut) {
            dots.write(piece, &mut out);
        }
        dots.finish(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn rfc_1939_3_dots_are_stuffed() {
        for cut in 1..20 {
            assert_eq!(
                written(b"a: b\r\n\r\n.\r\n..x\r\n", None, cut),
                "a: b\r\n\r\n..\r\n...x\r\n.\r\n"
            );
            assert_eq!(written(b"no end", None, cut), "no end\r\n.\r\n");
            assert_eq!(written(b"a\n.b\r", None, cut), "a\r\n..b\r\n.\r\n");
            assert_eq!(written(b"", None, cut), ".\r\n");
        }
    }

    #[test]
    fn rfc_1939_7_top_ends_after_its_lines() {
        let message = b"a: b\r\nc: d\r\n\r\none\r\n.two\r\nthree\r\n";
        for cut in 1..20 {
            assert_eq!(written(message, Some(0), cut), "a: b\r\nc: d\r\n\r\n.\r\n");
            assert_eq!(
                written(message, Some(2), cut),
                "a: b\r\nc: d\r\n\r\none\r\n..two\r\n.\r\n"
            );
            assert_eq!(written(message, Some(9), cut), written(message, None, cut));
        }
    }

    proptest! {
        /// What a client reads is what was stored, whatever it is and however it comes.
        #[test]
        fn unstuffing_gives_the_message_back(lines in proptest::collection::vec("[.a-c]{0,4}", 0..8), cut in 1_usize..9) {
            let message: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
            let wire = written(message.as_bytes(), None, cut);
            let body = wire.strip_suffix(".\r\n").unwrap();
            let read: String = body.split_inclusive("\r\n").map(|line| line.strip_prefix('.').unwrap_or(line)).collect();
            prop_assert_eq!(read, message);
            prop_assert!(!body.split("\r\n").any(|line| line == "."));
        }
    }
}

//! Lines of a client, with limits that hold before they are parsed (RFC 2449 §4: a command has 255 octets at most; RFC 5034 §4: a
//! response of a log-in has more). A line ends with CRLF and with nothing else.

/// Octets of a command with its CRLF.
const COMMAND: usize = 255;
/// Octets of a line of a log-in exchange (RFC 5034 §4).
const RESPONSE: usize = 12_288;
/// Octets without a line end after which a client is no POP3 client.
const NONSENSE: usize = 65_536;

/// Which lines are expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Commands.
    Command,
    /// Responses of a log-in exchange.
    Response,
}

/// What came in.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// The client has not said enough.
    Wait,
    /// A line, without its CRLF.
    Whole(Vec<u8>),
    /// A line that was too long was skipped.
    TooLong,
    /// There is no end of the line in sight.
    Nonsense,
}

/// Divides octets into lines.
#[derive(Debug, Default)]
pub struct Lines {
    held: Vec<u8>,
    /// How much of it is known to hold no line end.
    searched: usize,
    /// Octets of a line that is too long which were thrown away.
    skipped: usize,
}

impl Lines {
    /// Takes octets.
    pub fn feed(&mut self, octets: &[u8]) {
        self.held.extend_from_slice(octets);
    }

    /// Throws away what was not read yet.
    pub fn forget(&mut self) {
        *self = Lines::default();
    }

    /// The next line.
    pub fn next_line(&mut self, expected: Expected) -> Line {
        let limit = match expected {
            Expected::Command => COMMAND,
            Expected::Response => RESPONSE,
        };
        match self.end() {
            Some(end) => self.take(end, limit),
            None => self.skip_if_too_long(limit),
        }
    }

    /// Where the line ends: behind its CRLF.
    fn end(&mut self) -> Option<usize> {
        let from = self.searched.saturating_sub(1);
        let found = self.held[from..].windows(2).position(|two| two == b"\r\n");
        self.searched = self.held.len();
        found.map(|at| from + at + 2)
    }

    fn take(&mut self, end: usize, limit: usize) -> Line {
        let rest = self.held.split_off(end);
        let mut line = std::mem::replace(&mut self.held, rest);
        self.searched = 0;
        if std::mem::take(&mut self.skipped) > 0 || line.len() > limit {
            return Line::TooLong;
        }
        line.truncate(line.len() - 2);
        Line::Whole(line)
    }

    fn skip_if_too_long(&mut self, limit: usize) -> Line {
        if self.held.len() > limit {
            // The last octet may be the CR of the end.
            let gone = self.held.len() - 1;
            self.held.drain(..gone);
            self.searched = self.held.len();
            self.skipped += gone;
        }
        match self.skipped > NONSENSE {
            true => Line::Nonsense,
            false => Line::Wait,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_however_they_are_cut() {
        let text = b"STAT\r\nUSER a\nb\r\n\r\nQUIT\r\n";
        for size in 1..text.len() {
            let (mut lines, mut got) = (Lines::default(), Vec::new());
            for piece in text.chunks(size) {
                lines.feed(piece);
                while let Line::Whole(line) = lines.next_line(Expected::Command) {
                    got.push(line);
                }
            }
            assert_eq!(
                got,
                [
                    b"STAT".to_vec(),
                    b"USER a\nb".to_vec(),
                    vec![],
                    b"QUIT".to_vec()
                ]
            );
        }
    }

    #[test]
    fn long_lines_are_skipped_and_endless_ones_end_it() {
        let mut lines = Lines::default();
        lines.feed(&[b'x'; 253]);
        lines.feed(b"\r\n");
        assert_eq!(
            lines.next_line(Expected::Command),
            Line::Whole(vec![b'x'; 253])
        );
        lines.feed(&[b'x'; 300]);
        assert_eq!(lines.next_line(Expected::Command), Line::Wait);
        lines.feed(b"xx\r");
        assert_eq!(lines.next_line(Expected::Command), Line::Wait);
        lines.feed(b"\nSTAT\r\n");
        assert_eq!(lines.next_line(Expected::Command), Line::TooLong);
        assert_eq!(
            lines.next_line(Expected::Command),
            Line::Whole(b"STAT".to_vec())
        );
        lines.feed(&[b'x'; 12_000]);
        lines.feed(b"\r\n");
        assert_eq!(
            lines.next_line(Expected::Response),
            Line::Whole(vec![b'x'; 12_000])
        );
        for _ in 0..20 {
            lines.feed(&[b'y'; 4096]);
            let next = lines.next_line(Expected::Response);
            if next == Line::Nonsense {
                assert!(lines.held.len() <= RESPONSE);
                return;
            }
            assert_eq!(next, Line::Wait);
        }
        panic!("nonsense is never recognised");
    }
}

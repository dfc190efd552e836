//! Where a message ends, and which octets are its own: DATA (RFC 5321 §4.1.1.4, §4.5.2) and BDAT (RFC 3030).
//!
//! Only CRLF `.` CRLF ends a message; CR and LF have no meaning alone (RFC 5321 §2.3.8). A decoder reads a stream in pieces of any
//! size and hands out slices of it, without copying. What breaks the line rules is remembered as a [`Fault`]: the rest is read to its
//! proper end, and the message is refused there, so that nothing in it is ever taken for a command (U1, Y11).

use memchr::memchr3;

/// What to do with an LF that no CR stands before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BareLf {
    /// The message is refused: another server would have sent CRLF.
    Refuse,
    /// It becomes CRLF: our own users' printers and scripts know no better (W22). A line with only a dot is still refused when an LF
    /// alone stands before or after it, because some servers would end the message there.
    Normalise,
}

/// How a message breaks the rules of lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Fault {
    /// CR without LF.
    #[error("the message has a CR without LF; lines end with CRLF")]
    BareCr,
    /// LF without CR.
    #[error("the message has an LF without CR; lines end with CRLF")]
    BareLf,
    /// The octet zero, which no text has and IMAP cannot carry (RFC 9051 §4.3.1).
    #[error("the message has a NUL octet; binary content must be encoded")]
    Nul,
}

/// What a decoder found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Piece<'a> {
    /// Octets of the message.
    Content(&'a [u8]),
    /// All input is used.
    More,
    /// The message, or the chunk, is complete. What is left of the input comes after it.
    End,
}

/// Decodes the stream after DATA.
#[derive(Debug)]
pub struct DotDecoder {
    at: Place,
    lines: LineRules,
}

/// Decodes the chunks of BDAT, all those of one message one after the other.
#[derive(Debug)]
pub struct ChunkDecoder {
    left: u64,
    /// The last octet was CR, and the next must be LF.
    after_cr: bool,
    /// The last line has its end. An empty message needs none.
    line_ended: bool,
    owed: bool,
    lines: LineRules,
}

/// Where in a line the next octet stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    /// At the start of a line; the octets before were CRLF.
    Start,
    /// At the start of a line that a bare LF began.
    StartAfterLf,
    /// Within a line.
    Text,
    /// After a CR.
    Cr,
    /// After a dot that began a line. It belongs to the coding, not to the message.
    Dot,
    /// After a dot that began a line after a bare LF.
    DotAfterLf,
    /// After CRLF, dot, CR.
    DotCr,
    /// After a bare LF whose CRLF is still to be handed out.
    OwedCrlf,
    /// After CRLF, dot, CRLF.
    End,
}

#[derive(Debug)]
struct LineRules {
    bare_lf: BareLf,
    fault: Option<Fault>,
}

impl LineRules {
    fn new(bare_lf: BareLf) -> LineRules {
        LineRules {
            bare_lf,
            fault: None,
        }
    }

    /// The first fault is the one that is told.
    fn broken(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }

    /// A bare LF: is it to become CRLF?
    fn normalises(&mut self) -> bool {
        if self.bare_lf == BareLf::Refuse {
            self.broken(Fault::BareLf);
        }
        self.bare_lf == BareLf::Normalise
    }
}

impl DotDecoder {
    /// At the first octet after the 354 reply.
    pub fn new(bare_lf: BareLf) -> DotDecoder {
        DotDecoder {
            at: Place::Start,
            lines: LineRules::new(bare_lf),
        }
    }

    /// What broke the line rules, if anything did so far.
    pub fn fault(&self) -> Option<Fault> {
        self.lines.fault
    }

    /// Takes octets from the front of `input`. After a fault no content is handed out any more.
    pub fn next<'a>(&mut self, input: &mut &'a [u8]) -> Piece<'a> {
        loop {
            if self.at == Place::End {
                return Piece::End;
            }
            let content = self.take(input);
            if !content.is_empty() && self.lines.fault.is_none() {
                return Piece::Content(content);
            }
            if input.is_empty() && !matches!(self.at, Place::End | Place::OwedCrlf) {
                return Piece::More;
            }
        }
    }

    /// One step: at most one run of content, perhaps empty.
    fn take<'a>(&mut self, input: &mut &'a [u8]) -> &'a [u8] {
        if self.at == Place::OwedCrlf {
            self.at = Place::StartAfterLf;
            return b"\r\n";
        }
        match (self.at, input.first().copied()) {
            (_, None) => b"",
            (Place::Start, Some(b'.')) => self.skip(input, Place::Dot),
            (Place::StartAfterLf, Some(b'.')) => self.skip(input, Place::DotAfterLf),
            (Place::Dot, Some(b'\r')) => self.skip(input, Place::DotCr),
            (Place::DotCr, Some(b'\n')) => self.skip(input, Place::End),
            (Place::DotCr, Some(_)) => {
                self.lines.broken(Fault::BareCr);
                self.run(input)
            }
            (Place::Dot, Some(b'\n')) | (Place::DotAfterLf, Some(b'\r' | b'\n')) => {
                self.lines.broken(Fault::BareLf);
                self.run(input)
            }
            _ => self.run(input),
        }
    }

    fn skip(&mut self, input: &mut &[u8], next: Place) -> &'static [u8] {
        *input = &input[1..];
        self.at = next;
        b""
    }

    /// Takes octets up to a dot that begins a line, a bare LF that is to be replaced, or the end of input.
    fn run<'a>(&mut self, input: &mut &'a [u8]) -> &'a [u8] {
        let whole = *input;
        let mut used = self.finish_line_end(whole);
        while self.at != Place::OwedCrlf {
            let at_line_start = matches!(self.at, Place::Start | Place::StartAfterLf);
            if used >= whole.len() || (at_line_start && whole[used] == b'.') {
                *input = &whole[used..];
                return &whole[..used];
            }
            used = self.line(whole, used);
        }
        *input = &whole[used..];
        &whole[..used - 1]
    }

    /// Settles what the octet before left open: after CR must come LF. Returns how many octets that took.
    fn finish_line_end(&mut self, input: &[u8]) -> usize {
        match self.at {
            Place::Start | Place::StartAfterLf => return 0,
            Place::Cr if input.first() == Some(&b'\n') => {
                self.at = Place::Start;
                return 1;
            }
            Place::Cr => self.lines.broken(Fault::BareCr),
            _ => {}
        }
        self.at = Place::Text;
        0
    }

    /// Takes the rest of a line with its end. Returns where the next one begins.
    fn line(&mut self, input: &[u8], from: usize) -> usize {
        self.at = Place::Text;
        let Some(found) = memchr3(b'\r', b'\n', 0, &input[from..]) else {
            return input.len();
        };
        let after = from + found + 1;
        match (input[after - 1], input.get(after)) {
            (b'\r', Some(b'\n')) => {
                self.at = Place::Start;
                after + 1
            }
            (b'\r', None) => {
                self.at = Place::Cr;
                after
            }
            (b'\r', Some(_)) => {
                self.lines.broken(Fault::BareCr);
                after
            }
            (b'\n', _) => {
                if self.lines.normalises() {
                    self.at = Place::OwedCrlf;
                }
                after
            }
            _ => {
                self.lines.broken(Fault::Nul);
                after
            }
        }
    }
}

impl ChunkDecoder {
    /// Before the first chunk. LF without CR is made CRLF whoever sends it: with a counted length it cannot be mistaken for an end.
    pub fn new() -> ChunkDecoder {
        ChunkDecoder {
            left: 0,
            after_cr: false,
            line_ended: true,
            owed: false,
            lines: LineRules::new(BareLf::Normalise),
        }
    }

    /// A BDAT command announces a chunk.
    pub fn begin(&mut self, octets: u64) {
        self.left = octets;
    }

    /// What broke the line rules, if anything did so far.
    pub fn fault(&self) -> Option<Fault> {
        self.lines.fault
    }

    /// Takes octets of the chunk from the front of `input`. After a fault no content is handed out any more.
    pub fn next<'a>(&mut self, input: &mut &'a [u8]) -> Piece<'a> {
        loop {
            if std::mem::take(&mut self.owed) {
                return Piece::Content(b"\r\n");
            }
            if self.left == 0 {
                return Piece::End;
            }
            if input.is_empty() {
                return Piece::More;
            }
            let content = self.take(input);
            if !content.is_empty() && self.lines.fault.is_none() {
                return Piece::Content(content);
            }
        }
    }

    /// The last chunk is complete. Returns the line end that the message lacks, if it does: mailboxes hold lines.
    pub fn finish(&mut self) -> &'static [u8] {
        if std::mem::take(&mut self.after_cr) {
            self.lines.broken(Fault::BareCr);
        }
        match self.line_ended || self.lines.fault.is_some() {
            true => b"",
            false => b"\r\n",
        }
    }

    fn take<'a>(&mut self, input: &mut &'a [u8]) -> &'a [u8] {
        let limit = usize::try_from(self.left).unwrap_or(usize::MAX);
        let chunk = &input[..input.len().min(limit)];
        let (content, used) = self.lines(chunk);
        *input = &input[used..];
        self.left -= used as u64;
        content
    }

    /// A run of whole lines and perhaps part of one, up to a bare LF; and how many octets were used.
    fn lines<'a>(&mut self, chunk: &'a [u8]) -> (&'a [u8], usize) {
        let mut from = 0;
        if std::mem::take(&mut self.after_cr) {
            match chunk.first() {
                Some(b'\n') => from = 1,
                _ => self.lines.broken(Fault::BareCr),
            }
        }
        self.line_ended = from == 1;
        while let Some(found) = memchr3(b'\r', b'\n', 0, &chunk[from..]) {
            let at = from + found;
            match (chunk[at], chunk.get(at + 1)) {
                (b'\r', Some(b'\n')) => from = at + 2,
                (b'\r', Some(_)) => {
                    self.lines.broken(Fault::BareCr);
                    from = at + 1;
                }
                (b'\r', None) => {
                    self.after_cr = true;
                    return (chunk, chunk.len());
                }
                (b'\n', _) => {
                    self.line_ended = true;
                    self.owed = self.lines.fault.is_none();
                    return (&chunk[..at], at + 1);
                }
                _ => {
                    self.lines.broken(Fault::Nul);
                    from = at + 1;
                }
            }
        }
        self.line_ended = from == chunk.len() && from > 0;
        (chunk, chunk.len())
    }
}

impl Default for ChunkDecoder {
    fn default() -> ChunkDecoder {
        ChunkDecoder::new()
    }
}

#[cfg(test)]
mod tests;

//! Reads replies (RFC 5321 §4.2, enhanced codes RFC 2034) out of what arrives. Limits come before parsing.

use super::failure::Misbehaved;
use crate::{Enhanced, Reply};

/// Octets of a line. RFC 5321 §4.5.3.1.5 says 512; servers explain themselves at length.
const MAX_LINE: usize = 2048;
/// Lines of a reply.
const MAX_LINES: usize = 200;
/// Octets of a reply.
const MAX_REPLY: usize = 32 * 1024;

/// Replies as they come in.
#[derive(Default)]
pub struct Replies {
    buffer: Vec<u8>,
    /// The lines of the reply that is being read.
    code: u16,
    lines: Vec<String>,
    octets: usize,
}

impl Replies {
    /// Takes octets that have arrived.
    pub fn feed(&mut self, octets: &[u8]) {
        self.buffer.extend_from_slice(octets);
    }

    /// Nothing has come that has not been read?
    pub(super) fn is_empty(&self) -> bool {
        self.buffer.is_empty() && self.lines.is_empty()
    }

    /// The next complete reply, if there is one.
    #[allow(clippy::should_implement_trait)] // the end of what has arrived is not the end
    pub fn next(&mut self) -> Result<Option<Reply>, Misbehaved> {
        while let Some(line) = self.next_line()? {
            let line = Line::parse(&line)?;
            if !self.lines.is_empty() && line.code != self.code {
                return Err(Misbehaved::NotAReply);
            }
            self.code = line.code;
            self.lines.push(line.text);
            if line.last {
                self.octets = 0;
                return Ok(Some(reply(line.code, std::mem::take(&mut self.lines))));
            }
            if self.lines.len() >= MAX_LINES || self.octets > MAX_REPLY {
                return Err(Misbehaved::TooLong);
            }
        }
        Ok(None)
    }

    /// A line without its end. A bare LF is taken for one: the peer's sins are not ours to punish here.
    fn next_line(&mut self) -> Result<Option<Vec<u8>>, Misbehaved> {
        let Some(end) = self.buffer.iter().position(|octet| *octet == b'\n') else {
            return match self.buffer.len() {
                0..=MAX_LINE => Ok(None),
                _ => Err(Misbehaved::TooLong),
            };
        };
        if end > MAX_LINE {
            return Err(Misbehaved::TooLong);
        }
        self.octets += end;
        let mut line: Vec<u8> = self.buffer.drain(..=end).collect();
        line.truncate(line.trim_ascii_end().len());
        Ok(Some(line))
    }
}

struct Line {
    code: u16,
    last: bool,
    text: String,
}

impl Line {
    fn parse(line: &[u8]) -> Result<Line, Misbehaved> {
        let (digits, rest) = line.split_at_checked(3).ok_or(Misbehaved::NotAReply)?;
        let [
            first @ b'2'..=b'5',
            second @ b'0'..=b'9',
            third @ b'0'..=b'9',
        ] = *digits
        else {
            return Err(Misbehaved::NotAReply);
        };
        let (last, text) = match rest.split_first() {
            None => (true, &[][..]),
            Some((b' ', text)) => (true, text),
            Some((b'-', text)) => (false, text),
            Some(_) => return Err(Misbehaved::NotAReply),
        };
        let value = |digit: u8| u16::from(digit - b'0');
        Ok(Line {
            code: value(first) * 100 + value(second) * 10 + value(third),
            last,
            text: printable(text),
        })
    }
}

/// The words go into logs, DSNs and terminals: no control characters.
fn printable(text: &[u8]) -> String {
    String::from_utf8_lossy(text)
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// Takes the enhanced code off every line that has it (RFC 2034 §4).
fn reply(code: u16, lines: Vec<String>) -> Reply {
    let enhanced = lines.first().and_then(|line| enhanced(code, line));
    let Some((status, _)) = enhanced else {
        return Reply {
            code,
            enhanced: None,
            lines,
        };
    };
    let lines = lines
        .into_iter()
        .map(|line| match self::enhanced(code, &line) {
            Some((_, rest)) => rest.to_string(),
            None => line,
        })
        .collect();
    Reply {
        code,
        enhanced: Some(status),
        lines,
    }
}

/// `x.y.z text`, where x agrees with the reply code.
fn enhanced(code: u16, line: &str) -> Option<(Enhanced, &str)> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let mut numbers = word.split('.');
    let mut number = || {
        let digits = numbers.next()?;
        let fits = (1..=3).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        fits.then(|| digits.parse::<u16>().ok()).flatten()
    };
    let (class, subject, detail) = (number()?, number()?, number()?);
    let agrees = numbers.next().is_none() && class == code / 100;
    agrees.then_some((Enhanced(class as u8, subject, detail), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(octets: &[u8]) -> Result<Option<Reply>, Misbehaved> {
        let mut replies = Replies::default();
        replies.feed(octets);
        replies.next()
    }

    #[test]
    fn rfc_5321_4_2_multi_line() {
        let reply =
            read(b"250-First line\r\n250-Second line\r\n250-234 Text\r\n250 The last line\r\n");
        let reply = reply.unwrap().unwrap();
        assert_eq!(reply.code, 250);
        assert_eq!(
            reply.lines,
            ["First line", "Second line", "234 Text", "The last line"]
        );
    }

    #[test]
    fn rfc_2034_enhanced_codes_leave_the_text() {
        let reply = read(b"550-5.7.1 Blocked\r\n550 5.7.1 see https://x.example/ 1.2.3\r\n");
        let reply = reply.unwrap().unwrap();
        assert_eq!(reply.enhanced, Some(Enhanced(5, 7, 1)));
        assert_eq!(reply.lines, ["Blocked", "see https://x.example/ 1.2.3"]);
    }

    #[test]
    fn an_enhanced_code_of_another_class_is_text() {
        let reply = read(b"450 5.1.1 odd\r\n").unwrap().unwrap();
        assert_eq!((reply.enhanced, &*reply.lines[0]), (None, "5.1.1 odd"));
    }

    #[test]
    fn codes_without_text_and_split_input() {
        let mut replies = Replies::default();
        for octet in b"250\r\n354 go\r\n" {
            replies.feed(&[*octet]);
        }
        assert_eq!(replies.next().unwrap().unwrap().code, 250);
        assert_eq!(replies.next().unwrap().unwrap().code, 354);
        assert!(replies.next().unwrap().is_none() && replies.is_empty());
    }

    #[test]
    fn what_is_not_a_reply() {
        for bad in [
            "HTTP/1.1 400\r\n",
            "25\r\n",
            "199 x\r\n",
            "250_x\r\n",
            "250-a\r\n251 b\r\n",
        ] {
            assert_eq!(read(bad.as_bytes()), Err(Misbehaved::NotAReply), "{bad}");
        }
    }

    #[test]
    fn limits_hold_on_line_lines_and_reply() {
        assert_eq!(read(&[b'2'; 5000]), Err(Misbehaved::TooLong));
        assert_eq!(read(&b"250-x\r\n".repeat(300)), Err(Misbehaved::TooLong));
        let long = format!("250-{}\r\n", "y".repeat(1000)).repeat(50);
        assert_eq!(read(long.as_bytes()), Err(Misbehaved::TooLong));
    }

    #[test]
    fn control_characters_do_not_pass() {
        let reply = read(b"550 a\x1b[2Jb\x00c\r\n").unwrap().unwrap();
        assert_eq!(reply.lines, ["a [2Jb c"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn no_octets_panic(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut replies = Replies::default();
            replies.feed(&octets);
            while let Ok(Some(reply)) = replies.next() {
                prop_assert!((200..600).contains(&reply.code) && !reply.lines.is_empty());
            }
        }
    }
}

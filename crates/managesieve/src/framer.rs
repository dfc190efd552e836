//! Cuts the octets of a client into commands (RFC 5804 §4): lines of words, numbers and strings, where a string may be a literal
//! that goes on behind the line. What the tokens mean is [`crate::Command`]'s.
//!
//! Limits come before parsing: what is longer than they allow is thrown away as it comes, and nobody has to hold it. A literal is
//! skipped by its announced length even where the line before it was wrong, so that its octets are never read as commands.

/// Octets of one line, literals not counted: the longest quoted string has 1024.
const MAX_LINE: usize = 16 * 1024;
/// Tokens of one command; no command has more than three.
const MAX_TOKENS: usize = 16;

/// How much a client may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets of all strings of a command together.
    pub command: usize,
    /// A literal up to this size that is too large for the command is skipped and refused; a larger one ends the session.
    pub skipped: u64,
}

impl Limits {
    /// Enough for any log-in.
    pub const BEFORE_LOGIN: Limits = Limits {
        command: 8 * 1024,
        skipped: 64 * 1024,
    };
}

/// A piece of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A word without quotes: the name of a command.
    Atom(String),
    /// A number.
    Number(u64),
    /// A string, quoted or literal.
    Text(Vec<u8>),
}

/// What a client sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// Not enough for a command yet.
    Wait,
    /// A command, or a response within a log-in.
    Tokens(Vec<Token>),
    /// A command that cannot be one.
    Refused(Refusal),
}

/// Why a command is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A string is too long. The session may go on.
    #[error("this is larger than the {limit} octets accepted here")]
    TooLarge {
        /// Octets that a command may have.
        limit: usize,
    },
    /// The line breaks the grammar. The session may go on.
    #[error(
        "this is not a command: words, numbers, \"strings\" and {{n+}} literals, each once separated by a space"
    )]
    Malformed,
    /// Nobody can tell where the next command begins.
    #[error("this cannot be understood any more; goodbye")]
    OutOfStep,
}

impl Refusal {
    /// Must the session end?
    pub fn is_final(self) -> bool {
        self == Refusal::OutOfStep
    }
}

/// Cuts octets into commands.
#[derive(Debug)]
pub struct Framer {
    limits: Limits,
    buffer: Vec<u8>,
    /// Octets at the front of `buffer` that have no line end.
    searched: usize,
    tokens: Vec<Token>,
    /// Octets of the strings in `tokens`.
    held: usize,
    refusal: Option<Refusal>,
    within: Within,
}

#[derive(Clone, Copy, Debug)]
enum Within {
    Line,
    /// So many octets of a literal are still to come, and are kept.
    Literal(usize),
    /// So many octets of a literal are still to come, and are thrown away.
    Skipped(u64),
    /// Nothing is understood any more.
    Lost,
}

impl Framer {
    /// Nothing was sent yet.
    pub fn new(limits: Limits) -> Framer {
        Framer {
            limits,
            buffer: Vec::new(),
            searched: 0,
            tokens: Vec::new(),
            held: 0,
            refusal: None,
            within: Within::Line,
        }
    }

    /// From the next command on.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Adds octets of the client.
    pub fn feed(&mut self, octets: &[u8]) {
        if !matches!(self.within, Within::Lost) {
            self.buffer.extend_from_slice(octets);
        }
    }

    /// Has the client sent more than what was taken so far?
    pub fn has_more(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// Forgets what was sent and not taken (RFC 5804 §2.2: before TLS).
    pub fn forget(&mut self) {
        *self = Framer::new(self.limits);
    }

    /// The next command, if it is complete.
    pub fn next_item(&mut self) -> Item {
        loop {
            match self.within {
                Within::Line => match self.line() {
                    Some(line) => {
                        if let Some(item) = self.take(&line) {
                            return item;
                        }
                    }
                    None if self.buffer.len() > MAX_LINE => return self.lose(),
                    None => return self.wait(),
                },
                Within::Literal(left) => {
                    if self.buffer.len() < left {
                        return Item::Wait;
                    }
                    let text: Vec<u8> = self.buffer.drain(..left).collect();
                    self.push(Token::Text(text));
                    self.within = Within::Line;
                }
                Within::Skipped(left) => {
                    let used = self
                        .buffer
                        .len()
                        .min(usize::try_from(left).unwrap_or(usize::MAX));
                    self.buffer.drain(..used);
                    let left = left - used as u64;
                    if left > 0 {
                        self.within = Within::Skipped(left);
                        return self.wait();
                    }
                    self.within = Within::Line;
                }
                Within::Lost => return Item::Refused(Refusal::OutOfStep),
            }
        }
    }

    /// A client that says nothing costs nothing.
    fn wait(&mut self) -> Item {
        if self.buffer.is_empty() {
            self.buffer = Vec::new();
        }
        Item::Wait
    }

    fn lose(&mut self) -> Item {
        self.buffer = Vec::new();
        self.within = Within::Lost;
        Item::Refused(Refusal::OutOfStep)
    }

    /// The next line without its end.
    fn line(&mut self) -> Option<Vec<u8>> {
        let fresh = &self.buffer[self.searched..];
        let Some(end) = fresh.iter().position(|&octet| octet == b'\n') else {
            self.searched = self.buffer.len();
            return None;
        };
        let end = self.searched + end;
        self.searched = 0;
        if end > MAX_LINE {
            return None;
        }
        let mut line: Vec<u8> = self.buffer.drain(..=end).collect();
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Some(line)
    }

    /// Takes a line: the whole command, or up to a literal.
    fn take(&mut self, line: &[u8]) -> Option<Item> {
        let (line, literal) = match announced(line) {
            Announced::Nothing => (line, None),
            Announced::Literal(start, octets) => (&line[..start], Some(octets)),
            Announced::Unclear => return Some(self.lose()),
        };
        match tokens(line) {
            Some(found) => found.into_iter().for_each(|token| self.push(token)),
            None => self.refuse(Refusal::Malformed),
        }
        match literal {
            Some(octets) => self.announce(octets),
            None => Some(self.complete()),
        }
    }

    fn announce(&mut self, octets: u64) -> Option<Item> {
        let limit = self.limits.command;
        let fits = usize::try_from(octets).ok().filter(|octets| {
            self.held.saturating_add(*octets) <= limit && self.tokens.len() < MAX_TOKENS
        });
        match fits {
            _ if octets > self.limits.skipped.max(limit as u64) => return Some(self.lose()),
            Some(octets) if self.refusal.is_none() => self.within = Within::Literal(octets),
            Some(octets) => self.within = Within::Skipped(octets as u64),
            None => {
                self.refuse(Refusal::TooLarge { limit });
                self.within = Within::Skipped(octets);
            }
        }
        None
    }

    fn push(&mut self, token: Token) {
        if let Token::Text(text) = &token {
            self.held += text.len();
        }
        if self.held > self.limits.command {
            self.refuse(Refusal::TooLarge {
                limit: self.limits.command,
            });
        } else if self.tokens.len() >= MAX_TOKENS {
            self.refuse(Refusal::Malformed);
        } else {
            self.tokens.push(token);
        }
    }

    /// The first fault is told.
    fn refuse(&mut self, refusal: Refusal) {
        self.refusal.get_or_insert(refusal);
        self.tokens.clear();
    }

    fn complete(&mut self) -> Item {
        self.held = 0;
        let tokens = std::mem::take(&mut self.tokens);
        match self.refusal.take() {
            Some(refusal) => Item::Refused(refusal),
            None => Item::Tokens(tokens),
        }
    }
}

/// What a line says about a literal behind it.
enum Announced {
    Nothing,
    /// It begins at this octet of the line and has so many octets.
    Literal(usize, u64),
    /// It looks like one, and how long it is cannot be told.
    Unclear,
}

/// `{n+}` at the end of a line. A quoted string cannot end so, since its last octet is a quote.
fn announced(line: &[u8]) -> Announced {
    let Some(inner) = line.strip_suffix(b"}") else {
        return Announced::Nothing;
    };
    let Some(start) = inner.iter().rposition(|&octet| octet == b'{') else {
        return Announced::Nothing;
    };
    // Without the plus the client waits for a permission that this protocol does not have; it may or may not send.
    let Some(digits) = inner[start + 1..].strip_suffix(b"+") else {
        return Announced::Unclear;
    };
    match number(digits) {
        Some(octets) => Announced::Literal(start, octets),
        None => Announced::Unclear,
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    let are_digits = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(digits).ok().filter(|_| are_digits)?;
    text.parse().ok()
}

/// The tokens of a line, separated by spaces. `None` if it breaks the grammar.
fn tokens(line: &[u8]) -> Option<Vec<Token>> {
    let mut rest = line;
    let mut found = Vec::new();
    loop {
        rest = rest.trim_ascii_start();
        let (token, after) = match rest {
            [] => return Some(found),
            [b'"', quoted @ ..] => quoted_string(quoted)?,
            _ => word(rest)?,
        };
        if !(after.is_empty() || after.starts_with(b" ")) {
            return None;
        }
        found.push(token);
        rest = after;
    }
}

/// What follows an opening quote, up to the closing one.
fn quoted_string(mut rest: &[u8]) -> Option<(Token, &[u8])> {
    let mut text = Vec::new();
    loop {
        match rest {
            [b'"', after @ ..] => return Some((Token::Text(text), after)),
            [b'\\', escaped @ (b'"' | b'\\'), after @ ..] => {
                text.push(*escaped);
                rest = after;
            }
            [] | [b'\\' | b'\0' | b'\r', ..] => return None,
            [octet, after @ ..] => {
                text.push(*octet);
                rest = after;
            }
        }
    }
}

fn word(rest: &[u8]) -> Option<(Token, &[u8])> {
    let end = rest
        .iter()
        .position(|octet| *octet == b' ')
        .unwrap_or(rest.len());
    let (word, after) = rest.split_at(end);
    if let Some(number) = number(word) {
        return Some((Token::Number(number), after));
    }
    let plain = word
        .iter()
        .all(|octet| octet.is_ascii_graphic() && !b"(){}\"\\".contains(octet));
    let text = std::str::from_utf8(word).ok().filter(|_| plain)?;
    Some((Token::Atom(text.to_owned()), after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SMALL: Limits = Limits {
        command: 20,
        skipped: 100,
    };

    fn items(octets: &[u8], piece: usize) -> Vec<Item> {
        let mut framer = Framer::new(SMALL);
        let mut items = Vec::new();
        for piece in octets.chunks(piece.max(1)) {
            framer.feed(piece);
            loop {
                match framer.next_item() {
                    Item::Wait => break,
                    item if item == Item::Refused(Refusal::OutOfStep) => {
                        items.push(item);
                        return items;
                    }
                    item => items.push(item),
                }
            }
        }
        items
    }

    fn text(octets: &[u8]) -> Token {
        Token::Text(octets.to_vec())
    }

    fn atom(text: &str) -> Token {
        Token::Atom(text.into())
    }

    #[test]
    fn rfc5804_section_4_commands() {
        assert_eq!(
            items(b"HAVESPACE \"my\\\"script\" 99\r\n", 100),
            [Item::Tokens(vec![
                atom("HAVESPACE"),
                text(b"my\"script"),
                Token::Number(99)
            ])]
        );
        assert_eq!(
            items(b"PUTSCRIPT {3+}\r\na\r\n {2+}\r\n{}\r\nNOOP\r\n", 1),
            [
                Item::Tokens(vec![atom("PUTSCRIPT"), text(b"a\r\n"), text(b"{}")]),
                Item::Tokens(vec![atom("NOOP")])
            ]
        );
    }

    #[test]
    fn h31_what_is_too_large_is_skipped() {
        let too_large = Item::Refused(Refusal::TooLarge { limit: 20 });
        let sent = [
            b"PUTSCRIPT \"a\" {30+}\r\n",
            [b'\n'; 30].as_slice(),
            b"\r\nNOOP\r\n",
        ]
        .concat();
        assert_eq!(
            items(&sent, 7),
            [too_large.clone(), Item::Tokens(vec![atom("NOOP")])]
        );
        let long = format!("X \"{}\"\r\n", "x".repeat(21));
        assert_eq!(items(long.as_bytes(), 9), [too_large]);
        let lost = Item::Refused(Refusal::OutOfStep);
        assert_eq!(items(b"X {101+}\r\n", 9), std::slice::from_ref(&lost));
        assert_eq!(items(&[b'x'; MAX_LINE + 2], 1000), [lost]);
    }

    /// What stands in a literal is no command, even if the line before it was wrong.
    #[test]
    fn literals_are_never_commands() {
        assert_eq!(
            items(b"X )( {8+}\r\nLOGOUT\r\n\r\nNOOP\r\n", 100),
            [
                Item::Refused(Refusal::Malformed),
                Item::Tokens(vec![atom("NOOP")])
            ]
        );
        for unclear in [
            b"X {8}\r\n".as_slice(),
            b"X {+}\r\n",
            b"X {99999999999999999999999+}\r\n",
        ] {
            assert_eq!(items(unclear, 100), [Item::Refused(Refusal::OutOfStep)]);
        }
    }

    #[test]
    fn lines_that_break_the_grammar() {
        for wrong in ["X \"a\"b", "X \"a", "X \"\\n\"", "X a(b", "\"a\"\"b\""] {
            let line = format!("{wrong}\r\n");
            let refused = [Item::Refused(Refusal::Malformed)];
            assert_eq!(items(line.as_bytes(), 100), refused, "{wrong}");
        }
    }

    proptest! {
        /// Any octets, in any pieces: no panic, and the pieces make no difference.
        #[test]
        fn pieces_make_no_difference(
            octets in proptest::collection::vec(
                prop_oneof![any::<u8>(), proptest::sample::select(b"AZ \"\\{}+019\r\n".to_vec())], 0..200),
            piece in 1_usize..9,
        ) {
            prop_assert_eq!(items(&octets, piece), items(&octets, usize::MAX));
        }
    }
}

//! Finds whole commands in the octets of a client: lines and the literals that interrupt them (RFC 3501 §2.2, §4.3, RFC 7888).
//!
//! Every limit is applied here, before anything is parsed, so that memory stays bounded whatever a client sends (catalogue Y22).
//! The message of an APPEND is never collected: it is handed on piece by piece. What a command means is not decided here.

use crate::append::{AppendHead, Step};
use crate::mailbox::Names;
use crate::parse::append::{self as grammar, Within};
use crate::tag::Tag;

/// How much a client may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets of one line.
    pub line: usize,
    /// Octets of one command with its literals.
    pub command: usize,
    /// Octets of one non-synchronising literal (`{n+}`) other than an APPEND's message.
    pub immediate_literal: usize,
}

impl Limits {
    /// Before login: LITERAL- and very little memory. What is held at most is a command, a line behind its last literal, and what was
    /// read with them: with the buffer of the reader less than 64 KiB (catalogue Y22).
    pub const BEFORE_LOGIN: Limits = Limits {
        line: 8 * 1024,
        command: 16 * 1024,
        immediate_literal: 4096,
    };
    /// After login: LITERAL+ and room for long sets of UIDs.
    pub const AFTER_LOGIN: Limits = Limits {
        line: 256 * 1024,
        command: 512 * 1024,
        immediate_literal: 512 * 1024,
    };
}

/// By how much the buffer grows before login.
const STEP: usize = 4096;

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// Nothing whole yet: feed more.
    Wait,
    /// A whole command with its literals, without the line end: for [`crate::Command::parse`].
    Command(Vec<u8>),
    /// A whole line, from [`Framer::next_line`].
    Line(Vec<u8>),
    /// A literal is announced that the client sends only after `+`: send it.
    Continue,
    /// An APPEND or REPLACE, up to where octets of a message begin. Answer with [`Framer::accept_message`] or
    /// [`Framer::refuse_message`].
    Append(AppendHead),
    /// What follows accepted octets: up to the next ones, which are to be answered like the first, or to the end of the command.
    Steps(Vec<Step>),
    /// The command broke a limit or, before its literal, the grammar. What remains of it will be dropped.
    Refused(Refusal),
}

/// Why a command was refused before it was whole.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its tag, if it had one.
    pub tag: Option<Tag>,
    /// Why.
    pub reason: Reason,
}

/// Why a command was refused before it was whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// A line is longer than [`Limits::line`].
    LineTooLong,
    /// A literal, or the command with it, is larger than the limits allow.
    LiteralTooLarge,
    /// An APPEND that is wrong before its message.
    Malformed(&'static str),
}

/// Does the client wait for `+` before it sends a literal?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Literal {
    /// `{n}`: it waits.
    Synchronising,
    /// `{n+}`: the octets follow at once.
    Immediate,
}

/// What of an APPEND's message is there.
#[derive(Debug, PartialEq, Eq)]
pub enum Message {
    /// Its next octets.
    Octets(Vec<u8>),
    /// Feed more.
    Wait,
    /// That was all of it; the rest of the command comes next, from [`Framer::next_line`].
    End,
}

/// Where in the input it is.
#[derive(Debug)]
enum Mode {
    /// In a line of a command; `start` is where the line began, `scanned` how far it was searched.
    Line { start: usize, scanned: usize },
    /// In a literal that ends at `end`.
    Literal { end: usize },
    /// At an APPEND's message, which is neither accepted nor refused.
    Announced { size: u64, literal: Literal },
    /// In an APPEND's message.
    Message { remaining: u64 },
    /// Dropping a literal of a refused command.
    SkipLiteral { remaining: u64 },
    /// Dropping a line of a refused command. `tail` is its end so far, for it may announce a literal.
    SkipLine { tail: Vec<u8> },
}

const START: Mode = Mode::Line {
    start: 0,
    scanned: 0,
};

/// Splits a client's octets into commands.
#[derive(Debug)]
pub struct Framer {
    /// The command so far, and whatever came behind it.
    buffer: Vec<u8>,
    mode: Mode,
    limits: Limits,
    names: Names,
    /// Octets of a message were read, and their command goes on.
    within: Option<Within>,
}

impl Framer {
    /// A framer at the start of a connection.
    pub fn new(limits: Limits) -> Framer {
        Framer {
            buffer: Vec::new(),
            mode: START,
            limits,
            names: Names::default(),
            within: None,
        }
    }

    /// Mailbox names have this form from the next command on.
    pub fn set_names(&mut self, names: Names) {
        self.names = names;
    }

    /// The form of mailbox names.
    pub fn names(&self) -> Names {
        self.names
    }

    /// Takes out what the client has sent beyond what was consumed: from here on its octets mean something else (COMPRESS).
    pub fn take_rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }

    /// Other limits from the next command on.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Takes octets from the client. Feed only when told to wait: then at most one command and one feed are held.
    pub fn feed(&mut self, octets: &[u8]) {
        if self.limits == Limits::BEFORE_LOGIN {
            // No room in advance, for clients that nobody knows; in steps, for those that send octet by octet.
            let needed = (self.buffer.len() + octets.len()).next_multiple_of(STEP);
            self.buffer.reserve_exact(needed - self.buffer.len());
        }
        self.buffer.extend_from_slice(octets);
    }

    /// Has the client sent more than was consumed? (At STARTTLS: someone injects.)
    pub fn has_more(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// Has the client sent nothing of its next command yet?
    pub fn is_between_commands(&self) -> bool {
        let at_start = matches!(self.mode, Mode::Line { start: 0, .. });
        at_start && self.buffer.is_empty() && self.within.is_none()
    }

    /// Frees the memory of an empty buffer: a session may idle for hours.
    pub fn shrink(&mut self) {
        if self.buffer.is_empty() {
            self.buffer = Vec::new();
        }
    }

    /// The next whole command, or what goes on with an APPEND whose octets were read.
    pub fn next_command(&mut self) -> Event {
        loop {
            let event = match self.mode {
                Mode::Line { start, scanned } => self.command_line(start, scanned),
                Mode::Literal { end } => self.literal(end),
                Mode::SkipLiteral { remaining } => self.skip_literal(remaining),
                Mode::SkipLine { .. } => self.skip_line(),
                // The caller has not decided, or not read it all: there is no next command yet.
                Mode::Announced { .. } | Mode::Message { .. } => Some(Event::Wait),
            };
            if let Some(event) = event {
                return event;
            }
        }
    }

    /// The next line as it is, whatever it announces: for the answers to AUTHENTICATE and IDLE, and what follows a message.
    pub fn next_line(&mut self) -> Event {
        loop {
            let event = match self.mode {
                Mode::Line { scanned, .. } => self.plain_line(scanned),
                Mode::SkipLine { .. } => self.skip_line(),
                Mode::SkipLiteral { remaining } => self.skip_literal(remaining),
                _ => Some(Event::Wait),
            };
            if let Some(event) = event {
                return event;
            }
        }
    }

    /// Takes the message that [`Event::Append`] announced; read it with [`Framer::message`]. If its literal synchronises, send `+` now.
    pub fn accept_message(&mut self) {
        if let Mode::Announced { size, .. } = self.mode {
            self.mode = Mode::Message { remaining: size };
        }
    }

    /// Drops the message that [`Event::Append`] announced, and the rest of its command.
    pub fn refuse_message(&mut self) {
        if let Mode::Announced { size, literal } = self.mode {
            self.mode = after_refusal(Some((size, literal)));
            self.within = None;
        }
    }

    /// Stops reading an accepted message in the middle: what is left of it and of its command is dropped.
    pub fn abandon_message(&mut self) {
        if let Mode::Message { remaining } = self.mode {
            self.mode = Mode::SkipLiteral { remaining };
            self.within = None;
        }
    }

    /// The next octets of the accepted message.
    pub fn message(&mut self) -> Message {
        let Mode::Message { remaining } = self.mode else {
            return Message::End;
        };
        if remaining == 0 {
            self.mode = START;
            return Message::End;
        }
        if self.buffer.is_empty() {
            return Message::Wait;
        }
        let piece = self.take(usize::try_from(remaining).unwrap_or(usize::MAX));
        self.mode = Mode::Message {
            remaining: remaining - piece.len() as u64,
        };
        Message::Octets(piece)
    }

    /// Looks for the end of the line that began at `start`.
    fn command_line(&mut self, start: usize, scanned: usize) -> Option<Event> {
        let Some(end) = self.find_line_end(scanned) else {
            return Some(self.unfinished_line(start));
        };
        let line = trim_cr(&self.buffer[start..end]);
        if line.len() > self.limits.line {
            let announced = announced_literal(line);
            return Some(self.refuse(Reason::LineTooLong, end + 1, announced));
        }
        match announced_literal(line) {
            Some((size, literal)) => self.announce(size, literal, start, end),
            None => {
                let mut command = self.take(end + 1);
                command.truncate(trim_cr(&command[..end]).len());
                self.mode = START;
                Some(match self.within.take() {
                    None => Event::Command(command),
                    Some(within) => self.last_steps(&command, within),
                })
            }
        }
    }

    /// An APPEND ends here.
    fn last_steps(&self, octets: &[u8], within: Within) -> Event {
        let parsed = grammar::more(octets, within, None, self.names);
        let reason = match parsed {
            Ok(Some((steps, _))) => return Event::Steps(steps),
            Ok(None) => Reason::Malformed("APPEND is not complete"),
            Err(malformed) => Reason::Malformed(malformed.0),
        };
        Event::Refused(Refusal { tag: None, reason })
    }

    /// No line end yet: wait, unless the line is too long already.
    fn unfinished_line(&mut self, start: usize) -> Event {
        let length = self.buffer.len();
        if trim_cr(&self.buffer[start..]).len() > self.limits.line {
            return self.refuse(Reason::LineTooLong, length, None);
        }
        self.mode = Mode::Line {
            start,
            scanned: length,
        };
        Event::Wait
    }

    /// A line ended in `{size}`.
    fn announce(&mut self, size: u64, literal: Literal, start: usize, end: usize) -> Option<Event> {
        match self.message_announced(size, literal, start, end) {
            Ok(Some((event, within))) => {
                self.take(end + 1);
                self.mode = Mode::Announced { size, literal };
                self.within = within;
                return Some(event);
            }
            Ok(None) => {}
            Err(malformed) => {
                let reason = Reason::Malformed(malformed.0);
                return Some(self.refuse(reason, end + 1, Some((size, literal))));
            }
        }
        if !self.fits(size, literal, end + 1) {
            let announced = Some((size, literal));
            return Some(self.refuse(Reason::LiteralTooLarge, end + 1, announced));
        }
        self.mode = Mode::Literal {
            end: end + 1 + size as usize,
        };
        (literal == Literal::Synchronising).then_some(Event::Continue)
    }

    /// Is it octets of a message that were announced?
    fn message_announced(
        &self,
        size: u64,
        literal: Literal,
        start: usize,
        end: usize,
    ) -> grammar::Segment<Event> {
        let text = trim_cr(&self.buffer[..end]);
        let length = text.iter().rposition(|o| *o == b'{').unwrap_or(start);
        let text = &text[..length];
        let event = match self.within {
            None => grammar::head(text, size, literal, self.names)?
                .map(|(head, within)| (Event::Append(head), within)),
            Some(within) => grammar::more(text, within, Some((size, literal)), self.names)?
                .map(|(steps, within)| (Event::Steps(steps), within)),
        };
        Ok(event)
    }

    /// May a literal of this size follow `before` octets of the command?
    fn fits(&self, size: u64, literal: Literal, before: usize) -> bool {
        let total = size.saturating_add(before as u64);
        let immediate_fits =
            literal == Literal::Synchronising || size <= self.limits.immediate_literal as u64;
        immediate_fits && total <= self.limits.command as u64
    }

    /// Waits for the end of a literal, then for the rest of the line.
    fn literal(&mut self, end: usize) -> Option<Event> {
        if self.buffer.len() < end {
            return Some(Event::Wait);
        }
        self.mode = Mode::Line {
            start: end,
            scanned: end,
        };
        None
    }

    /// Drops `consumed` octets and whatever of the command is still to come.
    fn refuse(
        &mut self,
        reason: Reason,
        consumed: usize,
        announced: Option<(u64, Literal)>,
    ) -> Event {
        let tag = match self.within.take() {
            None => Tag::leading(&self.buffer),
            // The tag went with the head; who reads the message knows it.
            Some(_) => None,
        };
        let dropped = self.take(consumed);
        self.mode = match dropped.last() {
            Some(b'\n') => after_refusal(announced),
            _ => Mode::SkipLine {
                tail: tail_of(&dropped),
            },
        };
        Event::Refused(Refusal { tag, reason })
    }

    fn skip_literal(&mut self, remaining: u64) -> Option<Event> {
        let dropped = self.take(usize::try_from(remaining).unwrap_or(usize::MAX));
        let remaining = remaining - dropped.len() as u64;
        if remaining > 0 {
            self.mode = Mode::SkipLiteral { remaining };
            return Some(Event::Wait);
        }
        self.mode = Mode::SkipLine { tail: Vec::new() };
        None
    }

    fn skip_line(&mut self) -> Option<Event> {
        let end = self.find_line_end(0);
        let dropped = self.take(end.map_or(self.buffer.len(), |end| end + 1));
        let Mode::SkipLine { tail } = &mut self.mode else {
            return None;
        };
        tail.extend_from_slice(&tail_of(&dropped));
        *tail = tail_of(tail);
        if end.is_none() {
            return Some(Event::Wait);
        }
        let line = trim_cr(&tail[..tail.len().saturating_sub(1)]);
        self.mode = after_refusal(announced_literal(line));
        None
    }

    fn plain_line(&mut self, scanned: usize) -> Option<Event> {
        let Some(end) = self.find_line_end(scanned) else {
            return Some(self.unfinished_line(0));
        };
        let mut line = self.take(end + 1);
        line.truncate(trim_cr(&line[..end]).len());
        self.mode = START;
        if line.len() > self.limits.line {
            let reason = Reason::LineTooLong;
            return Some(Event::Refused(Refusal { tag: None, reason }));
        }
        Some(Event::Line(line))
    }

    fn find_line_end(&self, from: usize) -> Option<usize> {
        let found = self.buffer[from..].iter().position(|o| *o == b'\n');
        found.map(|at| from + at)
    }

    /// Takes the first `length` octets out of the buffer, or all there are.
    fn take(&mut self, length: usize) -> Vec<u8> {
        if length >= self.buffer.len() {
            return std::mem::take(&mut self.buffer);
        }
        let rest = self.buffer.split_off(length);
        std::mem::replace(&mut self.buffer, rest)
    }
}

/// What to drop after a refused line: nothing more, or the literal it announced. A client that waits for `+` sends no more of it.
fn after_refusal(announced: Option<(u64, Literal)>) -> Mode {
    match announced {
        Some((remaining, Literal::Immediate)) => Mode::SkipLiteral { remaining },
        _ => START,
    }
}

/// The end of a line, as far as an announcement can reach.
fn tail_of(line: &[u8]) -> Vec<u8> {
    line[line.len().saturating_sub(32)..].to_vec()
}

fn trim_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The literal that a line announces at its end: `{n}` or `{n+}`. A size that no number holds counts as endless.
fn announced_literal(line: &[u8]) -> Option<(u64, Literal)> {
    let inner = line.strip_suffix(b"}")?;
    let open = inner.iter().rposition(|o| *o == b'{')?;
    let (digits, literal) = match inner[open + 1..].strip_suffix(b"+") {
        Some(digits) => (digits, Literal::Immediate),
        None => (&inner[open + 1..], Literal::Synchronising),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let size = digits.iter().fold(0u64, |size, digit| {
        size.saturating_mul(10)
            .saturating_add(u64::from(digit - b'0'))
    });
    Some((size, literal))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::append;
    use proptest::prelude::*;

    const SMALL: Limits = Limits {
        line: 40,
        command: 100,
        immediate_literal: 20,
    };

    fn framer(input: &[u8]) -> Framer {
        let mut framer = Framer::new(SMALL);
        framer.feed(input);
        framer
    }

    fn command(text: &str) -> Event {
        Event::Command(text.as_bytes().to_vec())
    }

    fn refused(tag: &str, reason: Reason) -> Event {
        let tag = Tag::new(tag.as_bytes());
        Event::Refused(Refusal { tag, reason })
    }

    #[test]
    fn lines_come_one_by_one() {
        let mut framer = framer(b"a NOOP\r\nb NOOP\nc NO");
        assert_eq!(framer.next_command(), command("a NOOP"));
        assert_eq!(framer.next_command(), command("b NOOP"));
        assert_eq!(framer.next_command(), Event::Wait);
        framer.feed(b"OP\r\n");
        assert_eq!(framer.next_command(), command("c NOOP"));
        assert!(!framer.has_more());
    }

    /// RFC 3501 §4.3, RFC 7888 §3
    #[test]
    fn literals_belong_to_the_command() {
        let mut framer = framer(b"a LOGIN {2}\r\n");
        assert_eq!(framer.next_command(), Event::Continue);
        assert_eq!(framer.next_command(), Event::Wait);
        framer.feed(b"me {3+}\r\nfoo\r\n");
        assert_eq!(
            framer.next_command(),
            command("a LOGIN {2}\r\nme {3+}\r\nfoo")
        );
    }

    /// Y22
    #[test]
    fn y22_an_endless_line_is_refused_once_and_dropped() {
        let mut framer = framer(b"a SEARCH ");
        let mut refusals = 0;
        for _ in 0..1000 {
            framer.feed(&[b'x'; 64]);
            match framer.next_command() {
                Event::Refused(refusal) => {
                    assert_eq!(refusal.tag, Tag::new(b"a"));
                    refusals += 1;
                }
                event => assert_eq!(event, Event::Wait),
            }
            assert!(framer.buffer.len() <= 200);
        }
        assert_eq!(refusals, 1);
        framer.feed(b"\r\nb NOOP\r\n");
        assert_eq!(framer.next_command(), command("b NOOP"));
    }

    #[test]
    fn a_large_literal_is_refused_before_it_is_sent() {
        let mut framer = framer(b"a LOGIN {101}\r\n");
        assert_eq!(framer.next_command(), refused("a", Reason::LiteralTooLarge));
        framer.feed(b"b NOOP\r\n");
        assert_eq!(framer.next_command(), command("b NOOP"));
    }

    #[test]
    fn a_large_immediate_literal_is_dropped_with_its_command() {
        let mut framer = framer(b"a LOGIN {21+}\r\n0123456789");
        assert_eq!(framer.next_command(), refused("a", Reason::LiteralTooLarge));
        assert_eq!(framer.next_command(), Event::Wait);
        framer.feed(b"01234567890 {3+}\r\nx\r\n more\r\nb NOOP\r\n");
        assert_eq!(framer.next_command(), command("b NOOP"));
    }

    #[test]
    fn a_size_beyond_all_numbers_is_too_large() {
        let mut framer = framer(b"a LOGIN {99999999999999999999999}\r\n");
        assert_eq!(framer.next_command(), refused("a", Reason::LiteralTooLarge));
    }

    /// Y22: many literals count together.
    #[test]
    fn y22_many_literals_are_one_command() {
        let mut framer = framer(b"a X");
        for _ in 0..50 {
            framer.feed(b" {1+}\r\nx");
            if let Event::Refused(refusal) = framer.next_command() {
                assert_eq!(refusal.reason, Reason::LiteralTooLarge);
                return;
            }
        }
        panic!("never refused");
    }

    #[test]
    fn the_message_of_append_streams() {
        let mut framer = framer(b"a APPEND INBOX (\\Seen) {10}\r\n");
        let Event::Append(head) = framer.next_command() else {
            panic!("no append");
        };
        let octets = append::announced(&head.append.steps).unwrap();
        assert_eq!((octets.size, octets.literal), (10, Literal::Synchronising));
        framer.accept_message();
        assert_eq!(framer.message(), Message::Wait);
        framer.feed(b"01234");
        assert_eq!(framer.message(), Message::Octets(b"01234".to_vec()));
        framer.feed(b"56789\r\nb NOOP\r\n");
        assert_eq!(framer.message(), Message::Octets(b"56789".to_vec()));
        assert_eq!(framer.message(), Message::End);
        assert_eq!(framer.next_command(), Event::Steps(vec![Step::End]));
        assert_eq!(framer.next_command(), command("b NOOP"));
    }

    /// RFC 3502, RFC 4469
    #[test]
    fn an_append_goes_on_behind_its_message() {
        let mut framer = framer(b"a APPEND x {3+}\r\nabc CATENATE (TEXT {2+}\r\nde URL u)\r\n");
        assert!(matches!(framer.next_command(), Event::Append(_)));
        framer.accept_message();
        assert_eq!(framer.message(), Message::Octets(b"abc".to_vec()));
        assert_eq!(framer.message(), Message::End);
        let Event::Steps(steps) = framer.next_command() else {
            panic!("no steps");
        };
        assert_eq!(append::announced(&steps).unwrap().size, 2);
        framer.accept_message();
        assert_eq!(framer.message(), Message::Octets(b"de".to_vec()));
        assert_eq!(framer.message(), Message::End);
        let steps = vec![Step::Url("u".into()), Step::End];
        assert_eq!(framer.next_command(), Event::Steps(steps));
        assert!(!framer.has_more());
    }

    #[test]
    fn what_follows_a_message_wrongly_is_refused_and_dropped() {
        let mut framer = framer(b"a APPEND x {3+}\r\nabc) {4+}\r\nb NO\r\nc NOOP\r\n");
        framer.next_command();
        framer.accept_message();
        while framer.message() != Message::End {}
        assert!(matches!(framer.next_command(), Event::Refused(_)));
        assert_eq!(framer.next_command(), command("c NOOP"));
    }

    #[test]
    fn a_mailbox_literal_of_append_is_not_its_message() {
        let mut framer = framer(b"a APPEND {5+}\r\nINBOX {3+}\r\nabc\r\n");
        let Event::Append(head) = framer.next_command() else {
            panic!("no append");
        };
        assert_eq!(head.append.mailbox.as_str(), "INBOX");
        framer.refuse_message();
        assert_eq!(framer.next_command(), Event::Wait);
        assert!(!framer.has_more());
    }

    #[test]
    fn a_broken_append_is_refused_with_its_message() {
        let mut framer = framer(b"a APPEND INBOX (\\Seen {3+}\r\nabc\r\nb NOOP\r\n");
        assert!(matches!(
            framer.next_command(),
            Event::Refused(Refusal {
                reason: Reason::Malformed(_),
                ..
            })
        ));
        assert_eq!(framer.next_command(), command("b NOOP"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        /// However the octets are cut, the same commands come out; nothing panics and memory stays bounded.
        #[test]
        fn cuts_do_not_matter(octets in proptest::collection::vec(prop_oneof![
            Just(b"a APPEND x {3+}\r\n".to_vec()), Just(b"a LOGIN {3+}\r\n".to_vec()), Just(b"{30+}\r\n".to_vec()),
            Just(b"\r\n".to_vec()), Just(b"b NOOP\r\n".to_vec()), proptest::collection::vec(any::<u8>(), 0..60)], 0..12), cut in 1usize..50) {
            let octets = octets.concat();
            prop_assert_eq!(all_events(&octets, octets.len().max(1)), all_events(&octets, cut));
        }
    }

    /// The events of an input fed in pieces of `cut` octets.
    fn all_events(octets: &[u8], cut: usize) -> Vec<Event> {
        let mut framer = Framer::new(SMALL);
        let mut events = Vec::new();
        for piece in octets.chunks(cut) {
            framer.feed(piece);
            loop {
                match framer.next_command() {
                    Event::Wait => break,
                    Event::Append(head) => {
                        framer.refuse_message();
                        events.push(Event::Append(head));
                    }
                    // A tag longer than a line is found or not, depending on the cut.
                    Event::Refused(refusal) => {
                        events.push(Event::Refused(Refusal {
                            tag: None,
                            ..refusal
                        }));
                    }
                    event => events.push(event),
                }
            }
        }
        events
    }
}

//! APPEND and REPLACE (RFC 3501 §6.3.11, RFC 3502, RFC 4469 §5, RFC 3516 §7, RFC 6855 §4, RFC 8508 §6), in segments: the text before the
//! octets of a message, the text between two of them, and what comes last.

use super::{Cursor, Malformed, store, tag};
use crate::append::{Announced, Append, AppendHead, Form, Step};
use crate::command::By;
use crate::date::DateTime;
use crate::framer::Literal;
use crate::mailbox::Names;

type Parsed<T> = Result<T, Malformed>;

/// Where octets of a message stand, and so what may follow them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Within {
    /// They are the message.
    Message,
    /// They are the message, in parentheses.
    Utf8,
    /// They are a part of a list.
    Catenate,
}

/// What a segment came to. `None`: its literal is a small argument (a name, a URL), and the segment goes on behind it.
pub(crate) type Segment<T> = Parsed<Option<(T, Option<Within>)>>;

/// Is `octets` an APPEND or REPLACE that leads to a literal of this size? `None` if it is another command, or the literal is one of
/// its arguments.
pub(crate) fn head(
    octets: &[u8],
    size: u64,
    literal: Literal,
    names: Names,
) -> Segment<AppendHead> {
    let mut cursor = Cursor::with_names(octets, names);
    let Ok(tag) = tag(&mut cursor) else {
        return Ok(None);
    };
    let announced = Some((size, literal));
    let Some(command) = command(&mut cursor) else {
        return Ok(None);
    };
    let parsed = arguments(&mut cursor, command, announced)?;
    Ok(parsed.map(|(append, within)| (AppendHead { tag, append }, within)))
}

/// A whole command without octets of its own: only CATENATE can be one.
pub(super) fn whole(cursor: &mut Cursor<'_>, command: Command) -> Parsed<Append> {
    cursor.space()?;
    match arguments(cursor, command, None)? {
        Some((append, None)) if !append.steps.is_empty() => Ok(append),
        _ => Err(Malformed("APPEND needs a message, as a literal")),
    }
}

/// What follows octets, up to the next ones or to the end of the command.
pub(crate) fn more(
    octets: &[u8],
    within: Within,
    announced: Option<(u64, Literal)>,
    names: Names,
) -> Segment<Vec<Step>> {
    let mut reading = Reading {
        cursor: &mut Cursor::with_names(octets, names),
        announced,
        steps: Vec::new(),
    };
    let Some(next) = reading.after(within)? else {
        return Ok(None);
    };
    Ok(Some((reading.steps, next.within())))
}

/// APPEND, or REPLACE and how it names messages.
#[derive(Clone, Copy)]
pub(super) enum Command {
    Append,
    Replace(By),
}

/// The command's name and the space behind it.
fn command(cursor: &mut Cursor<'_>) -> Option<Command> {
    let mut word = || {
        let word = cursor.until(b' ').to_ascii_uppercase();
        cursor.space().ok().map(|()| word)
    };
    match word()?.as_slice() {
        b"APPEND" => Some(Command::Append),
        b"REPLACE" => Some(Command::Replace(By::Sequence)),
        b"UID" => (word()? == b"REPLACE").then_some(Command::Replace(By::Uid)),
        _ => None,
    }
}

fn arguments(
    cursor: &mut Cursor<'_>,
    command: Command,
    announced: Option<(u64, Literal)>,
) -> Segment<Append> {
    let replaces = match command {
        Command::Append => None,
        Command::Replace(by) => {
            let number = cursor.set_number()?;
            cursor.space()?;
            Some((by, number))
        }
    };
    if announced.is_some() && cursor.is_at_end() {
        return Ok(None);
    }
    let mailbox = cursor.mailbox()?;
    cursor.space()?;
    let mut reading = Reading {
        cursor,
        announced,
        steps: Vec::new(),
    };
    let Some(next) = reading.messages()? else {
        return Ok(None);
    };
    let append = Append {
        replaces,
        mailbox,
        steps: reading.steps,
    };
    if replaces.is_some() && count_messages(&append.steps) > 1 {
        return Err(Malformed("REPLACE takes one message"));
    }
    Ok(Some((append, next.within())))
}

fn count_messages(steps: &[Step]) -> usize {
    let begins = |step: &&Step| matches!(step, Step::Begin(..));
    steps.iter().filter(begins).count()
}

/// Where a segment ended.
enum Next {
    Octets(Within),
    Nothing,
}

impl Next {
    fn within(self) -> Option<Within> {
        match self {
            Next::Octets(within) => Some(within),
            Next::Nothing => None,
        }
    }
}

struct Reading<'c, 'a> {
    cursor: &'c mut Cursor<'a>,
    announced: Option<(u64, Literal)>,
    steps: Vec<Step>,
}

impl Reading<'_, '_> {
    /// One message after another. `None`: the literal is an argument.
    fn messages(&mut self) -> Parsed<Option<Next>> {
        loop {
            self.begin()?;
            match self.data()? {
                Some(Next::Nothing) if !self.cursor.is_at_end() => self.blanks()?,
                decided => return Ok(decided),
            }
        }
    }

    /// What follows octets that stood here.
    fn after(&mut self, within: Within) -> Parsed<Option<Next>> {
        match within {
            Within::Message => {}
            Within::Utf8 => self.cursor.expect(b')', "UTF8 ( is not closed")?,
            Within::Catenate => match self.parts()? {
                Some(Next::Nothing) => {}
                decided => return Ok(decided),
            },
        }
        if within != Within::Catenate {
            self.steps.push(Step::End);
        }
        if self.cursor.is_at_end() && self.announced.is_none() {
            return Ok(Some(Next::Nothing));
        }
        self.blanks()?;
        self.messages()
    }

    /// The space between two messages. Some clients write more than one (the Python library imapclient does).
    fn blanks(&mut self) -> Parsed<()> {
        self.cursor.space()?;
        while self.cursor.eat(b' ') {}
        Ok(())
    }

    /// Flags and date.
    fn begin(&mut self) -> Parsed<()> {
        let mut flags = Vec::new();
        if self.cursor.peek() == Some(b'(') {
            flags = store::flag_list(self.cursor)?;
            self.cursor.space()?;
        }
        let mut date = None;
        if self.cursor.peek() == Some(b'"') {
            date = Some(append_date(self.cursor)?);
            self.cursor.space()?;
        }
        self.steps.push(Step::Begin(flags, date));
        Ok(())
    }

    /// A literal, `UTF8 (` and a literal, or CATENATE and its parts.
    fn data(&mut self) -> Parsed<Option<Next>> {
        if let Some(octets) = self.octets() {
            return Ok(Some(self.announce(octets, Within::Message)));
        }
        match self.cursor.word().as_str() {
            "UTF8" => {
                self.cursor.space()?;
                self.cursor
                    .expect(b'(', "UTF8 takes a literal in parentheses")?;
                let octets = self.octets().ok_or(NO_LITERAL)?;
                let octets = Announced {
                    form: Form::Utf8,
                    ..octets
                };
                Ok(Some(self.announce(octets, Within::Utf8)))
            }
            "CATENATE" => {
                self.cursor.space()?;
                self.cursor.expect(b'(', "CATENATE takes a list of parts")?;
                self.part_or_parts()
            }
            _ => Err(Malformed(
                "APPEND takes a mailbox, flags, a date and one message",
            )),
        }
    }

    fn announce(&mut self, octets: Announced, within: Within) -> Next {
        self.steps.push(Step::Octets(octets));
        Next::Octets(within)
    }

    /// The announced literal, if it comes next.
    fn octets(&mut self) -> Option<Announced> {
        let (size, literal) = self.announced?;
        let mut ahead = self.cursor.clone();
        let form = match ahead.eat(b'~') {
            true => Form::Binary,
            false => Form::Text,
        };
        if !ahead.is_at_end() {
            return None;
        }
        *self.cursor = ahead;
        Some(Announced {
            size,
            literal,
            form,
        })
    }

    /// Parts behind another: each after a space, until the list is closed.
    fn parts(&mut self) -> Parsed<Option<Next>> {
        if self.cursor.eat(b')') {
            self.steps.push(Step::End);
            return Ok(Some(Next::Nothing));
        }
        self.cursor.space()?;
        self.part_or_parts()
    }

    fn part_or_parts(&mut self) -> Parsed<Option<Next>> {
        match self.cursor.word().as_str() {
            "URL" => {
                self.cursor.space()?;
                if self.announced.is_some() && self.cursor.is_at_end() {
                    return Ok(None);
                }
                let url = self.cursor.text()?;
                self.steps.push(Step::Url(url));
                self.parts()
            }
            "TEXT" => {
                self.cursor.space()?;
                let octets = self.octets().ok_or(NO_LITERAL)?;
                Ok(Some(self.announce(octets, Within::Catenate)))
            }
            _ => Err(Malformed("A part of CATENATE is a URL or a TEXT")),
        }
    }
}

const NO_LITERAL: Malformed = Malformed("The octets of a message are a literal");

fn append_date(cursor: &mut Cursor<'_>) -> Parsed<DateTime> {
    DateTime::parse(&cursor.string()?).ok_or(Malformed(
        "A date looks like \" 7-Feb-1994 21:52:25 -0800\"",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flag::Flag;
    use crate::sequence::Number;

    const IMMEDIATE: Literal = Literal::Immediate;

    fn first(text: &str) -> (AppendHead, Option<Within>) {
        let parsed = head(text.as_bytes(), 310, IMMEDIATE, Names::ModifiedUtf7);
        parsed.unwrap().unwrap()
    }

    fn octets(form: Form) -> Step {
        Step::Octets(Announced {
            size: 310,
            literal: IMMEDIATE,
            form,
        })
    }

    /// RFC 3502 §6.3.11 example
    #[test]
    fn rfc3502_several_messages() {
        let (head, within) = first("A003 APPEND saved-messages (\\Seen) ");
        assert_eq!(head.append.mailbox.as_str(), "saved-messages");
        let begin = Step::Begin(vec![Flag::Seen], None);
        assert_eq!(head.append.steps, [begin, octets(Form::Text)]);
        assert_eq!(within, Some(Within::Message));
        let next = more(
            b" (\\Seen) \" 7-Feb-1994 22:43:04 -0800\" ",
            Within::Message,
            Some((310, IMMEDIATE)),
            Names::ModifiedUtf7,
        );
        let (steps, within) = next.unwrap().unwrap();
        let begin = Step::Begin(
            vec![Flag::Seen],
            Some(DateTime {
                seconds: 760_689_784,
                zone: -480,
            }),
        );
        assert_eq!(steps, [Step::End, begin, octets(Form::Text)]);
        assert_eq!(within, Some(Within::Message));
        let last = more(b"", Within::Message, None, Names::ModifiedUtf7);
        assert_eq!(last, Ok(Some((vec![Step::End], None))));
        assert!(more(b" x", Within::Message, None, Names::ModifiedUtf7).is_err());
    }

    /// RFC 4469 §4 example
    #[test]
    fn rfc4469_catenate() {
        let (head, within) = first(
            "A003 APPEND Drafts (\\Seen \\Draft $MDNSent) CATENATE \
             (URL \"/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER\" TEXT ",
        );
        let url = "/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER";
        assert_eq!(
            head.append.steps[1..],
            [Step::Url(url.into()), octets(Form::Text)]
        );
        assert_eq!(within, Some(Within::Catenate));
        let rest = b" URL \"/Drafts;UIDVALIDITY=385759045/;UID=20/;section=1\")";
        let (steps, within) = more(rest, Within::Catenate, None, Names::ModifiedUtf7)
            .unwrap()
            .unwrap();
        assert_eq!(steps.len(), 2);
        assert_eq!((steps.last(), within), (Some(&Step::End), None));
        // A URL may be a literal; then it is an argument.
        let argument = head_of("a APPEND x CATENATE (URL ");
        assert_eq!(argument, Ok(None));
        assert_eq!(head_of("a APPEND "), Ok(None));
        assert_eq!(head_of("a LOGIN "), Ok(None));
        assert!(head_of("a APPEND x CATENATE (NONSENSE ").is_err());
    }

    fn head_of(text: &str) -> Segment<AppendHead> {
        head(text.as_bytes(), 3, IMMEDIATE, Names::ModifiedUtf7)
    }

    /// RFC 8508 §3.1, RFC 3516 §5, RFC 6855 §4
    #[test]
    fn replace_binary_and_utf8() {
        let (head, _) = first("r REPLACE 4 Drafts (\\Draft) ");
        let four = Number::At(std::num::NonZeroU32::new(4).unwrap());
        assert_eq!(head.append.replaces, Some((By::Sequence, four)));
        let (head, _) = first("r UID REPLACE * Drafts ");
        assert_eq!(head.append.replaces, Some((By::Uid, Number::Last)));
        let (head, _) = first("a APPEND x ~");
        assert_eq!(head.append.steps[1..], [octets(Form::Binary)]);
        let (head, within) = first("a APPEND x UTF8 (~");
        assert_eq!(head.append.steps[1..], [octets(Form::Utf8)]);
        assert_eq!(within, Some(Within::Utf8));
        let last = more(b")", Within::Utf8, None, Names::ModifiedUtf7);
        assert_eq!(last, Ok(Some((vec![Step::End], None))));
        assert!(head_of("r REPLACE 0 Drafts ").is_err());
    }
}

//! The grammar of commands (RFC 3501 §9 with the extensions offered), from octets to types. Works on whole commands whose size a
//! [`crate::Framer`] has bounded; recursion and repetition are bounded here.

mod acl;
mod command;
mod cursor;
mod fetch;
mod list;
mod metadata;
mod search;
mod store;

use crate::command::{Body, Command};
use crate::framer::Literal;
use crate::mailbox::MailboxName;
use crate::tag::Tag;
use crate::{date, flag::Flag};

pub(crate) use cursor::{Cursor, is_astring_char, is_atom_char};

/// The octets are not what the grammar asks for. The text is for the client.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub &'static str);

/// A command that cannot be taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rejected {
    /// Its tag, if that could be read.
    pub tag: Option<Tag>,
    /// Why.
    pub why: Rejection,
}

/// Why a command cannot be taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rejection {
    /// Wrong by the grammar: BAD.
    Malformed(Malformed),
    /// SEARCH in a charset we do not know: NO with BADCHARSET.
    Charset,
}

impl From<Malformed> for Rejection {
    fn from(malformed: Malformed) -> Rejection {
        Rejection::Malformed(malformed)
    }
}

/// An APPEND up to its message (RFC 3501 §6.3.11).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AppendHead {
    /// What its answer is tagged with.
    pub tag: Tag,
    /// Where to.
    pub mailbox: MailboxName,
    /// Flags it starts with.
    pub flags: Vec<Flag>,
    /// INTERNALDATE, seconds since 1970.
    pub date: Option<i64>,
    /// Octets of the message.
    pub size: u64,
    /// Does the client wait for `+`?
    pub literal: Literal,
}

impl Command {
    /// Parses a whole command, literals included, without its last line end.
    pub fn parse(octets: &[u8]) -> Result<Command, Rejected> {
        let mut cursor = Cursor::new(octets);
        let tag = tag(&mut cursor).map_err(|malformed| Rejected {
            tag: None,
            why: malformed.into(),
        })?;
        match body(&mut cursor) {
            Ok(body) => Ok(Command { tag, body }),
            Err(why) => Err(Rejected {
                tag: Some(tag),
                why,
            }),
        }
    }
}

fn tag(cursor: &mut Cursor<'_>) -> Result<Tag, Malformed> {
    const WRONG: Malformed = Malformed("A command begins with a tag, a space and its name");
    let tag = Tag::new(cursor.until(b' ')).ok_or(WRONG)?;
    cursor.space().map_err(|_| WRONG)?;
    Ok(tag)
}

fn body(cursor: &mut Cursor<'_>) -> Result<Body, Rejection> {
    let body = command::body(cursor)?;
    if !cursor.is_at_end() {
        return Err(Malformed("There is more in this command than belongs to it").into());
    }
    Ok(body)
}

/// Is `octets` an APPEND that a literal of `size` octets would complete? `None` if it is another command, or an APPEND whose
/// mailbox is yet to come.
pub(crate) fn append_head(
    octets: &[u8],
    size: u64,
    literal: Literal,
) -> Result<Option<AppendHead>, Malformed> {
    let mut cursor = Cursor::new(octets);
    let Ok(tag) = tag(&mut cursor) else {
        return Ok(None);
    };
    if !cursor.until(b' ').eq_ignore_ascii_case(b"APPEND") || cursor.space().is_err() {
        return Ok(None);
    }
    if cursor.is_at_end() {
        return Ok(None);
    }
    let mailbox = cursor.mailbox()?;
    cursor.space()?;
    let flags = match cursor.peek() {
        Some(b'(') => {
            let flags = store::flag_list(&mut cursor)?;
            cursor.space()?;
            flags
        }
        _ => Vec::new(),
    };
    let date = match cursor.peek() {
        Some(b'"') => {
            let date = append_date(&mut cursor)?;
            cursor.space()?;
            Some(date)
        }
        _ => None,
    };
    if !cursor.is_at_end() {
        return Err(Malformed(
            "APPEND takes a mailbox, flags, a date and one message",
        ));
    }
    Ok(Some(AppendHead {
        tag,
        mailbox,
        flags,
        date,
        size,
        literal,
    }))
}

fn append_date(cursor: &mut Cursor<'_>) -> Result<i64, Malformed> {
    date::parse_date_time(&cursor.string()?).ok_or(Malformed(
        "A date looks like \" 7-Feb-1994 21:52:25 -0800\"",
    ))
}

#[cfg(test)]
mod tests;

//! The grammar of commands (RFC 3501 §9 with the extensions offered), from octets to types. Works on whole commands whose size a
//! [`crate::Framer`] has bounded; recursion and repetition are bounded here.

mod acl;
pub(crate) mod append;
mod command;
mod cursor;
mod fetch;
mod list;
mod metadata;
mod notify;
mod search;
mod sort;
mod store;

use crate::command::{Body, Command};
use crate::mailbox::Names;
use crate::search::Key;
use crate::tag::Tag;

pub(crate) use cursor::{Cursor, is_astring_char, is_atom_char};
pub(crate) use fetch::section;

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

impl Command {
    /// Parses a whole command, literals included, without its last line end.
    pub fn parse(octets: &[u8]) -> Result<Command, Rejected> {
        Command::parse_with(octets, Names::default())
    }

    /// The same for a client that writes mailbox names in this form.
    pub fn parse_with(octets: &[u8], names: Names) -> Result<Command, Rejected> {
        let mut cursor = Cursor::with_names(octets, names);
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

/// Search keys by themselves.
pub(crate) fn search_keys(octets: &[u8]) -> Result<Key, Rejection> {
    let mut cursor = Cursor::with_names(octets, Names::default());
    let search = search::search_program(&mut cursor, None)?;
    match cursor.is_at_end() {
        true => Ok(search.key),
        false => Err(Malformed("There is more than search keys").into()),
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

#[cfg(test)]
mod tests;

//! GETMETADATA and SETMETADATA (RFC 5464 §5), and the entries that LIST may ask for (RFC 9590).

use super::{Cursor, Malformed};
use crate::command::Body;
use crate::mailbox::MailboxName;
use crate::metadata::{Depth, EntryName, GetMetadata, SetMetadata};

/// Entries of one command.
const MAX_ENTRIES: usize = 100;

type Parsed<T> = Result<T, Malformed>;

/// Options may stand before the mailbox, as the grammar has them, or behind it, as in the examples of the RFC.
pub(super) fn get(cursor: &mut Cursor<'_>) -> Parsed<Body> {
    cursor.space()?;
    let mut options = Options::default();
    if cursor.peek() == Some(b'(') {
        options.read(cursor)?;
        cursor.space()?;
    }
    let mailbox = target(cursor)?;
    cursor.space()?;
    if begins_options(cursor) {
        options.read(cursor)?;
        cursor.space()?;
    }
    Ok(Body::GetMetadata(GetMetadata {
        mailbox,
        entries: entries(cursor)?,
        depth: options.depth,
        max_size: options.max_size,
    }))
}

pub(super) fn set(cursor: &mut Cursor<'_>) -> Parsed<Body> {
    cursor.space()?;
    let mailbox = target(cursor)?;
    cursor.space()?;
    let entries = cursor.list(|cursor| {
        let name = entry(cursor)?;
        cursor.space()?;
        Ok((name, value(cursor)?))
    })?;
    bounded(&entries)?;
    Ok(Body::SetMetadata(SetMetadata { mailbox, entries }))
}

/// One entry, or a list of them.
pub(super) fn entries(cursor: &mut Cursor<'_>) -> Parsed<Vec<EntryName>> {
    let entries = match cursor.peek() {
        Some(b'(') => cursor.list(entry)?,
        _ => vec![entry(cursor)?],
    };
    bounded(&entries)?;
    Ok(entries)
}

fn bounded<T>(entries: &[T]) -> Parsed<()> {
    match (1..=MAX_ENTRIES).contains(&entries.len()) {
        true => Ok(()),
        false => Err(Malformed("One to 100 entries can be named")),
    }
}

fn entry(cursor: &mut Cursor<'_>) -> Parsed<EntryName> {
    EntryName::new(&cursor.text()?).ok_or(Malformed(
        "An entry's name looks like /private/comment or /shared/comment",
    ))
}

/// The empty name is the server itself.
fn target(cursor: &mut Cursor<'_>) -> Parsed<Option<MailboxName>> {
    let name = cursor.mailbox()?;
    Ok((!name.as_str().is_empty()).then_some(name))
}

/// NIL, or a string; `~{` begins a literal that may hold any octet.
fn value(cursor: &mut Cursor<'_>) -> Parsed<Option<Vec<u8>>> {
    cursor.eat(b'~');
    if matches!(cursor.peek(), Some(b'"' | b'{')) {
        return cursor.string().map(Some);
    }
    match cursor.atom()?.eq_ignore_ascii_case("NIL") {
        true => Ok(None),
        false => Err(Malformed("The value of an entry is a string or NIL")),
    }
}

/// Does a list of options follow, and not of entries, which begin with a slash?
fn begins_options(cursor: &Cursor<'_>) -> bool {
    let mut ahead = cursor.clone();
    ahead.eat(b'(')
        && ahead
            .peek()
            .is_some_and(|octet| octet.is_ascii_alphabetic())
}

#[derive(Default)]
struct Options {
    depth: Depth,
    max_size: Option<u64>,
}

impl Options {
    fn read(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        cursor.list(|cursor| {
            match cursor.word().as_str() {
                "MAXSIZE" => {
                    cursor.space()?;
                    self.max_size = Some(u64::from(cursor.number()?));
                }
                "DEPTH" => {
                    cursor.space()?;
                    self.depth = depth(cursor)?;
                }
                _ => {
                    return Err(Malformed(
                        "The options of GETMETADATA are MAXSIZE and DEPTH",
                    ));
                }
            }
            Ok(())
        })?;
        Ok(())
    }
}

fn depth(cursor: &mut Cursor<'_>) -> Parsed<Depth> {
    match cursor.word().as_str() {
        "0" => Ok(Depth::Zero),
        "1" => Ok(Depth::One),
        "INFINITY" => Ok(Depth::Infinity),
        _ => Err(Malformed("DEPTH is 0, 1 or infinity")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Command;

    fn parse(text: &str) -> Option<Body> {
        Command::parse(text.as_bytes())
            .ok()
            .map(|command| command.body)
    }

    fn wanted(text: &str) -> GetMetadata {
        match parse(text) {
            Some(Body::GetMetadata(wanted)) => wanted,
            other => panic!("{text}: {other:?}"),
        }
    }

    /// RFC 5464 §4.2 examples.
    #[test]
    fn get_as_in_the_rfc() {
        let one = wanted("a GETMETADATA \"\" /shared/comment");
        assert_eq!(
            (one.mailbox, one.entries[0].as_str()),
            (None, "/shared/comment")
        );
        let both = wanted("a GETMETADATA INBOX (MAXSIZE 1024) (/shared/comment /private/comment)");
        assert_eq!((both.max_size, both.entries.len()), (Some(1024), 2));
        assert_eq!(
            wanted("a GETMETADATA (DEPTH 1) INBOX (/private/filters/values)").depth,
            Depth::One
        );
        assert_eq!(
            wanted("a GETMETADATA INBOX (DEPTH infinity MAXSIZE 5) /private/x").depth,
            Depth::Infinity
        );
        for wrong in [
            "a GETMETADATA INBOX",
            "a GETMETADATA INBOX ()",
            "a GETMETADATA INBOX comment",
            "a GETMETADATA (DEPTH 2) INBOX /private/x",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    /// RFC 5464 §4.3 examples.
    #[test]
    fn set_as_in_the_rfc() {
        let Some(Body::SetMetadata(set)) = parse(
            "a SETMETADATA INBOX (/private/comment {33}\r\nMy new comment across\r\ntwo lines. /shared/comment NIL)",
        ) else {
            panic!()
        };
        assert_eq!(
            set.entries[0].1.as_deref(),
            Some(b"My new comment across\r\ntwo lines.".as_slice())
        );
        assert_eq!(set.entries[1].1, None);
        for wrong in [
            "a SETMETADATA INBOX ()",
            "a SETMETADATA INBOX (/private/x atom)",
            "a SETMETADATA INBOX (/private/x)",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}

//! FETCH: items, macros, sections, modifiers (RFC 3501 §6.4.5, RFC 3516 §7, RFC 7162 §3.1.4 and §3.2.6, RFC 8474, RFC 8514, RFC 8970, RFC 9394).

use super::{Cursor, Malformed};
use crate::command::{By, Fetch};
use crate::fetch::{Binary, Content, Edge, Item, Partial, Section, SectionText, Spelling, Window};

/// Items one command may ask for.
const MAX_ITEMS: usize = 200;
/// Part numbers in a section; no message has parts that deep.
const MAX_DEPTH: usize = 100;
/// Field names in a section.
const MAX_FIELDS: usize = 500;

/// FETCH after its name.
pub(super) fn fetch(cursor: &mut Cursor<'_>, by: By) -> Result<Fetch, Malformed> {
    cursor.space()?;
    let set = cursor.sequence_set()?;
    cursor.space()?;
    let items = items(cursor)?;
    let mut fetch = Fetch {
        by,
        set,
        items,
        changed_since: None,
        vanished: false,
        window: None,
    };
    if cursor.eat(b' ') {
        cursor.list(|cursor| modifier(cursor, &mut fetch))?;
    }
    if fetch.vanished && (fetch.changed_since.is_none() || by == By::Sequence) {
        return Err(Malformed(
            "VANISHED goes with UID FETCH and CHANGEDSINCE only",
        ));
    }
    fetch.complete();
    Ok(fetch)
}

impl Fetch {
    /// Adds what goes without saying: MODSEQ for CHANGEDSINCE (RFC 7162 §3.1.4.1).
    fn complete(&mut self) {
        if self.changed_since.is_some() && !self.items.contains(&Item::ModSeq) {
            self.items.push(Item::ModSeq);
        }
    }
}

fn modifier(cursor: &mut Cursor<'_>, fetch: &mut Fetch) -> Result<(), Malformed> {
    match cursor.word().as_str() {
        "CHANGEDSINCE" => {
            cursor.space()?;
            fetch.changed_since = Some(cursor.modseq()?);
        }
        "VANISHED" => fetch.vanished = true,
        "PARTIAL" => {
            cursor.space()?;
            fetch.window = Some(window(cursor)?);
        }
        _ => return Err(Malformed("There is no such modifier of FETCH")),
    }
    Ok(())
}

/// `1:100`, or `-1:-100` from the end (RFC 9394 §3.1).
pub(super) fn window(cursor: &mut Cursor<'_>) -> Result<Window, Malformed> {
    const WRONG: &str = "A range of results looks like 1:100 or -1:-100";
    let from = match cursor.eat(b'-') {
        true => Edge::End,
        false => Edge::Begin,
    };
    let first = cursor.nonzero()?.get();
    cursor.expect(b':', WRONG)?;
    if from == Edge::End {
        cursor.expect(b'-', WRONG)?;
    }
    let second = cursor.nonzero()?.get();
    Ok(Window {
        from,
        low: first.min(second),
        high: first.max(second),
    })
}

/// One item, a macro, or a list of items. An item asked for twice is told once.
pub(super) fn items(cursor: &mut Cursor<'_>) -> Result<Vec<Item>, Malformed> {
    let asked = match cursor.peek() {
        Some(b'(') => cursor.list(item)?,
        _ => match expand_macro(cursor) {
            Some(items) => items,
            None => vec![item(cursor)?],
        },
    };
    let mut items: Vec<Item> = Vec::with_capacity(asked.len());
    for item in asked {
        if items.len() >= MAX_ITEMS {
            return Err(Malformed("FETCH asks for too many items"));
        }
        if !items.contains(&item) {
            items.push(item);
        }
    }
    match items.is_empty() {
        true => Err(Malformed("FETCH needs at least one item")),
        false => Ok(items),
    }
}

fn expand_macro(cursor: &mut Cursor<'_>) -> Option<Vec<Item>> {
    let mut ahead = cursor.clone();
    let fast = [Item::Flags, Item::InternalDate, Item::Size];
    let items = match ahead.word().as_str() {
        "FAST" => fast.to_vec(),
        "ALL" => [&fast[..], &[Item::Envelope]].concat(),
        "FULL" => [&fast[..], &[Item::Envelope, Item::Body]].concat(),
        _ => return None,
    };
    *cursor = ahead;
    Some(items)
}

fn item(cursor: &mut Cursor<'_>) -> Result<Item, Malformed> {
    let name = cursor.word();
    Ok(match name.as_str() {
        "ENVELOPE" => Item::Envelope,
        "FLAGS" => Item::Flags,
        "INTERNALDATE" => Item::InternalDate,
        "RFC822.SIZE" => Item::Size,
        "UID" => Item::Uid,
        "MODSEQ" => Item::ModSeq,
        "BODYSTRUCTURE" => Item::BodyStructure,
        "BODY" if cursor.peek() != Some(b'[') => Item::Body,
        "BODY" => Item::Content(content(cursor, Spelling::Body)?),
        "BODY.PEEK" => Item::Content(content(cursor, Spelling::BodyPeek)?),
        "RFC822" => rfc822(None),
        "RFC822.HEADER" => rfc822(Some(SectionText::Header)),
        "RFC822.TEXT" => rfc822(Some(SectionText::Text)),
        "BINARY" => Item::Binary(binary(cursor, false)?),
        "BINARY.PEEK" => Item::Binary(binary(cursor, true)?),
        "BINARY.SIZE" => Item::BinarySize(part_in_brackets(cursor)?),
        "PREVIEW" => preview(cursor)?,
        "SAVEDATE" => Item::SaveDate,
        "EMAILID" => Item::EmailId,
        "THREADID" => Item::ThreadId,
        _ => return Err(Malformed("There is no such item of FETCH")),
    })
}

/// RFC 8970 §3: `PREVIEW` or `PREVIEW (LAZY)`.
fn preview(cursor: &mut Cursor<'_>) -> Result<Item, Malformed> {
    let mut ahead = cursor.clone();
    if ahead.eat(b' ') && ahead.peek() == Some(b'(') {
        let modifiers = ahead.list(|cursor| Ok(cursor.word()))?;
        if modifiers != ["LAZY"] {
            return Err(Malformed("The only modifier of PREVIEW is LAZY"));
        }
        *cursor = ahead;
    }
    Ok(Item::Preview)
}

/// `[part]` and perhaps `<offset.length>`.
fn binary(cursor: &mut Cursor<'_>, peek: bool) -> Result<Binary, Malformed> {
    let part = part_in_brackets(cursor)?;
    let partial = match cursor.eat(b'<') {
        true => Some(partial(cursor)?),
        false => None,
    };
    Ok(Binary {
        part,
        partial,
        peek,
    })
}

/// `[1.2]` or `[]`.
fn part_in_brackets(cursor: &mut Cursor<'_>) -> Result<Vec<u32>, Malformed> {
    cursor.expect(b'[', "A part in brackets is missing")?;
    let section = section(cursor)?;
    cursor.expect(b']', "A section is not closed")?;
    match section.text {
        None => Ok(section.part),
        Some(_) => Err(Malformed("BINARY takes the number of a part")),
    }
}

fn rfc822(text: Option<SectionText>) -> Item {
    Item::Content(Content {
        section: Section {
            part: Vec::new(),
            text,
        },
        partial: None,
        spelling: Spelling::Rfc822,
    })
}

/// `[section]` and perhaps `<offset.length>`.
fn content(cursor: &mut Cursor<'_>, spelling: Spelling) -> Result<Content, Malformed> {
    cursor.expect(b'[', "A section in brackets is missing")?;
    let section = section(cursor)?;
    cursor.expect(b']', "A section is not closed")?;
    let partial = match cursor.eat(b'<') {
        true => Some(partial(cursor)?),
        false => None,
    };
    Ok(Content {
        section,
        partial,
        spelling,
    })
}

pub(crate) fn section(cursor: &mut Cursor<'_>) -> Result<Section, Malformed> {
    let mut part = Vec::new();
    while cursor.peek().is_some_and(|octet| octet.is_ascii_digit()) {
        part.push(cursor.nonzero()?.get());
        if part.len() > MAX_DEPTH {
            return Err(Malformed("A section is too deep"));
        }
        if !cursor.eat(b'.') {
            return Ok(Section { part, text: None });
        }
    }
    if part.is_empty() && cursor.peek() == Some(b']') {
        return Ok(Section::default());
    }
    let text = Some(section_text(cursor, &part)?);
    Ok(Section { part, text })
}

fn section_text(cursor: &mut Cursor<'_>, part: &[u32]) -> Result<SectionText, Malformed> {
    Ok(match cursor.word().as_str() {
        "HEADER" => SectionText::Header,
        "HEADER.FIELDS" => SectionText::HeaderFields(field_names(cursor)?),
        "HEADER.FIELDS.NOT" => SectionText::HeaderFieldsNot(field_names(cursor)?),
        "TEXT" => SectionText::Text,
        "MIME" if !part.is_empty() => SectionText::Mime,
        _ => return Err(Malformed("There is no such section")),
    })
}

fn field_names(cursor: &mut Cursor<'_>) -> Result<Vec<String>, Malformed> {
    cursor.space()?;
    let names = cursor.list(Cursor::text)?;
    match (1..=MAX_FIELDS).contains(&names.len()) {
        true => Ok(names),
        false => Err(Malformed("A section names 1 to 500 header fields")),
    }
}

fn partial(cursor: &mut Cursor<'_>) -> Result<Partial, Malformed> {
    const WRONG: &str = "A piece looks like <0.1024>";
    let offset = cursor.number()?;
    cursor.expect(b'.', WRONG)?;
    let length = cursor.nonzero()?.get();
    cursor.expect(b'>', WRONG)?;
    Ok(Partial { offset, length })
}

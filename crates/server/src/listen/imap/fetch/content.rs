//! Octets of a message: `BODY[section]<offset.length>` and RFC822 (RFC 3501 §6.4.5, §7.4.2).
//!
//! Small messages are read once for all their items; of large ones only what is asked for, and that is streamed.

use super::broken_off;
use crate::listen::imap::connection::Connection;
use crate::listen::imap::failure::Failure;
use ::message::Section;
use ::message::header::{self, Select};
use ::store::Result;
use ::store::body::BodyReader;
use ::store::entry::Content as Stored;
use imap::encode;
use imap::fetch::{Content, Partial, SectionText, Spelling};
use std::ops::Range;

/// Messages up to this size are held whole.
pub(super) const SMALL: u64 = 128 * 1024;
/// A header section is filtered in memory; more of it than this is cut off. Above what SMTP takes in.
const MAX_HEADER: u32 = 4 * 1024 * 1024;

/// The octets of one message.
pub(super) struct Octets<'a> {
    stored: &'a Stored,
    held: Held,
}

enum Held {
    /// All of it.
    Whole(Vec<u8>),
    /// Nothing yet of a large message; a reader at its start, until it is used.
    Nothing(Option<BodyReader>),
}

impl<'a> Octets<'a> {
    /// Makes sure that they can be read, before anything is promised to the client. `all`: they have been read already.
    pub(super) async fn open(
        connection: &Connection,
        stored: &'a Stored,
        all: Option<Vec<u8>>,
    ) -> Result<Octets<'a>> {
        let (store, body) = (&connection.services.store, &stored.body);
        let held = match all {
            Some(all) => Held::Whole(all),
            None if body.size <= SMALL => Held::Whole(store.read_body(body, 0, body.size).await?),
            None => Held::Nothing(Some(store.open_body(body).await?)),
        };
        Ok(Octets { stored, held })
    }

    /// What is known of the message.
    pub(super) fn summary(&self) -> &'a ::message::Summary {
        &self.stored.summary
    }

    /// These octets, to be read piece by piece, and again if need be.
    pub(super) async fn source(
        &self,
        connection: &Connection,
        range: Range<u64>,
    ) -> std::result::Result<Source<'_>, Failure> {
        Ok(match &self.held {
            Held::Whole(all) => Source::Held(Some(slice(all, &range))),
            Held::Nothing(_) => {
                let opened = connection.services.store.open_body(&self.stored.body).await;
                Source::Stored {
                    reader: Box::new(opened.map_err(broken_off)?),
                    range,
                    at: 0,
                }
            }
        })
    }

    /// These octets, in memory.
    async fn read(&self, connection: &Connection, range: Range<u64>) -> Result<Vec<u8>> {
        match &self.held {
            Held::Whole(all) => Ok(slice(all, &range).to_vec()),
            Held::Nothing(_) => {
                let length = range.end - range.start;
                connection
                    .services
                    .store
                    .read_body(&self.stored.body, range.start, length)
                    .await
            }
        }
    }

    /// Writes these octets to the client as they are read.
    async fn stream(
        &mut self,
        connection: &mut Connection,
        range: Range<u64>,
    ) -> std::result::Result<(), Failure> {
        match &mut self.held {
            Held::Whole(all) => {
                connection.out.extend_from_slice(slice(all, &range));
                Ok(())
            }
            Held::Nothing(reader) => {
                let reader = match reader.take() {
                    Some(reader) => reader,
                    None => {
                        let opened = connection.services.store.open_body(&self.stored.body).await;
                        opened.map_err(broken_off)?
                    }
                };
                copy(connection, reader, range).await
            }
        }
    }
}

/// Octets that are read piece by piece.
pub(super) enum Source<'a> {
    /// All at once.
    Held(Option<&'a [u8]>),
    /// From the store.
    Stored {
        reader: Box<BodyReader>,
        range: Range<u64>,
        at: u64,
    },
}

impl Source<'_> {
    /// The next octets; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        match self {
            Source::Held(all) => Ok(all.take().map(<[u8]>::to_vec)),
            Source::Stored { reader, range, at } => {
                if *at >= range.end {
                    return Ok(None);
                }
                let Some(octets) = reader.next().await? else {
                    return Err(::store::Error::Corrupt(format!(
                        "a body ends at octet {at}"
                    )));
                };
                let from = range.start.saturating_sub(*at).min(octets.len() as u64);
                let to = (range.end - *at).min(octets.len() as u64);
                *at += octets.len() as u64;
                Ok(Some(slice(&octets, &(from..to)).to_vec()))
            }
        }
    }
}

/// Appends one content item.
pub(super) async fn push(
    connection: &mut Connection,
    wanted: &Content,
    octets: &mut Octets<'_>,
) -> std::result::Result<(), Failure> {
    push_name(&mut connection.out, wanted);
    connection.out.push(b' ');
    let summary = &octets.stored.summary;
    let what = match &wanted.section.text {
        None => Section::Content,
        Some(SectionText::Text) => Section::Text,
        Some(SectionText::Mime) => Section::Mime,
        Some(_) => Section::Header,
    };
    let Some(range) = summary.section(&wanted.section.part, what) else {
        connection.out.extend_from_slice(b"NIL");
        return Ok(());
    };
    let range = u64::from(range.start)..u64::from(range.end.max(range.start));
    match filter(&wanted.section.text) {
        Some((names, select)) => {
            push_fields(connection, octets, range, names, select, wanted.partial).await
        }
        None => {
            let piece = piece(range, wanted.partial);
            encode::literal_head(&mut connection.out, piece.end - piece.start);
            octets.stream(connection, piece).await
        }
    }
}

/// HEADER.FIELDS and HEADER.FIELDS.NOT: the header section, filtered.
async fn push_fields(
    connection: &mut Connection,
    octets: &Octets<'_>,
    range: Range<u64>,
    names: &[String],
    select: Select,
    partial: Option<Partial>,
) -> std::result::Result<(), Failure> {
    let end = range.end.min(range.start + u64::from(MAX_HEADER));
    let section = octets
        .read(connection, range.start..end)
        .await
        .map_err(broken_off)?;
    let chosen = header::select(&section, names, select);
    let piece = piece(0..chosen.len() as u64, partial);
    encode::literal_head(&mut connection.out, piece.end - piece.start);
    connection.out.extend_from_slice(slice(&chosen, &piece));
    Ok(())
}

fn filter(text: &Option<SectionText>) -> Option<(&[String], Select)> {
    match text {
        Some(SectionText::HeaderFields(names)) => Some((names, Select::Only)),
        Some(SectionText::HeaderFieldsNot(names)) => Some((names, Select::Except)),
        _ => None,
    }
}

/// The part of `range` that a partial asks for; empty where it begins behind the end.
fn piece(range: Range<u64>, partial: Option<Partial>) -> Range<u64> {
    match partial {
        None => range,
        Some(partial) => {
            let start = (range.start + u64::from(partial.offset)).min(range.end);
            start..(start + u64::from(partial.length)).min(range.end)
        }
    }
}

fn slice<'a>(octets: &'a [u8], range: &Range<u64>) -> &'a [u8] {
    let (start, end) = (range.start as usize, range.end as usize);
    octets.get(start..end).unwrap_or_default()
}

/// Copies a range of a body to the client.
async fn copy(
    connection: &mut Connection,
    mut reader: BodyReader,
    range: Range<u64>,
) -> std::result::Result<(), Failure> {
    let mut at = 0;
    while at < range.end {
        let Some(octets) = reader.next().await.map_err(broken_off)? else {
            let short = ::store::Error::Corrupt(format!("a body ends at octet {at}"));
            return Err(broken_off(short).into());
        };
        let from = range.start.saturating_sub(at).min(octets.len() as u64);
        let to = (range.end - at).min(octets.len() as u64);
        connection
            .out
            .extend_from_slice(slice(&octets, &(from..to)));
        connection.flush_if_full().await?;
        at += octets.len() as u64;
    }
    Ok(())
}

/// The item's name as the answer repeats it (RFC 3501 §7.4.2): PEEK is not repeated, of a piece only where it begins.
fn push_name(out: &mut Vec<u8>, wanted: &Content) {
    if wanted.spelling == Spelling::Rfc822 {
        out.extend_from_slice(match wanted.section.text {
            Some(SectionText::Header) => b"RFC822.HEADER",
            Some(_) => b"RFC822.TEXT",
            None => b"RFC822",
        });
        return;
    }
    out.extend_from_slice(b"BODY[");
    for (index, number) in wanted.section.part.iter().enumerate() {
        if index > 0 {
            out.push(b'.');
        }
        encode::number(out, u64::from(*number));
    }
    if let Some(text) = &wanted.section.text {
        if !wanted.section.part.is_empty() {
            out.push(b'.');
        }
        push_text_name(out, text);
    }
    out.push(b']');
    if let Some(partial) = wanted.partial {
        out.push(b'<');
        encode::number(out, u64::from(partial.offset));
        out.push(b'>');
    }
}

fn push_text_name(out: &mut Vec<u8>, text: &SectionText) {
    let (name, fields): (&[u8], &[String]) = match text {
        SectionText::Header => (b"HEADER", &[]),
        SectionText::Text => (b"TEXT", &[]),
        SectionText::Mime => (b"MIME", &[]),
        SectionText::HeaderFields(fields) => (b"HEADER.FIELDS (", fields),
        SectionText::HeaderFieldsNot(fields) => (b"HEADER.FIELDS.NOT (", fields),
    };
    out.extend_from_slice(name);
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        encode::astring(out, field.as_bytes());
    }
    if !fields.is_empty() {
        out.push(b')');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_stay_within_the_section() {
        let partial = |offset, length| Some(Partial { offset, length });
        assert_eq!(piece(10..20, None), 10..20);
        assert_eq!(piece(10..20, partial(0, 5)), 10..15);
        assert_eq!(piece(10..20, partial(5, u32::MAX)), 15..20);
        assert_eq!(piece(10..20, partial(u32::MAX, 1)), 20..20);
    }

    #[test]
    fn names_come_back_as_asked() {
        for (asked, told) in [
            ("BODY.PEEK[]", "BODY[]"),
            (
                "BODY[1.2.HEADER.FIELDS (Date \"x y\")]<7.9>",
                "BODY[1.2.HEADER.FIELDS (Date \"x y\")]<7>",
            ),
            ("BODY[3.MIME]", "BODY[3.MIME]"),
            ("BODY[TEXT]", "BODY[TEXT]"),
            ("RFC822.TEXT", "RFC822.TEXT"),
            ("RFC822.HEADER", "RFC822.HEADER"),
        ] {
            let command = imap::Command::parse(format!("a FETCH 1 {asked}").as_bytes()).unwrap();
            let imap::Body::Fetch(fetch) = command.body else {
                unreachable!()
            };
            let imap::fetch::Item::Content(content) = &fetch.items[0] else {
                unreachable!()
            };
            let mut out = Vec::new();
            push_name(&mut out, content);
            assert_eq!(String::from_utf8(out).unwrap(), told);
        }
    }
}

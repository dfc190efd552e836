//! A piece of a message that a URL names (RFC 5092 §7): where it is, and its octets, one after the other.

use super::connection::Connection;
use super::failure::Failure;
use super::locate::{Otherwise, locate_with};
use super::view::View;
use ::message::Section;
use ::message::header::{self, Select};
use ::store::body::BodyReader;
use ::store::entry::{self, Content, Place};
use ::store::share::Rights;
use ::store::{AccountId, Tx, UidValidity, mailbox};
use imap::fetch::SectionText;
use imap::url::MessageUrl;
use std::ops::Range;

/// The longest header section that fields are chosen from.
const MAX_HEADER: u64 = 4 * 1024 * 1024;

/// A piece that is about to be read.
pub(super) struct Piece {
    /// How many octets it has.
    pub(super) length: u64,
    source: Source,
}

enum Source {
    /// Chosen header fields.
    Fields(Option<Vec<u8>>),
    /// A range of the message.
    Body {
        reader: BodyReader,
        at: u64,
        range: Range<u64>,
    },
}

impl Piece {
    /// What a URL names, if this account may read it.
    pub(super) async fn open(
        connection: &Connection,
        viewer: AccountId,
        view: Option<&View>,
        url: &MessageUrl,
    ) -> Result<Option<Piece>, Failure> {
        let (selected, wanted) = (view.map(selected), url.clone());
        let store = &connection.services.store;
        let found = store.read(move |tx| find(tx, viewer, selected, &wanted));
        let Some(content) = found.await? else {
            return Ok(None);
        };
        let Some(section) = octets(&content, url) else {
            return Ok(None);
        };
        let Some((names, select)) = fields(url) else {
            let range = part_of(section, url.partial);
            return Ok(Some(Piece {
                length: range.end.saturating_sub(range.start),
                source: Source::Body {
                    reader: store.open_body(&content.body).await?,
                    at: 0,
                    range,
                },
            }));
        };
        let length = (section.end - section.start).min(MAX_HEADER);
        let octets = store
            .read_body(&content.body, section.start, length)
            .await?;
        let chosen = header::select(&octets, names, select);
        let range = part_of(0..chosen.len() as u64, url.partial);
        let octets = chosen.get(range.start as usize..range.end as usize);
        let octets = octets.unwrap_or_default().to_vec();
        Ok(Some(Piece {
            length: octets.len() as u64,
            source: Source::Fields(Some(octets)),
        }))
    }

    /// The next of its octets; `None` at its end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, ::store::Error> {
        let (reader, at, range) = match &mut self.source {
            Source::Fields(octets) => return Ok(octets.take()),
            Source::Body { reader, at, range } => (reader, at, range),
        };
        while *at < range.end {
            let Some(octets) = reader.next().await? else {
                return Err(::store::Error::Corrupt(format!(
                    "a body ends at octet {at}"
                )));
            };
            let from = range.start.saturating_sub(*at).min(octets.len() as u64);
            let to = (range.end - *at).min(octets.len() as u64);
            *at += octets.len() as u64;
            let piece = octets.get(from as usize..to as usize).unwrap_or_default();
            if !piece.is_empty() {
                return Ok(Some(piece.to_vec()));
            }
        }
        Ok(None)
    }
}

fn selected(view: &View) -> Place {
    Place {
        account: view.owner,
        mailbox: view.mailbox,
    }
}

/// The message a URL names, if it may be read.
fn find(
    tx: &mut Tx<'_>,
    viewer: AccountId,
    selected: Option<Place>,
    url: &MessageUrl,
) -> ::store::Result<Option<Content>> {
    let found = match (&url.mailbox, selected) {
        (Some(name), _) => named(tx, viewer, name.as_str())?,
        (None, Some(place)) => mailbox::by_id(tx, place.account, place.mailbox.mailbox)?
            .map(|mailbox| (place, mailbox.uid_validity)),
        (None, None) => None,
    };
    let valid = |validity: u32| url.uid_validity.is_none_or(|asked| asked == validity);
    let Some((place, _)) = found.filter(|(_, validity)| valid(validity.0)) else {
        return Ok(None);
    };
    let uids = [url.uid..=url.uid];
    let found = entry::scan_contents(tx, place.account, place.mailbox, &uids, None, 1)?;
    Ok(found.into_iter().next().map(|(_, content)| content))
}

fn named(
    tx: &mut Tx<'_>,
    viewer: AccountId,
    name: &str,
) -> ::store::Result<Option<(Place, UidValidity)>> {
    let located = locate_with(tx, viewer, name, Rights::READ, Otherwise::NoMailbox)?;
    Ok(located.ok().map(|located| {
        let place = Place {
            account: located.owner,
            mailbox: located.viewed,
        };
        (place, located.mailbox.uid_validity)
    }))
}

/// Where in the message the section is.
fn octets(content: &Content, url: &MessageUrl) -> Option<Range<u64>> {
    let what = match &url.section.text {
        None => Section::Content,
        Some(SectionText::Text) => Section::Text,
        Some(SectionText::Mime) => Section::Mime,
        Some(_) => Section::Header,
    };
    let range = content.summary.section(&url.section.part, what)?;
    Some(u64::from(range.start)..u64::from(range.end.max(range.start)))
}

fn fields(url: &MessageUrl) -> Option<(&[String], Select)> {
    match &url.section.text {
        Some(SectionText::HeaderFields(names)) => Some((names, Select::Only)),
        Some(SectionText::HeaderFieldsNot(names)) => Some((names, Select::Except)),
        _ => None,
    }
}

/// What of a section a partial asks for.
fn part_of(section: Range<u64>, partial: Option<(u32, Option<u32>)>) -> Range<u64> {
    let Some((offset, length)) = partial else {
        return section;
    };
    let start = (section.start + u64::from(offset)).min(section.end);
    let end = length.map_or(section.end, |length| start + u64::from(length));
    start..end.min(section.end)
}

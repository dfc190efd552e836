//! Pieces of existing messages in a new one: the URLs of CATENATE (RFC 4469 §3).

use super::building::Message;
use crate::listen::imap::connection::Connection;
use crate::listen::imap::failure::Failure;
use crate::listen::imap::locate::{Otherwise, locate_with};
use crate::listen::imap::state::Account;
use crate::listen::imap::view::View;
use ::message::Section;
use ::message::header::{self, Select};
use ::store::entry::{self, Content, Place};
use ::store::share::Rights;
use ::store::{AccountId, Tx, UidValidity, mailbox};
use imap::fetch::SectionText;
use imap::response::{Code, Status};
use imap::url::MessageUrl;
use std::ops::Range;

/// The longest header section that fields are chosen from.
const MAX_HEADER: u64 = 4 * 1024 * 1024;

/// Adds what a URL names to a message.
pub(super) async fn copy(
    connection: &Connection,
    account: &Account,
    view: Option<&View>,
    url: &str,
    message: &mut Message,
    limit: u64,
) -> Result<(), Failure> {
    let parsed = MessageUrl::parse(url).ok_or_else(|| bad(url))?;
    let (viewer, selected) = (account.id(), view.map(selected));
    let wanted = parsed.clone();
    let found = connection
        .services
        .store
        .read(move |tx| find(tx, viewer, selected, &wanted));
    let content = found.await?.ok_or_else(|| bad(url))?;
    let section = octets(&content, &parsed).ok_or_else(|| bad(url))?;
    match fields(&parsed) {
        Some((names, select)) => {
            let end = section.end.min(section.start + MAX_HEADER);
            let length = end - section.start;
            let store = &connection.services.store;
            let octets = store
                .read_body(&content.body, section.start, length)
                .await?;
            let chosen = header::select(&octets, names, select);
            let range = piece(0..chosen.len() as u64, parsed.partial);
            let octets = chosen.get(range.start as usize..range.end as usize);
            message.write(octets.unwrap_or_default(), limit).await
        }
        None => {
            stream(
                connection,
                &content,
                piece(section, parsed.partial),
                message,
                limit,
            )
            .await
        }
    }
}

fn bad(url: &str) -> Status {
    Status::no("A part of the message cannot be found.").code(Code::BadUrl(url.to_owned()))
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
fn piece(section: Range<u64>, partial: Option<(u32, Option<u32>)>) -> Range<u64> {
    let Some((offset, length)) = partial else {
        return section;
    };
    let start = (section.start + u64::from(offset)).min(section.end);
    let end = length.map_or(section.end, |length| start + u64::from(length));
    start..end.min(section.end)
}

/// Copies octets of a stored message.
async fn stream(
    connection: &Connection,
    content: &Content,
    range: Range<u64>,
    message: &mut Message,
    limit: u64,
) -> Result<(), Failure> {
    let mut reader = connection.services.store.open_body(&content.body).await?;
    let mut at = 0;
    while at < range.end {
        let Some(octets) = reader.next().await? else {
            return Err(::store::Error::Corrupt(format!("a body ends at octet {at}")).into());
        };
        let from = range.start.saturating_sub(at).min(octets.len() as u64);
        let to = (range.end - at).min(octets.len() as u64);
        let piece = octets.get(from as usize..to as usize);
        message.write(piece.unwrap_or_default(), limit).await?;
        at += octets.len() as u64;
    }
    Ok(())
}

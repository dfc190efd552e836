//! NOTIFY, ESEARCH, and the groups of mailboxes in both (RFC 5465 §8, RFC 7377 §5).

use super::{Cursor, Malformed, Rejection, fetch, search};
use crate::command::{Body, MultiSearch};
use crate::mailbox::MailboxName;
use crate::notify::{Event, Group, Mailboxes, Notify};

/// Groups in one command.
const MAX_GROUPS: usize = 50;
/// Mailboxes named in one group.
const MAX_NAMES: usize = 1000;

type Parsed<T> = Result<T, Malformed>;

/// NOTIFY after its name.
pub(super) fn notify(cursor: &mut Cursor<'_>) -> Parsed<Notify> {
    cursor.space()?;
    match cursor.word().as_str() {
        "NONE" => return Ok(Notify::None),
        "SET" => cursor.space()?,
        _ => return Err(Malformed("NOTIFY takes SET or NONE")),
    }
    let status = search::next_word_is(cursor, "STATUS");
    let mut groups = vec![group(cursor)?];
    while cursor.eat(b' ') {
        groups.push(group(cursor)?);
    }
    if groups.len() > MAX_GROUPS {
        return Err(Malformed("NOTIFY takes at most 50 groups"));
    }
    if groups.iter().filter(|group| group.is_of_selected()).count() > 1 {
        return Err(Malformed("NOTIFY takes SELECTED or SELECTED-DELAYED once"));
    }
    Ok(Notify::Set { status, groups })
}

fn group(cursor: &mut Cursor<'_>) -> Parsed<Group> {
    cursor.expect(b'(', "A group of NOTIFY is in parentheses")?;
    let mailboxes = mailboxes(cursor)?;
    cursor.space()?;
    let events = match cursor.peek() {
        Some(b'(') => cursor.list(event)?,
        _ if next_is_none(cursor) => Vec::new(),
        _ => bare_events(cursor)?,
    };
    cursor.expect(b')', "A group of NOTIFY is not closed")?;
    checked(Group { mailboxes, events })
}

fn next_is_none(cursor: &mut Cursor<'_>) -> bool {
    let mut ahead = cursor.clone();
    let found = ahead.word() == "NONE" && ahead.peek() == Some(b')');
    if found {
        *cursor = ahead;
    }
    found
}

/// Events without parentheses, as the example of RFC 5465 §3.1 has them, against its own grammar.
fn bare_events(cursor: &mut Cursor<'_>) -> Parsed<Vec<Event>> {
    let mut events = vec![event(cursor)?];
    while cursor.eat(b' ') {
        events.push(event(cursor)?);
    }
    Ok(events)
}

/// Which events go together (RFC 5465 §5), and which belong to which mailboxes (§5.2, §6.1).
fn checked(group: Group) -> Parsed<Group> {
    let new = group.has(|event| matches!(event, Event::MessageNew(_)));
    let gone = group.has(|event| *event == Event::MessageExpunge);
    let flags = group.has(|event| *event == Event::FlagChange);
    let items = group.has(|event| matches!(event, Event::MessageNew(items) if !items.is_empty()));
    let others = group.has(|event| !event.is_of_messages() && !matches!(event, Event::Other(_)));
    let wrong = match group.is_of_selected() {
        _ if new != gone => "MessageNew and MessageExpunge go together",
        _ if flags && !new => "FlagChange needs MessageNew and MessageExpunge",
        true if others => "Of the selected mailbox there are events of messages only",
        false if items => "Only of the selected mailbox MessageNew has items",
        _ if matches!(group.mailboxes, Mailboxes::SubtreeOne(_)) => {
            "NOTIFY takes SUBTREE, not SUBTREE-ONE"
        }
        _ => return Ok(group),
    };
    Err(Malformed(wrong))
}

fn event(cursor: &mut Cursor<'_>) -> Parsed<Event> {
    let name = cursor.atom()?;
    Ok(match name.to_ascii_uppercase().as_str() {
        "MESSAGENEW" => {
            let mut ahead = cursor.clone();
            let items = match ahead.eat(b' ') && ahead.peek() == Some(b'(') {
                true => {
                    cursor.space()?;
                    fetch::items(cursor)?
                }
                false => Vec::new(),
            };
            Event::MessageNew(items)
        }
        "MESSAGEEXPUNGE" => Event::MessageExpunge,
        "FLAGCHANGE" => Event::FlagChange,
        "MAILBOXNAME" => Event::MailboxName,
        "SUBSCRIPTIONCHANGE" => Event::SubscriptionChange,
        "MAILBOXMETADATACHANGE" => Event::MailboxMetadataChange,
        "SERVERMETADATACHANGE" => Event::ServerMetadataChange,
        _ => Event::Other(name),
    })
}

fn mailboxes(cursor: &mut Cursor<'_>) -> Parsed<Mailboxes> {
    Ok(match cursor.word().as_str() {
        "SELECTED" => Mailboxes::Selected,
        "SELECTED-DELAYED" => Mailboxes::SelectedDelayed,
        "INBOXES" => Mailboxes::Inboxes,
        "PERSONAL" => Mailboxes::Personal,
        "SUBSCRIBED" => Mailboxes::Subscribed,
        "SUBTREE" => Mailboxes::Subtree(names(cursor)?),
        "SUBTREE-ONE" => Mailboxes::SubtreeOne(names(cursor)?),
        "MAILBOXES" => Mailboxes::Named(names(cursor)?),
        _ => return Err(Malformed("There is no such group of mailboxes")),
    })
}

/// One name, or several in parentheses.
fn names(cursor: &mut Cursor<'_>) -> Parsed<Vec<MailboxName>> {
    cursor.space()?;
    let names = match cursor.peek() {
        Some(b'(') => cursor.list(Cursor::mailbox)?,
        _ => vec![cursor.mailbox()?],
    };
    match (1..=MAX_NAMES).contains(&names.len()) {
        true => Ok(names),
        false => Err(Malformed("A group names 1 to 1000 mailboxes")),
    }
}

/// ESEARCH after its name.
pub(super) fn multi_search(cursor: &mut Cursor<'_>) -> Result<Body, Rejection> {
    cursor.space()?;
    let mut sources = Vec::new();
    if search::next_word_is(cursor, "IN") {
        sources = source_list(cursor)?;
        cursor.space()?;
    }
    let result = search::returns(cursor)?.unwrap_or_default().complete();
    let search = search::search_program(cursor, Some(result))?;
    Ok(Body::MultiSearch(MultiSearch { sources, search }))
}

fn source_list(cursor: &mut Cursor<'_>) -> Parsed<Vec<Mailboxes>> {
    cursor.expect(b'(', "IN takes groups of mailboxes in parentheses")?;
    let mut sources = vec![source(cursor)?];
    while cursor.eat(b' ') {
        if cursor.peek() == Some(b'(') {
            return Err(Malformed("There are no such scope options"));
        }
        sources.push(source(cursor)?);
    }
    cursor.expect(b')', "IN is not closed")?;
    match sources.len() <= MAX_GROUPS {
        true => Ok(sources),
        false => Err(Malformed("ESEARCH takes at most 50 groups")),
    }
}

fn source(cursor: &mut Cursor<'_>) -> Parsed<Mailboxes> {
    match mailboxes(cursor)? {
        Mailboxes::SelectedDelayed => Err(Malformed("ESEARCH takes SELECTED")),
        other => Ok(other),
    }
}

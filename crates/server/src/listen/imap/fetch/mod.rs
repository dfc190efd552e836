//! FETCH and UID FETCH (RFC 3501 §6.4.5, RFC 7162 §3.1.4 and §3.2.6, RFC 9394, RFC 9586 §3.3).
//!
//! Messages are read from the store in batches and written as they come: no transaction is open while a client reads, and memory
//! does not grow with the mailbox. ENVELOPE and BODYSTRUCTURE come from the summary made at delivery; only content reads bodies.

mod binary;
mod content;
mod item;
mod structure;

use super::connection::{Connection, Ended};
use super::failure::{Failure, Outcome};
use super::flags::{self, Recency};
use super::message_limit::{self, CutShort};
use super::resync::{self, common};
use super::state::Selected;
use ::store::entry::{self, Content, Entry, FlagChange, Flags};
use ::store::share::Rights;
use ::store::{ModSeq, Tx, body};
use binary::Decoded;
use content::Octets;
use imap::command::{By, Fetch};
use imap::encode;
use imap::fetch::{Item, Window};
use imap::response::{Code, Status};
use std::ops::RangeInclusive;

/// How much of the messages must be read, and so how many at once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Depth {
    /// Flags, dates, sizes.
    Entry,
    /// The summary.
    Summary,
    /// Octets.
    Content,
}

impl Depth {
    fn of(items: &[Item]) -> Depth {
        let depth = |item: &Item| match item {
            Item::Flags
            | Item::InternalDate
            | Item::Size
            | Item::Uid
            | Item::ModSeq
            | Item::SaveDate
            | Item::EmailId => Depth::Entry,
            Item::Envelope | Item::Body | Item::BodyStructure | Item::Preview | Item::ThreadId => {
                Depth::Summary
            }
            Item::Content(_) | Item::Binary(_) | Item::BinarySize(_) => Depth::Content,
        };
        items.iter().map(depth).max().unwrap_or(Depth::Entry)
    }

    /// Messages in one batch.
    fn batch(self) -> usize {
        match self {
            Depth::Entry => 1000,
            Depth::Summary => 250,
            Depth::Content => 50,
        }
    }
}

/// Octets of messages read together with their batch; larger ones are read one by one.
const READ_AHEAD: u64 = 1024 * 1024;

/// A message of a batch; its content only where that was asked for.
struct Message {
    entry: Entry,
    content: Option<Content>,
    /// All its octets, if it is small and they were asked for.
    octets: Option<Vec<u8>>,
    /// Its `\Seen` was set just now.
    newly_seen: bool,
    recency: Recency,
}

/// FETCH or UID FETCH.
pub(super) async fn fetch(
    state: &mut Selected,
    connection: &mut Connection,
    mut fetch: Fetch,
) -> Outcome {
    if fetch.vanished && !connection.enabled.qresync {
        return Ok(Status::bad(
            "VANISHED needs QRESYNC, which is to be enabled.",
        ));
    }
    // RFC 3501 §6.4.8; where the UID is what a message is called (RFC 9586 §3.3), it is no item unless it was asked for.
    let tells_uid = fetch.by == By::Uid && !connection.enabled.uidonly;
    if tells_uid && !fetch.items.contains(&Item::Uid) {
        fetch.items.insert(0, Item::Uid);
    }
    state.account.condstore |= fetch.changed_since.is_some() || fetch.items.contains(&Item::ModSeq);
    let mut uids = state.view.resolve(fetch.by, &fetch.set)?;
    if let Some(window) = fetch.window {
        uids = within(&uids, window);
    }
    let cut = CutShort::cut(connection, &mut uids);
    let wanted = count(&uids);
    if let Some(since) = fetch.changed_since {
        uids = changed_since(state, connection, &fetch, uids, ModSeq(since)).await?;
    }
    let mut reading = Reading {
        depth: Depth::of(&fetch.items),
        since: fetch.changed_since.map(ModSeq),
        rest: uids,
    };
    let keeps_seen = state.view.allows(Rights::SEEN).is_ok();
    let sets_seen = keeps_seen && fetch.items.iter().any(sets_seen);
    let mut found = 0;
    let mut decoded = Decoded::Yes;
    while let Some(mut batch) = reading.next(state, connection).await? {
        found += batch.len() as u64;
        if sets_seen {
            set_seen(state, connection, &mut batch).await?;
        }
        for message in &mut batch {
            if respond(state, connection, &fetch.items, message).await? != Decoded::Yes {
                decoded = Decoded::UnknownEncoding;
            }
            connection.flush_if_full().await?;
        }
    }
    if decoded == Decoded::UnknownEncoding {
        let status = Status::no("A part has a transfer encoding that is not known here.");
        return Ok(status.code(Code::UnknownCte));
    }
    let done = Status::ok("Fetched.");
    // The client numbers messages that are gone, and does not know yet that they are.
    let some_are_gone = fetch.by == By::Sequence && fetch.changed_since.is_none() && found < wanted;
    let done = match some_are_gone {
        true => done.code(Code::ExpungeIssued),
        false => done,
    };
    Ok(message_limit::answered(connection, done, cut))
}

fn sets_seen(item: &Item) -> bool {
    match item {
        Item::Content(content) => content.sets_seen(),
        Item::Binary(binary) => !binary.peek,
        _ => false,
    }
}

/// The UIDs among these where something happened; tells which are gone, if that was asked (RFC 7162 §3.2.6).
async fn changed_since(
    state: &Selected,
    connection: &mut Connection,
    fetch: &Fetch,
    uids: Vec<RangeInclusive<u32>>,
    since: ModSeq,
) -> Result<Vec<RangeInclusive<u32>>, Failure> {
    let (account, mailbox) = (state.view.owner, state.view.mailbox);
    let traces = connection
        .services
        .store
        .read(move |tx| entry::traces(tx, account, mailbox, since));
    let traces = traces.await?;
    if fetch.vanished {
        let asked = fetch.set.resolve(state.view.uid_next().saturating_sub(1));
        resync::push_vanished(state, connection, &common(&traces.vanished, &asked));
    }
    Ok(common(&uids, &traces.touched))
}

/// Tells UID, flags and MODSEQ of those among `uids` that changed after `since` (RFC 7162 §3.2.5).
pub(super) async fn tell_flags(
    state: &mut Selected,
    connection: &mut Connection,
    uids: Vec<RangeInclusive<u32>>,
    since: ModSeq,
) -> Result<(), Failure> {
    let mut reading = Reading {
        depth: Depth::Entry,
        since: Some(since),
        rest: uids,
    };
    while let Some(batch) = reading.next(state, connection).await? {
        for message in &batch {
            state.report_flags(connection, &message.entry);
            connection.flush_if_full().await?;
        }
    }
    Ok(())
}

/// Tells what NOTIFY asks to be told of messages that came just now (RFC 5465 §5.2); none of them is seen by that.
pub(super) async fn tell_new(
    state: &mut Selected,
    connection: &mut Connection,
    items: &[Item],
    uids: Vec<RangeInclusive<u32>>,
) -> Result<(), Failure> {
    let mut reading = Reading {
        depth: Depth::of(items),
        since: None,
        rest: uids,
    };
    while let Some(mut batch) = reading.next(state, connection).await? {
        for message in &mut batch {
            // A part that cannot be decoded is NIL here as it is in FETCH; there is no answer that could say so.
            respond(state, connection, items, message).await?;
            connection.flush_if_full().await?;
        }
    }
    Ok(())
}

/// Of the messages in these ranges those at the places of a window (RFC 9394 §3.3).
pub(super) fn within(uids: &[RangeInclusive<u32>], window: Window) -> Vec<RangeInclusive<u32>> {
    let places = window.of(count(uids) as usize);
    let (mut at, mut kept) = (0, Vec::new());
    for range in uids {
        let length = (range.end() - range.start()) as usize + 1;
        let from = places.start.saturating_sub(at).min(length);
        let to = places.end.saturating_sub(at).min(length);
        if from < to {
            kept.push(range.start() + from as u32..=range.start() + (to - 1) as u32);
        }
        at += length;
    }
    kept
}

/// How many messages these ranges hold.
pub(super) fn count(uids: &[RangeInclusive<u32>]) -> u64 {
    uids.iter()
        .map(|range| u64::from(range.end() - range.start()) + 1)
        .sum()
}

/// Reads the wanted messages batch by batch.
struct Reading {
    depth: Depth,
    since: Option<ModSeq>,
    /// UIDs not yet read.
    rest: Vec<RangeInclusive<u32>>,
}

impl Reading {
    async fn next(
        &mut self,
        state: &Selected,
        connection: &Connection,
    ) -> Result<Option<Vec<Message>>, Failure> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (account, mailbox) = (state.view.owner, state.view.mailbox);
        let (depth, since, uids) = (self.depth, self.since, self.rest.clone());
        let batch = connection.services.store.read(move |tx| match depth {
            Depth::Entry => {
                let entries = entry::scan(tx, account, mailbox, &uids, since, depth.batch())?;
                Ok(entries
                    .into_iter()
                    .map(|entry| Message::new(entry, None))
                    .collect())
            }
            Depth::Summary | Depth::Content => {
                let found =
                    entry::scan_contents(tx, account, mailbox, &uids, since, depth.batch())?;
                let found = found
                    .into_iter()
                    .map(|(entry, content)| Message::new(entry, Some(content)));
                let mut batch: Vec<Message> = found.collect();
                if depth == Depth::Content {
                    read_ahead(tx, &mut batch)?;
                }
                Ok(batch)
            }
        });
        let batch: Vec<Message> = batch.await?;
        match batch.last() {
            Some(last) if batch.len() >= depth.batch() => {
                drop_through(&mut self.rest, last.entry.uid.0)
            }
            _ => self.rest.clear(),
        }
        Ok(Some(batch))
    }
}

impl Message {
    fn new(entry: Entry, content: Option<Content>) -> Message {
        Message {
            entry,
            content,
            octets: None,
            newly_seen: false,
            recency: Recency::Old,
        }
    }
}

/// Reads the small messages of a batch while its transaction is open.
fn read_ahead(tx: &mut Tx<'_>, batch: &mut [Message]) -> ::store::Result<()> {
    let mut room = READ_AHEAD;
    for message in batch {
        let body = message.content.as_ref().map(|content| &content.body);
        if let Some(body) = body.filter(|body| body.size <= content::SMALL.min(room)) {
            message.octets = Some(body::read(tx, body, 0..body.size)?);
            room -= body.size;
        }
    }
    Ok(())
}

/// Takes all UIDs up to and including `uid` out of ascending ranges.
pub(super) fn drop_through(ranges: &mut Vec<RangeInclusive<u32>>, uid: u32) {
    let done = ranges.partition_point(|range| *range.end() <= uid);
    ranges.drain(..done);
    if let Some(first) = ranges.first_mut().filter(|first| *first.start() <= uid) {
        *first = uid + 1..=*first.end();
    }
}

/// Sets `\Seen` on those of a batch that lack it.
async fn set_seen(
    state: &mut Selected,
    connection: &Connection,
    batch: &mut [Message],
) -> Result<(), Failure> {
    let unseen = |message: &&mut Message| !message.entry.flags.contains(Flags::SEEN);
    let uids = encode::collect_ranges(
        batch
            .iter_mut()
            .filter(unseen)
            .map(|message| message.entry.uid.0),
    );
    if uids.is_empty() {
        return Ok(());
    }
    let (account, mailbox) = (state.view.owner, state.view.mailbox);
    let change = FlagChange::Add(Flags::SEEN, Vec::new());
    let witness = connection.witness(&state.account);
    let stored = connection.services.store.write(move |tx| {
        flags::store_seen_by(tx, &witness, (account, mailbox), &uids, |tx| {
            entry::store_flags(tx, account, mailbox, &uids, &change, None)
        })
    });
    let entries = stored.await?.entries;
    for entry in &entries {
        if let Ok(at) = batch.binary_search_by_key(&entry.uid, |message| message.entry.uid) {
            batch[at].newly_seen = true;
            batch[at].entry = entry.clone();
        }
    }
    state.view.tell(&entries);
    Ok(())
}

/// The FETCH response of one message.
async fn respond(
    state: &mut Selected,
    connection: &mut Connection,
    items: &[Item],
    message: &mut Message,
) -> Result<Decoded, Failure> {
    // A message that came after the client was last told has no number yet.
    let Some(number) = state.view.number_of(message.entry.uid.0) else {
        return Ok(Decoded::Yes);
    };
    state
        .view
        .announce_keywords(connection, &message.entry.keywords);
    let mut octets = match &message.content {
        Some(content) if Depth::of(items) == Depth::Content => {
            match Octets::open(connection, content, message.octets.take()).await {
                Ok(octets) => Some(octets),
                // Expunged between the two reads: as if it had not been there.
                Err(::store::Error::Missing(_)) => return Ok(Decoded::Yes),
                Err(error) => return Err(error.into()),
            }
        }
        _ => None,
    };
    message.recency = state.view.recency(message.entry.uid.0, connection);
    push_begin(connection, number, message.entry.uid.0);
    let mut decoded = Decoded::Yes;
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            connection.out.push(b' ');
        }
        match (item, &mut octets) {
            (Item::Content(wanted), Some(octets)) => {
                content::push(connection, wanted, octets).await?
            }
            (Item::Binary(wanted), Some(octets)) => {
                decoded = worse(decoded, binary::push(connection, wanted, octets).await?);
            }
            (Item::BinarySize(part), Some(octets)) => {
                decoded = worse(decoded, binary::push_size(connection, part, octets).await?);
            }
            _ => item::push(&mut connection.out, item, message),
        }
    }
    push_unasked(state, connection, items, message);
    connection.out.extend_from_slice(b")\r\n");
    Ok(decoded)
}

/// The beginning of a FETCH response, which names its message as the client does: `* n FETCH (`, or `* UID UIDFETCH (` (RFC 9586 §3.3).
pub(super) fn push_begin(connection: &mut Connection, number: u32, uid: u32) {
    let (named, response): (u32, &[u8]) = match connection.enabled.uidonly {
        true => (uid, b" UIDFETCH ("),
        false => (number, b" FETCH ("),
    };
    connection.out.extend_from_slice(b"* ");
    encode::number(&mut connection.out, u64::from(named));
    connection.out.extend_from_slice(response);
}

fn worse(a: Decoded, b: Decoded) -> Decoded {
    match a {
        Decoded::Yes => b,
        other => other,
    }
}

/// Flags that changed because the content was fetched are told with it (RFC 3501 §6.4.5); and whoever knows MODSEQs is told of no flags
/// without theirs (RFC 7162 §3.1).
fn push_unasked(state: &Selected, connection: &mut Connection, items: &[Item], message: &Message) {
    let asked = items.contains(&Item::Flags);
    if message.newly_seen && !asked {
        connection.out.push(b' ');
        flags::push(&mut connection.out, &message.entry, message.recency);
    }
    let tells_flags = message.newly_seen || asked;
    if tells_flags && state.account.condstore && !items.contains(&Item::ModSeq) {
        connection.out.push(b' ');
        super::updates::push_modseq(&mut connection.out, &message.entry);
    }
}

/// A response that began cannot be taken back: where its octets end too early, so does the session.
pub(super) fn broken_off(error: ::store::Error) -> Ended {
    tracing::error!(%error, "a message could not be read to its end");
    Ended::Expelled("A message could not be read to its end; try again later.")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9394 §3.3
    #[test]
    fn a_window_is_of_the_messages_there_are() {
        let uids = [1..=3, 7..=9, 20..=20];
        let window = |from, low, high| Window { from, low, high };
        use imap::fetch::Edge::{Begin, End};
        assert_eq!(within(&uids, window(Begin, 2, 4)), [2..=3, 7..=7]);
        assert_eq!(within(&uids, window(End, 1, 2)), [9..=9, 20..=20]);
        assert_eq!(within(&uids, window(End, 1, 100)), uids);
        assert_eq!(within(&uids, window(Begin, 8, 9)), []);
    }

    #[test]
    fn what_is_read_is_dropped() {
        let mut ranges = vec![1..=3, 5..=9, 12..=12];
        drop_through(&mut ranges, 6);
        assert_eq!(ranges, [7..=9, 12..=12]);
        drop_through(&mut ranges, 10);
        assert_eq!(ranges, [12..=12]);
        drop_through(&mut ranges, 12);
        assert!(ranges.is_empty());
    }
}

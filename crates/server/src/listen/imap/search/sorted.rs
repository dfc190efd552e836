//! SORT and UID SORT (RFC 5256 §3), also by display names (RFC 5957), with the return options of ESORT (RFC 5267 §3) and PARTIAL (RFC 9394).
//! From what is stored with the messages: none is read.

use super::answer::{Answer, Classic};
use super::digest::{Kind, Names, Order};
use super::finding::{Found, Look};
use super::order::{self, Columns, Source, Value};
use super::{Prepared, context, digests_of, prepared};
use crate::listen::imap::connection::Connection;
use crate::listen::imap::failure::{Failure, Outcome};
use crate::listen::imap::message_limit;
use crate::listen::imap::state::Selected;
use ::store::{ModSeq, Uid};
use imap::Tag;
use imap::command::By;
use imap::response::Status;
use imap::sort::{Sort, SortKey};

/// A message to be sorted.
struct Sortable {
    number: u32,
    uid: Uid,
    modseq: ModSeq,
}

/// Messages to be sorted, and what they are sorted by: the row of each is its place.
struct Sortables {
    messages: Vec<Sortable>,
    columns: Columns,
}

/// SORT or UID SORT.
pub(in crate::listen::imap) async fn sort(
    state: &mut Selected,
    connection: &mut Connection,
    tag: &Tag,
    by: By,
    sort: Sort,
) -> Outcome {
    let Prepared {
        mut finding,
        by_modseq,
        cut,
    } = prepared(state, connection, tag, &sort.search.key).await?;
    let look = match Source::Entry.is_needed(&sort.criteria) {
        true => Look::Entries,
        false => Look::Uids,
    };
    let mut all = Sortables {
        messages: Vec::new(),
        columns: Columns::new(sort.criteria),
    };
    while let Some(matches) = finding.next_found(connection, look).await? {
        collect(state, connection, &matches, &mut all).await?;
    }
    let (messages, order) = in_order(all).await?;
    if sort.search.result.is_some_and(|options| options.update) {
        context::refuse(connection, tag);
    }
    let mut answer = Answer::new(tag, (by, Classic::Sort), sort.search.result, by_modseq);
    for message in order.into_iter().filter_map(|row| messages.get(row)) {
        answer.add(message.number, message.uid, message.modseq);
    }
    if let Some(saved) = answer.finish(&mut connection.out) {
        state.view.save(saved);
    }
    let done = Status::ok("Sorted.");
    Ok(message_limit::answered(connection, done, cut))
}

/// Adds what was found, with its values. Of what is gone meanwhile nothing is known.
async fn collect(
    state: &Selected,
    connection: &Connection,
    found: &Found,
    all: &mut Sortables,
) -> Result<(), Failure> {
    let mut some = Gathered::new(state, found, all);
    for entry in &found.entries {
        some.note(entry.uid.0, |key| order::of_entry(key, entry));
    }
    if Source::Order.is_needed(some.columns.criteria()) {
        let packs = digests_of(state, connection, Kind::Order, &found.uids).await?;
        packs.each(|row: Order<'_>| some.note(row.uid, |key| order::of_order(key, &row)))?;
    }
    if Source::Names.is_needed(some.columns.criteria()) {
        let packs = digests_of(state, connection, Kind::Names, &found.uids).await?;
        packs.each(|row: Names<'_>| some.note(row.uid, |key| order::of_names(key, &row)))?;
    }
    Ok(())
}

/// Messages whose values come together from several sources.
struct Gathered<'a> {
    /// Ascending by UID.
    messages: &'a [Sortable],
    /// The row of the first of them.
    first: usize,
    columns: &'a mut Columns,
    /// Where the last one was found: they are asked for in their order.
    at: usize,
}

impl<'a> Gathered<'a> {
    /// Those that the client knows of what was found, at the end of all.
    fn new(state: &Selected, found: &Found, all: &'a mut Sortables) -> Gathered<'a> {
        let mut entries = found.entries.iter().peekable();
        let uids = found.uids.iter().cloned().flatten();
        let messages = uids.filter_map(|uid| {
            let entry = entries.next_if(|entry| entry.uid.0 == uid);
            Some(Sortable {
                number: state.view.number_of(uid)?,
                uid: Uid(uid),
                modseq: entry.map_or(ModSeq(0), |entry| entry.modseq),
            })
        });
        let before = all.messages.len();
        all.messages.extend(messages);
        let first = all.columns.add(all.messages.len() - before);
        Gathered {
            messages: &all.messages[before..],
            first,
            columns: &mut all.columns,
            at: 0,
        }
    }

    /// Takes what a message has for those criteria that `value` knows.
    fn note<'v>(&mut self, uid: u32, value: impl Fn(SortKey) -> Option<Value<'v>>) {
        let is_here = |message: &Sortable| message.uid.0 == uid;
        if !self.messages.get(self.at).is_some_and(is_here) {
            match self
                .messages
                .binary_search_by_key(&uid, |message| message.uid.0)
            {
                Ok(at) => self.at = at,
                Err(_) => return,
            }
        }
        self.columns.note(self.first + self.at, value);
        self.at += 1;
    }
}

/// Sorts, off the threads that serve clients: there may be a million. The order names the rows.
async fn in_order(all: Sortables) -> Result<(Vec<Sortable>, Vec<usize>), Failure> {
    let sorted = tokio::task::spawn_blocking(move || {
        let order = all.columns.sorted();
        (all.messages, order)
    });
    let failed = |error| ::store::Error::Bug(format!("sorting: {error}"));
    Ok(sorted.await.map_err(failed)?)
}

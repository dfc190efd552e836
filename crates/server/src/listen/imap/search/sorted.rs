//! SORT and UID SORT (RFC 5256 §3), also by display names (RFC 5957), with the return options of ESORT (RFC 5267 §3) and PARTIAL (RFC 9394).
//! From what is stored with the messages: none is read.

use super::answer::{Answer, Classic};
use super::digest::{Kind, Names, Order};
use super::finding::{Found, Look};
use super::order::{self, Source, Value};
use super::{Prepared, context, digests_of, prepared};
use crate::listen::imap::connection::Connection;
use crate::listen::imap::failure::{Failure, Outcome};
use crate::listen::imap::message_limit;
use crate::listen::imap::state::Selected;
use ::store::{ModSeq, Uid};
use imap::Tag;
use imap::command::By;
use imap::response::Status;
use imap::sort::{Criterion, Sort, SortKey};
use std::sync::Arc;

/// A message to be sorted.
struct Sortable {
    number: u32,
    uid: Uid,
    modseq: ModSeq,
    values: Vec<Value>,
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
    let criteria: Arc<[Criterion]> = sort.criteria.into();
    let mut found = Vec::new();
    let look = match Source::Entry.is_needed(&criteria) {
        true => Look::Entries,
        false => Look::Uids,
    };
    while let Some(matches) = finding.next_found(connection, look).await? {
        collect(state, connection, &criteria, &matches, &mut found).await?;
    }
    let found = in_order(criteria, found).await?;
    if sort.search.result.is_some_and(|options| options.update) {
        context::refuse(connection, tag);
    }
    let mut answer = Answer::new(tag, (by, Classic::Sort), sort.search.result, by_modseq);
    for message in found {
        answer.add(message.number, message.uid, message.modseq);
    }
    if let Some(saved) = answer.finish(&mut connection.out) {
        state.view.save(saved);
    }
    let done = Status::ok("Sorted.");
    Ok(message_limit::answered(connection, done, cut))
}

async fn collect(
    state: &Selected,
    connection: &Connection,
    criteria: &[Criterion],
    found: &Found,
    all: &mut Vec<Sortable>,
) -> Result<(), Failure> {
    let mut some = Gathered::new(state, criteria, found);
    for entry in &found.entries {
        some.note(entry.uid.0, |key| order::of_entry(key, entry));
    }
    if Source::Order.is_needed(criteria) {
        let packs = digests_of(state, connection, Kind::Order, &found.uids).await?;
        packs.each(|row: Order<'_>| some.note(row.uid, |key| order::of_order(key, &row)))?;
    }
    if Source::Names.is_needed(criteria) {
        let packs = digests_of(state, connection, Kind::Names, &found.uids).await?;
        packs.each(|row: Names<'_>| some.note(row.uid, |key| order::of_names(key, &row)))?;
    }
    // Of what is gone meanwhile nothing is known.
    let known = |message: &Sortable| !message.values.contains(&Value::Missing);
    all.extend(some.messages.into_iter().filter(known));
    Ok(())
}

/// Messages whose values come together from several sources.
struct Gathered<'a> {
    criteria: &'a [Criterion],
    /// Ascending by UID.
    messages: Vec<Sortable>,
    /// Where the last one was found: they are asked for in their order.
    at: usize,
}

impl<'a> Gathered<'a> {
    /// Those that the client knows of what was found.
    fn new(state: &Selected, criteria: &'a [Criterion], found: &Found) -> Gathered<'a> {
        let mut entries = found.entries.iter().peekable();
        let uids = found.uids.iter().cloned().flatten();
        let messages = uids.filter_map(|uid| {
            let entry = entries.next_if(|entry| entry.uid.0 == uid);
            Some(Sortable {
                number: state.view.number_of(uid)?,
                uid: Uid(uid),
                modseq: entry.map_or(ModSeq(0), |entry| entry.modseq),
                values: vec![Value::Missing; criteria.len()],
            })
        });
        Gathered {
            criteria,
            messages: messages.collect(),
            at: 0,
        }
    }

    /// Takes what a message has for those criteria that `value` knows.
    fn note(&mut self, uid: u32, value: impl Fn(SortKey) -> Option<Value>) {
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
        let Some(message) = self.messages.get_mut(self.at) else {
            return;
        };
        self.at += 1;
        for (criterion, slot) in self.criteria.iter().zip(&mut message.values) {
            if let Some(value) = value(criterion.key) {
                *slot = value;
            }
        }
    }
}

/// Sorts, off the threads that serve clients: there may be a million.
async fn in_order(
    criteria: Arc<[Criterion]>,
    mut found: Vec<Sortable>,
) -> Result<Vec<Sortable>, Failure> {
    let sorted = tokio::task::spawn_blocking(move || {
        found.sort_by(|a, b| order::compare(&criteria, &a.values, &b.values));
        found
    });
    let failed = |error| ::store::Error::Bug(format!("sorting: {error}"));
    Ok(sorted.await.map_err(failed)?)
}

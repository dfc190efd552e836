//! SORT and UID SORT (RFC 5256 §3), also by display names (RFC 5957), with the return options of ESORT (RFC 5267 §3) and PARTIAL (RFC 9394).
//! From what is stored with the messages: none is read.

use super::answer::{Answer, Classic};
use super::order::{self, Value};
use super::{Prepared, context, facts_of, prepared};
use crate::listen::imap::connection::Connection;
use crate::listen::imap::failure::{Failure, Outcome};
use crate::listen::imap::message_limit;
use crate::listen::imap::state::Selected;
use ::store::entry::Entry;
use ::store::{ModSeq, Uid};
use imap::Tag;
use imap::command::By;
use imap::response::Status;
use imap::sort::{Criterion, Sort};
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
    while let Some(matches) = finding.next(connection).await? {
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
    matches: &[Entry],
    found: &mut Vec<Sortable>,
) -> Result<(), Failure> {
    let sortable = |number, entry: &Entry, values| Sortable {
        number,
        uid: entry.uid,
        modseq: entry.modseq,
        values,
    };
    if !order::needs_facts(criteria) {
        for entry in matches {
            if let Some(number) = state.view.number_of(entry.uid.0) {
                let values = order::values(criteria, entry, None);
                found.push(sortable(number, entry, values));
            }
        }
        return Ok(());
    }
    for (entry, facts) in facts_of(state, connection, matches).await? {
        if let Some(number) = state.view.number_of(entry.uid.0) {
            let values = order::values(criteria, entry, Some(&facts));
            found.push(sortable(number, entry, values));
        }
    }
    Ok(())
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

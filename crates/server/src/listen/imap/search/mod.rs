//! SEARCH and UID SEARCH (RFC 3501 §6.4.4), with ESEARCH (RFC 4731), SEARCHRES (RFC 5182), PARTIAL (RFC 9394) and MODSEQ
//! (RFC 7162 §3.1.5).

mod answer;
mod candidates;
mod criteria;
mod evidence;
mod finding;

use super::connection::Connection;
use super::failure::{Failure, Outcome};
use super::state::Selected;
use crate::search::envelope;
use ::store::entry::Entry;
use answer::Answer;
use imap::Tag;
use imap::command::By;
use imap::response::{Code, Status};
use imap::search::{Key, ResultOptions, Search};
use std::sync::Arc;

use criteria::Criterion;
use finding::Finding;

/// SEARCH or UID SEARCH.
pub(super) async fn search(
    state: &mut Selected,
    connection: &mut Connection,
    tag: &Tag,
    by: By,
    search: Search,
) -> Outcome {
    let saves = search.result.is_some_and(|options| options.save);
    match perform(state, connection, tag, by, search).await {
        Err(Failure::Answer(failed)) if saves => {
            // RFC 5182 §2.1: after a search that failed nothing is kept.
            state.view.save(Vec::new());
            Ok(match failed.code {
                None => failed.code(Code::NotSaved),
                Some(_) => failed,
            })
        }
        outcome => outcome,
    }
}

async fn perform(
    state: &mut Selected,
    connection: &mut Connection,
    tag: &Tag,
    by: By,
    search: Search,
) -> Outcome {
    let by_modseq = search.key.any(&|key| matches!(key, Key::ModSeq(_)));
    state.account.condstore |= by_modseq;
    let now = connection.services.clock.now();
    let criterion = Arc::new(Criterion::new(&search.key, &state.view, now)?);
    let options = options(connection, search.result);
    let mut answer = Answer::begin(&mut connection.out, tag, by, options, by_modseq);
    let (account, mailbox) = (state.view.owner, state.view.mailbox);
    let mut finding = Finding::new(account, mailbox, criterion, state.view.uids());
    while let Some(matches) = finding.next(connection).await? {
        for entry in matches {
            add(state, connection, &mut answer, &entry);
            connection.flush_if_full().await?;
        }
    }
    let saved = answer.finish(&mut connection.out);
    if let Some(saved) = saved {
        state.view.save(saved);
    }
    Ok(Status::ok("Searched."))
}

fn add(state: &Selected, connection: &mut Connection, answer: &mut Answer, entry: &Entry) {
    // A message that the client was not told of yet has no number.
    if let Some(number) = state.view.number_of(entry.uid.0) {
        answer.add(&mut connection.out, number, entry);
    }
}

/// RFC 9051 §6.4.4: IMAP4rev2 answers every SEARCH with ESEARCH.
fn options(connection: &Connection, asked: Option<ResultOptions>) -> Option<ResultOptions> {
    let everything = ResultOptions {
        all: true,
        ..ResultOptions::default()
    };
    asked.or(connection.enabled.rev2.then_some(everything))
}

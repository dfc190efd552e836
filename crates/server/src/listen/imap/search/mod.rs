//! SEARCH and UID SEARCH (RFC 3501 §6.4.4), with ESEARCH (RFC 4731), SEARCHRES (RFC 5182), PARTIAL (RFC 9394) and MODSEQ
//! (RFC 7162 §3.1.5), CONTEXT (RFC 5267) and FILTERS (RFC 5466); beside it SORT, THREAD and the ESEARCH command.

mod answer;
mod candidates;
pub(super) mod context;
mod criteria;
mod digest;
mod evidence;
pub(super) mod filter;
mod finding;
mod multi;
mod order;
mod sorted;
mod threaded;

use super::connection::Connection;
use super::failure::{Failure, Outcome};
use super::message_limit::{self, CutShort};
use super::state::Selected;
use crate::search::envelope;
use answer::{Answer, Classic};
use imap::Tag;
use imap::command::By;
use imap::response::{Code, Status};
use imap::search::{Key, ResultOptions, Search};
use std::ops::RangeInclusive;
use std::sync::Arc;

use criteria::Criterion;
use digest::{Kind, Packs};
use finding::Finding;

pub(super) use multi::multi_search;
pub(super) use sorted::sort;
pub(super) use threaded::thread;

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
    mut search: Search,
) -> Outcome {
    search.key = filter::expanded(connection, state.account.id(), &search.key).await?;
    let Prepared {
        mut finding,
        by_modseq,
        cut,
    } = prepared(state, connection, tag, &search.key).await?;
    let options = options(connection, search.result);
    let lasting = match options.is_some_and(|options| options.update)
        && state.contexts.admit(connection, tag)
    {
        true => Some(context::lasting(&search.key, &state.view)?),
        false => None,
    };
    let mut answer = Answer::new(tag, (by, Classic::Search), options, by_modseq);
    let mut uids = Vec::new();
    while let Some(matches) = finding.next(connection).await? {
        for entry in matches {
            // A message that the client was not told of yet has no number.
            if let Some(number) = state.view.number_of(entry.uid.0) {
                answer.add(number, entry.uid, entry.modseq);
                if lasting.is_some() {
                    answer::remember(&mut uids, entry.uid.0);
                }
            }
        }
    }
    if let Some(saved) = answer.finish(&mut connection.out) {
        state.view.save(saved);
    }
    if let Some(key) = lasting {
        state.contexts.keep(tag, by, key, uids);
    }
    Ok(message_limit::answered(
        connection,
        Status::ok("Searched."),
        cut,
    ))
}

/// A search in the selected mailbox that is ready to begin.
struct Prepared {
    finding: Finding,
    /// Its answer names a MODSEQ.
    by_modseq: bool,
    /// It does not look at all that it was to look at.
    cut: Option<CutShort>,
}

/// Makes a search ready.
async fn prepared(
    state: &mut Selected,
    connection: &Connection,
    tag: &Tag,
    key: &Key,
) -> Result<Prepared, Failure> {
    let key = filter::expanded(connection, state.account.id(), key).await?;
    let by_modseq = key.any(&|key| matches!(key, Key::ModSeq(_)));
    state.account.condstore |= by_modseq;
    let view = &state.view;
    let criterion = Criterion::new(&key, view, connection.services.clock.now())?;
    let mut scope = message_limit::scope(&key, view)?;
    let cut = CutShort::cut(connection, &mut scope);
    let looked_at = match cut {
        Some(_) => scope,
        None => view.uids(),
    };
    let finding = Finding::new(view.owner, view.mailbox, Arc::new(criterion), looked_at);
    Ok(Prepared {
        finding: finding.telling(connection, tag),
        by_modseq,
        cut,
    })
}

/// The digests of messages in the selected mailbox.
async fn digests_of(
    state: &Selected,
    connection: &Connection,
    kind: Kind,
    uids: &[RangeInclusive<u32>],
) -> Result<Packs, Failure> {
    let place = (state.view.owner, state.view.mailbox.mailbox);
    let uids = uids.to_vec();
    let read = connection
        .services
        .store
        .read(move |tx| digest::read(tx, place, kind, &uids));
    let mut packs = read.await?;
    packs.keep(&connection.services, place).await;
    Ok(packs)
}

/// RFC 9051 §6.4.4: IMAP4rev2 answers every SEARCH with ESEARCH.
fn options(connection: &Connection, asked: Option<ResultOptions>) -> Option<ResultOptions> {
    let everything = ResultOptions {
        all: true,
        ..ResultOptions::default()
    };
    asked.or(connection.enabled.rev2.then_some(everything))
}

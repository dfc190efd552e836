//! SEARCH and UID SEARCH (RFC 3501 §6.4.4), with ESEARCH (RFC 4731) and MODSEQ (RFC 7162 §3.1.5).
//!
//! Each message is judged by the cheapest thing that decides: its flags and dates, then its summary, then its header section, then
//! its text. Matches are written as they are found.

mod answer;
mod criteria;
mod evidence;

use super::connection::Connection;
use super::failure::{Failure, Outcome};
use super::fetch::drop_through;
use super::state::Selected;
use ::store::entry::{self, Entry};
use answer::Answer;
use criteria::Criterion;
use evidence::Evidence;
use imap::Tag;
use imap::command::By;
use imap::response::Status;
use imap::search::{Key, Search};
use std::ops::RangeInclusive;

/// Messages judged by flags and dates at once.
const BATCH: usize = 1000;
/// Messages whose summaries are held at once.
const CONTENTS: usize = 100;

/// SEARCH or UID SEARCH.
pub(super) async fn search(
    state: &mut Selected,
    connection: &mut Connection,
    tag: &Tag,
    by: By,
    search: Search,
) -> Outcome {
    let by_modseq = search.key.any(&|key| matches!(key, Key::ModSeq(_)));
    state.account.condstore |= by_modseq;
    let criterion = Criterion::new(&search.key, &state.view)?;
    let mut answer = Answer::begin(&mut connection.out, tag, by, search.result, by_modseq);
    let mut rest = match criterion.uids() {
        Some(uids) => uids.to_vec(),
        None => state.view.uids(),
    };
    while !rest.is_empty() {
        let batch = read(state, connection, &rest).await?;
        match batch.last() {
            Some(last) if batch.len() == BATCH => drop_through(&mut rest, last.uid.0),
            _ => rest.clear(),
        }
        let matches = judge(state, connection, &criterion, batch).await?;
        for entry in matches {
            let Some(number) = state.view.number_of(entry.uid.0) else {
                continue; // Not told of yet.
            };
            answer.add(&mut connection.out, number, &entry);
            connection.flush_if_full().await?;
        }
    }
    answer.finish(&mut connection.out);
    Ok(Status::ok("Searched."))
}

async fn read(
    state: &Selected,
    connection: &Connection,
    uids: &[RangeInclusive<u32>],
) -> Result<Vec<Entry>, Failure> {
    let (account, mailbox, uids) = (state.account.id(), state.view.mailbox, uids.to_vec());
    let batch = connection
        .services
        .store
        .read(move |tx| entry::scan(tx, account, mailbox, &uids, None, BATCH));
    Ok(batch.await?)
}

/// The entries of a batch that match, in order.
async fn judge(
    state: &Selected,
    connection: &Connection,
    criterion: &Criterion,
    batch: Vec<Entry>,
) -> Result<Vec<Entry>, Failure> {
    let mut verdicts: Vec<Option<bool>> = batch
        .iter()
        .map(|entry| criterion.judge(&Evidence::of_entry(entry)))
        .collect();
    let undecided: Vec<usize> = (0..batch.len())
        .filter(|at| verdicts[*at].is_none())
        .collect();
    for some in undecided.chunks(CONTENTS) {
        let entries: Vec<&Entry> = some.iter().map(|at| &batch[*at]).collect();
        let decided = evidence::decide(state, connection, criterion, &entries).await?;
        for (at, verdict) in some.iter().zip(decided) {
            verdicts[*at] = Some(verdict);
        }
    }
    let judged = batch.into_iter().zip(verdicts);
    Ok(judged
        .filter(|(_, verdict)| *verdict == Some(true))
        .map(|(entry, _)| entry)
        .collect())
}

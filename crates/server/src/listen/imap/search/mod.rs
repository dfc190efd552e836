//! SEARCH and UID SEARCH (RFC 3501 §6.4.4), with ESEARCH (RFC 4731) and MODSEQ (RFC 7162 §3.1.5).
//!
//! Each message is judged by the cheapest thing that decides: its flags and dates, then its summary, then its header section, then
//! its text. Matches are written as they are found.

mod answer;
mod criteria;
mod envelope;
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
use std::sync::Arc;

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
    let criterion = Arc::new(Criterion::new(&search.key, &state.view)?);
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
    let (account, mailbox, uids) = (state.view.owner, state.view.mailbox, uids.to_vec());
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
    criterion: &Arc<Criterion>,
    batch: Vec<Entry>,
) -> Result<Vec<Entry>, Failure> {
    let (mut matches, mut undecided) = (Vec::new(), Vec::new());
    for entry in batch {
        match criterion.judge(&Evidence::of_entry(&entry)) {
            Some(true) => matches.push(entry),
            Some(false) => {}
            None => undecided.push(entry),
        }
    }
    if undecided.is_empty() {
        return Ok(matches);
    }
    matches.extend(judge_contents(state, connection, criterion, undecided).await?);
    matches.sort_unstable_by_key(|entry| entry.uid);
    Ok(matches)
}

/// Those that match of entries which do not tell by themselves.
async fn judge_contents(
    state: &Selected,
    connection: &Connection,
    criterion: &Arc<Criterion>,
    mut entries: Vec<Entry>,
) -> Result<Vec<Entry>, Failure> {
    let mut matches = Vec::new();
    while !entries.is_empty() {
        let rest = entries.split_off(entries.len().min(CONTENTS));
        let some = Arc::new(std::mem::replace(&mut entries, rest));
        let (account, criterion, judged) = (state.view.owner, criterion.clone(), some.clone());
        let verdicts = connection
            .services
            .store
            .read(move |tx| evidence::decide(tx, account, &criterion, &judged));
        let verdicts = verdicts.await?;
        let judged = some.iter().zip(&verdicts);
        matches.extend(
            judged
                .filter(|(_, verdict)| **verdict)
                .map(|(entry, _)| entry.clone()),
        );
        // What was too much for one transaction comes first in the next.
        entries.splice(..0, some.iter().skip(verdicts.len()).cloned());
    }
    Ok(matches)
}

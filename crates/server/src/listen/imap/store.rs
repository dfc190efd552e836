//! STORE (RFC 3501 §6.4.6) with UNCHANGEDSINCE (RFC 7162 §3.1.3).

use super::connection::Connection;
use super::failure::{Failure, Outcome};
use super::fetch::{count, push_begin};
use super::flags;
use super::locate::{self, settable};
use super::message_limit::{self, CutShort};
use super::progress::Progress;
use super::state::Selected;
use super::updates::push_modseq;
use ::store::ModSeq;
use ::store::entry::{self, Entry, FlagChange, Flags, Kept, StoreResult};
use ::store::share::Rights;
use imap::Tag;
use imap::command::{By, Echo, Store, StoreAction};
use imap::encode::{self, collect_ranges};
use imap::response::{Code, Status};
use std::ops::RangeInclusive;

/// Messages changed in one transaction.
const BATCH: u32 = 5000;

/// STORE or UID STORE.
pub(super) async fn store(
    state: &mut Selected,
    connection: &mut Connection,
    tag: &Tag,
    parameters: Store,
) -> Outcome {
    let change = change(state, &parameters)?;
    let mut uids = state.view.resolve(parameters.by, &parameters.set)?;
    let cut = CutShort::cut(connection, &mut uids);
    state.account.condstore |= parameters.unchanged_since.is_some();
    let mut modified = Vec::new();
    let mut progress = Progress::new(connection, tag, count(&uids));
    for batch in batches(&uids) {
        let messages = count(&batch) as usize;
        let result = change_flags(
            state,
            connection,
            batch,
            &change,
            parameters.unchanged_since,
        )
        .await?;
        modified.extend(result.modified.iter().map(|uid| uid.0));
        for entry in &result.entries {
            tell(state, connection, entry, &parameters);
            connection.flush_if_full().await?;
        }
        remember(state, &parameters, &result);
        progress.add(connection, messages).await?;
    }
    let done = finished(state, parameters.by, &modified);
    Ok(message_limit::answered(connection, done, cut))
}

/// What to do with flags. Those that the client may not change are left alone, unless there are no others (RFC 4314 §4, STORE).
fn change(state: &Selected, parameters: &Store) -> Result<FlagChange, Failure> {
    state.view.allows(Rights::NONE)?;
    let allowed = settable(state.view.rights);
    let (asked, mut keywords) = flags::to_store(&parameters.flags);
    let system = Flags(asked.0 & allowed.flags.0);
    let mut left_out = system != asked;
    if !allowed.keywords {
        left_out |= !keywords.is_empty();
        keywords.clear();
    }
    let nothing = system == Flags::default() && keywords.is_empty();
    match parameters.action {
        StoreAction::Replace if allowed == Kept::ALL => Ok(FlagChange::Replace(system, keywords)),
        StoreAction::Replace if allowed.flags == Flags::default() => {
            Err(locate::no_permission().into())
        }
        StoreAction::Replace => Ok(FlagChange::Within {
            mask: allowed.flags,
            flags: system,
            keywords: allowed.keywords.then_some(keywords),
        }),
        _ if left_out && nothing => Err(locate::no_permission().into()),
        StoreAction::Add => Ok(FlagChange::Add(system, keywords)),
        StoreAction::Remove => Ok(FlagChange::Remove(system, keywords)),
    }
}

async fn change_flags(
    state: &Selected,
    connection: &Connection,
    uids: Vec<RangeInclusive<u32>>,
    change: &FlagChange,
    unchanged_since: Option<u64>,
) -> Result<StoreResult, Failure> {
    let (account, mailbox) = (state.view.owner, state.view.mailbox);
    let (change, unchanged_since) = (change.clone(), unchanged_since.map(ModSeq));
    let (witness, teaching) = (connection.witness(&state.account), connection.teaching());
    let changed = connection.services.store.write(move |tx| {
        let result = flags::store_seen_by(tx, &witness, (account, mailbox), &uids, |tx| {
            entry::store_flags(tx, account, mailbox, &uids, &change, unchanged_since)
        })?;
        // I11: an answer speaks for a message; a forward may be a complaint, and says nothing.
        if let FlagChange::Add(flags, keywords) = &change {
            let place = (account, mailbox.mailbox);
            let added = || collect_ranges(result.entries.iter().map(|entry| entry.uid.0));
            if flags.contains(Flags::ANSWERED) {
                teaching.answered(tx, place, &added())?;
            }
            if !keywords.is_empty() {
                teaching.called(tx, place, &added(), keywords)?;
            }
        }
        Ok(result)
    });
    Ok(changed.await?)
}

/// What the client knows by this command, so that it need not be told once more: all that was told; and of a silent STORE what it did to
/// flags that the client knew. Where others had changed them meanwhile, it learns from the news what they are now.
fn remember(state: &mut Selected, parameters: &Store, result: &StoreResult) {
    if let Some(modseq) = result.modseq
        && state.contexts.is_empty()
        && state.view.is_next(modseq)
    {
        // Nobody else changed anything meanwhile: with this the client knows all there is.
        return state.view.caught_up(modseq, modseq);
    }
    let changed = result.entries.iter().zip(&result.before);
    let learned = changed.filter(|(entry, before)| {
        parameters.echo == Echo::Tell || state.view.knew(entry.uid.0, **before)
    });
    let learned: Vec<Entry> = learned.map(|(entry, _)| entry.clone()).collect();
    state.view.tell(&learned);
}

/// The new flags of a message; of a silent STORE only its MODSEQ, if the client knows MODSEQs (RFC 7162 §3.1.3).
fn tell(state: &mut Selected, connection: &mut Connection, entry: &Entry, parameters: &Store) {
    let condstore = state.account.condstore;
    if parameters.echo == Echo::Silent && !condstore {
        return;
    }
    let Some(number) = state.view.number_of(entry.uid.0) else {
        return;
    };
    state.view.announce_keywords(connection, &entry.keywords);
    let recency = state.view.recency(entry.uid.0, connection);
    push_begin(connection, number, entry.uid.0);
    let names_uid = (parameters.by == By::Uid || condstore) && !connection.enabled.uidonly;
    let out = &mut connection.out;
    if names_uid {
        out.extend_from_slice(b"UID ");
        encode::number(out, u64::from(entry.uid.0));
        out.push(b' ');
    }
    if parameters.echo == Echo::Tell {
        flags::push(out, entry, recency);
        out.push(b' ');
    }
    if condstore {
        push_modseq(out, entry);
        out.push(b' ');
    }
    // Every item left a space behind it.
    out.pop();
    out.extend_from_slice(b")\r\n");
}

/// The answer: with the messages that others had changed, by the numbers the client uses.
fn finished(state: &Selected, by: By, modified: &[u32]) -> Status {
    if modified.is_empty() {
        return Status::ok("Stored.");
    }
    let members = match by {
        By::Uid => collect_ranges(modified.iter().copied()),
        By::Sequence => {
            collect_ranges(modified.iter().filter_map(|uid| state.view.number_of(*uid)))
        }
    };
    Status::ok("Some messages were changed by others and left alone.").code(Code::Modified(members))
}

/// Ranges cut into batches of a bounded number of messages.
fn batches(uids: &[RangeInclusive<u32>]) -> Vec<Vec<RangeInclusive<u32>>> {
    let mut batches = Vec::new();
    let (mut batch, mut room) = (Vec::new(), BATCH);
    for range in uids {
        let (mut start, end) = (*range.start(), *range.end());
        while end - start >= room {
            batch.push(start..=start + room - 1);
            batches.push(std::mem::take(&mut batch));
            start += room;
            room = BATCH;
        }
        room -= end - start + 1;
        batch.push(start..=end);
        if room == 0 {
            batches.push(std::mem::take(&mut batch));
            room = BATCH;
        }
    }
    if !batch.is_empty() {
        batches.push(batch);
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_cover_everything_once() {
        let uids = [1..=3, 10..=BATCH * 2 + 20, BATCH * 3..=BATCH * 3];
        let batches = batches(&uids);
        assert!(batches.iter().all(|batch| {
            let messages: u32 = batch
                .iter()
                .map(|range| range.end() - range.start() + 1)
                .sum();
            (1..=BATCH).contains(&messages)
        }));
        let all: Vec<u32> = batches.into_iter().flatten().flatten().collect();
        assert_eq!(all, uids.into_iter().flatten().collect::<Vec<_>>());
        assert!(super::batches(&[]).is_empty());
    }
}

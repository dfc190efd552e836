//! Finds the messages of a mailbox that meet a criterion, batch by batch, in the order of their UIDs.
//!
//! Each message is judged by the cheapest thing that decides: its flags and dates, then its summary, then its header section, then
//! its text. Where there is an index, it tells which messages need no look at all.

use super::candidates;
use super::criteria::Criterion;
use super::digest::Kind;
use super::evidence::{self, Evidence};
use crate::listen::imap::connection::Connection;
use crate::listen::imap::failure::Failure;
use crate::listen::imap::fetch::{count, drop_through};
use crate::listen::imap::progress::Progress;
use ::store::AccountId;
use ::store::entry::{self, Entry, Viewed};
use imap::Tag;
use imap::encode::collect_ranges;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Messages judged by flags and dates at once.
const BATCH: usize = 1000;
/// Messages whose summaries are held at once.
const CONTENTS: usize = 100;

/// Messages taken at once where nothing of them is looked at.
const UNSEEN: u32 = 4096;

/// Messages that were found.
pub(super) struct Found {
    /// Their UIDs, ascending.
    pub(super) uids: Vec<RangeInclusive<u32>>,
    /// Their entries, if these were looked at.
    pub(super) entries: Vec<Entry>,
}

/// What whoever searches wants of what is found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Look {
    /// UIDs; entries only as the search itself needs them. Where it does not, some may be gone.
    Uids,
    /// Entries.
    Entries,
}

/// A search under way.
pub(in crate::listen::imap) struct Finding {
    account: AccountId,
    mailbox: Viewed,
    criterion: Arc<Criterion>,
    /// UIDs not yet looked at.
    rest: Vec<RangeInclusive<u32>>,
    /// The index has been asked.
    narrowed: bool,
    /// Tells the client how far the search is.
    progress: Option<Progress>,
}

impl Finding {
    /// Looks among `uids` only.
    pub(in crate::listen::imap) fn new(
        account: AccountId,
        mailbox: Viewed,
        criterion: Arc<Criterion>,
        uids: Vec<RangeInclusive<u32>>,
    ) -> Finding {
        let rest = match criterion.uids() {
            Some(named) => crate::listen::imap::resync::common(named, &uids),
            None => uids,
        };
        Finding {
            account,
            mailbox,
            criterion,
            rest,
            narrowed: false,
            progress: None,
        }
    }

    /// The same, telling the client how far the command with this tag is. Then nothing of its answer may be written in between.
    pub(in crate::listen::imap) fn telling(self, connection: &Connection, tag: &Tag) -> Finding {
        let progress = Progress::new(connection, tag, count(&self.rest));
        Finding {
            progress: Some(progress),
            ..self
        }
    }

    /// The next matches; `None` at the end. May be empty in between.
    pub(in crate::listen::imap) async fn next(
        &mut self,
        connection: &mut Connection,
    ) -> Result<Option<Vec<Entry>>, Failure> {
        if !std::mem::replace(&mut self.narrowed, true) {
            let place = (self.account, self.mailbox.mailbox);
            candidates::narrow(&connection.services, place, &self.criterion, &mut self.rest).await;
            if let Some(progress) = &mut self.progress {
                progress.narrow(count(&self.rest));
            }
        }
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (account, mailbox, uids) = (self.account, self.mailbox, self.rest.clone());
        let batch = connection
            .services
            .store
            .read(move |tx| entry::scan(tx, account, mailbox, &uids, None, BATCH));
        let batch = batch.await?;
        match batch.last() {
            Some(last) if batch.len() == BATCH => drop_through(&mut self.rest, last.uid.0),
            _ => self.rest.clear(),
        }
        self.judge(connection, batch).await.map(Some)
    }

    /// [`Finding::next`] for whoever needs no entries.
    pub(super) async fn next_found(
        &mut self,
        connection: &mut Connection,
        look: Look,
    ) -> Result<Option<Found>, Failure> {
        if look == Look::Entries || !self.criterion.is_met_by_all() {
            let found = self.next(connection).await?;
            return Ok(found.map(|entries| Found {
                uids: collect_ranges(entries.iter().map(|entry| entry.uid.0)),
                entries,
            }));
        }
        let uids = take_first(&mut self.rest, UNSEEN);
        if uids.is_empty() {
            return Ok(None);
        }
        self.done(connection, count(&uids) as usize).await?;
        Ok(Some(Found {
            uids,
            entries: Vec::new(),
        }))
    }

    /// The entries of a batch that match, in order.
    async fn judge(
        &mut self,
        connection: &mut Connection,
        batch: Vec<Entry>,
    ) -> Result<Vec<Entry>, Failure> {
        let all = batch.len();
        let (mut matches, mut undecided) = (Vec::new(), Vec::new());
        for entry in batch {
            match self.criterion.judge(&Evidence::of_entry(&entry)) {
                Some(true) => matches.push(entry),
                Some(false) => {}
                None => undecided.push(entry),
            }
        }
        for kind in [Kind::Texts, Kind::Fields] {
            if self.criterion.asks(kind) && !undecided.is_empty() {
                undecided = self
                    .judge_by_digests(connection, kind, undecided, &mut matches)
                    .await?;
            }
        }
        self.done(connection, all - undecided.len()).await?;
        if !undecided.is_empty() {
            matches.extend(self.judge_contents(connection, undecided).await?);
        }
        matches.sort_unstable_by_key(|entry| entry.uid);
        Ok(matches)
    }

    /// Adds those that match by digests of this kind; the entries that these do not decide.
    async fn judge_by_digests(
        &self,
        connection: &Connection,
        kind: Kind,
        entries: Vec<Entry>,
        matches: &mut Vec<Entry>,
    ) -> Result<Vec<Entry>, Failure> {
        let place = (self.account, self.mailbox.mailbox);
        let (criterion, entries) = (self.criterion.clone(), Arc::new(entries));
        let judged = entries.clone();
        let read = connection
            .services
            .store
            .read(move |tx| evidence::decide_by_digests(tx, place, kind, &criterion, &judged));
        let (verdicts, mut packs) = read.await?;
        packs.keep(&connection.services, place).await;
        let mut undecided = Vec::new();
        for (entry, verdict) in entries.iter().zip(verdicts) {
            match verdict {
                Some(true) => matches.push(entry.clone()),
                Some(false) => {}
                None => undecided.push(entry.clone()),
            }
        }
        Ok(undecided)
    }

    /// Those that match of entries which do not tell by themselves.
    async fn judge_contents(
        &mut self,
        connection: &mut Connection,
        mut entries: Vec<Entry>,
    ) -> Result<Vec<Entry>, Failure> {
        let mut matches = Vec::new();
        while !entries.is_empty() {
            let rest = entries.split_off(entries.len().min(CONTENTS));
            let some = Arc::new(std::mem::replace(&mut entries, rest));
            let (account, criterion, judged) = (self.account, self.criterion.clone(), some.clone());
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
            self.done(connection, verdicts.len()).await?;
        }
        Ok(matches)
    }

    /// So many messages more have been looked at.
    async fn done(&mut self, connection: &mut Connection, messages: usize) -> Result<(), Failure> {
        match &mut self.progress {
            Some(progress) => Ok(progress.add(connection, messages).await?),
            None => Ok(()),
        }
    }
}

/// Takes so many messages from the front of ascending ranges.
fn take_first(ranges: &mut Vec<RangeInclusive<u32>>, most: u32) -> Vec<RangeInclusive<u32>> {
    let (mut taken, mut room) = (Vec::new(), most);
    while let Some(first) = ranges.first_mut().filter(|_| room > 0) {
        let (start, end) = (*first.start(), *first.end());
        let length = end - start + 1;
        if length > room {
            taken.push(start..=start + room - 1);
            *first = start + room..=end;
            break;
        }
        taken.push(ranges.remove(0));
        room -= length;
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_taken_from_the_front() {
        let mut ranges = vec![1..=3, 7..=9, 20..=20];
        assert_eq!(take_first(&mut ranges, 4), [1..=3, 7..=7]);
        assert_eq!(take_first(&mut ranges, 2), [8..=9]);
        assert_eq!(take_first(&mut ranges, 9), [20..=20]);
        assert!(take_first(&mut ranges, 9).is_empty());
    }
}

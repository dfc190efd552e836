//! Finds the messages of a mailbox that meet a criterion, batch by batch, in the order of their UIDs.
//!
//! Each message is judged by the cheapest thing that decides: its flags and dates, then its summary, then its header section, then
//! its text. Where there is an index, it tells which messages need no look at all.

use super::candidates;
use super::criteria::Criterion;
use super::evidence::{self, Evidence};
use crate::listen::imap::connection::Connection;
use crate::listen::imap::failure::Failure;
use crate::listen::imap::fetch::{count, drop_through};
use crate::listen::imap::progress::Progress;
use ::store::AccountId;
use ::store::entry::{self, Entry, Viewed};
use imap::Tag;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Messages judged by flags and dates at once.
const BATCH: usize = 1000;
/// Messages whose summaries are held at once.
const CONTENTS: usize = 100;

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
        self.done(connection, all - undecided.len()).await?;
        if undecided.is_empty() {
            return Ok(matches);
        }
        matches.extend(self.judge_contents(connection, undecided).await?);
        matches.sort_unstable_by_key(|entry| entry.uid);
        Ok(matches)
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

//! Fills search indexes: from where each mailbox's is complete up to its newest message, batch by batch, in no transaction that a
//! delivery waits for.
//!
//! Which mailboxes have something new their MODSEQ tells, which moves with every record of the change log. Two that fill the same
//! index do work twice and no harm: a batch is taken only by an index that is complete up to where it begins.

use super::text;
use crate::config::{Config, SearchIndex};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;
use store::entry::{self, Entry};
use store::search::{Batch, Index, Indexed, Text};
use store::{AccountId, Error, MailboxId, MessageId, ModSeq, Result, Store, Tx, account, mailbox};

/// Messages looked at in one round.
const BATCH: usize = 500;
/// Octets of messages read in one transaction, about: others wait for its connection.
const MAX_READ: u64 = 4 * 1024 * 1024;

/// How far the index of an account is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Messages in the index.
    pub indexed: u64,
    /// Messages of the account.
    pub messages: u64,
    /// Octets of the index on disk; 0 where the engine does not tell.
    pub bytes: u64,
    /// Nothing has happened that it has not looked at.
    pub current: bool,
}

/// How far an account's index is; `None`: it has none.
pub async fn progress(store: &Store, account: AccountId) -> Result<Option<Progress>> {
    let state = store.search_index().state(account).await?;
    let known = store.read(move |tx| account::by_id(tx, account)).await?;
    Ok(state.zip(known).map(|(state, known)| Progress {
        indexed: state.messages,
        messages: known.used_messages,
        bytes: state.bytes,
        current: state.modseq >= known.modseq,
    }))
}

/// Throws an account's index away and makes it anew. Says how many messages are in it.
pub async fn rebuild(store: &Store, config: &Config, account: AccountId) -> Result<u64> {
    let index = store.search_index();
    index.remove(account).await?;
    index.begin(account).await?;
    catch_up(store, config, account, ModSeq(0)).await
}

/// Brings all indexes up to date; says how many messages came in.
pub(crate) async fn all(store: &Store, config: &Config) -> Result<u64> {
    let index = store.search_index();
    match config.search.index {
        SearchIndex::Never => return remove_all(&index).await.map(|()| 0),
        SearchIndex::Always => begin_all(store, &index).await?,
        SearchIndex::Auto => {}
    }
    let mut added = 0;
    for (account, since) in index.accounts().await? {
        added += catch_up(store, config, account, since).await?;
    }
    Ok(added)
}

async fn remove_all(index: &Index) -> Result<()> {
    for (account, _) in index.accounts().await? {
        index.remove(account).await?;
    }
    Ok(())
}

async fn begin_all(store: &Store, index: &Index) -> Result<()> {
    let known = index.accounts().await?;
    for account in store.read(account::list).await? {
        if known
            .binary_search_by_key(&account.id, |(id, _)| *id)
            .is_err()
        {
            index.begin(account.id).await?;
        }
    }
    Ok(())
}

/// Brings one index, which has looked at everything up to `since`, up to date.
async fn catch_up(
    store: &Store,
    config: &Config,
    account: AccountId,
    since: ModSeq,
) -> Result<u64> {
    let index = store.search_index();
    let Some(known) = store.read(move |tx| account::by_id(tx, account)).await? else {
        index.remove(account).await?;
        return Ok(0);
    };
    if known.modseq == since {
        return Ok(0);
    }
    let since = match is_usable(&index, account, since, &known).await? {
        true => since,
        false => {
            index.remove(account).await?;
            index.begin(account).await?;
            ModSeq(0)
        }
    };
    let mut added = 0;
    for mailbox in changed(store, account, since, config.search.index_from).await? {
        added += fill(store, &index, account, mailbox).await?;
    }
    index.caught_up(account, known.modseq).await?;
    Ok(added)
}

/// An index that knows the future was made of another store, of which this one is an older copy; one that holds mostly messages
/// that are gone takes room for nothing.
async fn is_usable(
    index: &Index,
    account: AccountId,
    since: ModSeq,
    known: &account::Account,
) -> Result<bool> {
    if since > known.modseq {
        return Ok(false);
    }
    let held = index
        .state(account)
        .await?
        .map_or(0, |state| state.messages);
    Ok(held <= known.used_messages * 2 + 1000)
}

/// Mailboxes that are worth an index and in which something happened.
async fn changed(
    store: &Store,
    account: AccountId,
    since: ModSeq,
    from: u32,
) -> Result<Vec<MailboxId>> {
    let all = store.read(move |tx| mailbox::list(tx, account)).await?;
    let changed = all
        .into_iter()
        .filter(|mailbox| mailbox.modseq > since && mailbox.messages >= from);
    Ok(changed.map(|mailbox| mailbox.id).collect())
}

/// Completes the index of a mailbox; says how many messages came in.
async fn fill(store: &Store, index: &Index, account: AccountId, mailbox: MailboxId) -> Result<u64> {
    let mut added = 0;
    loop {
        let after = index.complete(account, mailbox).await?;
        let Some(rest) = after.checked_add(1).map(|first| first..=u32::MAX) else {
            return Ok(added);
        };
        let (as_of, entries) = store
            .read(move |tx| next(tx, account, mailbox, rest.clone()))
            .await?;
        if entries.is_empty() {
            return Ok(added);
        }
        let round = Round {
            mailbox,
            after,
            as_of,
        };
        added += round.take_in(store, index, account, entries).await?;
    }
}

fn next(
    tx: &mut Tx<'_>,
    account: AccountId,
    mailbox: MailboxId,
    rest: RangeInclusive<u32>,
) -> Result<(ModSeq, Vec<Entry>)> {
    let modseq = account::by_id(tx, account)?.map_or(ModSeq(0), |known| known.modseq);
    let entries = entry::scan(tx, account, mailbox, &[rest], None, BATCH)?;
    Ok((modseq, entries))
}

/// Messages that follow what the index has of a mailbox.
#[derive(Clone, Copy)]
struct Round {
    mailbox: MailboxId,
    /// Up to which UID the index was complete.
    after: u32,
    /// Where the account stood.
    as_of: ModSeq,
}

impl Round {
    /// Puts them in, as many at a time as are read in one transaction.
    async fn take_in(
        mut self,
        store: &Store,
        index: &Index,
        account: AccountId,
        mut entries: Vec<Entry>,
    ) -> Result<u64> {
        let messages = entries.iter().map(|entry| entry.message).collect();
        let known = index.known(account, messages).await?;
        let mut added = 0;
        while let Some(first) = entries.first() {
            let first = first.uid;
            let some: Vec<(MessageId, bool)> = entries
                .iter()
                .map(|entry| (entry.message, known.contains(&entry.message)))
                .collect();
            let texts = store.read(move |tx| texts(tx, account, &some)).await?;
            let done: Vec<Entry> = entries.drain(..texts.len()).collect();
            let complete = done.last().map_or(first, |last| last.uid).0;
            let batch = self.batch(done, texts, complete);
            added += batch.messages.len() as u64;
            if !index.add(account, batch).await? {
                // Somebody began anew meanwhile: look again where it is.
                return Ok(0);
            }
            self.after = complete;
        }
        Ok(added)
    }

    fn batch(&self, entries: Vec<Entry>, texts: Vec<Option<Text>>, complete: u32) -> Batch {
        let messages = entries.into_iter().zip(texts);
        let messages = messages.filter_map(|(entry, text)| {
            Some(Indexed {
                uid: entry.uid,
                message: entry.message,
                text: text?,
            })
        });
        Batch {
            mailbox: self.mailbox,
            after: self.after,
            complete,
            as_of: self.as_of,
            messages: messages.collect(),
        }
    }
}

/// What messages say, of the first ones at least: as many as may be read at once. `None`: it was expunged meanwhile.
fn texts(
    tx: &mut Tx<'_>,
    account: AccountId,
    messages: &[(MessageId, bool)],
) -> Result<Vec<Option<Text>>> {
    let (mut texts, mut read) = (Vec::with_capacity(messages.len()), 0);
    for (message, known) in messages {
        if *known {
            texts.push(Some(Text::Known));
            continue;
        }
        texts.push(match entry::contents(tx, account, &[*message])?.pop() {
            Some(content) => {
                read += content.body.size;
                readable(*message, text::indexed(tx, &content))?
            }
            None => None,
        });
        if read > MAX_READ {
            break;
        }
    }
    Ok(texts)
}

/// A message that is damaged does not keep others out of the index: what is known of it is nothing.
fn readable(message: MessageId, text: Result<Text>) -> Result<Option<Text>> {
    match text {
        Ok(text) => Ok(Some(text)),
        Err(Error::Missing(_)) => Ok(None),
        Err(Error::Corrupt(why)) => {
            tracing::warn!(%message, %why, "a message cannot be read for the search index");
            Ok(Some(Text::TooLong))
        }
        Err(other) => Err(other),
    }
}

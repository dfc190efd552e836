//! The search index: which messages may hold a text. Derived from the messages, kept beside the store, and never needed: it can be deleted
//! and is built again.
//!
//! It holds the three-character pieces (trigrams) of texts that somebody else decoded and folded, and answers with a superset of the
//! messages that hold a text: whoever asks looks into those. **What it does not know of it says**: each mailbox has a UID up to which every
//! message is in the index, and later ones must be looked into themselves.
//!
//! On SQLite each account has a file of its own, `search/ACCOUNT.db` (FTS5); on PostgreSQL the index is in tables of the database (`pg_trgm`).
//! Plain text can be read out of either, so an encrypted store has none unless its administrator says so.

mod files;
mod tables;
mod trigram;

use crate::body::off_the_workers;
use crate::ranges::Ranges;
use crate::{AccountId, MailboxId, MessageId, ModSeq, Result, Store, Uid};
pub(crate) use files::Files;
use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

pub use trigram::{MIN_CHARS, is_searchable};

/// How an index is laid out and what texts it was made of; one of another format is built anew.
const FORMAT: i64 = 2;

/// The indexes of a store.
#[derive(Clone)]
pub struct Index(Kind);

#[derive(Clone)]
enum Kind {
    Files(Arc<Files>),
    Tables(Store),
}

/// How far the index of an account is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// All that happened up to this MODSEQ has been looked at.
    pub modseq: ModSeq,
    /// Messages in it.
    pub messages: u64,
    /// Octets it takes on disk; 0 where the engine does not tell.
    pub bytes: u64,
}

/// What the index knows of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidates {
    /// Messages up to this UID hold the text only if they are in `uids`.
    pub complete: u32,
    /// UIDs of messages that may hold it, ascending.
    pub uids: Vec<RangeInclusive<u32>>,
}

impl Candidates {
    /// From UIDs in any order; no restriction if they are more than `most`.
    fn new(complete: u32, mut uids: Vec<u32>, most: usize) -> Candidates {
        if uids.len() > most {
            return Candidates::default();
        }
        uids.sort_unstable();
        uids.dedup();
        Candidates {
            complete,
            uids: uids.into_iter().collect::<Ranges>().into_vec(),
        }
    }
}

/// A question to the index.
#[derive(Clone, Debug)]
pub struct Question {
    /// Whose mailbox.
    pub account: AccountId,
    /// Which one.
    pub mailbox: MailboxId,
    /// What is looked for, folded.
    pub texts: Vec<String>,
    /// Where the account stands. An index that knows of later things is of another store than this, put back from a copy.
    pub now: ModSeq,
    /// More messages than this do not help: then the index says nothing of that text.
    pub most: usize,
}

/// What is put into the index of one mailbox at once.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The mailbox.
    pub mailbox: MailboxId,
    /// Up to which UID the index was complete when the messages were chosen.
    pub after: u32,
    /// Every message up to this UID is in the index then.
    pub complete: u32,
    /// Where the account stood when they were read.
    pub as_of: ModSeq,
    /// The messages, by UID.
    pub messages: Vec<Indexed>,
}

/// A message for the index.
#[derive(Clone, Debug)]
pub struct Indexed {
    /// Its UID in the mailbox.
    pub uid: Uid,
    /// The message itself.
    pub message: MessageId,
    /// What it says.
    pub text: Text,
}

/// What a message says.
#[derive(Clone, Debug)]
pub enum Text {
    /// The index has it already.
    Known,
    /// This, folded as whoever searches folds.
    Folded(String),
    /// Too much to be taken in: it may hold any text.
    TooLong,
}

impl Store {
    /// The indexes of this store. They are opened when they are used.
    pub fn search_index(&self) -> Index {
        Index(match self.is_embedded() {
            true => Kind::Files(self.context().search.clone()),
            false => Kind::Tables(self.clone()),
        })
    }
}

impl Index {
    /// How far the index of an account is; `None` if it has none, or one of another format.
    pub async fn state(&self, account: AccountId) -> Result<Option<State>> {
        match &self.0 {
            Kind::Files(files) => {
                let files = files.clone();
                off_the_workers(move || files.state(account)).await
            }
            Kind::Tables(store) => store.read(move |tx| tables::state(tx, account)).await,
        }
    }

    /// Up to which UID every message of a mailbox is in the index.
    pub async fn complete(&self, account: AccountId, mailbox: MailboxId) -> Result<u32> {
        match &self.0 {
            Kind::Files(files) => {
                let files = files.clone();
                off_the_workers(move || files.complete(account, mailbox)).await
            }
            Kind::Tables(store) => {
                store
                    .read(move |tx| tables::complete(tx, account, mailbox))
                    .await
            }
        }
    }

    /// Which of these messages are in it.
    pub async fn known(
        &self,
        account: AccountId,
        messages: Vec<MessageId>,
    ) -> Result<HashSet<MessageId>> {
        match &self.0 {
            Kind::Files(files) => {
                let files = files.clone();
                off_the_workers(move || files.known(account, &messages)).await
            }
            Kind::Tables(store) => {
                store
                    .read(move |tx| tables::known(tx, account, &messages))
                    .await
            }
        }
    }

    /// Accounts that have an index, and up to where each has been looked at.
    pub async fn accounts(&self) -> Result<Vec<(AccountId, ModSeq)>> {
        match &self.0 {
            Kind::Files(files) => {
                let files = files.clone();
                off_the_workers(move || files.accounts()).await
            }
            Kind::Tables(store) => store.read(tables::accounts).await,
        }
    }

    /// Makes an empty index if the account has none. It is filled by whoever sees it in [`Index::accounts`].
    pub async fn begin(&self, account: AccountId) -> Result<()> {
        match &self.0 {
            Kind::Files(files) => {
                let files = files.clone();
                off_the_workers(move || files.begin(account)).await
            }
            Kind::Tables(store) => store.write(move |tx| tables::begin(tx, account)).await,
        }
    }

    /// Puts messages in; makes the index if there is none. False: it is not complete up to where the batch begins (any more), and
    /// nothing was put in.
    pub async fn add(&self, account: AccountId, batch: Batch) -> Result<bool> {
        match &self.0 {
            Kind::Files(files) => {
                let files = files.clone();
                off_the_workers(move || files.add(account, &batch)).await
            }
            Kind::Tables(store) => {
                store
                    .write(move |tx| tables::add(tx, account, &batch))
                    .await
            }
        }
    }

    /// All that happened up to `modseq` has been looked at.
    pub async fn caught_up(&self, account: AccountId, modseq: ModSeq) -> Result<()> {
        match &self.0 {
            Kind::Files(files) => {
                let files = files.clone();
                off_the_workers(move || files.caught_up(account, modseq)).await
            }
            Kind::Tables(store) => {
                store
                    .write(move |tx| tables::caught_up(tx, account, modseq))
                    .await
            }
        }
    }

    /// Removes the index of an account. What of it is in use goes when that ends.
    pub async fn remove(&self, account: AccountId) -> Result<()> {
        match &self.0 {
            Kind::Files(files) => {
                let files = files.clone();
                off_the_workers(move || files.remove(account)).await
            }
            Kind::Tables(store) => store.write(move |tx| tables::remove(tx, account)).await,
        }
    }

    /// For each folded text, which messages of a mailbox may hold it. `None`: there is no index that could tell.
    /// Texts for which [`is_searchable`] does not hold, or that too many messages may hold, give no restriction.
    pub async fn candidates(&self, question: Question) -> Result<Option<Vec<Candidates>>> {
        match &self.0 {
            Kind::Files(files) => {
                let files = files.clone();
                off_the_workers(move || files.candidates(&question)).await
            }
            Kind::Tables(store) => {
                store
                    .read(move |tx| tables::candidates(tx, &question))
                    .await
            }
        }
    }
}

/// Where the files of the indexes are.
pub(crate) fn open(data: &Path) -> Arc<Files> {
    Arc::new(Files::new(data.join("search")))
}

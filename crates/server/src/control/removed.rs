//! Removed messages: what there is of them, and putting them back.

use super::{Failure, Mode, World, address, moment, write};
use crate::search::envelope;
use imap::search::EnvelopeField;
use jiff::{SignedDuration, Timestamp};
use message::encoded_word;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::account::{self, Account};
use store::quota::Occasion;
use store::removed::{self, Filter, Key, Removed, Why};

/// Messages read at a time.
const PAGE: usize = 500;
/// Messages put back in one transaction, so that deliveries do not wait.
const BATCH: usize = 500;
/// Messages that are listed at most.
const MOST_LISTED: usize = 10_000;

/// What can be asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Removed messages, the latest last.
    List(Wanted),
    /// Puts them back.
    Restore(Wanted, Mode),
}

/// Which removed messages.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Wanted {
    /// Of which account.
    pub account: String,
    /// From which mailbox; none: any.
    pub mailbox: Option<String>,
    /// Removed since then: a time (RFC 3339), a date, or so long ago (`2d`).
    pub since: Option<String>,
    /// With one of these Message-IDs; none: any.
    pub message_ids: Vec<String>,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The messages.
    List(Vec<View>),
    /// How many were put back, or would be, by mailbox.
    Restored {
        /// Mailboxes and numbers of messages.
        mailboxes: BTreeMap<String, u64>,
        /// Whether this is what would be done.
        dry_run: bool,
    },
}

/// A removed message as people see it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct View {
    /// When it was removed, RFC 3339.
    pub removed: String,
    /// From which mailbox.
    pub mailbox: String,
    /// `expunged`, `expired`, `mailbox-deleted` or `room`.
    pub why: String,
    /// Until when it can be put back, RFC 3339.
    pub until: String,
    /// Its UID then.
    pub uid: u32,
    /// Octets.
    pub size: u32,
    /// INTERNALDATE, RFC 3339.
    pub received: String,
    /// Its sender.
    pub from: String,
    /// Its subject.
    pub subject: String,
    /// Its Message-ID.
    pub message_id: String,
}

pub(super) async fn execute(world: &World, request: Request) -> Result<Answer, Failure> {
    match request {
        Request::List(wanted) => {
            let (_, found) = find(world, &wanted, MOST_LISTED).await?;
            Ok(Answer::List(
                found.iter().map(|one| view(world, one)).collect(),
            ))
        }
        Request::Restore(wanted, mode) => restore(world, &wanted, mode).await,
    }
}

/// The messages that are wanted, at most so many.
async fn find(
    world: &World,
    wanted: &Wanted,
    most: usize,
) -> Result<(Account, Vec<Removed>), Failure> {
    let account = account(world, &wanted.account).await?;
    let since = wanted.since.as_deref();
    let filter = Filter {
        mailbox: wanted.mailbox.clone(),
        since: since.map(|text| moment(world.now, text)).transpose()?,
    };
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let (id, filter) = (account.id, filter.clone());
        let page = world
            .store
            .read(move |tx| removed::list(tx, id, &filter, after, PAGE))
            .await?;
        after = page.last().map(|last| last.key);
        let done = page.len() < PAGE;
        let of_these = |one: &Removed| has_id(one, &wanted.message_ids);
        found.extend(page.into_iter().filter(of_these));
        if done || found.len() >= most {
            found.truncate(most);
            return Ok((account, found));
        }
    }
}

async fn account(world: &World, text: &str) -> Result<Account, Failure> {
    let key = address(text)?.key();
    let wanted = key.clone();
    let found = world.store.read(move |tx| account::by_address(tx, &wanted));
    let missing = || {
        Failure::missing(format!(
            "there is no account {key}: `pennyblack account list` shows all"
        ))
    };
    found.await?.ok_or_else(missing)
}

/// Message-IDs are compared with or without their brackets.
fn has_id(removed: &Removed, wanted: &[String]) -> bool {
    let bare = |text: &str| text.trim().trim_matches(['<', '>']).to_owned();
    let own = bare(&String::from_utf8_lossy(&envelope::message_id(
        &removed.content.summary.envelope,
    )));
    wanted.is_empty() || wanted.iter().any(|id| bare(id) == own)
}

async fn restore(world: &World, wanted: &Wanted, mode: Mode) -> Result<Answer, Failure> {
    let (account, found) = find(world, wanted, usize::MAX).await?;
    fits(world, &account, &found)?;
    let mut mailboxes = BTreeMap::new();
    for batch in found.chunks(BATCH) {
        let back: Vec<Key> = match mode {
            Mode::Pretend => batch.iter().map(|one| one.key).collect(),
            Mode::Do => put_back(world, &account, batch).await?,
        };
        for one in batch.iter().filter(|one| back.contains(&one.key)) {
            *mailboxes.entry(one.mailbox.clone()).or_default() += 1;
        }
    }
    Ok(Answer::Restored {
        mailboxes,
        dry_run: mode == Mode::Pretend,
    })
}

/// All of them fit, or none is put back.
fn fits(world: &World, account: &Account, found: &[Removed]) -> Result<(), Failure> {
    let limits = account.limits().or(world.config.mail.quota_limits());
    let bytes: u64 = found.iter().map(|one| u64::from(one.entry.size)).sum();
    let over = |limit: Option<u64>, used: u64, more: u64| {
        limit.is_some_and(|limit| used.saturating_add(more) > limit)
    };
    let count = found.len() as u64;
    if over(limits.bytes, account.used_bytes, bytes)
        || over(limits.messages, account.used_messages, count)
    {
        return Err(Failure::refused(format!(
            "{count} messages of {bytes} octets do not fit into the quota of {0}: choose fewer, or give it more with \
             `pennyblack account quota {0} SIZE`",
            account.address
        )));
    }
    Ok(())
}

async fn put_back(
    world: &World,
    account: &Account,
    batch: &[Removed],
) -> Result<Vec<Key>, Failure> {
    let keys: Vec<Key> = batch.iter().map(|one| one.key).collect();
    let rule = world.config.mail.quota_rule(Occasion::User);
    let id = account.id;
    let done = write(&world.store, move |tx| {
        removed::restore(tx, id, &keys, &rule).map(Ok)
    });
    Ok(done.await?.into_iter().map(|one| one.key).collect())
}

fn view(world: &World, one: &Removed) -> View {
    let envelope = &one.content.summary.envelope;
    let stays =
        SignedDuration::try_from(world.config.mail.undelete).unwrap_or(SignedDuration::ZERO);
    let until = one.key.at.saturating_add(stays).unwrap_or(Timestamp::MAX);
    View {
        removed: one.key.at.to_string(),
        mailbox: one.mailbox.clone(),
        why: match one.why {
            Why::Expunged => "expunged",
            Why::Expired => "expired",
            Why::MailboxDeleted => "mailbox-deleted",
            Why::Room => "room",
        }
        .into(),
        until: until.to_string(),
        uid: one.key.uid.0,
        size: one.entry.size,
        received: one.entry.internal_date.time.to_string(),
        from: envelope::shown(envelope, EnvelopeField::From),
        subject: encoded_word::decode(&envelope::subject(envelope)),
        message_id: String::from_utf8_lossy(&envelope::message_id(envelope)).into_owned(),
    }
}

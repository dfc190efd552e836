//! Listing entries and their contents.

use super::{Content, Entry, Flags, Viewed, rows, seen, summary};
use crate::body::BodyRef;
use crate::engine::params;
use crate::ranges::Ranges;
use crate::tx::Tx;
use crate::{AccountId, MailboxId, MessageId, ModSeq, Result, Uid};
use std::ops::{ControlFlow, RangeInclusive};

/// All UIDs of the mailbox as ascending ranges of consecutive numbers.
pub fn uids(
    tx: &mut Tx<'_>,
    account: AccountId,
    mailbox: impl Into<Viewed>,
) -> Result<Vec<RangeInclusive<u32>>> {
    let mailbox = mailbox.into().mailbox;
    let mut ranges = Ranges::default();
    tx.each(
        "SELECT uid FROM entry WHERE account = $1 AND mailbox = $2 ORDER BY uid",
        params![account, mailbox],
        |row| {
            ranges.push(row.number(0)?);
            Ok(ControlFlow::Continue(()))
        },
    )?;
    Ok(ranges.into_vec())
}

/// How many messages have this UID or a higher one.
pub fn count_from(
    tx: &mut Tx<'_>,
    account: AccountId,
    mailbox: MailboxId,
    from: Uid,
) -> Result<u32> {
    let count = tx.one(
        "SELECT COUNT(*) FROM entry WHERE account = $1 AND mailbox = $2 AND uid >= $3",
        params![account, mailbox, from],
        |row| row.number(0),
    )?;
    Ok(count.unwrap_or(0))
}

/// The lowest UID without `\Seen`.
pub fn first_unseen(
    tx: &mut Tx<'_>,
    account: AccountId,
    mailbox: impl Into<Viewed>,
) -> Result<Option<Uid>> {
    let Viewed { mailbox, viewer } = mailbox.into();
    if let Some(viewer) = viewer {
        return seen::first_unseen(tx, (account, mailbox, viewer));
    }
    let mut unseen = None;
    tx.each(
        "SELECT uid, flags FROM entry WHERE account = $1 AND mailbox = $2 ORDER BY uid",
        params![account, mailbox],
        |row| {
            if Flags(row.number(1)?).contains(Flags::SEEN) {
                return Ok(ControlFlow::Continue(()));
            }
            unseen = Some(Uid(row.number(0)?));
            Ok(ControlFlow::Break(()))
        },
    )?;
    Ok(unseen)
}

/// Entries with a UID in `uids` (ascending, not overlapping) and, if given, a MODSEQ above `since`; ascending, at most `limit`.
pub fn scan(
    tx: &mut Tx<'_>,
    account: AccountId,
    mailbox: impl Into<Viewed>,
    uids: &[RangeInclusive<u32>],
    since: Option<ModSeq>,
    limit: usize,
) -> Result<Vec<Entry>> {
    let Viewed { mailbox, viewer } = mailbox.into();
    let mut entries = Vec::new();
    for range in uids {
        if entries.len() >= limit {
            break;
        }
        if let Some(viewer) = viewer {
            let (place, room) = ((account, mailbox, viewer), limit - entries.len());
            seen::scan(
                tx,
                place,
                range,
                since.unwrap_or_default(),
                room,
                &mut entries,
            )?;
            continue;
        }
        tx.each(
            "SELECT uid, flags, keywords, modseq, internal_date, saved, size, message, zone FROM entry \
             WHERE account = $1 AND mailbox = $2 AND uid BETWEEN $3 AND $4 AND modseq > $5 ORDER BY uid LIMIT $6",
            params![account, mailbox, *range.start(), *range.end(), since.unwrap_or_default(), limit - entries.len()],
            |row| {
                entries.push(rows::read(row)?);
                Ok(ControlFlow::Continue(()))
            },
        )?;
    }
    Ok(entries)
}

/// The messages in these places, the newest first, at most so many.
pub fn messages(
    tx: &mut Tx<'_>,
    account: AccountId,
    mailbox: MailboxId,
    uids: &[RangeInclusive<u32>],
    limit: usize,
) -> Result<Vec<MessageId>> {
    let mut messages = Vec::new();
    for range in uids.iter().rev() {
        if messages.len() >= limit {
            break;
        }
        messages.extend(tx.all(
            "SELECT message FROM entry WHERE account = $1 AND mailbox = $2 AND uid BETWEEN $3 AND $4 ORDER BY uid DESC LIMIT $5",
            params![account, mailbox, *range.start(), *range.end(), limit - messages.len()],
            |row| Ok(MessageId::from_u128(row.id(0)?)),
        )?);
    }
    Ok(messages)
}

/// The contents of these messages, in any order; those that are gone are left out.
pub fn contents(
    tx: &mut Tx<'_>,
    account: AccountId,
    messages: &[MessageId],
) -> Result<Vec<Content>> {
    let mut contents = Vec::with_capacity(messages.len());
    for message in messages {
        contents.extend(content(tx, account, *message)?);
    }
    Ok(contents)
}

fn content(tx: &mut Tx<'_>, account: AccountId, message: MessageId) -> Result<Option<Content>> {
    let stored = tx.one(
        "SELECT summary, body, size FROM content WHERE account = $1 AND message = $2",
        params![account, message],
        |row| Ok((row.blob(0)?.to_vec(), row.array(1)?, row.number(2)?)),
    )?;
    let Some((summary, hash, size)) = stored else {
        return Ok(None);
    };
    Ok(Some(Content {
        message,
        summary: summary::decode(tx, account, message, &summary)?,
        body: BodyRef { hash, size },
    }))
}

/// The ENVELOPE of a message as its summary keeps it, for whoever looks through many; `None` if it is gone.
pub fn envelope(
    tx: &mut Tx<'_>,
    account: AccountId,
    message: MessageId,
) -> Result<Option<Vec<u8>>> {
    let stored = tx.one(
        "SELECT summary FROM content WHERE account = $1 AND message = $2",
        params![account, message],
        |row| Ok(row.blob(0)?.to_vec()),
    )?;
    let Some(summary) = stored else {
        return Ok(None);
    };
    summary::decode_envelope(tx, account, message, &summary).map(Some)
}

/// Entries together with their contents: [`scan`] joined with [`contents`], for FETCH ENVELOPE and BODYSTRUCTURE.
pub fn scan_contents(
    tx: &mut Tx<'_>,
    account: AccountId,
    mailbox: impl Into<Viewed>,
    uids: &[RangeInclusive<u32>],
    since: Option<ModSeq>,
    limit: usize,
) -> Result<Vec<(Entry, Content)>> {
    let entries = scan(tx, account, mailbox, uids, since, limit)?;
    let mut pairs = Vec::with_capacity(entries.len());
    for entry in entries {
        if let Some(content) = content(tx, account, entry.message)? {
            pairs.push((entry, content));
        }
    }
    Ok(pairs)
}

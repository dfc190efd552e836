//! Rows of the tables `entry`, `content` and `mailbox` that adding, copying and removing have in common.

use super::{Entry, Flags, InternalDate, keywords};
use crate::body::rows::release;
use crate::engine::{Row, params};
use crate::tx::Tx;
use crate::{AccountId, Error, MailboxId, MessageId, ModSeq, Result, Uid, UidValidity, time};

/// How a mailbox's counters change; a removal counts negative.
#[derive(Clone, Copy, Default)]
pub(super) struct Tally {
    messages: i64,
    unseen: i64,
    deleted: i64,
    pub(super) bytes: i64,
}

impl Tally {
    pub(super) fn add(&mut self, flags: Flags, size: u32) {
        self.count(flags, size, 1);
    }

    pub(super) fn remove(&mut self, flags: Flags, size: u32) {
        self.count(flags, size, -1);
    }

    /// Only the flags change.
    pub(super) fn change(&mut self, before: Flags, after: Flags) {
        self.count(before, 0, -1);
        self.count(after, 0, 1);
    }

    fn count(&mut self, flags: Flags, size: u32, sign: i64) {
        self.messages += sign;
        self.unseen += sign * i64::from(!flags.contains(Flags::SEEN));
        self.deleted += sign * i64::from(flags.contains(Flags::DELETED));
        self.bytes += sign * i64::from(size);
    }

    pub(super) fn messages(self) -> i64 {
        self.messages
    }
}

/// Applies `tally` to the mailbox and takes `uids` new UIDs from it: the one place where UIDs come from.
/// Returns the first of them; `None` if there is no such mailbox.
pub(super) fn count(
    tx: &mut Tx<'_>,
    (account, mailbox): (AccountId, MailboxId),
    tally: Tally,
    uids: u32,
    modseq: ModSeq,
) -> Result<Option<(Uid, UidValidity)>> {
    let counted = tx.one(
        "UPDATE mailbox SET uid_next = uid_next + $3, messages = messages + $4, unseen = unseen + $5, deleted = deleted + $6, \
         bytes = bytes + $7, modseq = $8 WHERE account = $1 AND id = $2 RETURNING uid_next, uid_validity",
        params![account, mailbox, uids, tally.messages, tally.unseen, tally.deleted, tally.bytes, modseq],
        |row| Ok((row.int(0)?, UidValidity(row.number(1)?))),
    )?;
    let Some((uid_next, validity)) = counted else {
        return Ok(None);
    };
    // UIDNEXT itself must be a UID too.
    if uid_next > i64::from(u32::MAX) {
        return Err(Error::Refused(
            "the mailbox has used up all its UIDs".into(),
        ));
    }
    let first = u32::try_from(uid_next - i64::from(uids))
        .map_err(|_| Error::Corrupt(format!("a mailbox has UIDNEXT {uid_next}")))?;
    Ok(Some((Uid(first), validity)))
}

pub(super) fn insert(
    tx: &mut Tx<'_>,
    (account, mailbox): (AccountId, MailboxId),
    entry: &Entry,
) -> Result<()> {
    tx.execute(
        "INSERT INTO entry (account, mailbox, uid, flags, keywords, modseq, internal_date, saved, size, message, zone) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        params![
            account,
            mailbox,
            entry.uid,
            entry.flags.0,
            keywords::joined(&entry.keywords).as_ref(),
            entry.modseq,
            entry.internal_date.time.as_second(),
            entry.saved.as_second(),
            entry.size,
            entry.message,
            i64::from(entry.internal_date.zone)
        ],
    )?;
    Ok(())
}

pub(super) fn delete(
    tx: &mut Tx<'_>,
    (account, mailbox): (AccountId, MailboxId),
    uid: Uid,
) -> Result<()> {
    tx.execute(
        "DELETE FROM entry WHERE account = $1 AND mailbox = $2 AND uid = $3",
        params![account, mailbox, uid],
    )?;
    Ok(())
}

/// One entry fewer refers to the message; it goes with the last.
pub(crate) fn release_content(
    tx: &mut Tx<'_>,
    account: AccountId,
    message: MessageId,
) -> Result<()> {
    let left = tx.one(
        "UPDATE content SET refs = refs - 1 WHERE account = $1 AND message = $2 RETURNING refs, body",
        params![account, message],
        |row| Ok((row.int(0)?, row.array::<32>(1)?)),
    )?;
    let Some((refs, body)) = left else {
        return Err(Error::Corrupt(format!(
            "message {message} is listed but not stored"
        )));
    };
    if refs == 0 {
        tx.execute(
            "DELETE FROM content WHERE account = $1 AND message = $2",
            params![account, message],
        )?;
        crate::filing::forget(tx, account, message)?;
        crate::judgement::forget(tx, account, message)?;
        release(tx, &body)?;
    }
    Ok(())
}

/// Reads `uid, flags, keywords, modseq, internal_date, saved, size, message, zone`.
pub(crate) fn read(row: &Row<'_>) -> Result<Entry> {
    Ok(Entry {
        uid: Uid(row.number(0)?),
        flags: Flags(row.number(1)?),
        keywords: keywords::split(row.opt_text(2)?),
        modseq: ModSeq(row.number(3)?),
        internal_date: InternalDate {
            time: time::from_seconds(row.int(4)?)?,
            zone: row.number(8)?,
        },
        saved: time::from_seconds(row.int(5)?)?,
        size: row.number(6)?,
        message: MessageId::from_u128(row.id(7)?),
    })
}

//! Finding a message by what people know of it: its id, or its Message-ID. For commands.

use super::{Entry, rows, summary};
use crate::engine::params;
use crate::tx::Tx;
use crate::{AccountId, MailboxId, MessageId, Result};
use message::Summary;

/// Messages with one Message-ID that are told of.
const MOST: usize = 1000;

/// The messages of an account whose ids end in these 64 bits, as [`crate::body::Staging::called`] gave them; the newest first.
pub fn called(tx: &mut Tx<'_>, account: AccountId, tail: u64) -> Result<Vec<MessageId>> {
    let tail = tail.to_be_bytes();
    tx.all(
        "SELECT message FROM content WHERE account = $1 AND substr(message, 9, 8) = $2 ORDER BY message DESC",
        params![account, tail.as_slice()],
        |row| Ok(MessageId::from_u128(row.id(0)?)),
    )
}

/// What the index has of a Message-ID: its text is read from the sealed summary alone. 0: the message has none.
pub(super) fn number(summary: &Summary) -> i64 {
    match &summary.message_id {
        None => 0,
        Some(id) => number_of(id),
    }
}

fn number_of(id: &str) -> i64 {
    let mut first = [0; 8];
    let hash = blake3::derive_key("pennyblack message-id", id.as_bytes());
    first.copy_from_slice(&hash[..8]);
    match i64::from_be_bytes(first) {
        // That is a message without.
        0 => 1,
        number => number,
    }
}

/// The messages of an account with this `Message-ID` (without brackets), by an index. Those of older versions are in it once
/// [`enter_message_ids`] has looked at them.
pub fn by_message_id(tx: &mut Tx<'_>, account: AccountId, id: &str) -> Result<Vec<MessageId>> {
    let likely = tx.all(
        "SELECT message, summary FROM content WHERE account = $1 AND message_id = $2 ORDER BY message LIMIT $3",
        params![account, number_of(id), MOST],
        |row| Ok((MessageId::from_u128(row.id(0)?), row.blob(1)?.to_vec())),
    )?;
    let mut found = Vec::new();
    for (message, summary) in &likely {
        let known = summary::decode(tx, account, *message, summary)?;
        if known.message_id.as_deref() == Some(id) {
            found.push(*message);
        }
    }
    Ok(found)
}

/// Is every message of the account in the index that [`by_message_id`] asks?
pub fn message_ids_are_entered(tx: &mut Tx<'_>, account: AccountId) -> Result<bool> {
    let left = tx.one(
        "SELECT message FROM content WHERE account = $1 AND message_id IS NULL LIMIT 1",
        params![account],
        |row| row.id(0),
    )?;
    Ok(left.is_none())
}

/// Puts up to `limit` messages of older versions into the index of Message-IDs. Nobody's change: no client hears of it.
pub fn enter_message_ids(tx: &mut Tx<'_>, account: AccountId, limit: usize) -> Result<()> {
    let old = tx.all(
        "SELECT message, summary FROM content WHERE account = $1 AND message_id IS NULL LIMIT $2",
        params![account, limit],
        |row| Ok((MessageId::from_u128(row.id(0)?), row.blob(1)?.to_vec())),
    )?;
    for (message, summary) in &old {
        let known = summary::decode(tx, account, *message, summary)?;
        tx.execute(
            "UPDATE content SET message_id = $3 WHERE account = $1 AND message = $2",
            params![account, *message, number(&known)],
        )?;
    }
    Ok(())
}

/// The mailboxes that a message is in, and how.
pub fn whereabouts(
    tx: &mut Tx<'_>,
    account: AccountId,
    message: MessageId,
) -> Result<Vec<(MailboxId, Entry)>> {
    tx.all(
        "SELECT uid, flags, keywords, modseq, internal_date, saved, size, message, zone, mailbox FROM entry \
         WHERE account = $1 AND message = $2 ORDER BY mailbox, uid",
        params![account, message],
        |row| Ok((MailboxId::from_u128(row.id(9)?), rows::read(row)?)),
    )
}

//! Why a message was taken for wanted or not: each reason with its weight, kept beside the message and going with it. For
//! `explain`, and for asking what other weights would have done. What the reasons mean is not known here.

use crate::engine::params;
use crate::tx::Tx;
use crate::{AccountId, Error, MessageId, Result};
use serde::{Deserialize, Serialize};

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The sum of the weights, as it was.
    pub score: f32,
    /// What was done: `accept`, `mark`, `junk`, `junk-seen`.
    pub action: String,
    /// From which score on what would have been done.
    pub limits: Limits,
    /// Why.
    pub reasons: Vec<Reason>,
    /// By what the sender is known in [`crate::acquaintance`]: numbers of kinds, and names.
    pub senders: Vec<(u8, String)>,
}

/// From which score on what is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// The sender is asked to come again, if nothing proves who it is.
    pub greylist: f32,
    /// It is marked.
    pub mark: f32,
    /// It is filed as junk, as a part of `refuse`.
    pub junk: f32,
    /// Above this it is filed as junk that was read, as a part of `refuse`.
    pub junk_seen: f32,
    /// It is refused.
    pub refuse: f32,
}

/// A reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// Its stable name.
    pub name: String,
    /// What it added to the score.
    pub weight: f32,
    /// What was seen, for people; may be empty.
    pub detail: String,
}

/// Writes down what was found in a message of this account.
pub fn record(
    tx: &mut Tx<'_>,
    account: AccountId,
    message: MessageId,
    judgement: &Judgement,
) -> Result<()> {
    let plain = postcard::to_stdvec(judgement)
        .map_err(|e| Error::Bug(format!("a judgement cannot be encoded: {e}")))?;
    let sealed = tx.context.vault.seal(&place(account, message), &plain)?;
    tx.execute(
        "INSERT INTO judgement (account, message, data) VALUES ($1, $2, $3) \
         ON CONFLICT (account, message) DO UPDATE SET data = excluded.data",
        params![account, message, &sealed],
    )?;
    Ok(())
}

/// What was found in a message; `None` if it was not judged.
pub fn of(tx: &mut Tx<'_>, account: AccountId, message: MessageId) -> Result<Option<Judgement>> {
    let found = tx.one(
        "SELECT data FROM judgement WHERE account = $1 AND message = $2",
        params![account, message],
        |row| Ok(row.blob(0)?.to_vec()),
    )?;
    found
        .map(|sealed| opened(tx, account, message, &sealed))
        .transpose()
}

/// The judgements of an account from a message on, in the order in which the messages came; at most `limit`.
pub fn since(
    tx: &mut Tx<'_>,
    account: AccountId,
    from: MessageId,
    limit: usize,
) -> Result<Vec<(MessageId, Judgement)>> {
    let found = tx.all(
        "SELECT message, data FROM judgement WHERE account = $1 AND message >= $2 ORDER BY message LIMIT $3",
        params![account, from, limit],
        |row| Ok((MessageId::from_u128(row.id(0)?), row.blob(1)?.to_vec())),
    )?;
    let open = |(message, sealed): (MessageId, Vec<u8>)| {
        Ok((message, opened(tx, account, message, &sealed)?))
    };
    found.into_iter().map(open).collect()
}

fn opened(tx: &Tx<'_>, account: AccountId, message: MessageId, sealed: &[u8]) -> Result<Judgement> {
    let plain = tx.context.vault.open(&place(account, message), sealed)?;
    postcard::from_bytes(&plain).map_err(|e| {
        Error::Corrupt(format!(
            "the judgement of message {message} is unreadable: {e}"
        ))
    })
}

/// The message goes, and its record with it.
pub(crate) fn forget(tx: &mut Tx<'_>, account: AccountId, message: MessageId) -> Result<()> {
    tx.execute(
        "DELETE FROM judgement WHERE account = $1 AND message = $2",
        params![account, message],
    )?;
    Ok(())
}

fn place(account: AccountId, message: MessageId) -> [u8; 32] {
    let mut place = [0; 32];
    place[..16].copy_from_slice(&account.as_u128().to_be_bytes());
    place[16..].copy_from_slice(&message.as_u128().to_be_bytes());
    // Filings have the same place in a table of their own.
    place[0] ^= 0xff;
    place
}

//! Messages that were refused, or put off, after their DATA: what they were and why, for whoever asks with the code that their sender was
//! told. Nothing of their text is kept. What a verdict means is not known here.

use crate::engine::params;
use crate::judgement::Judgement;
use crate::tx::Tx;
use crate::{Error, Result, Timestamp, time};
use serde::{Deserialize, Serialize};

/// What was refused, and why.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rejection {
    /// What the client was told.
    pub reply: String,
    /// What the log says.
    pub reason: String,
    /// The address of the client.
    pub client: String,
    /// The reverse-path; empty for `<>`.
    pub sender: String,
    /// The recipients, or the first of them.
    pub recipients: Vec<String>,
    /// The From field, decoded.
    pub from: String,
    /// The Subject field, decoded.
    pub subject: String,
    /// The Message-ID field.
    pub message_id: String,
    /// Octets.
    pub size: u64,
    /// What the filter found, if it came so far.
    pub judgement: Option<Judgement>,
}

/// Writes down what became of a message, by its id in the log. One that came again under the same id is written anew.
pub fn record(tx: &mut Tx<'_>, id: u64, rejection: &Rejection) -> Result<()> {
    let plain = postcard::to_stdvec(rejection)
        .map_err(|e| Error::Bug(format!("a rejection cannot be encoded: {e}")))?;
    let sealed = tx.context.vault.seal(&place(id), &plain)?;
    let now = tx.now().as_second();
    tx.execute(
        "INSERT INTO rejection (id, refused, data) VALUES ($1, $2, $3) \
         ON CONFLICT (id) DO UPDATE SET refused = excluded.refused, data = excluded.data",
        params![stored(id), now, &sealed],
    )?;
    Ok(())
}

/// What became of a message, and when; `None`: it is not known, or not any more.
pub fn of(tx: &mut Tx<'_>, id: u64) -> Result<Option<(Timestamp, Rejection)>> {
    let found = tx.one(
        "SELECT refused, data FROM rejection WHERE id = $1",
        params![stored(id)],
        |row| Ok((time::from_seconds(row.int(0)?)?, row.blob(1)?.to_vec())),
    )?;
    found
        .map(|(when, sealed)| Ok((when, opened(tx, id, &sealed)?)))
        .transpose()
}

/// Refusals since `from`, by their ids, above `after`; at most `limit`.
pub fn since(
    tx: &mut Tx<'_>,
    from: Timestamp,
    after: Option<u64>,
    limit: usize,
) -> Result<Vec<(u64, Rejection)>> {
    let found = tx.all(
        "SELECT id, data FROM rejection WHERE refused >= $1 AND id > $2 ORDER BY id LIMIT $3",
        params![from.as_second(), after.map_or(i64::MIN, stored), limit],
        |row| Ok((row.int(0)?.cast_unsigned(), row.blob(1)?.to_vec())),
    )?;
    let open = |(id, sealed): (u64, Vec<u8>)| Ok((id, opened(tx, id, &sealed)?));
    found.into_iter().map(open).collect()
}

/// Forgets what is older, and of the rest all but the newest `most`; at most `limit` of each, so that it never takes long.
pub fn expire(tx: &mut Tx<'_>, before: Timestamp, most: usize, limit: usize) -> Result<u64> {
    let old = tx.execute(
        "DELETE FROM rejection WHERE id IN (SELECT id FROM rejection WHERE refused < $1 ORDER BY refused LIMIT $2)",
        params![before.as_second(), limit],
    )?;
    let many = tx.execute(
        "DELETE FROM rejection WHERE id IN (SELECT id FROM rejection ORDER BY refused DESC, id DESC LIMIT $2 OFFSET $1)",
        params![most, limit],
    )?;
    Ok(old + many)
}

fn opened(tx: &Tx<'_>, id: u64, sealed: &[u8]) -> Result<Rejection> {
    let plain = tx.context.vault.open(&place(id), sealed)?;
    postcard::from_bytes(&plain)
        .map_err(|e| Error::Corrupt(format!("the rejection {id:016x} is unreadable: {e}")))
}

/// The database has no unsigned numbers.
fn stored(id: u64) -> i64 {
    id.cast_signed()
}

fn place(id: u64) -> [u8; 16] {
    let mut place = [0xfe; 16];
    place[8..].copy_from_slice(&id.to_be_bytes());
    place
}

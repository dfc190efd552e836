//! What accounts send: counts of the last day and of the days before, limits of their own, whether their mail is held, and to whom they have
//! sent before; and who submitted what in the last days, for the day when an account is in the wrong hands (V10). What is too much is the
//! `queue` crate's business.

use crate::engine::params;
use crate::id::fresh_id;
use crate::tx::Tx;
use crate::{AccountId, Error, QueueId, Result, Timestamp, time};
use serde::{Deserialize, Serialize};

/// How much was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Messages.
    pub messages: u32,
    /// Recipients of them, in all.
    pub recipients: u32,
    /// Recipients elsewhere that the account had never sent to.
    pub strangers: u32,
}

/// What was sent in a few minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// The number of the slot; how long one is, who counts knows.
    pub number: i64,
    /// What was sent in it.
    pub usage: Usage,
}

/// What was sent on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    /// Days since 1970, in UTC.
    pub number: i64,
    /// In all.
    pub total: Usage,
    /// In its busiest hour.
    pub peak: Usage,
}

/// The counts of an account. Whoever adds to them keeps them short.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// The last day, the oldest slot first.
    pub slots: Vec<Slot>,
    /// The days before, and today, the oldest first.
    pub days: Vec<Day>,
    /// Slots up to this one are no reason to hold mail: an administrator has seen them.
    pub approved: Option<i64>,
}

/// A network or a country that an account was used from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// `192.0.0.0/16`, or `AT`.
    pub name: String,
    /// The day of the first message, as days since 1970 in UTC.
    pub first: i64,
    /// That of the last one.
    pub last: i64,
    /// Recipients elsewhere that were written to from there while it was new.
    pub recipients: u32,
}

/// Limits of one account, where they are not those of everybody. 0 is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnLimits {
    /// Messages in an hour.
    pub messages_per_hour: Option<u32>,
    /// Messages in a day.
    pub messages_per_day: Option<u32>,
    /// Recipients in an hour.
    pub recipients_per_hour: Option<u32>,
    /// Recipients in a day.
    pub recipients_per_day: Option<u32>,
    /// First-time recipients in an hour.
    pub strangers_per_hour: Option<u32>,
    /// First-time recipients in a day.
    pub strangers_per_day: Option<u32>,
    /// Whether mail is held when the account sends unusually much.
    pub hold_unusual: Option<bool>,
}

/// Why the mail of an account is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Since when, microseconds since 1970.
    pub since: i64,
    /// What was unusual, in words.
    pub why: String,
    /// Who did it: the log-in and the client, in words.
    pub by: String,
    /// Whether owner and administrator have been told.
    pub told: bool,
}

/// All that is known of what an account sends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sending {
    /// Counts.
    pub tally: Tally,
    /// Limits of its own.
    pub limits: OwnLimits,
    /// Why its mail is held, if it is.
    pub hold: Option<Hold>,
    /// Where it was used from.
    pub places: Vec<Place>,
}

/// As it was written before there were places.
#[derive(Deserialize)]
struct WithoutPlaces {
    tally: Tally,
    limits: OwnLimits,
    hold: Option<Hold>,
}

impl From<WithoutPlaces> for Sending {
    fn from(old: WithoutPlaces) -> Sending {
        Sending {
            tally: old.tally,
            limits: old.limits,
            hold: old.hold,
            places: Vec::new(),
        }
    }
}

/// What is known of an account; nothing, if it never sent. In a transaction that writes, it stays so until that ends.
pub fn of(tx: &mut Tx<'_>, account: AccountId) -> Result<Sending> {
    let stored = tx.one(
        "SELECT data FROM sending WHERE account = $1",
        params![account],
        |row| Ok(row.blob(0)?.to_vec()),
    )?;
    match stored {
        None => Ok(Sending::default()),
        Some(stored) => unseal(tx, account, &stored),
    }
}

/// The same, keeping others from changing it meanwhile. [`Error::Missing`] if there is no such account.
pub fn to_change(tx: &mut Tx<'_>, account: AccountId) -> Result<Sending> {
    tx.lock_account(account)?;
    of(tx, account)
}

/// Keeps what is known of an account.
pub fn put(tx: &mut Tx<'_>, account: AccountId, sending: &Sending) -> Result<()> {
    let plain = postcard::to_stdvec(sending)
        .map_err(|e| Error::Bug(format!("counts cannot be encoded: {e}")))?;
    let data = tx
        .context
        .vault
        .seal(&account.as_u128().to_be_bytes(), &plain)?;
    tx.execute(
        "INSERT INTO sending (account, held, data) VALUES ($1, $2, $3) \
         ON CONFLICT (account) DO UPDATE SET held = excluded.held, data = excluded.data",
        params![account, sending.hold.is_some(), &data],
    )?;
    Ok(())
}

/// Accounts whose mail is held.
pub fn held(tx: &mut Tx<'_>) -> Result<Vec<(AccountId, Hold)>> {
    let rows = tx.all(
        "SELECT account, data FROM sending WHERE held = 1 ORDER BY account",
        &[],
        |row| Ok((AccountId::from_u128(row.id(0)?), row.blob(1)?.to_vec())),
    )?;
    let mut held = Vec::new();
    for (account, data) in rows {
        held.extend(unseal(tx, account, &data)?.hold.map(|hold| (account, hold)));
    }
    Ok(held)
}

fn unseal(tx: &Tx<'_>, account: AccountId, stored: &[u8]) -> Result<Sending> {
    let plain = tx
        .context
        .vault
        .open(&account.as_u128().to_be_bytes(), stored)?;
    postcard::from_bytes(&plain)
        .or_else(|_| postcard::from_bytes::<WithoutPlaces>(&plain).map(Sending::from))
        .map_err(|e| Error::Corrupt(format!("the counts of {account} are unreadable: {e}")))
}

/// Has the account sent to this address before?
pub fn knows(tx: &mut Tx<'_>, account: AccountId, address: &str) -> Result<bool> {
    let found = tx.one(
        "SELECT last FROM correspondent WHERE account = $1 AND who = $2",
        params![account, &who(address)],
        |row| row.int(0),
    )?;
    Ok(found.is_some())
}

/// The account sends to this address. A row is written once a week at most.
pub fn meet(tx: &mut Tx<'_>, account: AccountId, address: &str, now: Timestamp) -> Result<()> {
    const WEEK: i64 = 7 * 86_400;
    let now = now.as_second();
    tx.execute(
        "INSERT INTO correspondent (account, who, last) VALUES ($1, $2, $3) \
         ON CONFLICT (account, who) DO UPDATE SET last = excluded.last WHERE correspondent.last < $4",
        params![account, &who(address), now, now - WEEK],
    )?;
    Ok(())
}

/// Forgets to whom nobody has sent since then. How many there were.
pub fn forget(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64> {
    tx.execute(
        "DELETE FROM correspondent WHERE last < $1",
        params![before.as_second()],
    )
}

/// When the account sent to this address last, to a week.
pub fn last_met(tx: &mut Tx<'_>, account: AccountId, address: &str) -> Result<Option<Timestamp>> {
    let last = tx.one(
        "SELECT last FROM correspondent WHERE account = $1 AND who = $2",
        params![account, &who(address)],
        |row| row.int(0),
    )?;
    last.map(time::from_seconds).transpose()
}

/// A message that an account has submitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// When, microseconds since 1970: the time at which it was queued too.
    pub at: i64,
    /// Envelope sender; empty for the null reverse-path.
    pub from: String,
    /// Envelope recipients.
    pub to: Vec<String>,
    /// The log-in and the client, in words.
    pub by: String,
    /// Recipients who had not got it yet when it was taken back, since somebody else wrote it.
    pub taken_back: Vec<String>,
}

/// As it was written before anything was taken back.
#[derive(Deserialize)]
struct NeverTakenBack {
    at: i64,
    from: String,
    to: Vec<String>,
    by: String,
}

impl From<NeverTakenBack> for Submission {
    fn from(old: NeverTakenBack) -> Submission {
        Submission {
            at: old.at,
            from: old.from,
            to: old.to,
            by: old.by,
            taken_back: Vec::new(),
        }
    }
}

/// Notes a submission.
pub fn submitted(tx: &mut Tx<'_>, account: AccountId, submission: &Submission) -> Result<()> {
    let id = fresh_id()?;
    let plain = postcard::to_stdvec(submission)
        .map_err(|e| Error::Bug(format!("a submission cannot be encoded: {e}")))?;
    let data = tx.context.vault.seal(&id.to_be_bytes(), &plain)?;
    tx.execute(
        "INSERT INTO submission (account, at, id, data) VALUES ($1, $2, $3, $4)",
        params![account, submission.at, QueueId::from_u128(id), &data],
    )?;
    Ok(())
}

/// What an account has submitted since then, the oldest first, at most so many.
pub fn submissions(
    tx: &mut Tx<'_>,
    account: AccountId,
    since: Timestamp,
    limit: usize,
) -> Result<Vec<Submission>> {
    let rows = tx.all(
        "SELECT id, data FROM submission WHERE account = $1 AND at >= $2 ORDER BY at, id LIMIT $3",
        params![account, since.as_microsecond(), limit],
        |row| Ok((row.id(0)?, row.blob(1)?.to_vec())),
    )?;
    let read = |(id, data): (u128, Vec<u8>)| read_submission(tx, id, &data);
    rows.into_iter().map(read).collect()
}

fn read_submission(tx: &Tx<'_>, id: u128, data: &[u8]) -> Result<Submission> {
    let plain = tx.context.vault.open(&id.to_be_bytes(), data)?;
    postcard::from_bytes(&plain)
        .or_else(|_| postcard::from_bytes::<NeverTakenBack>(&plain).map(Submission::from))
        .map_err(|e| Error::Corrupt(format!("a submission is unreadable: {e}")))
}

/// Notes that what was submitted at this time was taken back from this recipient.
pub fn take_back(tx: &mut Tx<'_>, account: AccountId, at: i64, address: &str) -> Result<()> {
    let rows = tx.all(
        "SELECT id, data FROM submission WHERE account = $1 AND at = $2",
        params![account, at],
        |row| Ok((row.id(0)?, row.blob(1)?.to_vec())),
    )?;
    for (id, data) in rows {
        let mut submission = read_submission(tx, id, &data)?;
        submission.taken_back.push(address.to_owned());
        let plain = postcard::to_stdvec(&submission)
            .map_err(|e| Error::Bug(format!("a submission cannot be encoded: {e}")))?;
        let data = tx.context.vault.seal(&id.to_be_bytes(), &plain)?;
        tx.execute(
            "UPDATE submission SET data = $4 WHERE account = $1 AND at = $2 AND id = $3",
            params![account, at, QueueId::from_u128(id), &data],
        )?;
    }
    Ok(())
}

/// Forgets what was submitted before. How many there were.
pub fn forget_submissions(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64> {
    tx.execute(
        "DELETE FROM submission WHERE at < $1",
        params![before.as_microsecond()],
    )
}

/// Everything about an account that is removed.
pub(crate) fn forget_account(tx: &mut Tx<'_>, account: AccountId) -> Result<()> {
    for table in [
        "DELETE FROM sending WHERE account = $1",
        "DELETE FROM correspondent WHERE account = $1",
        "DELETE FROM submission WHERE account = $1",
    ] {
        tx.execute(table, params![account])?;
    }
    Ok(())
}

/// Stands for an address: the table does not name whom people write to.
fn who(address: &str) -> Vec<u8> {
    let hash = blake3::derive_key(
        "pennyblack correspondent",
        address.to_lowercase().as_bytes(),
    );
    hash[..16].to_vec()
}

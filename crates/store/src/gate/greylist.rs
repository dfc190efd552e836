//! White and grey records.

use crate::engine::{Row, params};
use crate::time::from_seconds;
use crate::tx::Tx;
use crate::{Error, Result, Timestamp};

/// What is remembered of somebody white, or of a grey tuple.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// When it was seen first.
    pub first: Timestamp,
    /// When it passed, or would be forgotten.
    pub pass: Timestamp,
    /// When it is forgotten.
    pub expire: Timestamp,
    /// How often it was put off.
    pub blocked: u32,
    /// How often it was let in.
    pub passed: u32,
}

/// The key of a grey record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tuple {
    /// What the sender is met again by.
    pub who: String,
    /// HELO, or empty.
    pub helo: String,
    /// The reverse-path; empty for `<>`.
    pub sender: String,
    /// The recipient.
    pub recipient: String,
}

/// Somebody white.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct White {
    /// What the sender is met again by.
    pub who: String,
    /// Where it was seen last.
    pub address: String,
    /// What is remembered.
    pub record: Record,
}

/// A tuple that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grey {
    /// Its key.
    pub tuple: Tuple,
    /// Where it was seen last.
    pub address: String,
    /// What is remembered.
    pub record: Record,
}

/// The white record of this key.
pub fn white(tx: &mut Tx<'_>, who: &str) -> Result<Option<Record>> {
    tx.one(
        "SELECT first, pass, expire, blocked, passed FROM white WHERE who = $1",
        params![who],
        |row| record(row, 0),
    )
}

/// The record of this tuple.
pub fn grey(tx: &mut Tx<'_>, tuple: &Tuple) -> Result<Option<Record>> {
    tx.one(
        "SELECT first, pass, expire, blocked, passed FROM grey \
         WHERE who = $1 AND helo = $2 AND sender = $3 AND recipient = $4",
        params![&tuple.who, &tuple.helo, &tuple.sender, &tuple.recipient],
        |row| record(row, 0),
    )
}

/// Is there any tuple of this key?
pub fn is_grey(tx: &mut Tx<'_>, who: &str) -> Result<bool> {
    let found = tx.one(
        "SELECT 1 FROM grey WHERE who = $1 LIMIT 1",
        params![who],
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}

/// Sets what is known of somebody white.
pub fn put_white(tx: &mut Tx<'_>, white: &White) -> Result<()> {
    let r = &white.record;
    tx.execute(
        "INSERT INTO white (who, address, first, pass, expire, blocked, passed) VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (who) DO UPDATE SET address = excluded.address, first = excluded.first, pass = excluded.pass, \
         expire = excluded.expire, blocked = excluded.blocked, passed = excluded.passed",
        params![
            &white.who,
            &white.address,
            r.first.as_second(),
            r.pass.as_second(),
            r.expire.as_second(),
            i64::from(r.blocked),
            i64::from(r.passed)
        ],
    )?;
    Ok(())
}

/// Sets what is known of a tuple.
pub fn put_grey(tx: &mut Tx<'_>, grey: &Grey) -> Result<()> {
    let (t, r) = (&grey.tuple, &grey.record);
    tx.execute(
        "INSERT INTO grey (who, helo, sender, recipient, address, first, pass, expire, blocked, passed) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
         ON CONFLICT (who, helo, sender, recipient) DO UPDATE SET address = excluded.address, first = excluded.first, \
         pass = excluded.pass, expire = excluded.expire, blocked = excluded.blocked, passed = excluded.passed",
        params![
            &t.who,
            &t.helo,
            &t.sender,
            &t.recipient,
            &grey.address,
            r.first.as_second(),
            r.pass.as_second(),
            r.expire.as_second(),
            i64::from(r.blocked),
            i64::from(r.passed)
        ],
    )?;
    Ok(())
}

/// The tuple is grey no more.
pub fn remove_grey(tx: &mut Tx<'_>, tuple: &Tuple) -> Result<()> {
    tx.execute(
        "DELETE FROM grey WHERE who = $1 AND helo = $2 AND sender = $3 AND recipient = $4",
        params![&tuple.who, &tuple.helo, &tuple.sender, &tuple.recipient],
    )?;
    Ok(())
}

/// Removes everything of this key, or with this address (`spamdb -d`). Returns how many records went.
pub fn forget(tx: &mut Tx<'_>, who: &str) -> Result<u64> {
    Ok(tx.execute(
        "DELETE FROM white WHERE who = $1 OR address = $1",
        params![who],
    )? + tx.execute(
        "DELETE FROM grey WHERE who = $1 OR address = $1",
        params![who],
    )?)
}

/// So many white records behind this key, by key.
pub fn list_white(tx: &mut Tx<'_>, after: &str, most: u32) -> Result<Vec<White>> {
    tx.all(
        "SELECT who, address, first, pass, expire, blocked, passed FROM white WHERE who > $1 ORDER BY who LIMIT $2",
        params![after, i64::from(most)],
        |row| {
            Ok(White {
                who: row.string(0)?,
                address: row.string(1)?,
                record: record(row, 2)?,
            })
        },
    )
}

/// So many grey tuples behind this one, by key.
pub fn list_grey(tx: &mut Tx<'_>, after: &Tuple, most: u32) -> Result<Vec<Grey>> {
    tx.all(
        "SELECT who, helo, sender, recipient, address, first, pass, expire, blocked, passed FROM grey \
         WHERE (who, helo, sender, recipient) > ($1, $2, $3, $4) ORDER BY who, helo, sender, recipient LIMIT $5",
        params![&after.who, &after.helo, &after.sender, &after.recipient, i64::from(most)],
        |row| {
            Ok(Grey {
                tuple: Tuple {
                    who: row.string(0)?,
                    helo: row.string(1)?,
                    sender: row.string(2)?,
                    recipient: row.string(3)?,
                },
                address: row.string(4)?,
                record: record(row, 5)?,
            })
        },
    )
}

/// How many white and grey records there are.
pub fn count(tx: &mut Tx<'_>) -> Result<(u64, u64)> {
    let counted = tx.one(
        "SELECT (SELECT COUNT(*) FROM white), (SELECT COUNT(*) FROM grey)",
        &[],
        |row| Ok((row.number(0)?, row.number(1)?)),
    )?;
    Ok(counted.unwrap_or_default())
}

fn record(row: &Row<'_>, at: usize) -> Result<Record> {
    let time = |at| from_seconds(row.int(at)?);
    let times = |at| Ok::<u32, Error>(u32::try_from(row.int(at)?).unwrap_or(u32::MAX));
    Ok(Record {
        first: time(at)?,
        pass: time(at + 1)?,
        expire: time(at + 2)?,
        blocked: times(at + 3)?,
        passed: times(at + 4)?,
    })
}

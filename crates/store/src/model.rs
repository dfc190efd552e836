//! Models of the filter as they are stored: parts, each in a row, made of lessons up to a serial. They save the time of making them
//! anew and are never needed.
//!
//! The parts are written one by one, the first one last: a model whose first part is there is whole.

use crate::engine::params;
use crate::lesson::Scope;
use crate::tx::Tx;
use crate::{AccountId, Error, Result};
use std::io::Read as _;

/// Weights compress little; the zeros of a young model well.
const LEVEL: i32 = 1;
/// No part is longer, so that a damaged one cannot ask for more.
const LONGEST: u64 = 8 << 20;

/// A stored model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The last lesson it has learned.
    pub serial: u64,
    /// How many parts it has.
    pub parts: usize,
}

/// The newest whole model of these lessons.
pub fn newest(tx: &mut Tx<'_>, scope: Scope) -> Result<Option<Stored>> {
    let account = account(scope);
    let serial = tx.one(
        "SELECT serial FROM model WHERE account = $1 AND part = 0 ORDER BY serial DESC LIMIT 1",
        params![account],
        |row| row.number(0),
    )?;
    let Some(serial) = serial else {
        return Ok(None);
    };
    let parts = tx.one(
        "SELECT COUNT(*) FROM model WHERE account = $1 AND serial = $2",
        params![account, serial],
        |row| row.number(0),
    )?;
    let parts = parts.unwrap_or_default();
    Ok(Some(Stored { serial, parts }))
}

/// A part of a model.
pub fn part(tx: &mut Tx<'_>, scope: Scope, serial: u64, part: usize) -> Result<Option<Vec<u8>>> {
    let account = account(scope);
    let data = tx.one(
        "SELECT data FROM model WHERE account = $1 AND serial = $2 AND part = $3",
        params![account, serial, part],
        |row| Ok(row.blob(0)?.to_vec()),
    )?;
    let Some(sealed) = data else {
        return Ok(None);
    };
    let packed = tx
        .context
        .vault
        .open(&place(account, serial, part), &sealed)?;
    let damaged = |why: std::io::Error| Error::Corrupt(format!("a stored model: {why}"));
    let mut octets = Vec::new();
    let unpacked = zstd::Decoder::new(packed.as_slice()).map_err(damaged)?;
    unpacked
        .take(LONGEST)
        .read_to_end(&mut octets)
        .map_err(damaged)?;
    Ok(Some(octets))
}

/// Writes a part; with the first one, which comes last, all older models of these lessons go.
pub fn put(tx: &mut Tx<'_>, scope: Scope, serial: u64, part: usize, octets: &[u8]) -> Result<()> {
    let account = account(scope);
    let packed = zstd::bulk::compress(octets, LEVEL)
        .map_err(|why| Error::Bug(format!("a model cannot be compressed: {why}")))?;
    let sealed = tx
        .context
        .vault
        .seal(&place(account, serial, part), &packed)?;
    tx.execute(
        "INSERT INTO model (account, serial, part, data) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (account, serial, part) DO UPDATE SET data = excluded.data",
        params![account, serial, part, &sealed],
    )?;
    if part == 0 {
        tx.execute(
            "DELETE FROM model WHERE account = $1 AND serial <> $2",
            params![account, serial],
        )?;
    }
    Ok(())
}

/// Removes the models of these lessons.
pub fn remove(tx: &mut Tx<'_>, scope: Scope) -> Result<()> {
    tx.execute(
        "DELETE FROM model WHERE account = $1",
        params![account(scope)],
    )?;
    Ok(())
}

fn account(scope: Scope) -> AccountId {
    match scope {
        Scope::Server => AccountId::from_u128(0),
        Scope::Account(account) => account,
    }
}

fn place(account: AccountId, serial: u64, part: usize) -> [u8; 32] {
    let mut place = [0; 32];
    place[..16].copy_from_slice(&account.as_u128().to_be_bytes());
    place[16..24].copy_from_slice(&serial.to_be_bytes());
    place[24..].copy_from_slice(&(part as u64).to_be_bytes());
    place
}

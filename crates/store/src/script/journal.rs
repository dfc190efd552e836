//! What went wrong in an account's scripts, for its owner to read (catalogue H32). The newest hundred entries are kept.

use crate::engine::params;
use crate::tx::Tx;
use crate::{AccountId, Error, Result, Timestamp, time};

/// Entries kept of an account.
const KEPT: i64 = 100;
/// Characters of one entry.
const LONGEST: usize = 4096;

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub happened: Timestamp,
    /// What, in words.
    pub line: String,
}

/// Adds an entry.
pub fn add(tx: &mut Tx<'_>, account: AccountId, line: &str) -> Result<()> {
    tx.lock_account(account)?;
    let newest = tx.one(
        "SELECT COALESCE(MAX(n), 0) FROM script_log WHERE account = $1",
        params![account],
        |row| row.int(0),
    )?;
    let n = newest.unwrap_or_default() + 1;
    let line: String = line.chars().take(LONGEST).collect();
    let sealed = tx
        .context
        .vault
        .seal(&account.as_u128().to_be_bytes(), line.as_bytes())?;
    let happened = tx.now().as_microsecond();
    tx.execute(
        "INSERT INTO script_log (account, n, happened, line) VALUES ($1, $2, $3, $4)",
        params![account, n, happened, &sealed],
    )?;
    tx.execute(
        "DELETE FROM script_log WHERE account = $1 AND n <= $2",
        params![account, n - KEPT],
    )?;
    Ok(())
}

/// All entries, oldest first.
pub fn list(tx: &mut Tx<'_>, account: AccountId) -> Result<Vec<Entry>> {
    let rows = tx.all(
        "SELECT happened, line FROM script_log WHERE account = $1 ORDER BY n",
        params![account],
        |row| Ok((row.int(0)?, row.blob(1)?.to_vec())),
    )?;
    let entry = |(happened, sealed): (i64, Vec<u8>)| {
        let line = tx
            .context
            .vault
            .open(&account.as_u128().to_be_bytes(), &sealed)?;
        let line = String::from_utf8(line)
            .map_err(|_| Error::Corrupt("an entry of a script log is not text".into()))?;
        Ok(Entry {
            happened: time::from_microseconds(happened)?,
            line,
        })
    };
    rows.into_iter().map(entry).collect()
}

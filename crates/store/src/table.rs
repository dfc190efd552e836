//! What the lines of the admin's own tables said when they were last taken in (catalogue B8), so that a table changes only what has
//! changed in it, and takes back what it does not say any more. What the lines mean is the caller's.

use crate::Result;
use crate::engine::params;
use crate::tx::Tx;
use std::collections::BTreeMap;

/// The digest of a line.
pub type Digest = [u8; 32];

/// What a line is known by.
pub fn digest(line: &str) -> Digest {
    *blake3::hash(line.as_bytes()).as_bytes()
}

/// The lines of a table that were taken in, by what they are about.
pub fn lines(tx: &mut Tx<'_>, name: &str) -> Result<BTreeMap<String, Digest>> {
    let lines = tx.all(
        "SELECT key, digest FROM table_line WHERE name = $1",
        params![name],
        |row| Ok((row.string(0)?, row.array(1)?)),
    )?;
    Ok(lines.into_iter().collect())
}

/// A line was taken in.
pub fn remember(tx: &mut Tx<'_>, name: &str, key: &str, digest: &Digest) -> Result<()> {
    tx.execute(
        "INSERT INTO table_line (name, key, digest) VALUES ($1, $2, $3) \
         ON CONFLICT (name, key) DO UPDATE SET digest = excluded.digest",
        params![name, key, digest],
    )?;
    Ok(())
}

/// What a line said was taken back.
pub fn forget(tx: &mut Tx<'_>, name: &str, key: &str) -> Result<()> {
    tx.execute(
        "DELETE FROM table_line WHERE name = $1 AND key = $2",
        params![name, key],
    )?;
    Ok(())
}

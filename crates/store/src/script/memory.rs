//! What scripts remember: whom `vacation` answered, what `duplicate` saw, of which failures an owner was told.
//!
//! Rows can be merged from two nodes: a key is a hash, and the later expiry wins.

use crate::change::Record;
use crate::engine::params;
use crate::tx::Tx;
use crate::{AccountId, Result, Timestamp};

/// What is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An answer was sent (RFC 5230 §4.2).
    Answered = 0,
    /// An id was seen (RFC 7352).
    Seen = 1,
    /// The owner was told that this version of a script fails.
    Told = 2,
}

/// The key for these parts.
pub fn key(parts: &[&str]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    *hasher.finalize().as_bytes()
}

/// Is this remembered at `now`?
pub fn knows(
    tx: &mut Tx<'_>,
    account: AccountId,
    kind: Kind,
    key: &[u8; 32],
    now: Timestamp,
) -> Result<bool> {
    let found = tx.one(
        "SELECT kind FROM script_memory WHERE account = $1 AND kind = $2 AND key = $3 AND expires > $4",
        params![account, kind as i64, key, now.as_second()],
        |row| row.int(0),
    )?;
    Ok(found.is_some())
}

/// Remembers this until `expires`.
pub fn remember(
    tx: &mut Tx<'_>,
    account: AccountId,
    kind: Kind,
    key: &[u8; 32],
    expires: Timestamp,
) -> Result<()> {
    tx.known_modseq(account)?;
    tx.execute(
        "INSERT INTO script_memory (account, kind, key, expires) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (account, kind, key) DO UPDATE SET expires = excluded.expires WHERE excluded.expires > script_memory.expires",
        params![account, kind as i64, key, expires.as_second()],
    )?;
    let record = Record::ScriptRemembered {
        kind: kind as u8,
        key: *key,
        expires: expires.as_second(),
    };
    tx.record(account, None, record);
    Ok(())
}

/// Forgets what expired before `now`; returns how much that was.
pub fn prune(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64> {
    tx.execute(
        "DELETE FROM script_memory WHERE expires <= $1",
        params![now.as_second()],
    )
}

//! Secrets of the server itself, such as the key of rewritten senders: the newest of a name is used, older ones are still believed.

use crate::engine::params;
use crate::tx::Tx;
use crate::{Result, Timestamp, time};

/// A secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// When it was made.
    pub created: Timestamp,
    /// Its octets.
    pub value: Vec<u8>,
}

/// The secrets of a name, the newest first.
pub fn of(tx: &mut Tx<'_>, name: &str) -> Result<Vec<Secret>> {
    let rows = tx.all(
        "SELECT created, value FROM secret WHERE name = $1 ORDER BY created DESC",
        params![name],
        |row| Ok((row.int(0)?, row.blob(1)?.to_vec())),
    )?;
    rows.into_iter()
        .map(|(created, sealed)| {
            Ok(Secret {
                created: time::from_seconds(created)?,
                value: tx.context.vault.open(name.as_bytes(), &sealed)?,
            })
        })
        .collect()
}

/// Adds a secret, and forgets all but the newest `keep` of its name.
pub fn add(tx: &mut Tx<'_>, name: &str, secret: &Secret, keep: usize) -> Result<()> {
    let sealed = tx.context.vault.seal(name.as_bytes(), &secret.value)?;
    tx.execute(
        "INSERT INTO secret (name, created, value) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        params![name, secret.created.as_second(), &sealed],
    )?;
    let old = of(tx, name)?.into_iter().skip(keep);
    for secret in old {
        tx.execute(
            "DELETE FROM secret WHERE name = $1 AND created = $2",
            params![name, secret.created.as_second()],
        )?;
    }
    Ok(())
}

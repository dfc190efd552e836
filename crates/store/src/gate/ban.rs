//! Bans: networks that no session is begun with (J30), senders whose mail is refused (A19).

use crate::engine::params;
use crate::time::from_seconds;
use crate::tx::Tx;
use crate::{Result, Timestamp};

/// A ban.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    /// An address or a network, or `x@domain` or `@domain`, as text.
    pub network: String,
    /// Why, for people.
    pub reason: String,
    /// Since when.
    pub created: Timestamp,
    /// Until when; `None`: until it is lifted.
    pub expire: Option<Timestamp>,
}

/// Bans a network or a sender, or changes its ban.
pub fn put(tx: &mut Tx<'_>, network: &str, reason: &str, expire: Option<Timestamp>) -> Result<()> {
    let now = tx.now().as_second();
    tx.execute(
        "INSERT INTO ban (network, reason, created, expire) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (network) DO UPDATE SET reason = excluded.reason, created = excluded.created, expire = excluded.expire",
        params![network, reason, now, expire.map_or(0, Timestamp::as_second)],
    )?;
    Ok(())
}

/// Lifts a ban; false if there was none.
pub fn lift(tx: &mut Tx<'_>, network: &str) -> Result<bool> {
    let lifted = tx.execute("DELETE FROM ban WHERE network = $1", params![network])?;
    Ok(lifted > 0)
}

/// All bans in force, by network.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<Ban>> {
    let now = tx.now().as_second();
    tx.all(
        "SELECT network, reason, created, expire FROM ban WHERE expire = 0 OR expire > $1 ORDER BY network",
        params![now],
        |row| {
            let expire = row.int(3)?;
            Ok(Ban {
                network: row.string(0)?,
                reason: row.string(1)?,
                created: from_seconds(row.int(2)?)?,
                expire: (expire > 0)
                    .then(|| from_seconds(expire))
                    .transpose()?,
            })
        },
    )
}

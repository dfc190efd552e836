//! Traps: addresses that nobody has, and senders that wrote to one (J15).

use crate::engine::params;
use crate::time::from_seconds;
use crate::tx::Tx;
use crate::{Result, Timestamp};

/// A sender that wrote to a trap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trapped {
    /// What it is met again by.
    pub who: String,
    /// The trap it wrote to; empty if an administrator put it here.
    pub trap: String,
    /// Until when.
    pub expire: Timestamp,
}

/// Makes an address a trap; false if it was one.
pub fn add(tx: &mut Tx<'_>, address: &str) -> Result<bool> {
    let now = tx.now().as_second();
    let added = tx.execute(
        "INSERT INTO trap (address, created) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        params![&address.to_lowercase(), now],
    )?;
    Ok(added > 0)
}

/// It is a trap no more; false if it was none.
pub fn remove(tx: &mut Tx<'_>, address: &str) -> Result<bool> {
    let removed = tx.execute(
        "DELETE FROM trap WHERE address = $1",
        params![&address.to_lowercase()],
    )?;
    Ok(removed > 0)
}

/// Whether this address is one.
pub fn is_trap(tx: &mut Tx<'_>, address: &str) -> Result<bool> {
    let found = tx.one(
        "SELECT 1 FROM trap WHERE address = $1",
        params![&address.to_lowercase()],
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}

/// All traps, by address.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<String>> {
    tx.all("SELECT address FROM trap ORDER BY address", &[], |row| {
        row.string(0)
    })
}

/// Somebody wrote to a trap; who did already stays as long as the later of the two.
pub fn catch(tx: &mut Tx<'_>, trapped: &Trapped) -> Result<()> {
    tx.execute(
        "INSERT INTO trapped (who, trap, expire) VALUES ($1, $2, $3) \
         ON CONFLICT (who) DO UPDATE SET trap = excluded.trap, \
         expire = CASE WHEN excluded.expire > trapped.expire THEN excluded.expire ELSE trapped.expire END",
        params![&trapped.who, &trapped.trap, trapped.expire.as_second()],
    )?;
    Ok(())
}

/// Lets somebody go; false if he was not here.
pub fn release(tx: &mut Tx<'_>, who: &str) -> Result<bool> {
    let released = tx.execute("DELETE FROM trapped WHERE who = $1", params![who])?;
    Ok(released > 0)
}

/// Everybody whose time is not over, by key.
pub fn caught(tx: &mut Tx<'_>) -> Result<Vec<Trapped>> {
    let now = tx.now().as_second();
    tx.all(
        "SELECT who, trap, expire FROM trapped WHERE expire > $1 ORDER BY who",
        params![now],
        |row| {
            Ok(Trapped {
                who: row.string(0)?,
                trap: row.string(1)?,
                expire: from_seconds(row.int(2)?)?,
            })
        },
    )
}

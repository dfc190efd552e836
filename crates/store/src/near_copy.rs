//! Bands of messages that people called wanted or not, by which near copies of them are found. How bands are made is not known here.

use crate::engine::params;
use crate::learn::Class;
use crate::tx::Tx;
use crate::{Result, Timestamp};

/// Near copies of a message, as people called them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copies {
    /// Wanted.
    pub ham: u32,
    /// Not wanted.
    pub spam: u32,
}

/// Keeps the bands of a message that was called this; what it was called before is forgotten.
pub fn keep(tx: &mut Tx<'_>, digest: u64, class: Class, bands: &[u64]) -> Result<()> {
    forget(tx, digest)?;
    let now = tx.now().as_second();
    for band in bands {
        tx.execute(
            "INSERT INTO near_copy (band, digest, class, learned) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            params![band.cast_signed(), digest.cast_signed(), class as i64, now],
        )?;
    }
    Ok(())
}

/// Nothing was said of this message.
pub fn forget(tx: &mut Tx<'_>, digest: u64) -> Result<()> {
    tx.execute(
        "DELETE FROM near_copy WHERE digest = $1",
        params![digest.cast_signed()],
    )?;
    Ok(())
}

/// Messages that have at least `alike` of these bands.
pub fn find(tx: &mut Tx<'_>, bands: &[u64; 8], alike: u32) -> Result<Copies> {
    let [a, b, c, d, e, f, g, h] = bands.map(u64::cast_signed);
    let classes = tx.all(
        "SELECT MAX(class) FROM near_copy WHERE band IN ($1, $2, $3, $4, $5, $6, $7, $8) \
         GROUP BY digest HAVING COUNT(*) >= $9 LIMIT 100",
        params![a, b, c, d, e, f, g, h, i64::from(alike)],
        |row| row.int(0),
    )?;
    let count = |class: Class| {
        classes
            .iter()
            .filter(|found| **found == class as i64)
            .count() as u32
    };
    Ok(Copies {
        ham: count(Class::Ham),
        spam: count(Class::Spam),
    })
}

/// Forgets what was said before, and of the rest all but the newest `most` bands; at most `limit` of each, so that it never takes long.
pub fn expire(tx: &mut Tx<'_>, before: Timestamp, most: usize, limit: usize) -> Result<u64> {
    let old = tx.execute(
        "DELETE FROM near_copy WHERE (band, digest) IN \
         (SELECT band, digest FROM near_copy WHERE learned < $1 ORDER BY learned LIMIT $2)",
        params![before.as_second(), limit],
    )?;
    let many = tx.execute(
        "DELETE FROM near_copy WHERE (band, digest) IN \
         (SELECT band, digest FROM near_copy ORDER BY learned DESC LIMIT $2 OFFSET $1)",
        params![most, limit],
    )?;
    Ok(old + many)
}

//! How far the name of a sending address has grown with a provider, day by day (V9). What follows from it is the `queue` crate's business.

use crate::Result;
use crate::engine::params;
use crate::tx::Tx;

/// What a provider has had from an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ramp {
    /// Good days so far.
    pub level: u32,
    /// The day that is counted, in days since 1970 (UTC).
    pub day: i64,
    /// Messages that were sent on it.
    pub sent: u32,
    /// Times that the provider asked for less on it.
    pub refused: u32,
}

/// What is known of a provider and an address of ours.
pub fn of(tx: &mut Tx<'_>, provider: &str, source: &str) -> Result<Option<Ramp>> {
    tx.one(
        "SELECT level, day, sent, refused FROM ramp WHERE provider = $1 AND source = $2",
        params![provider, source],
        |row| {
            Ok(Ramp {
                level: row.number(0)?,
                day: row.int(1)?,
                sent: row.number(2)?,
                refused: row.number(3)?,
            })
        },
    )
}

/// Keeps it. Of two counts of a day the larger one holds: they may be written in another order than they were made.
pub fn put(tx: &mut Tx<'_>, provider: &str, source: &str, ramp: &Ramp) -> Result<()> {
    tx.execute(
        "INSERT INTO ramp (provider, source, level, day, sent, refused) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (provider, source) DO UPDATE SET level = excluded.level, day = excluded.day, refused = excluded.refused, \
         sent = CASE WHEN ramp.day = excluded.day AND ramp.sent > excluded.sent THEN ramp.sent ELSE excluded.sent END",
        params![provider, source, ramp.level, ramp.day, ramp.sent, ramp.refused],
    )?;
    Ok(())
}

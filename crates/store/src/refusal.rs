//! What follows from refusals of other servers (U37, V8), kept for the next start: pauses of providers, and counts of refusals. What they mean
//! is the server's business.

use crate::engine::params;
use crate::tx::Tx;
use crate::{Result, Timestamp, time};

/// A provider that gets no mail for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// The domain of its hosts.
    pub provider: String,
    /// Our addresses that it refuses.
    pub source: String,
    /// Until then.
    pub until: Timestamp,
    /// Its words.
    pub words: String,
}

/// Refusals of a kind within a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// Who refused.
    pub provider: String,
    /// Why.
    pub cause: String,
    /// The time of the first.
    pub since: Timestamp,
    /// How many.
    pub refusals: u32,
    /// Whose mail was refused.
    pub domains: Vec<String>,
    /// The administrator has been told.
    pub told: bool,
}

/// Keeps a pause in place of an earlier one.
pub fn pause(tx: &mut Tx<'_>, pause: &Pause) -> Result<()> {
    tx.execute(
        "INSERT INTO provider_pause (provider, source, until, words) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (provider, source) DO UPDATE SET until = excluded.until, words = excluded.words",
        params![
            &pause.provider,
            &pause.source,
            pause.until.as_microsecond(),
            &pause.words
        ],
    )?;
    Ok(())
}

/// Pauses that last beyond `now`; the others are forgotten.
pub fn pauses(tx: &mut Tx<'_>, now: Timestamp) -> Result<Vec<Pause>> {
    tx.execute(
        "DELETE FROM provider_pause WHERE until <= $1",
        params![now.as_microsecond()],
    )?;
    tx.all(
        "SELECT provider, source, until, words FROM provider_pause",
        &[],
        |row| {
            Ok(Pause {
                provider: row.text(0)?.to_owned(),
                source: row.text(1)?.to_owned(),
                until: time::from_microseconds(row.int(2)?)?,
                words: row.text(3)?.to_owned(),
            })
        },
    )
}

/// Ends the pauses of a provider, or of all.
pub fn resume(tx: &mut Tx<'_>, provider: Option<&str>) -> Result<()> {
    match provider {
        Some(provider) => tx.execute(
            "DELETE FROM provider_pause WHERE provider = $1",
            params![provider],
        )?,
        None => tx.execute("DELETE FROM provider_pause", &[])?,
    };
    Ok(())
}

/// Keeps a count. Of two counts of the same day the larger one holds: they may be written in another order than they were made.
pub fn count(tx: &mut Tx<'_>, count: &Count) -> Result<()> {
    let domains = count.domains.join(" ");
    tx.execute(
        "INSERT INTO refusal_count (provider, cause, since, refusals, domains, told) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (provider, cause) DO UPDATE SET since = excluded.since, refusals = excluded.refusals, domains = excluded.domains, \
         told = excluded.told WHERE refusal_count.since <> excluded.since OR refusal_count.refusals < excluded.refusals",
        params![
            &count.provider,
            &count.cause,
            count.since.as_microsecond(),
            count.refusals,
            &domains,
            i64::from(count.told)
        ],
    )?;
    Ok(())
}

/// Counts that began after `since`; the others are forgotten.
pub fn counts(tx: &mut Tx<'_>, since: Timestamp) -> Result<Vec<Count>> {
    tx.execute(
        "DELETE FROM refusal_count WHERE since <= $1",
        params![since.as_microsecond()],
    )?;
    tx.all(
        "SELECT provider, cause, since, refusals, domains, told FROM refusal_count",
        &[],
        |row| {
            let domains = row.text(4)?.split(' ').filter(|domain| !domain.is_empty());
            Ok(Count {
                provider: row.text(0)?.to_owned(),
                cause: row.text(1)?.to_owned(),
                since: time::from_microseconds(row.int(2)?)?,
                refusals: row.number(3)?,
                domains: domains.map(str::to_owned).collect(),
                told: row.flag(5)?,
            })
        },
    )
}

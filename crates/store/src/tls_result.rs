//! How sessions with other servers were secured, counted by day, for the reports of RFC 8460.

use crate::Result;
use crate::engine::params;
use crate::tx::Tx;

/// So many sessions with the same result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// Day since 1970, UTC.
    pub day: i64,
    /// The recipients' domain.
    pub domain: String,
    /// The policy object of a report, JSON.
    pub policy: String,
    /// The failure's details, JSON; empty for successes.
    pub failure: String,
    /// Sessions.
    pub sessions: u64,
}

/// Adds to what was counted before.
pub fn add(tx: &mut Tx<'_>, count: &Count) -> Result<()> {
    tx.execute(
        "INSERT INTO tls_result (day, domain, policy, failure, sessions) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (day, domain, policy, failure) DO UPDATE SET sessions = tls_result.sessions + excluded.sessions",
        params![
            count.day,
            count.domain.as_str(),
            count.policy.as_str(),
            count.failure.as_str(),
            count.sessions
        ],
    )?;
    Ok(())
}

/// The domains with results of days before this one, with the day.
pub fn domains_before(tx: &mut Tx<'_>, day: i64, limit: usize) -> Result<Vec<(i64, String)>> {
    tx.all(
        "SELECT DISTINCT day, domain FROM tls_result WHERE day < $1 ORDER BY day, domain LIMIT $2",
        params![day, limit],
        |row| Ok((row.int(0)?, row.text(1)?.to_string())),
    )
}

/// The results of a domain on a day.
pub fn of_domain(tx: &mut Tx<'_>, day: i64, domain: &str) -> Result<Vec<Count>> {
    tx.all(
        "SELECT policy, failure, sessions FROM tls_result WHERE day = $1 AND domain = $2 ORDER BY policy, failure",
        params![day, domain],
        |row| {
            Ok(Count {
                day,
                domain: domain.to_string(),
                policy: row.text(0)?.to_string(),
                failure: row.text(1)?.to_string(),
                sessions: row.number(2)?,
            })
        },
    )
}

/// Forgets the results of a domain on a day: they are reported, or nobody wants to know.
pub fn forget(tx: &mut Tx<'_>, day: i64, domain: &str) -> Result<()> {
    tx.execute(
        "DELETE FROM tls_result WHERE day = $1 AND domain = $2",
        params![day, domain],
    )?;
    Ok(())
}

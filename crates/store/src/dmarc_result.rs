//! Mail that named a domain with a DMARC policy as its author's, counted by day, for the reports of RFC 9990.

use crate::Result;
use crate::engine::params;
use crate::tx::Tx;

/// So many messages for which everything is the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Count {
    /// Day since 1970, UTC.
    pub day: i64,
    /// The domain whose record holds.
    pub domain: String,
    /// The policy that was found, JSON.
    pub policy: String,
    /// The row of a report without its count, JSON.
    pub result: String,
    /// Messages.
    pub messages: u64,
}

impl Count {
    /// Stands for policy and result in the key.
    fn line(&self) -> [u8; 16] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&(self.policy.len() as u64).to_be_bytes());
        hasher.update(self.policy.as_bytes());
        hasher.update(self.result.as_bytes());
        let mut line = [0; 16];
        hasher.finalize_xof().fill(&mut line);
        line
    }
}

/// Adds to what was counted before. Whether it was counted: a domain that has `most` lines on that day gets no new ones.
pub fn add(tx: &mut Tx<'_>, count: &Count, most: u64) -> Result<bool> {
    let line = count.line();
    let known = tx.execute(
        "UPDATE dmarc_result SET messages = messages + $4 WHERE day = $1 AND domain = $2 AND line = $3",
        params![count.day, count.domain.as_str(), &line[..], count.messages],
    )?;
    if known > 0 {
        return Ok(true);
    }
    if lines(tx, count.day, &count.domain)? >= most {
        return Ok(false);
    }
    tx.execute(
        "INSERT INTO dmarc_result (day, domain, line, policy, result, messages) VALUES ($1, $2, $3, $4, $5, $6)",
        params![
            count.day,
            count.domain.as_str(),
            &line[..],
            count.policy.as_str(),
            count.result.as_str(),
            count.messages
        ],
    )?;
    Ok(true)
}

fn lines(tx: &mut Tx<'_>, day: i64, domain: &str) -> Result<u64> {
    let found = tx.all(
        "SELECT COUNT(*) FROM dmarc_result WHERE day = $1 AND domain = $2",
        params![day, domain],
        |row| row.number(0),
    )?;
    Ok(found.first().copied().unwrap_or_default())
}

/// Lines of all domains on a day and after it.
pub fn lines_since(tx: &mut Tx<'_>, day: i64) -> Result<u64> {
    let found = tx.all(
        "SELECT COUNT(*) FROM dmarc_result WHERE day >= $1",
        params![day],
        |row| row.number(0),
    )?;
    Ok(found.first().copied().unwrap_or_default())
}

/// The domains with results of days before this one, with the day.
pub fn domains_before(tx: &mut Tx<'_>, day: i64, limit: usize) -> Result<Vec<(i64, String)>> {
    tx.all(
        "SELECT DISTINCT day, domain FROM dmarc_result WHERE day < $1 ORDER BY day, domain LIMIT $2",
        params![day, limit],
        |row| Ok((row.int(0)?, row.text(1)?.to_string())),
    )
}

/// The results of a domain on a day, by policy.
pub fn of_domain(tx: &mut Tx<'_>, day: i64, domain: &str) -> Result<Vec<Count>> {
    tx.all(
        "SELECT policy, result, messages FROM dmarc_result WHERE day = $1 AND domain = $2 ORDER BY policy, result",
        params![day, domain],
        |row| {
            Ok(Count {
                day,
                domain: domain.to_string(),
                policy: row.text(0)?.to_string(),
                result: row.text(1)?.to_string(),
                messages: row.number(2)?,
            })
        },
    )
}

/// Forgets the results of a domain on a day: they are reported, or nobody wants to know.
pub fn forget(tx: &mut Tx<'_>, day: i64, domain: &str) -> Result<()> {
    tx.execute(
        "DELETE FROM dmarc_result WHERE day = $1 AND domain = $2",
        params![day, domain],
    )?;
    Ok(())
}

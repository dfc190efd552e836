//! Reports of other servers on mail in the name of domains hosted here, as they came (RFC 9990, RFC 8460).

use crate::body::compress::{compress, decompress};
use crate::engine::{Row, params};
use crate::tx::Tx;
use crate::{Result, Timestamp, time};

/// What a report is about. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// DMARC.
    Dmarc = 0,
    /// TLS.
    Tls = 1,
}

/// A report without what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// See [`id`].
    pub id: String,
    /// What it is about.
    pub kind: Kind,
    /// Whose mail it is about; lower-case.
    pub domain: String,
    /// The domain that is proved to have sent it.
    pub reporter: String,
    /// When it came.
    pub received: Timestamp,
    /// The time it is about.
    pub starts: Timestamp,
    /// The time it is about.
    pub ends: Timestamp,
    /// Messages whose author was proved, or sessions that were secured.
    pub passed: u64,
    /// The others.
    pub failed: u64,
}

/// Names a report: the same for one that is sent again.
pub fn id(kind: Kind, domain: &str, reporter: &str, their_id: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    for text in [domain, reporter, their_id] {
        hasher.update(&(text.len() as u64).to_be_bytes());
        hasher.update(text.as_bytes());
    }
    hasher.update(&[kind as u8]);
    let mut octets = [0; 6];
    hasher.finalize_xof().fill(&mut octets);
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Keeps a report and what it says (JSON). Whether it is new. A reporter with `most` reports since `day` is not heard any more.
pub fn add(tx: &mut Tx<'_>, head: &Head, json: &[u8], day: Timestamp, most: u64) -> Result<bool> {
    let heard = tx.all(
        "SELECT COUNT(*) FROM report WHERE received >= $1 AND reporter = $2",
        params![day.as_second(), head.reporter.as_str()],
        |row| row.number::<u64>(0),
    )?;
    if heard.first().is_some_and(|heard| *heard >= most) {
        return Ok(false);
    }
    let data = compress(json)?;
    let stored = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let added = tx.execute(
        "INSERT INTO report (id, kind, domain, reporter, received, starts, ends, passed, failed, size, data) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING",
        params![
            head.id.as_str(),
            head.kind as i64,
            head.domain.as_str(),
            head.reporter.as_str(),
            head.received.as_second(),
            head.starts.as_second(),
            head.ends.as_second(),
            stored(head.passed),
            stored(head.failed),
            json.len(),
            &data,
        ],
    )?;
    Ok(added > 0)
}

/// The newest reports about mail of a domain, or of all domains, that came at `since` or later.
pub fn list(
    tx: &mut Tx<'_>,
    domain: Option<&str>,
    since: Timestamp,
    limit: usize,
) -> Result<Vec<Head>> {
    tx.all(
        "SELECT id, kind, domain, reporter, received, starts, ends, passed, failed FROM report \
         WHERE received >= $1 AND ($2 = '' OR domain = $2) ORDER BY received DESC, id LIMIT $3",
        params![since.as_second(), domain.unwrap_or_default(), limit],
        head,
    )
}

/// A report and what it says.
pub fn by_id(tx: &mut Tx<'_>, id: &str) -> Result<Option<(Head, Vec<u8>)>> {
    let found = tx.all(
        "SELECT id, kind, domain, reporter, received, starts, ends, passed, failed, size, data FROM report WHERE id = $1",
        params![id],
        |row| {
            let data = decompress(row.blob(10)?, row.number(9)?)?;
            Ok((head(row)?, data))
        },
    )?;
    Ok(found.into_iter().next())
}

/// Forgets what came before, and of the rest all but the newest `most`. How many went.
pub fn expire(tx: &mut Tx<'_>, before: Timestamp, most: usize) -> Result<u64> {
    let old = tx.execute(
        "DELETE FROM report WHERE received < $1",
        params![before.as_second()],
    )?;
    let many = tx.execute(
        "DELETE FROM report WHERE id NOT IN (SELECT id FROM report ORDER BY received DESC, id LIMIT $1)",
        params![most],
    )?;
    Ok(old + many)
}

fn head(row: &Row<'_>) -> Result<Head> {
    Ok(Head {
        id: row.string(0)?,
        kind: match row.int(1)? {
            1 => Kind::Tls,
            _ => Kind::Dmarc,
        },
        domain: row.string(2)?,
        reporter: row.string(3)?,
        received: time::from_seconds(row.int(4)?)?,
        starts: time::from_seconds(row.int(5)?)?,
        ends: time::from_seconds(row.int(6)?)?,
        passed: row.number(7)?,
        failed: row.number(8)?,
    })
}

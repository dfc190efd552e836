//! MTA-STS policies of other domains, as long as they hold (RFC 8461 §3.3). What they mean is not this crate's business.

use crate::engine::params;
use crate::tx::Tx;
use crate::{Result, Timestamp, time};

/// A policy as it was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPolicy {
    /// Of which domain.
    pub domain: String,
    /// The id of its record; empty: the text says why it could not be fetched.
    pub id: String,
    /// Its text.
    pub text: String,
    /// When it ends.
    pub expires: Timestamp,
}

/// The policy of a domain, even if it has ended.
pub fn by_domain(tx: &mut Tx<'_>, domain: &str) -> Result<Option<StoredPolicy>> {
    let row = tx.one(
        "SELECT id, policy, expires FROM sts_policy WHERE domain = $1",
        params![domain],
        |row| {
            Ok((
                row.text(0)?.to_string(),
                row.text(1)?.to_string(),
                row.int(2)?,
            ))
        },
    )?;
    row.map(|(id, text, expires)| {
        Ok(StoredPolicy {
            domain: domain.to_string(),
            id,
            text,
            expires: time::from_microseconds(expires)?,
        })
    })
    .transpose()
}

/// Keeps a policy, and forgets those that have ended.
pub fn put(tx: &mut Tx<'_>, policy: &StoredPolicy, now: Timestamp) -> Result<()> {
    tx.execute(
        "DELETE FROM sts_policy WHERE expires < $1",
        params![now.as_microsecond()],
    )?;
    tx.execute(
        "INSERT INTO sts_policy (domain, id, policy, expires) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (domain) DO UPDATE SET id = excluded.id, policy = excluded.policy, expires = excluded.expires",
        params![
            policy.domain.as_str(),
            policy.id.as_str(),
            policy.text.as_str(),
            policy.expires.as_microsecond()
        ],
    )?;
    Ok(())
}

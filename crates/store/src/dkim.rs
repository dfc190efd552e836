//! Keys that sign mail (RFC 6376), by domain and selector. Private halves are sealed as everything secret is; what keys are for,
//! and when one takes the place of another, is the server's business.

use crate::engine::{Row, params};
use crate::tx::Tx;
use crate::{Error, Result, Timestamp, time};

/// With what a key signs. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `rsa-sha256`.
    Rsa = 0,
    /// `ed25519-sha256`.
    Ed25519 = 1,
}

/// Where a key stands. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It waits until DNS shows it.
    Waiting = 0,
    /// It signs.
    Active = 1,
    /// Another one signs in its place; its record must stay in DNS for a while.
    Replaced = 2,
}

/// A key.
#[derive(Clone, PartialEq, Eq)]
pub struct DkimKey {
    /// Lower-case A-labels.
    pub domain: String,
    /// Unique in its domain.
    pub selector: String,
    /// With what it signs.
    pub kind: Kind,
    /// Where it stands.
    pub state: KeyState,
    /// When it was made.
    pub created: Timestamp,
    /// When it came into its state.
    pub since: Timestamp,
    /// While it waits: since when every look into DNS has shown it.
    pub seen: Option<Timestamp>,
    /// The TXT record.
    pub record: String,
    /// PKCS #8 in DER.
    pub private: Vec<u8>,
}

impl std::fmt::Debug for DkimKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DkimKey({} of {})", self.selector, self.domain)
    }
}

/// Adds a key. [`Error::Exists`] if the selector is taken.
pub fn add(tx: &mut Tx<'_>, key: &DkimKey) -> Result<()> {
    let place = place(&key.domain, &key.selector);
    let private = tx.context.vault.seal(&place, &key.private)?;
    let added = tx.execute(
        "INSERT INTO dkim_key (domain, selector, algorithm, state, created, since, seen, record, private) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
        params![
            &key.domain,
            &key.selector,
            key.kind as i64,
            key.state as i64,
            key.created.as_second(),
            key.since.as_second(),
            key.seen.map(Timestamp::as_second),
            &key.record,
            &private,
        ],
    )?;
    match added {
        0 => Err(Error::Exists(format!(
            "the selector {} of {}",
            key.selector, key.domain
        ))),
        _ => Ok(()),
    }
}

/// The keys of a domain, by selector.
pub fn of_domain(tx: &mut Tx<'_>, domain: &str) -> Result<Vec<DkimKey>> {
    let rows = tx.all(
        "SELECT domain, selector, algorithm, state, created, since, seen, record, private FROM dkim_key \
         WHERE domain = $1 ORDER BY selector",
        params![domain],
        read,
    )?;
    rows.into_iter().map(|key| opened(tx, key)).collect()
}

/// All keys, by domain and selector.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<DkimKey>> {
    let rows = tx.all(
        "SELECT domain, selector, algorithm, state, created, since, seen, record, private FROM dkim_key \
         ORDER BY domain, selector",
        &[],
        read,
    )?;
    rows.into_iter().map(|key| opened(tx, key)).collect()
}

/// Brings a key into another state, from `since` on.
pub fn set_state(
    tx: &mut Tx<'_>,
    domain: &str,
    selector: &str,
    state: KeyState,
    since: Timestamp,
) -> Result<()> {
    let changed = tx.execute(
        "UPDATE dkim_key SET state = $3, since = $4, seen = NULL WHERE domain = $1 AND selector = $2",
        params![domain, selector, state as i64, since.as_second()],
    )?;
    found(changed, domain, selector)
}

/// Notes since when DNS shows a waiting key; `None`: it does not.
pub fn set_seen(
    tx: &mut Tx<'_>,
    domain: &str,
    selector: &str,
    seen: Option<Timestamp>,
) -> Result<()> {
    let changed = tx.execute(
        "UPDATE dkim_key SET seen = $3 WHERE domain = $1 AND selector = $2",
        params![domain, selector, seen.map(Timestamp::as_second)],
    )?;
    found(changed, domain, selector)
}

/// Removes a key.
pub fn remove(tx: &mut Tx<'_>, domain: &str, selector: &str) -> Result<()> {
    let removed = tx.execute(
        "DELETE FROM dkim_key WHERE domain = $1 AND selector = $2",
        params![domain, selector],
    )?;
    found(removed, domain, selector)
}

/// Removes all keys of a domain that is hosted no more.
pub fn remove_all(tx: &mut Tx<'_>, domain: &str) -> Result<u64> {
    tx.execute("DELETE FROM dkim_key WHERE domain = $1", params![domain])
}

fn found(rows: u64, domain: &str, selector: &str) -> Result<()> {
    match rows {
        0 => Err(Error::Missing(format!(
            "the selector {selector} of {domain}"
        ))),
        _ => Ok(()),
    }
}

/// As stored, the private half still sealed.
fn read(row: &Row<'_>) -> Result<DkimKey> {
    let wrong = |what: &str, number: i64| Error::Corrupt(format!("a key has {what} {number}"));
    Ok(DkimKey {
        domain: row.string(0)?,
        selector: row.string(1)?,
        kind: match row.int(2)? {
            0 => Kind::Rsa,
            1 => Kind::Ed25519,
            other => return Err(wrong("algorithm", other)),
        },
        state: match row.int(3)? {
            0 => KeyState::Waiting,
            1 => KeyState::Active,
            2 => KeyState::Replaced,
            other => return Err(wrong("state", other)),
        },
        created: time::from_seconds(row.int(4)?)?,
        since: time::from_seconds(row.int(5)?)?,
        seen: row.opt_int(6)?.map(time::from_seconds).transpose()?,
        record: row.string(7)?,
        private: row.blob(8)?.to_vec(),
    })
}

fn opened(tx: &mut Tx<'_>, key: DkimKey) -> Result<DkimKey> {
    let place = place(&key.domain, &key.selector);
    let private = tx.context.vault.open(&place, &key.private)?;
    Ok(DkimKey { private, ..key })
}

fn place(domain: &str, selector: &str) -> Vec<u8> {
    format!("dkim {selector} {domain}").into_bytes()
}

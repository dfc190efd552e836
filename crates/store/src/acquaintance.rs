//! Who has written to whom, and how that was taken: what the reputation of a sender is made of. What it means is not known here.
//!
//! One row for each sender and account, changed by the transaction that delivers, whatever the number of messages. Names are kept as
//! hashes. Rows that nobody has met for long go, and so do the oldest if there are too many ([`prune`]).

use crate::engine::params;
use crate::tx::Tx;
use crate::{AccountId, Result, Timestamp, time};
use std::time::Duration;

/// What somebody is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An address of which is proved that it has sent.
    Address = 0,
    /// A domain of which is proved that it has sent.
    Domain = 1,
    /// The network of a client.
    Network = 2,
    /// An address that the account has written to.
    WrittenTo = 3,
    /// The Message-ID of mail that the account has sent.
    Sent = 4,
}

impl Kind {
    /// From its number; `None`: there is no such kind.
    pub fn from_number(number: u8) -> Option<Kind> {
        let all = [
            Kind::Address,
            Kind::Domain,
            Kind::Network,
            Kind::WrittenTo,
            Kind::Sent,
        ];
        all.get(usize::from(number)).copied()
    }
}

/// What is known of somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// When he was met first.
    pub first: Timestamp,
    /// When he was met last.
    pub last: Timestamp,
    /// Messages that were filed as wanted.
    pub wanted: u32,
    /// Messages that were filed as junk.
    pub unwanted: u32,
    /// Messages that people called wanted.
    pub ham: u32,
    /// Messages that people called junk.
    pub spam: u32,
}

/// How he was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Met {
    /// A message that was filed as wanted, or was sent.
    Wanted,
    /// A message that was filed as junk.
    Unwanted,
    /// A person called a message wanted (1), or takes it back (-1).
    Ham(i64),
    /// A person called a message junk (1), or takes it back (-1).
    Spam(i64),
}

/// Everybody on this server together.
pub const SERVER: AccountId = AccountId::from_u128(0);

/// What an account knows of somebody.
pub fn of(tx: &mut Tx<'_>, account: AccountId, kind: Kind, name: &str) -> Result<Option<Known>> {
    let who = key(tx, name);
    tx.one(
        "SELECT first, last, wanted, unwanted, ham, spam FROM acquaintance WHERE account = $1 AND kind = $2 AND who = $3",
        params![account, kind as i64, &who],
        |row| {
            Ok(Known {
                first: time::from_seconds(row.int(0)?)?,
                last: time::from_seconds(row.int(1)?)?,
                wanted: row.number(2)?,
                unwanted: row.number(3)?,
                ham: row.number(4)?,
                spam: row.number(5)?,
            })
        },
    )
}

/// Writes down that he was met.
pub fn meet(tx: &mut Tx<'_>, account: AccountId, kind: Kind, name: &str, met: Met) -> Result<()> {
    let who = key(tx, name);
    let now = tx.now().as_second();
    let (wanted, unwanted, ham, spam): (i64, i64, i64, i64) = match met {
        Met::Wanted => (1, 0, 0, 0),
        Met::Unwanted => (0, 1, 0, 0),
        Met::Ham(n) => (0, 0, n, 0),
        Met::Spam(n) => (0, 0, 0, n),
    };
    tx.execute(
        "INSERT INTO acquaintance (account, kind, who, first, last, wanted, unwanted, ham, spam) \
         VALUES ($1, $2, $3, $4, $4, $5, $6, $9, $10) \
         ON CONFLICT (account, kind, who) DO UPDATE SET last = excluded.last, wanted = acquaintance.wanted + $5, \
         unwanted = acquaintance.unwanted + $6, \
         ham = CASE WHEN acquaintance.ham + $7 > 0 THEN acquaintance.ham + $7 ELSE 0 END, \
         spam = CASE WHEN acquaintance.spam + $8 > 0 THEN acquaintance.spam + $8 ELSE 0 END",
        params![account, kind as i64, &who, now, wanted, unwanted, ham, spam, ham.max(0), spam.max(0)],
    )?;
    Ok(())
}

/// Forgets whom nobody has met for so long, and the oldest above so many; at most `limit` of each, so that it never takes long.
pub fn prune(tx: &mut Tx<'_>, unseen: Duration, most: u64, limit: u64) -> Result<u64> {
    let before = tx.now().as_second() - i64::try_from(unseen.as_secs()).unwrap_or(i64::MAX);
    let count = tx.one("SELECT COUNT(*) FROM acquaintance", params![], |row| {
        row.int(0)
    })?;
    let surplus = u64::try_from(count.unwrap_or(0))
        .unwrap_or(0)
        .saturating_sub(most);
    let (surplus, limit) = (surplus.min(limit), limit);
    let gone = tx.execute(
        "DELETE FROM acquaintance WHERE (account, kind, who) IN \
         (SELECT account, kind, who FROM acquaintance WHERE last < $1 ORDER BY last LIMIT $2)",
        params![before, limit as i64],
    )?;
    let more = tx.execute(
        "DELETE FROM acquaintance WHERE (account, kind, who) IN \
         (SELECT account, kind, who FROM acquaintance ORDER BY last LIMIT $1)",
        params![surplus.saturating_sub(gone) as i64],
    )?;
    Ok(gone + more)
}

/// A name in small letters, as a hash that tells nothing without the key of the store.
fn key(tx: &Tx<'_>, name: &str) -> Vec<u8> {
    let mut hasher = tx.context.vault.hasher();
    hasher.update(name.to_lowercase().as_bytes());
    hasher.finalize().as_bytes()[..16].to_vec()
}

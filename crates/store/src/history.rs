//! Decides how much of the change log is forgotten; how it is forgotten without losing what readers need is `change::prune`.
//!
//! The log has MODSEQs and no times. So who prunes leaves marks (`change_mark`): at this time the account stood at this MODSEQ.

use crate::change::prune;
use crate::engine::params;
use crate::tx::Tx;
use crate::{AccountId, ModSeq, Result, Timestamp};

/// Accounts looked at in one transaction.
const ACCOUNTS: usize = 100;

/// What stays in the log.
#[derive(Clone, Copy, Debug)]
pub struct Keep {
    /// What happened after this.
    pub since: Timestamp,
    /// So many of each account's records, however old.
    pub records: u64,
}

/// What one transaction forgot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// How many records.
    pub records: u64,
    /// Whether nothing is left to forget.
    pub done: bool,
}

/// Notes for accounts that have changed since their last mark where they stand at the time `now`, for `limit` accounts at most. Says for
/// how many; fewer than `limit`: that was all.
pub fn mark(tx: &mut Tx<'_>, now: Timestamp, limit: usize) -> Result<usize> {
    let at = now.as_second();
    let changed = tx.all(
        "SELECT id, modseq FROM account WHERE modseq > \
         COALESCE((SELECT MAX(modseq) FROM change_mark WHERE account = account.id), log_from) \
         AND NOT EXISTS (SELECT 1 FROM change_mark WHERE account = account.id AND at >= $1) ORDER BY id LIMIT $2",
        params![at, limit],
        |row| Ok((AccountId::from_u128(row.id(0)?), ModSeq(row.number(1)?))),
    )?;
    for (account, modseq) in &changed {
        tx.execute(
            "INSERT INTO change_mark (account, at, modseq) VALUES ($1, $2, $3)",
            params![*account, at, *modseq],
        )?;
    }
    Ok(changed.len())
}

/// Forgets records that need not stay, about `budget` at most, so that no transaction is long. To be repeated until it is done.
pub fn prune_due(tx: &mut Tx<'_>, keep: &Keep, budget: u64) -> Result<Pruned> {
    let due = tx.all(
        "SELECT account, MAX(modseq) FROM change_mark WHERE at < $1 GROUP BY account ORDER BY account LIMIT $2",
        params![keep.since.as_second(), ACCOUNTS],
        |row| Ok((AccountId::from_u128(row.id(0)?), ModSeq(row.number(1)?))),
    )?;
    let mut pruned = Pruned::default();
    for (account, until) in &due {
        let left = budget.saturating_sub(pruned.records);
        if left == 0 {
            return Ok(pruned);
        }
        let (records, done) = prune_account(tx, *account, *until, keep, left)?;
        pruned.records += records;
        if done {
            tx.execute(
                "DELETE FROM change_mark WHERE account = $1 AND at < $2",
                params![*account, keep.since.as_second()],
            )?;
        }
    }
    pruned.done = due.len() < ACCOUNTS && pruned.records < budget;
    Ok(pruned)
}

/// How many records of this account it forgot, and whether that was all that is old enough.
fn prune_account(
    tx: &mut Tx<'_>,
    account: AccountId,
    old: ModSeq,
    keep: &Keep,
    budget: u64,
) -> Result<(u64, bool)> {
    let Some(until) = above_the_floor(tx, account, old, keep.records)? else {
        return Ok((0, true));
    };
    let (until, done) = match end_of_batch(tx, account, until, budget)? {
        Some(earlier) if earlier < until => (earlier, false),
        _ => (until, true),
    };
    Ok((prune(tx, account, until)?, done))
}

/// Up to where the log may go, so that so many records stay; `None`: nowhere.
fn above_the_floor(
    tx: &mut Tx<'_>,
    account: AccountId,
    old: ModSeq,
    floor: u64,
) -> Result<Option<ModSeq>> {
    let Some(last) = floor.checked_sub(1) else {
        return Ok(Some(old));
    };
    let stays = tx.one(
        "SELECT modseq FROM change WHERE account = $1 ORDER BY modseq DESC, n DESC LIMIT 1 OFFSET $2",
        params![account, last],
        |row| row.number::<u64>(0),
    )?;
    Ok(stays.map(|stays| old.min(ModSeq(stays.saturating_sub(1)))))
}

/// The MODSEQ of the last of so many records that have not been joined by an earlier run.
fn end_of_batch(
    tx: &mut Tx<'_>,
    account: AccountId,
    until: ModSeq,
    budget: u64,
) -> Result<Option<ModSeq>> {
    tx.one(
        "SELECT modseq FROM change WHERE account = $1 AND modseq <= $2 \
         AND modseq > (SELECT log_from FROM account WHERE id = $1) ORDER BY modseq, n LIMIT 1 OFFSET $3",
        params![account, until, budget.saturating_sub(1)],
        |row| row.number(0).map(ModSeq),
    )
}

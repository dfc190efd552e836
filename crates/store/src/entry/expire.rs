//! Autoexpunge: removes what has been in a mailbox for too long, by the date it was saved there (catalogue P9). It decides no times.

use super::remove;
use super::scan;
use crate::engine::{Row, params};
use crate::mailbox::{SpecialUse, canonical};
use crate::removed::Why;
use crate::tx::Tx;
use crate::{AccountId, MailboxId, Result, Timestamp, Uid};

/// Mailboxes of all accounts that are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Everywhere {
    /// Those of this special use, whatever their names.
    Special(SpecialUse),
    /// Those of this name.
    Named(String),
}

/// Mailboxes that hold something saved before `before`; at most `limit`.
///
/// UIDs are given in the order of saving, so the first few messages tell, and no mailbox is read through (a message that was saved
/// while the clock was wrong waits until those before it are gone).
pub fn expired(
    tx: &mut Tx<'_>,
    which: &Everywhere,
    before: Timestamp,
    limit: usize,
) -> Result<Vec<(AccountId, MailboxId)>> {
    let before = before.as_second();
    match which {
        Everywhere::Special(special) => tx.all(
            "SELECT m.account, m.id FROM mailbox m WHERE m.special_use = $1 AND EXISTS \
             (SELECT 1 FROM (SELECT e.saved FROM entry e WHERE e.account = m.account AND e.mailbox = m.id \
             ORDER BY e.uid LIMIT 20) AS oldest WHERE oldest.saved < $2) \
             ORDER BY m.account, m.id LIMIT $3",
            params![special.number(), before, limit],
            place,
        ),
        Everywhere::Named(name) => tx.all(
            "SELECT m.account, m.id FROM mailbox m WHERE m.name = $1 AND EXISTS \
             (SELECT 1 FROM (SELECT e.saved FROM entry e WHERE e.account = m.account AND e.mailbox = m.id \
             ORDER BY e.uid LIMIT 20) AS oldest WHERE oldest.saved < $2) \
             ORDER BY m.account, m.id LIMIT $3",
            params![&canonical(name), before, limit],
            place,
        ),
    }
}

fn place(row: &Row<'_>) -> Result<(AccountId, MailboxId)> {
    let account = AccountId::from_u128(row.id(0)?);
    Ok((account, MailboxId::from_u128(row.id(1)?)))
}

/// Removes messages of a mailbox that were saved there before `before`, whatever their flags; at most `limit`, so that no transaction is
/// long. Returns their UIDs, ascending.
pub fn expire(
    tx: &mut Tx<'_>,
    account: AccountId,
    mailbox: MailboxId,
    before: Timestamp,
    limit: usize,
) -> Result<Vec<Uid>> {
    tx.lock_account(account)?;
    let old = tx.all(
        "SELECT uid FROM entry WHERE account = $1 AND mailbox = $2 AND saved < $3 ORDER BY uid LIMIT $4",
        params![account, mailbox, before.as_second(), limit],
        |row| row.number::<u32>(0),
    )?;
    let ranges: Vec<_> = old.into_iter().map(|uid| uid..=uid).collect();
    let entries = scan(tx, account, mailbox, &ranges, None, usize::MAX)?;
    remove::remove(tx, account, mailbox, &entries, Some(Why::Expired))
}

//! What happened to messages over IMAP and scripts have yet to look at (RFC 6785): a durable list, so that no command waits for a
//! script, and none is forgotten if the server stops in between (catalogue G15, I12). Which scripts, and what they do, is not known here.

use crate::engine::{Row, params};
use crate::tx::Tx;
use crate::{AccountId, Error, MailboxId, Result, Timestamp, time};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Why scripts run (RFC 6785 §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Cause {
    /// Messages were copied or moved into the mailbox.
    Copy,
    /// They were appended to it.
    Append,
    /// Their flags changed.
    Flag,
}

impl Cause {
    /// As scripts and settings call it.
    pub fn word(self) -> &'static str {
        match self {
            Cause::Copy => "COPY",
            Cause::Append => "APPEND",
            Cause::Flag => "FLAG",
        }
    }
}

/// The same thing that happened to one or several messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What.
    pub cause: Cause,
    /// The address of the account that did it.
    pub actor: String,
    /// Where the messages are.
    pub mailbox: MailboxId,
    /// The name of that mailbox to its owner, then.
    pub name: String,
    /// The name of the mailbox that they came from.
    pub from: Option<String>,
    /// The flags that changed.
    pub changed: Vec<String>,
    /// The messages that scripts have not looked at yet, ascending.
    pub uids: Vec<RangeInclusive<u32>>,
}

/// The stored form.
#[derive(Serialize, Deserialize)]
struct Data {
    cause: Cause,
    actor: String,
    mailbox: [u8; 16],
    name: String,
    from: Option<String>,
    changed: Vec<String>,
    uids: Vec<RangeInclusive<u32>>,
}

/// An event on the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Whose mailbox it is about.
    pub account: AccountId,
    /// Its place in the account's list.
    pub n: i64,
    /// How often its scripts were begun in vain.
    pub attempts: u32,
    /// What happened.
    pub event: Event,
}

/// Puts an event on the list of the mailbox's owner, due at this time.
pub fn add(tx: &mut Tx<'_>, account: AccountId, event: &Event, due: Timestamp) -> Result<()> {
    tx.lock_account(account)?;
    let newest = tx.one(
        "SELECT COALESCE(MAX(n), 0) FROM script_event WHERE account = $1",
        params![account],
        |row| row.int(0),
    )?;
    let n = newest.unwrap_or_default() + 1;
    let sealed = seal(tx, account, event)?;
    let due = due.as_microsecond();
    tx.execute(
        "INSERT INTO script_event (account, n, due, attempts, data) VALUES ($1, $2, $3, 0, $4)",
        params![account, n, due, &sealed],
    )?;
    tx.effects.event_work = true;
    Ok(())
}

/// The accounts with an event that is due, at most `limit`.
pub fn due(tx: &mut Tx<'_>, now: Timestamp, limit: usize) -> Result<Vec<AccountId>> {
    tx.all(
        "SELECT DISTINCT account FROM script_event WHERE due <= $1 LIMIT $2",
        params![now.as_microsecond(), limit],
        |row| Ok(AccountId::from_u128(row.id(0)?)),
    )
}

/// When the next event is due.
pub fn next_due(tx: &mut Tx<'_>) -> Result<Option<Timestamp>> {
    let due = tx.one("SELECT MIN(due) FROM script_event", params![], |row| {
        row.opt_int(0)
    })?;
    due.flatten().map(time::from_microseconds).transpose()
}

/// Takes the oldest event of an account that is due, and puts it off until `again`: that is when it is taken next if nothing more is
/// heard of whoever took it.
pub fn begin(
    tx: &mut Tx<'_>,
    account: AccountId,
    now: Timestamp,
    again: Timestamp,
) -> Result<Option<Pending>> {
    tx.lock_account(account)?;
    let found = tx.one(
        "SELECT n, attempts, data FROM script_event WHERE account = $1 AND due <= $2 ORDER BY n LIMIT 1",
        params![account, now.as_microsecond()],
        row,
    )?;
    let Some((n, attempts, sealed)) = found else {
        return Ok(None);
    };
    tx.execute(
        "UPDATE script_event SET due = $3, attempts = attempts + 1 WHERE account = $1 AND n = $2",
        params![account, n, again.as_microsecond()],
    )?;
    Ok(Some(Pending {
        account,
        n,
        attempts,
        event: open(tx, account, &sealed)?,
    }))
}

fn row(row: &Row<'_>) -> Result<(i64, u32, Vec<u8>)> {
    Ok((row.int(0)?, row.number(1)?, row.blob(2)?.to_vec()))
}

/// Scripts have looked at all messages of an event but these, which are due at this time; with none of them left it is done.
/// Nothing happens if somebody else has taken the event meanwhile.
pub fn looked_at(
    tx: &mut Tx<'_>,
    pending: &Pending,
    left: &[RangeInclusive<u32>],
    due: Timestamp,
) -> Result<()> {
    let account = pending.account;
    if left.is_empty() {
        return remove(tx, pending);
    }
    let event = Event {
        uids: left.to_vec(),
        ..pending.event.clone()
    };
    let sealed = seal(tx, account, &event)?;
    let due = due.as_microsecond();
    tx.execute(
        "UPDATE script_event SET due = $4, attempts = 0, data = $5 WHERE account = $1 AND n = $2 AND attempts = $3",
        params![account, pending.n, pending.taken(), due, &sealed],
    )?;
    tx.effects.event_work = true;
    Ok(())
}

/// Its scripts could not be run now: they are tried again at `due`.
pub fn put_off(tx: &mut Tx<'_>, pending: &Pending, due: Timestamp) -> Result<()> {
    tx.execute(
        "UPDATE script_event SET due = $4 WHERE account = $1 AND n = $2 AND attempts = $3",
        params![
            pending.account,
            pending.n,
            pending.taken(),
            due.as_microsecond()
        ],
    )?;
    Ok(())
}

/// Takes an event off the list.
pub fn remove(tx: &mut Tx<'_>, pending: &Pending) -> Result<()> {
    tx.execute(
        "DELETE FROM script_event WHERE account = $1 AND n = $2 AND attempts = $3",
        params![pending.account, pending.n, pending.taken()],
    )?;
    tx.effects.event_work = true;
    Ok(())
}

impl Pending {
    /// The number of attempts that [`begin`] wrote: with another one there, it is somebody else's.
    fn taken(&self) -> u32 {
        self.attempts.saturating_add(1)
    }
}

fn seal(tx: &Tx<'_>, account: AccountId, event: &Event) -> Result<Vec<u8>> {
    let data = Data {
        cause: event.cause,
        actor: event.actor.clone(),
        mailbox: event.mailbox.as_u128().to_be_bytes(),
        name: event.name.clone(),
        from: event.from.clone(),
        changed: event.changed.clone(),
        uids: event.uids.clone(),
    };
    let plain = postcard::to_stdvec(&data)
        .map_err(|e| Error::Bug(format!("an event of a script cannot be encoded: {e}")))?;
    tx.context.vault.seal(&place(account), &plain)
}

fn open(tx: &Tx<'_>, account: AccountId, sealed: &[u8]) -> Result<Event> {
    let plain = tx.context.vault.open(&place(account), sealed)?;
    let data: Data = postcard::from_bytes(&plain).map_err(|e| {
        Error::Corrupt(format!(
            "an event of a script of account {account} is unreadable: {e}"
        ))
    })?;
    Ok(Event {
        cause: data.cause,
        actor: data.actor,
        mailbox: MailboxId::from_u128(u128::from_be_bytes(data.mailbox)),
        name: data.name,
        from: data.from,
        changed: data.changed,
        uids: data.uids,
    })
}

fn place(account: AccountId) -> [u8; 16] {
    account.as_u128().to_be_bytes()
}

//! Sieve scripts of accounts: any number by name, at most one of them active (RFC 5804 §1).
//!
//! Their text is kept as it came; what it means is not known here. Beside them: what they remember ([`memory`]), what went wrong
//! ([`journal`]), and what they have yet to look at ([`event`]).

pub mod event;
pub mod journal;
pub mod memory;

use crate::change::Record;
use crate::engine::{Row, params};
use crate::tx::Tx;
use crate::{AccountId, Error, Result, Timestamp, time};

/// A script without its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Its name, as `managesieve` allows it.
    pub name: String,
    /// Does it decide about arriving mail?
    pub active: bool,
    /// Octets.
    pub size: u64,
    /// BLAKE3 of the text: whoever has compiled it knows whether it is still the same.
    pub hash: [u8; 32],
    /// What it may do.
    pub traits: Traits,
    /// When its text changed last.
    pub changed: Timestamp,
}

/// What a script may do, as far as that must be known before it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traits {
    /// It may refuse mail (reject, ereject).
    pub refuses: bool,
    /// It includes others.
    pub includes: bool,
}

/// What an account may keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Scripts.
    pub scripts: u64,
    /// Octets of one script.
    pub script_size: u64,
    /// Octets of all of them.
    pub storage: u64,
}

/// Why a script has no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortage {
    /// There are as many scripts as there may be.
    TooMany,
    /// This one is too large.
    TooLarge,
    /// All together would be too large.
    NoRoom,
}

const REFUSES: i64 = 1;
const INCLUDES: i64 = 2;

impl Traits {
    fn bits(self) -> i64 {
        i64::from(self.refuses) * REFUSES + i64::from(self.includes) * INCLUDES
    }

    fn from_bits(bits: i64) -> Traits {
        Traits {
            refuses: bits & REFUSES != 0,
            includes: bits & INCLUDES != 0,
        }
    }
}

/// All scripts of an account, by name.
pub fn list(tx: &mut Tx<'_>, account: AccountId) -> Result<Vec<Script>> {
    tx.all(
        "SELECT name, active, size, hash, traits, changed FROM script WHERE account = $1 ORDER BY name",
        params![account],
        read,
    )
}

/// The script of this name.
pub fn by_name(tx: &mut Tx<'_>, account: AccountId, name: &str) -> Result<Option<Script>> {
    tx.one(
        "SELECT name, active, size, hash, traits, changed FROM script WHERE account = $1 AND name = $2",
        params![account, name],
        read,
    )
}

/// The script that decides about arriving mail.
pub fn active(tx: &mut Tx<'_>, account: AccountId) -> Result<Option<Script>> {
    tx.one(
        "SELECT name, active, size, hash, traits, changed FROM script WHERE account = $1 AND active = 1",
        params![account],
        read,
    )
}

fn read(row: &Row<'_>) -> Result<Script> {
    Ok(Script {
        name: row.string(0)?,
        active: row.flag(1)?,
        size: row.number(2)?,
        hash: row.array(3)?,
        traits: Traits::from_bits(row.int(4)?),
        changed: time::from_seconds(row.int(5)?)?,
    })
}

/// The text of the script of this name.
pub fn content(tx: &mut Tx<'_>, account: AccountId, name: &str) -> Result<Option<Vec<u8>>> {
    let found = tx.one(
        "SELECT hash, content FROM script WHERE account = $1 AND name = $2",
        params![account, name],
        |row| Ok((row.array::<32>(0)?, row.blob(1)?.to_vec())),
    )?;
    found
        .map(|(hash, sealed)| tx.context.vault.open(&place(account, &hash), &sealed))
        .transpose()
}

/// Not the name, so that a script can be renamed as it is.
fn place(account: AccountId, hash: &[u8; 32]) -> [u8; 48] {
    let mut place = [0; 48];
    place[..16].copy_from_slice(&account.as_u128().to_be_bytes());
    place[16..].copy_from_slice(hash);
    place
}

/// The hash that a text has as a script.
pub fn hash(content: &[u8]) -> [u8; 32] {
    *blake3::hash(content).as_bytes()
}

/// Is there room for a script of this name and size (RFC 5804 §2.5)? `None`: there is.
pub fn shortage(
    tx: &mut Tx<'_>,
    account: AccountId,
    name: &str,
    size: u64,
    quota: &Quota,
) -> Result<Option<Shortage>> {
    let others = tx.one(
        "SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM script WHERE account = $1 AND name <> $2",
        params![account, name],
        |row| Ok((row.number::<u64>(0)?, row.number::<u64>(1)?)),
    )?;
    let (count, octets) = others.unwrap_or_default();
    Ok(if size > quota.script_size {
        Some(Shortage::TooLarge)
    } else if count >= quota.scripts {
        Some(Shortage::TooMany)
    } else if octets.saturating_add(size) > quota.storage {
        Some(Shortage::NoRoom)
    } else {
        None
    })
}

/// Stores a script, in place of one of the same name; an active one stays active. `Some`: it has no room, and nothing is changed.
pub fn put(
    tx: &mut Tx<'_>,
    account: AccountId,
    name: &str,
    content: &[u8],
    traits: Traits,
    quota: &Quota,
) -> Result<Option<Shortage>> {
    tx.lock_account(account)?;
    let size = content.len() as u64;
    if let Some(shortage) = shortage(tx, account, name, size, quota)? {
        return Ok(Some(shortage));
    }
    tx.known_modseq(account)?;
    let hash = hash(content);
    let sealed = tx.context.vault.seal(&place(account, &hash), content)?;
    let now = tx.now().as_second();
    tx.execute(
        "INSERT INTO script (account, name, active, size, hash, traits, changed, content) VALUES ($1, $2, 0, $3, $4, $5, $6, $7) \
         ON CONFLICT (account, name) DO UPDATE SET size = excluded.size, hash = excluded.hash, traits = excluded.traits, \
         changed = excluded.changed, content = excluded.content",
        params![account, name, size, &hash, traits.bits(), now, &sealed],
    )?;
    let name = name.to_owned();
    tx.record(account, None, Record::ScriptStored { name });
    Ok(None)
}

/// Makes a script the active one; `None`: none is. [`Error::Missing`] if there is no such script.
pub fn set_active(tx: &mut Tx<'_>, account: AccountId, name: Option<&str>) -> Result<()> {
    tx.lock_account(account)?;
    if let Some(name) = name
        && by_name(tx, account, name)?.is_none()
    {
        return Err(missing(name));
    }
    let changed = tx.execute(
        "UPDATE script SET active = 0 WHERE account = $1 AND active = 1 AND name <> $2",
        params![account, name.unwrap_or_default()],
    )?;
    let named = tx.execute(
        "UPDATE script SET active = 1 WHERE account = $1 AND active = 0 AND name = $2",
        params![account, name.unwrap_or_default()],
    )?;
    if changed + named > 0 {
        tx.known_modseq(account)?;
        let name = name.map(str::to_owned);
        tx.record(account, None, Record::ScriptActivated { name });
    }
    Ok(())
}

/// Gives a script another name; an active one stays active. [`Error::Missing`] and [`Error::Exists`] as the names say.
pub fn rename(tx: &mut Tx<'_>, account: AccountId, from: &str, to: &str) -> Result<()> {
    tx.lock_account(account)?;
    if by_name(tx, account, from)?.is_none() {
        return Err(missing(from));
    }
    if by_name(tx, account, to)?.is_some() {
        return Err(Error::Exists(format!("the script “{to}”")));
    }
    tx.known_modseq(account)?;
    tx.execute(
        "UPDATE script SET name = $3 WHERE account = $1 AND name = $2",
        params![account, from, to],
    )?;
    let (from, to) = (from.to_owned(), to.to_owned());
    tx.record(account, None, Record::ScriptRenamed { from, to });
    Ok(())
}

/// Deletes a script. [`Error::Missing`] if there is none, [`Error::Refused`] if it is the active one.
pub fn delete(tx: &mut Tx<'_>, account: AccountId, name: &str) -> Result<()> {
    tx.lock_account(account)?;
    match by_name(tx, account, name)? {
        None => return Err(missing(name)),
        Some(script) if script.active => {
            return Err(Error::Refused(format!("the script “{name}” is active")));
        }
        Some(_) => {}
    }
    tx.known_modseq(account)?;
    tx.execute(
        "DELETE FROM script WHERE account = $1 AND name = $2",
        params![account, name],
    )?;
    let name = name.to_owned();
    tx.record(account, None, Record::ScriptDeleted { name });
    Ok(())
}

fn missing(name: &str) -> Error {
    Error::Missing(format!("the script “{name}”"))
}

/// May any script of the account refuse mail?
pub fn any_refuses(tx: &mut Tx<'_>, account: AccountId) -> Result<bool> {
    let found = tx.one(
        "SELECT traits FROM script WHERE account = $1 AND traits IN (1, 3) LIMIT 1",
        params![account],
        |row| row.int(0),
    )?;
    Ok(found.is_some())
}

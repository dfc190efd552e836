//! Accounts: who has mailboxes and may log in.

use crate::body::rows;
use crate::change::Record;
use crate::engine::{Row, params};
use crate::id::fresh_id;
use crate::mailbox::{self, SpecialUse};
use crate::quota::{Limits, Used};
use crate::tx::Tx;
use crate::{AccountId, Error, ModSeq, Result, Timestamp, time};

/// An account as stored.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its id; never used again.
    pub id: AccountId,
    /// The primary address, lower-case, `local@domain`.
    pub address: String,
    /// The person's name; may be empty.
    pub name: String,
    /// False: no login, no sending; what happens to its mail is a setting (catalogue B25).
    pub active: bool,
    /// How it proves who it is.
    pub credentials: Credentials,
    /// Bytes it may hold; `None` means the configured default.
    pub quota: Option<u64>,
    /// Bytes it holds, counted uncompressed.
    pub used_bytes: u64,
    /// Messages it holds.
    pub used_messages: u64,
    /// Its latest MODSEQ.
    pub modseq: ModSeq,
    /// When it was made.
    pub created: Timestamp,
    /// Messages it may hold; `None` means the configured default.
    pub quota_messages: Option<u64>,
    /// How full it was when its owner was last told: 0, a per cent that he was warned of, or 100 when it took no mail (P6, P7).
    pub quota_level: u8,
    /// The language its owner is written to in (a tag like `de`); `None`: the configured one.
    pub language: Option<String>,
    /// What was removed from its mailboxes and can be put back; apart from the quota.
    pub removed: Used,
}

impl Account {
    /// Its own limits.
    pub fn limits(&self) -> Limits {
        Limits {
            bytes: self.quota,
            messages: self.quota_messages,
        }
    }

    /// What it holds.
    pub fn used(&self) -> Used {
        Used {
            bytes: self.used_bytes,
            messages: self.used_messages,
        }
    }
}

/// What a password is checked against. `Debug` prints nothing secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// A hash in PHC or crypt form (`$argon2id$…`, `$2b$…`, `$6$…`); `None`: no password works.
    pub hash: Option<String>,
    /// RFC 5803 form: `SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY` (base64), for SCRAM; `None`: only PLAIN and LOGIN.
    pub scram: Option<String>,
    /// The same for SCRAM-SHA-1, where a setting asks for it. Passwords are guessed faster from it.
    pub scram_sha1: Option<String>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// What is needed to make an account.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// `local@domain`; stored lower-case. The domain must exist.
    pub address: String,
    /// The person's name; may be empty.
    pub name: String,
    /// How it proves who it is.
    pub credentials: Credentials,
    /// Bytes it may hold; `None` means the configured default.
    pub quota: Option<u64>,
    /// Mailboxes to make and subscribe besides INBOX, with their special use (catalogue G10).
    pub mailboxes: Vec<(String, Option<SpecialUse>)>,
}

/// Makes an account with its mailboxes. [`crate::Error::Exists`] if the address is taken, [`crate::Error::Missing`] if the domain is not hosted.
pub fn add(tx: &mut Tx<'_>, new: &NewAccount) -> Result<AccountId> {
    let address = checked_address(tx, &new.address)?;
    let id = AccountId::from_u128(fresh_id()?);
    let now = tx.now().as_second();
    let credentials = &new.credentials;
    let added = tx.execute(
        "INSERT INTO account (id, address, name, active, hash, scram, quota, used_bytes, used_messages, modseq, uid_validity, \
         log_from, created, scram_sha1) VALUES ($1, $2, $3, 1, $4, $5, $6, 0, 0, 0, $7, 0, $8, $9) ON CONFLICT DO NOTHING",
        params![
            id,
            &address,
            &new.name,
            credentials.hash.as_ref(),
            credentials.scram.as_ref(),
            new.quota,
            // UIDVALIDITYs begin with the time of creation and count from there.
            now.clamp(0, i64::from(u32::MAX / 2)),
            now,
            credentials.scram_sha1.as_ref()
        ],
    )?;
    if added == 0 {
        return Err(Error::Exists(format!("account {address}")));
    }
    note_change(tx, id)?;
    add_mailboxes(tx, id, &new.mailboxes)?;
    Ok(id)
}

fn add_mailboxes(
    tx: &mut Tx<'_>,
    id: AccountId,
    mailboxes: &[(String, Option<SpecialUse>)],
) -> Result<()> {
    mailbox::create(tx, id, mailbox::INBOX, None)?;
    mailbox::subscribe(tx, id, mailbox::INBOX, true)?;
    for (name, special) in mailboxes {
        mailbox::create(tx, id, name, *special)?;
        mailbox::subscribe(tx, id, name, true)?;
    }
    Ok(())
}

/// Lower-case, and in a domain that is hosted.
fn checked_address(tx: &mut Tx<'_>, address: &str) -> Result<String> {
    let address = address.to_lowercase();
    let refused = || {
        Error::Refused(format!(
            "“{}” is not an address local@domain",
            address.escape_debug()
        ))
    };
    let (local, domain) = address.rsplit_once('@').ok_or_else(refused)?;
    if local.is_empty()
        || address.len() > 320
        || address.chars().any(|c| c.is_control() || c.is_whitespace())
    {
        return Err(refused());
    }
    if crate::domain::by_name(tx, domain)?.is_none() {
        return Err(Error::Missing(format!("domain {domain}")));
    }
    Ok(address)
}

/// The account with this primary address (any case).
pub fn by_address(tx: &mut Tx<'_>, address: &str) -> Result<Option<Account>> {
    tx.one(
        "SELECT id, address, name, active, hash, scram, quota, used_bytes, used_messages, modseq, created, quota_messages, \
         quota_level, language, removed_bytes, removed_messages, scram_sha1 FROM account \
         WHERE address = $1",
        params![&address.to_lowercase()],
        read,
    )
}

/// The account with this id.
pub fn by_id(tx: &mut Tx<'_>, id: AccountId) -> Result<Option<Account>> {
    tx.one(
        "SELECT id, address, name, active, hash, scram, quota, used_bytes, used_messages, modseq, created, quota_messages, \
         quota_level, language, removed_bytes, removed_messages, scram_sha1 FROM account \
         WHERE id = $1",
        params![id],
        read,
    )
}

/// All accounts, by address.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<Account>> {
    tx.all(
        "SELECT id, address, name, active, hash, scram, quota, used_bytes, used_messages, modseq, created, quota_messages, \
         quota_level, language, removed_bytes, removed_messages, scram_sha1 FROM account \
         ORDER BY address",
        &[],
        read,
    )
}

fn read(row: &Row<'_>) -> Result<Account> {
    Ok(Account {
        id: AccountId::from_u128(row.id(0)?),
        address: row.string(1)?,
        name: row.string(2)?,
        active: row.flag(3)?,
        credentials: Credentials {
            hash: row.opt_text(4)?.map(str::to_owned),
            scram: row.opt_text(5)?.map(str::to_owned),
            scram_sha1: row.opt_text(16)?.map(str::to_owned),
        },
        quota: row.opt_int(6)?.map(i64::unsigned_abs),
        used_bytes: row.number(7)?,
        used_messages: row.number(8)?,
        modseq: ModSeq(row.number(9)?),
        created: time::from_seconds(row.int(10)?)?,
        quota_messages: row.opt_int(11)?.map(i64::unsigned_abs),
        quota_level: row.number(12)?,
        language: row.opt_text(13)?.map(str::to_owned),
        removed: Used {
            bytes: row.number(14)?,
            messages: row.number(15)?,
        },
    })
}

/// Removes the account, its mailboxes, messages, and the aliases that lead only to it (catalogue E29).
pub fn remove(tx: &mut Tx<'_>, id: AccountId) -> Result<()> {
    tx.lock_account(id)?;
    let account = by_id(tx, id)?.ok_or_else(|| Error::Missing(format!("account {id}")))?;
    let bodies = tx.all(
        "SELECT body FROM content WHERE account = $1",
        params![id],
        |row| row.array(0),
    )?;
    for body in &bodies {
        rows::release(tx, body)?;
    }
    crate::share::forget_account(tx, id, &account.address)?;
    crate::sending::forget_account(tx, id)?;
    for table in [
        "DELETE FROM content WHERE account = $1",
        "DELETE FROM entry WHERE account = $1",
        "DELETE FROM digest WHERE account = $1",
        "DELETE FROM mailbox WHERE account = $1",
        "DELETE FROM removed WHERE account = $1",
        "DELETE FROM removed_mailbox WHERE account = $1",
        "DELETE FROM subscription WHERE account = $1",
        "DELETE FROM script WHERE account = $1",
        "DELETE FROM script_memory WHERE account = $1",
        "DELETE FROM script_log WHERE account = $1",
        "DELETE FROM script_event WHERE account = $1",
        "DELETE FROM filing WHERE account = $1",
        "DELETE FROM judgement WHERE account = $1",
        "DELETE FROM acquaintance WHERE account = $1",
        "DELETE FROM wish WHERE account = $1",
        "DELETE FROM learn_job WHERE account = $1",
        "DELETE FROM lesson WHERE account = $1",
        "DELETE FROM learned WHERE account = $1",
        "DELETE FROM model WHERE account = $1",
        "DELETE FROM change WHERE account = $1",
        "DELETE FROM change_mark WHERE account = $1",
        "DELETE FROM account WHERE id = $1",
    ] {
        tx.execute(table, params![id])?;
    }
    tx.execute(
        "DELETE FROM alias WHERE target = $1",
        params![&account.address],
    )?;
    tx.effects.touched.retain(|touched| touched.account != id);
    tx.effects.gone.push(id);
    Ok(())
}

/// Replaces the credentials.
pub fn set_credentials(tx: &mut Tx<'_>, id: AccountId, credentials: &Credentials) -> Result<()> {
    note_change(tx, id)?;
    tx.execute(
        "UPDATE account SET hash = $2, scram = $3, scram_sha1 = $4 WHERE id = $1",
        params![
            id,
            credentials.hash.as_ref(),
            credentials.scram.as_ref(),
            credentials.scram_sha1.as_ref()
        ],
    )?;
    Ok(())
}

/// Removes the keys for SCRAM-SHA-1 of all accounts; says how many had any.
pub fn forget_scram_sha1(tx: &mut Tx<'_>) -> Result<usize> {
    let with_keys = tx.all(
        "SELECT id FROM account WHERE scram_sha1 IS NOT NULL",
        &[],
        |row| Ok(AccountId::from_u128(row.id(0)?)),
    )?;
    for id in &with_keys {
        note_change(tx, *id)?;
    }
    tx.execute(
        "UPDATE account SET scram_sha1 = NULL WHERE scram_sha1 IS NOT NULL",
        &[],
    )?;
    Ok(with_keys.len())
}

/// Sets how many octets it may hold; `None` goes back to the default.
pub fn set_quota(tx: &mut Tx<'_>, id: AccountId, quota: Option<u64>) -> Result<()> {
    note_change(tx, id)?;
    tx.execute(
        "UPDATE account SET quota = $2 WHERE id = $1",
        params![id, quota],
    )?;
    tx.note_limits(id)
}

/// Sets how many messages it may hold; `None` goes back to the default.
pub fn set_message_quota(tx: &mut Tx<'_>, id: AccountId, messages: Option<u64>) -> Result<()> {
    note_change(tx, id)?;
    tx.execute(
        "UPDATE account SET quota_messages = $2 WHERE id = $1",
        params![id, messages],
    )?;
    tx.note_limits(id)
}

/// Its owner has been told that it is so full (see [`Account::quota_level`]).
pub fn set_quota_level(tx: &mut Tx<'_>, id: AccountId, level: u8) -> Result<()> {
    note_change(tx, id)?;
    tx.execute(
        "UPDATE account SET quota_level = $2 WHERE id = $1",
        params![id, level],
    )?;
    Ok(())
}

/// Sets the language that its owner is written to in; `None` goes back to the configured one.
pub fn set_language(tx: &mut Tx<'_>, id: AccountId, language: Option<&str>) -> Result<()> {
    note_change(tx, id)?;
    tx.execute(
        "UPDATE account SET language = $2 WHERE id = $1",
        params![id, language],
    )?;
    Ok(())
}

/// Switches the account on or off.
pub fn set_active(tx: &mut Tx<'_>, id: AccountId, active: bool) -> Result<()> {
    note_change(tx, id)?;
    tx.execute(
        "UPDATE account SET active = $2 WHERE id = $1",
        params![id, active],
    )?;
    Ok(())
}

/// Sets the person's name.
pub fn set_name(tx: &mut Tx<'_>, id: AccountId, name: &str) -> Result<()> {
    note_change(tx, id)?;
    tx.execute(
        "UPDATE account SET name = $2 WHERE id = $1",
        params![id, name],
    )?;
    Ok(())
}

fn note_change(tx: &mut Tx<'_>, id: AccountId) -> Result<()> {
    tx.next_modseq(id)?;
    tx.record(id, None, Record::AccountChanged);
    Ok(())
}

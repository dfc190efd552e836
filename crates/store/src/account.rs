//! Accounts: who has mailboxes and may log in.

use crate::{AccountId, ModSeq, Result, Timestamp, Tx};

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
}

/// What a password is checked against. `Debug` prints nothing secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// A hash in PHC or crypt form (`$argon2id$…`, `$2b$…`, `$6$…`); `None`: no password works.
    pub hash: Option<String>,
    /// RFC 5803 form: `SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY` (base64), for SCRAM; `None`: only PLAIN and LOGIN.
    pub scram: Option<String>,
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
    pub mailboxes: Vec<(String, Option<crate::mailbox::SpecialUse>)>,
}

/// Makes an account with its mailboxes. [`crate::Error::Exists`] if the address is taken, [`crate::Error::Missing`] if the domain is not hosted.
pub fn add(_tx: &mut Tx<'_>, _new: &NewAccount) -> Result<AccountId> {
    todo!()
}
/// The account with this primary address (any case).
pub fn by_address(_tx: &mut Tx<'_>, _address: &str) -> Result<Option<Account>> {
    todo!()
}
/// The account with this id.
pub fn by_id(_tx: &mut Tx<'_>, _id: AccountId) -> Result<Option<Account>> {
    todo!()
}
/// All accounts, by address.
pub fn list(_tx: &mut Tx<'_>) -> Result<Vec<Account>> {
    todo!()
}
/// Removes the account, its mailboxes, messages, and the aliases that lead only to it (catalogue E29).
pub fn remove(_tx: &mut Tx<'_>, _id: AccountId) -> Result<()> {
    todo!()
}
/// Replaces the credentials.
pub fn set_credentials(_tx: &mut Tx<'_>, _id: AccountId, _credentials: &Credentials) -> Result<()> {
    todo!()
}
/// Sets the quota; `None` goes back to the default.
pub fn set_quota(_tx: &mut Tx<'_>, _id: AccountId, _quota: Option<u64>) -> Result<()> {
    todo!()
}
/// Switches the account on or off.
pub fn set_active(_tx: &mut Tx<'_>, _id: AccountId, _active: bool) -> Result<()> {
    todo!()
}
/// Sets the person's name.
pub fn set_name(_tx: &mut Tx<'_>, _id: AccountId, _name: &str) -> Result<()> {
    todo!()
}

//! What an account wishes of the filter besides what the settings say: thresholds, and senders, of its own. What they mean is not known
//! here.

use crate::engine::params;
use crate::tx::Tx;
use crate::{AccountId, Error, Result};
use serde::{Deserialize, Serialize};

/// The wishes; what is `None` or empty is as in the settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Wishes {
    /// From this score on a message is marked.
    pub mark: Option<f32>,
    /// Per cent of `refuse` from which on a message is junk.
    pub junk: Option<u32>,
    /// Per cent of `refuse` above which junk is filed as read.
    pub junk_seen: Option<u32>,
    /// From this score on a message is refused.
    pub refuse: Option<f32>,
    /// Senders whose mail is welcome if it is proved to be theirs.
    pub allow: Vec<String>,
    /// Senders whose mail is refused.
    pub deny: Vec<String>,
}

/// The wishes of an account.
pub fn of(tx: &mut Tx<'_>, account: AccountId) -> Result<Wishes> {
    let found = tx.one(
        "SELECT data FROM wish WHERE account = $1",
        params![account],
        |row| Ok(row.blob(0)?.to_vec()),
    )?;
    let Some(sealed) = found else {
        return Ok(Wishes::default());
    };
    let plain = tx.context.vault.open(&place(account), &sealed)?;
    postcard::from_bytes(&plain).map_err(|e| {
        Error::Corrupt(format!(
            "the wishes of account {account} are unreadable: {e}"
        ))
    })
}

/// Sets them; those that are none take no room.
pub fn put(tx: &mut Tx<'_>, account: AccountId, wishes: &Wishes) -> Result<()> {
    if *wishes == Wishes::default() {
        tx.execute("DELETE FROM wish WHERE account = $1", params![account])?;
        return Ok(());
    }
    let plain = postcard::to_stdvec(wishes)
        .map_err(|e| Error::Bug(format!("wishes cannot be encoded: {e}")))?;
    let sealed = tx.context.vault.seal(&place(account), &plain)?;
    tx.execute(
        "INSERT INTO wish (account, data) VALUES ($1, $2) ON CONFLICT (account) DO UPDATE SET data = excluded.data",
        params![account, &sealed],
    )?;
    Ok(())
}

fn place(account: AccountId) -> [u8; 32] {
    let mut place = [0xfd; 32];
    place[..16].copy_from_slice(&account.as_u128().to_be_bytes());
    place
}

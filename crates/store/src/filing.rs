//! Why a message is where it is: which rule filed it, kept beside the message and going with it.
//!
//! Only what more than the address decided is written down: a message that simply went into INBOX has no record.

use crate::engine::params;
use crate::tx::Tx;
use crate::{AccountId, Error, MessageId, Result};
use serde::{Deserialize, Serialize};

/// One decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What was done, in the form of `pennyblack sieve test`: `fileinto "Lists"`.
    pub action: String,
    /// Who decided: `the verdict of the filter`, or the name of a script.
    pub by: String,
    /// Where in the script; 0 if it was none.
    pub line: u32,
}

/// Writes down what was decided about a message of this account.
pub fn record(
    tx: &mut Tx<'_>,
    account: AccountId,
    message: MessageId,
    decisions: &[Decision],
) -> Result<()> {
    let plain = postcard::to_stdvec(decisions)
        .map_err(|e| Error::Bug(format!("a filing cannot be encoded: {e}")))?;
    let sealed = tx.context.vault.seal(&place(account, message), &plain)?;
    tx.execute(
        "INSERT INTO filing (account, message, data) VALUES ($1, $2, $3) \
         ON CONFLICT (account, message) DO UPDATE SET data = excluded.data",
        params![account, message, &sealed],
    )?;
    Ok(())
}

/// What was decided about a message; empty if nothing was written down.
pub fn of(tx: &mut Tx<'_>, account: AccountId, message: MessageId) -> Result<Vec<Decision>> {
    let found = tx.one(
        "SELECT data FROM filing WHERE account = $1 AND message = $2",
        params![account, message],
        |row| Ok(row.blob(0)?.to_vec()),
    )?;
    let Some(sealed) = found else {
        return Ok(Vec::new());
    };
    let plain = tx.context.vault.open(&place(account, message), &sealed)?;
    postcard::from_bytes(&plain).map_err(|e| {
        Error::Corrupt(format!(
            "the filing of message {message} is unreadable: {e}"
        ))
    })
}

/// The message goes, and its record with it.
pub(crate) fn forget(tx: &mut Tx<'_>, account: AccountId, message: MessageId) -> Result<()> {
    tx.execute(
        "DELETE FROM filing WHERE account = $1 AND message = $2",
        params![account, message],
    )?;
    Ok(())
}

fn place(account: AccountId, message: MessageId) -> [u8; 32] {
    let mut place = [0; 32];
    place[..16].copy_from_slice(&account.as_u128().to_be_bytes());
    place[16..].copy_from_slice(&message.as_u128().to_be_bytes());
    place
}

//! Annotations of mailboxes and accounts (RFC 5464): named values that clients keep, each for its reader alone or for all.
//!
//! Values are sealed like everything else that people write. How many there may be is the caller's to say.

use crate::change::Record;
use crate::engine::{Row, params};
use crate::share::ACCOUNT;
use crate::tx::Tx;
use crate::{AccountId, MailboxId, Result};

/// In the column `viewer`: everybody.
const EVERYBODY: AccountId = AccountId::from_u128(0);
/// In the column `account`: the server itself.
const SERVER: AccountId = AccountId::from_u128(0);

/// What is annotated, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    account: AccountId,
    mailbox: MailboxId,
    viewer: AccountId,
}

impl Place {
    /// A mailbox, for everybody who may read it.
    pub fn shared(owner: AccountId, mailbox: MailboxId) -> Place {
        Place {
            account: owner,
            mailbox,
            viewer: EVERYBODY,
        }
    }

    /// A mailbox, for one reader.
    pub fn private(owner: AccountId, mailbox: MailboxId, viewer: AccountId) -> Place {
        Place {
            account: owner,
            mailbox,
            viewer,
        }
    }

    /// The server, for one account.
    pub fn of_account(account: AccountId) -> Place {
        Place {
            account,
            mailbox: ACCOUNT,
            viewer: account,
        }
    }

    /// The server, for everybody.
    pub fn of_server() -> Place {
        Place {
            account: SERVER,
            mailbox: ACCOUNT,
            viewer: EVERYBODY,
        }
    }

    /// What a value is sealed for.
    fn seal(self, entry: &str) -> Vec<u8> {
        let ids = [
            self.account.as_u128(),
            self.mailbox.as_u128(),
            self.viewer.as_u128(),
        ];
        let mut place = ids.map(u128::to_be_bytes).concat();
        place.extend_from_slice(entry.as_bytes());
        place
    }
}

/// How far below an entry to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The entry alone.
    Zero,
    /// And those directly below it.
    One,
    /// And all below it.
    Infinity,
}

/// The entry of this name and those below it, as deep as is asked for, by name.
pub fn read(
    tx: &mut Tx<'_>,
    place: Place,
    entry: &str,
    depth: Depth,
) -> Result<Vec<(String, Vec<u8>)>> {
    let (below, end) = match depth {
        Depth::Zero => (entry.to_owned(), entry.to_owned()),
        // `0` is the octet after `/`.
        Depth::One | Depth::Infinity => (format!("{entry}/"), format!("{entry}0")),
    };
    let mut found = tx.all(
        "SELECT entry, value FROM annotation WHERE account = $1 AND mailbox = $2 AND viewer = $3 \
         AND (entry = $4 OR (entry > $5 AND entry < $6)) ORDER BY entry",
        params![
            place.account,
            place.mailbox,
            place.viewer,
            entry,
            &below,
            &end
        ],
        sealed,
    )?;
    if depth == Depth::One {
        found.retain(|(name, _)| {
            name.get(below.len()..)
                .is_none_or(|rest| !rest.contains('/'))
        });
    }
    let opened = found.into_iter().map(|(name, value)| {
        let value = tx.context.vault.open(&place.seal(&name), &value)?;
        Ok((name, value))
    });
    opened.collect()
}

fn sealed(row: &Row<'_>) -> Result<(String, Vec<u8>)> {
    Ok((row.string(0)?, row.blob(1)?.to_vec()))
}

/// How many entries there are.
pub fn count(tx: &mut Tx<'_>, place: Place) -> Result<usize> {
    let count = tx.one(
        "SELECT COUNT(*) FROM annotation WHERE account = $1 AND mailbox = $2 AND viewer = $3",
        params![place.account, place.mailbox, place.viewer],
        |row| row.number(0),
    )?;
    Ok(count.unwrap_or(0))
}

/// Sets an entry, or removes it.
pub fn set(tx: &mut Tx<'_>, place: Place, entry: &str, value: Option<&[u8]>) -> Result<()> {
    if place.account != SERVER {
        tx.known_modseq(place.account)?;
    }
    match value {
        Some(value) => {
            let sealed = tx.context.vault.seal(&place.seal(entry), value)?;
            tx.execute(
                "INSERT INTO annotation (account, mailbox, viewer, entry, value) VALUES ($1, $2, $3, $4, $5) \
                 ON CONFLICT (account, mailbox, viewer, entry) DO UPDATE SET value = excluded.value",
                params![place.account, place.mailbox, place.viewer, entry, &sealed],
            )?;
        }
        None => {
            tx.execute(
                "DELETE FROM annotation WHERE account = $1 AND mailbox = $2 AND viewer = $3 AND entry = $4",
                params![place.account, place.mailbox, place.viewer, entry],
            )?;
        }
    }
    // Entries of the server belong to no account's history.
    let record = Record::Annotated {
        viewer: place.viewer.as_u128().to_be_bytes(),
        entry: entry.to_owned(),
    };
    let mailbox = (place.mailbox != ACCOUNT).then_some(place.mailbox);
    tx.record(place.account, mailbox, record);
    Ok(())
}

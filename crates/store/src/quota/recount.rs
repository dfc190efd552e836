//! Counting anew what is otherwise counted along (P12). On a store that is sound it changes nothing.

use super::Used;
use crate::engine::params;
use crate::tx::Tx;
use crate::{AccountId, Error, MailboxId, Result, account};

/// What counting anew came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Recount {
    /// What the account was said to hold.
    pub said: Used,
    /// What it holds.
    pub holds: Used,
    /// Mailboxes whose counters were wrong.
    pub mailboxes: u64,
}

struct Counted {
    mailbox: MailboxId,
    said: [i64; 4],
    has: [i64; 4],
}

/// Counts what an account and its mailboxes hold, and corrects what was counted wrongly. Reads all entries of the account.
pub fn recount(tx: &mut Tx<'_>, id: AccountId) -> Result<Recount> {
    tx.lock_account(id)?;
    let said = account::by_id(tx, id)?
        .ok_or_else(|| Error::Missing(format!("account {id}")))?
        .used();
    let mailboxes = count(tx, id)?;
    let sum = |n: usize| mailboxes.iter().map(|counted| counted.has[n]).sum::<i64>();
    let (messages, bytes) = (sum(0), sum(3));
    let wrong = mailboxes
        .iter()
        .filter(|counted| counted.said != counted.has);
    let mut corrected = 0;
    for counted in wrong {
        correct(tx, id, counted)?;
        corrected += 1;
    }
    let holds = Used {
        bytes: bytes.unsigned_abs(),
        messages: messages.unsigned_abs(),
    };
    if holds != said {
        let more = |now: u64, before: u64| now as i64 - before as i64;
        tx.charge(
            id,
            more(holds.bytes, said.bytes),
            more(holds.messages, said.messages),
        )?;
    }
    Ok(Recount {
        said,
        holds,
        mailboxes: corrected,
    })
}

fn count(tx: &mut Tx<'_>, id: AccountId) -> Result<Vec<Counted>> {
    tx.all(
        "SELECT m.id, m.messages, m.unseen, m.deleted, m.bytes, COUNT(e.uid), \
         COALESCE(CAST(SUM(1 - e.flags % 2) AS BIGINT), 0), COALESCE(CAST(SUM(e.flags / 8 % 2) AS BIGINT), 0), \
         COALESCE(CAST(SUM(e.size) AS BIGINT), 0) \
         FROM mailbox m LEFT JOIN entry e ON e.account = m.account AND e.mailbox = m.id WHERE m.account = $1 \
         GROUP BY m.id, m.messages, m.unseen, m.deleted, m.bytes",
        params![id],
        |row| {
            let four = |from: usize| -> Result<[i64; 4]> {
                Ok([row.int(from)?, row.int(from + 1)?, row.int(from + 2)?, row.int(from + 3)?])
            };
            Ok(Counted {
                mailbox: MailboxId::from_u128(row.id(0)?),
                said: four(1)?,
                has: four(5)?,
            })
        },
    )
}

fn correct(tx: &mut Tx<'_>, id: AccountId, counted: &Counted) -> Result<()> {
    let modseq = tx.known_modseq(id)?;
    let [messages, unseen, deleted, bytes] = counted.has;
    tx.execute(
        "UPDATE mailbox SET messages = $3, unseen = $4, deleted = $5, bytes = $6, modseq = $7 WHERE account = $1 AND id = $2",
        params![id, counted.mailbox, messages, unseen, deleted, bytes, modseq],
    )?;
    Ok(())
}

//! What the filter has to learn from: messages that people, or scripts for them, called ham or spam. A durable list, so that a move
//! never waits for the filter and nothing is lost while it is away (catalogue I12). Who learns, and what, is not known here.

use crate::engine::params;
use crate::tx::Tx;
use crate::{AccountId, Error, MessageId, Result, Timestamp, time};

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Wanted.
    Ham = 0,
    /// Not wanted.
    Spam = 1,
}

/// How it came to be called so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// It was moved or copied, into Junk or out of it.
    Move = 0,
    /// Its flags said so (`$Junk`, `$NotJunk`).
    Flag = 1,
    /// A script gave it to a program that learns.
    Script = 2,
    /// A command.
    Command = 3,
}

/// Something to learn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Whose message.
    pub account: AccountId,
    /// Which; it may be gone by now.
    pub message: MessageId,
    /// What it is.
    pub class: Class,
    /// Says who.
    pub origin: Origin,
    /// Since when.
    pub created: Timestamp,
}

/// Calls a message this; what it was called before and not yet learned is forgotten.
pub fn add(
    tx: &mut Tx<'_>,
    account: AccountId,
    message: MessageId,
    class: Class,
    origin: Origin,
) -> Result<()> {
    let now = tx.now().as_microsecond();
    tx.execute(
        "INSERT INTO learn_job (account, message, class, origin, created) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (account, message) DO UPDATE SET class = excluded.class, origin = excluded.origin, created = excluded.created",
        params![account, message, class as i64, origin as i64, now],
    )?;
    Ok(())
}

/// Some jobs, at most `limit`.
pub fn next(tx: &mut Tx<'_>, limit: usize) -> Result<Vec<Job>> {
    tx.all(
        "SELECT account, message, class, origin, created FROM learn_job ORDER BY account, message LIMIT $1",
        params![limit],
        |row| {
            Ok(Job {
                account: AccountId::from_u128(row.id(0)?),
                message: MessageId::from_u128(row.id(1)?),
                class: class(row.int(2)?)?,
                origin: origin(row.int(3)?)?,
                created: time::from_microseconds(row.int(4)?)?,
            })
        },
    )
}

/// The job is done, unless the message was called something else meanwhile.
pub fn done(tx: &mut Tx<'_>, job: &Job) -> Result<()> {
    tx.execute(
        "DELETE FROM learn_job WHERE account = $1 AND message = $2 AND created = $3",
        params![job.account, job.message, job.created.as_microsecond()],
    )?;
    Ok(())
}

fn class(number: i64) -> Result<Class> {
    match number {
        0 => Ok(Class::Ham),
        1 => Ok(Class::Spam),
        other => Err(Error::Corrupt(format!(
            "a message is of the unknown class {other}"
        ))),
    }
}

fn origin(number: i64) -> Result<Origin> {
    let all = [Origin::Move, Origin::Flag, Origin::Script, Origin::Command];
    let known = usize::try_from(number).ok().and_then(|n| all.get(n));
    known
        .copied()
        .ok_or_else(|| Error::Corrupt(format!("a learn job has the unknown origin {number}")))
}

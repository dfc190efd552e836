//! What the filter has to learn from: messages that people, or scripts for them, called ham or spam. A durable list, so that a move
//! never waits for the filter and nothing is lost while it is away (catalogue I12). Who learns, and what, is not known here.

use crate::engine::params;
use crate::lesson::Period;
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
    /// Its reader answered it, which speaks for it.
    Answer = 4,
    /// It was put into the archive, which speaks for it.
    Archive = 5,
    /// It was sent to an address that only spam is sent to.
    Trap = 6,
}

impl Origin {
    const ALL: [Origin; 7] = [
        Origin::Move,
        Origin::Flag,
        Origin::Script,
        Origin::Command,
        Origin::Answer,
        Origin::Archive,
        Origin::Trap,
    ];

    /// From its number in the database.
    pub(crate) fn from_number(number: i64) -> Result<Origin> {
        let known = usize::try_from(number)
            .ok()
            .and_then(|n| Origin::ALL.get(n));
        known
            .copied()
            .ok_or_else(|| Error::Corrupt(format!("a lesson has the unknown origin {number}")))
    }

    /// Its name in counters and answers.
    pub fn name(self) -> &'static str {
        match self {
            Origin::Move => "move",
            Origin::Flag => "flag",
            Origin::Script => "script",
            Origin::Command => "command",
            Origin::Answer => "answer",
            Origin::Archive => "archive",
            Origin::Trap => "trap",
        }
    }

    /// Nobody said so; it only looks so.
    pub fn is_weak(self) -> bool {
        matches!(self, Origin::Answer | Origin::Archive)
    }
}

impl Class {
    /// From its number in the database.
    pub(crate) fn from_number(number: i64) -> Result<Class> {
        match number {
            0 => Ok(Class::Ham),
            1 => Ok(Class::Spam),
            other => Err(Error::Corrupt(format!(
                "a message is of the unknown class {other}"
            ))),
        }
    }
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
    /// How often it failed.
    pub failures: u32,
}

/// Calls a message this; what it was called before and not yet learned is forgotten, unless that was said and this only looks so.
pub fn add(
    tx: &mut Tx<'_>,
    account: AccountId,
    message: MessageId,
    class: Class,
    origin: Origin,
) -> Result<()> {
    let now = tx.now().as_microsecond();
    let weak = i64::from(origin.is_weak());
    tx.execute(
        "INSERT INTO learn_job (account, message, class, origin, created) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (account, message) DO UPDATE SET class = excluded.class, origin = excluded.origin, created = excluded.created, \
         due = 0, failures = 0 WHERE CAST($6 AS BIGINT) = 0 OR learn_job.origin = $7 OR learn_job.origin = $8",
        params![
            account,
            message,
            class as i64,
            origin as i64,
            now,
            weak,
            Origin::Answer as i64,
            Origin::Archive as i64
        ],
    )?;
    tx.effects.lessons = true;
    Ok(())
}

/// Jobs that are due, at most `limit`, those that failed least first.
pub fn next(tx: &mut Tx<'_>, limit: usize) -> Result<Vec<Job>> {
    let now = tx.now().as_microsecond();
    tx.all(
        "SELECT account, message, class, origin, created, failures FROM learn_job WHERE due <= $2 \
         ORDER BY failures, account, message LIMIT $1",
        params![limit, now],
        |row| {
            Ok(Job {
                account: AccountId::from_u128(row.id(0)?),
                message: MessageId::from_u128(row.id(1)?),
                class: Class::from_number(row.int(2)?)?,
                origin: Origin::from_number(row.int(3)?)?,
                created: time::from_microseconds(row.int(4)?)?,
                failures: row.number(5)?,
            })
        },
    )
}

/// How many jobs wait.
pub fn waiting(tx: &mut Tx<'_>) -> Result<u64> {
    let waiting = tx.one("SELECT COUNT(*) FROM learn_job", &[], |row| row.number(0))?;
    Ok(waiting.unwrap_or_default())
}

/// Forgets what waits to be learned and was said in a period; says how much that was.
pub fn drop_period(tx: &mut Tx<'_>, period: &Period) -> Result<u64> {
    let account = period.account.unwrap_or(AccountId::from_u128(0));
    tx.execute(
        "DELETE FROM learn_job WHERE created >= $1 AND created < $2 AND (account = $3 OR CAST($4 AS BIGINT) = 1)",
        params![
            period.since.as_microsecond(),
            period.until.as_microsecond(),
            account,
            i64::from(period.account.is_none())
        ],
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

/// The job failed: it is due again at this time.
pub fn put_off(tx: &mut Tx<'_>, job: &Job, until: Timestamp) -> Result<()> {
    tx.execute(
        "UPDATE learn_job SET due = $4, failures = failures + 1 WHERE account = $1 AND message = $2 AND created = $3",
        params![
            job.account,
            job.message,
            job.created.as_microsecond(),
            until.as_microsecond()
        ],
    )?;
    Ok(())
}

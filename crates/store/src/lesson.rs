//! What the filter has learned, message by message, and how much. What features mean is not known here.
//!
//! A message counts once for each account, whatever was said of it how often: what is said last holds. The features of the newest lessons
//! are kept ([`prune`]), so that a model can be made anew of them; of older ones it is remembered that they were learned.

use crate::engine::{Row, params};
use crate::learn::{Class, Origin};
use crate::tx::Tx;
use crate::{AccountId, Error, MessageId, Result, Timestamp, time};

/// Something to be learned of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lesson {
    /// Whose message; `None`: nobody's, all learn of it.
    pub account: Option<AccountId>,
    /// Names the message.
    pub digest: u64,
    /// What it is.
    pub class: Class,
    /// What it counts, in hundredths of a message. What counts less never changes what counted more.
    pub weight: u8,
    /// Says who.
    pub origin: Origin,
    /// Whether all accounts learn of it.
    pub shared: bool,
    /// In which message of the account.
    pub message: Option<MessageId>,
    /// What is seen of the message.
    pub features: Vec<u8>,
}

/// What came of a lesson.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Taught {
    /// It is learned.
    New,
    /// It was known already.
    Known,
    /// The opposite was known, and is taken back.
    Corrected,
}

/// A lesson that was learned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learned {
    /// Its place in the order of all lessons.
    pub serial: u64,
    /// What the message is; `None`: it was taken back.
    pub class: Option<Class>,
    /// What it counts, in hundredths of a message.
    pub weight: u8,
    /// The serial of the lesson before about the same message; 0: there was none.
    pub replaces: u64,
    /// Says who.
    pub origin: Origin,
    /// Since when.
    pub learned: Timestamp,
    /// What is seen of the message; empty if it is not kept any more.
    pub features: Vec<u8>,
}

/// How much was learned, in messages.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counts {
    /// As ham.
    pub ham: f64,
    /// As spam.
    pub spam: f64,
}

/// What is learned of whose lessons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// All that are shared.
    Server,
    /// Those of an account.
    Account(AccountId),
}

const TAKEN_BACK: i64 = 2;

impl Scope {
    fn key(self) -> AccountId {
        match self {
            Scope::Server => nobody(),
            Scope::Account(account) => account,
        }
    }
}

fn nobody() -> AccountId {
    AccountId::from_u128(0)
}

/// What is known of a message.
struct Known {
    serial: u64,
    class: i64,
    weight: i64,
    shared: bool,
}

/// Learns.
pub fn teach(tx: &mut Tx<'_>, lesson: &Lesson) -> Result<Taught> {
    let account = lesson.account.unwrap_or(nobody());
    let known = known(tx, account, lesson.digest)?;
    let weight = i64::from(lesson.weight);
    let taught = match &known {
        None => Taught::New,
        Some(known) if known.class == TAKEN_BACK => Taught::New,
        Some(known) if known.weight > weight => return Ok(Taught::Known),
        Some(known) if known.class != lesson.class as i64 => Taught::Corrected,
        Some(known) if known.weight < weight => Taught::New,
        Some(_) => return Ok(Taught::Known),
    };
    if let Some(known) = &known {
        count(tx, account, known, -1)?;
    }
    let serial = next_serial(tx)?;
    let new = Known {
        serial,
        class: lesson.class as i64,
        weight,
        shared: lesson.shared,
    };
    count(tx, account, &new, 1)?;
    let replaces = known.map_or(0, |known| known.serial);
    write(tx, lesson, &new, replaces)?;
    tx.effects.lessons = true;
    Ok(taught)
}

/// Takes back what was learned of a message, and says what that was.
pub fn unlearn(tx: &mut Tx<'_>, account: Option<AccountId>, digest: u64) -> Result<Option<Class>> {
    let account = account.unwrap_or(nobody());
    let Some(known) = known(tx, account, digest)? else {
        return Ok(None);
    };
    let Some(class) = class(known.class)? else {
        return Ok(None);
    };
    count(tx, account, &known, -1)?;
    let serial = next_serial(tx)?;
    let now = tx.now().as_microsecond();
    tx.execute(
        "UPDATE lesson SET serial = $3, class = $4, replaces = $5, learned = $6, own = 2, features = $7 \
         WHERE account = $1 AND digest = $2",
        params![account, digest as i64, serial, TAKEN_BACK, known.serial, now, &[] as &[u8]],
    )?;
    tx.effects.lessons = true;
    Ok(Some(class))
}

/// What was taught when, and by whom.
#[derive(Clone, Copy, Debug)]
pub struct Period {
    /// By this account; `None`: by anybody, and by nobody for all.
    pub account: Option<AccountId>,
    /// Not before this time.
    pub since: Timestamp,
    /// Before this time.
    pub until: Timestamp,
}

/// Takes back what was taught in a period, at most so many messages; names them (V19). What a message was called before it was called
/// something else in that time is not known any more.
pub fn unlearn_period(tx: &mut Tx<'_>, period: &Period, limit: usize) -> Result<Vec<u64>> {
    let Period {
        account,
        since,
        until,
    } = *period;
    let named = tx.all(
        "SELECT account, digest FROM lesson WHERE learned >= $1 AND learned < $2 AND class <> $3 \
         AND (account = $4 OR CAST($5 AS BIGINT) = 1) ORDER BY serial LIMIT $6",
        params![
            since.as_microsecond(),
            until.as_microsecond(),
            TAKEN_BACK,
            account.unwrap_or(nobody()),
            i64::from(account.is_none()),
            limit
        ],
        |row| Ok((AccountId::from_u128(row.id(0)?), row.int(1)? as u64)),
    )?;
    for (account, digest) in &named {
        unlearn(tx, Some(*account), *digest)?;
    }
    Ok(named.into_iter().map(|(_, digest)| digest).collect())
}

fn known(tx: &mut Tx<'_>, account: AccountId, digest: u64) -> Result<Option<Known>> {
    tx.one(
        "SELECT serial, class, weight, shared FROM lesson WHERE account = $1 AND digest = $2",
        params![account, digest as i64],
        |row| {
            Ok(Known {
                serial: row.number(0)?,
                class: row.int(1)?,
                weight: row.int(2)?,
                // Lessons of which enough newer ones are there count as well.
                shared: row.flag(3)?,
            })
        },
    )
}

/// The order of lessons is that of their commits: who takes a serial holds the row until then.
fn next_serial(tx: &mut Tx<'_>) -> Result<u64> {
    let serial = tx.one(
        "INSERT INTO learned (account, serial, ham, spam) VALUES ($1, 1, 0, 0) \
         ON CONFLICT (account) DO UPDATE SET serial = learned.serial + 1 RETURNING serial",
        params![nobody()],
        |row| row.number(0),
    )?;
    serial.ok_or_else(|| Error::Bug("a lesson got no serial".into()))
}

/// Counts a lesson, or takes it out of the counts.
fn count(tx: &mut Tx<'_>, account: AccountId, known: &Known, sign: i64) -> Result<()> {
    let of = |class: Class| i64::from(known.class == class as i64) * known.weight * sign;
    let (ham, spam) = (of(Class::Ham), of(Class::Spam));
    let mut add = |account: AccountId| {
        tx.execute(
            "INSERT INTO learned (account, serial, ham, spam) VALUES ($1, 0, $2, $3) \
             ON CONFLICT (account) DO UPDATE SET ham = learned.ham + $2, spam = learned.spam + $3",
            params![account, ham, spam],
        )
    };
    if known.shared {
        add(nobody())?;
    }
    if account != nobody() {
        add(account)?;
    }
    Ok(())
}

fn write(tx: &mut Tx<'_>, lesson: &Lesson, new: &Known, replaces: u64) -> Result<()> {
    let account = lesson.account.unwrap_or(nobody());
    let features = tx
        .context
        .vault
        .seal(&place(account, lesson.digest), &lesson.features)?;
    let message = lesson.message.unwrap_or(MessageId::from_u128(0));
    let now = tx.now().as_microsecond();
    tx.execute(
        "INSERT INTO lesson (account, digest, serial, class, weight, origin, shared, own, replaces, learned, message, features) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
         ON CONFLICT (account, digest) DO UPDATE SET serial = excluded.serial, class = excluded.class, weight = excluded.weight, \
         origin = excluded.origin, shared = excluded.shared, own = excluded.own, replaces = excluded.replaces, learned = excluded.learned, \
         message = excluded.message, features = excluded.features",
        params![
            account,
            lesson.digest as i64,
            new.serial,
            new.class,
            new.weight,
            lesson.origin as i64,
            i64::from(lesson.shared),
            i64::from(account != nobody()),
            replaces,
            now,
            message,
            &features
        ],
    )?;
    Ok(())
}

fn place(account: AccountId, digest: u64) -> [u8; 24] {
    let mut place = [0; 24];
    place[..16].copy_from_slice(&account.as_u128().to_be_bytes());
    place[16..].copy_from_slice(&digest.to_be_bytes());
    place
}

/// Lessons after this serial, in their order, at most so many.
pub fn since(tx: &mut Tx<'_>, scope: Scope, serial: u64, limit: usize) -> Result<Vec<Learned>> {
    let rows = match scope {
        Scope::Server => tx.all(
            "SELECT account, digest, serial, class, weight, replaces, origin, learned, features FROM lesson \
             WHERE serial > $1 AND shared = 1 ORDER BY serial LIMIT $2",
            params![serial, limit],
            raw,
        ),
        Scope::Account(account) => tx.all(
            "SELECT account, digest, serial, class, weight, replaces, origin, learned, features FROM lesson \
             WHERE account = $3 AND serial > $1 ORDER BY serial LIMIT $2",
            params![serial, limit, account],
            raw,
        ),
    };
    let open = |(account, digest, mut lesson): Raw| {
        if !lesson.features.is_empty() {
            let place = place(account, digest);
            lesson.features = tx.context.vault.open(&place, &lesson.features)?;
        }
        Ok(lesson)
    };
    rows?.into_iter().map(open).collect()
}

type Raw = (AccountId, u64, Learned);

fn raw(row: &Row<'_>) -> Result<Raw> {
    let lesson = Learned {
        serial: row.number(2)?,
        class: class(row.int(3)?)?,
        weight: row.number(4)?,
        replaces: row.number(5)?,
        origin: Origin::from_number(row.int(6)?)?,
        learned: time::from_microseconds(row.int(7)?)?,
        features: row.blob(8)?.to_vec(),
    };
    Ok((AccountId::from_u128(row.id(0)?), row.int(1)? as u64, lesson))
}

fn class(number: i64) -> Result<Option<Class>> {
    match number {
        TAKEN_BACK => Ok(None),
        other => Class::from_number(other).map(Some),
    }
}

/// What was learned of a message of this account: what it is (`None`: that was taken back), who says so, and since when.
pub fn of_message(
    tx: &mut Tx<'_>,
    account: AccountId,
    message: MessageId,
) -> Result<Option<(Option<Class>, Origin, Timestamp)>> {
    tx.one(
        "SELECT class, origin, learned FROM lesson WHERE account = $1 AND message = $2 ORDER BY serial",
        params![account, message],
        |row| {
            Ok((
                class(row.int(0)?)?,
                Origin::from_number(row.int(1)?)?,
                time::from_microseconds(row.int(2)?)?,
            ))
        },
    )
}

/// How much was learned.
pub fn counts(tx: &mut Tx<'_>, scope: Scope) -> Result<Counts> {
    let counts = tx.one(
        "SELECT ham, spam FROM learned WHERE account = $1",
        params![scope.key()],
        |row| {
            Ok(Counts {
                ham: row.int(0)? as f64 / 100.0,
                spam: row.int(1)? as f64 / 100.0,
            })
        },
    )?;
    Ok(counts.unwrap_or_default())
}

/// The serial of the newest lesson; 0: there is none.
pub fn newest(tx: &mut Tx<'_>) -> Result<u64> {
    let newest = tx.one(
        "SELECT serial FROM learned WHERE account = $1",
        params![nobody()],
        |row| row.number(0),
    )?;
    Ok(newest.unwrap_or_default())
}

/// How many lessons are kept with their features, and how many without.
#[derive(Clone, Copy, Debug)]
pub struct Keep {
    /// Of each class, of all that are shared.
    pub server: usize,
    /// Of each class, of each account.
    pub account: usize,
    /// Without features, so that they are not learned twice.
    pub digests: usize,
}

/// Forgets features, and then lessons, of which enough newer ones are there: of the server, and of these accounts, which have learned
/// something new.
pub fn prune(tx: &mut Tx<'_>, accounts: &[AccountId], keep: Keep) -> Result<()> {
    for class in [Class::Ham as i64, Class::Spam as i64] {
        tx.execute(
            "UPDATE lesson SET shared = 2 WHERE class = $1 AND shared = 1 AND serial <= ( \
             SELECT serial FROM lesson WHERE class = $1 AND shared = 1 ORDER BY serial DESC LIMIT 1 OFFSET $2)",
            params![class, keep.server],
        )?;
        for account in accounts {
            tx.execute(
                "UPDATE lesson SET own = 0 WHERE account = $1 AND class = $2 AND own = 1 AND serial <= ( \
                 SELECT serial FROM lesson WHERE account = $1 AND class = $2 AND own = 1 ORDER BY serial DESC LIMIT 1 OFFSET $3)",
                params![*account, class, keep.account],
            )?;
        }
    }
    tx.execute(
        "UPDATE lesson SET features = $1, own = 2 WHERE own = 0 AND shared <> 1",
        params![&[] as &[u8]],
    )?;
    tx.execute(
        "DELETE FROM lesson WHERE own = 2 AND serial <= (SELECT serial FROM lesson ORDER BY serial DESC LIMIT 1 OFFSET $1)",
        params![keep.digests],
    )?;
    Ok(())
}

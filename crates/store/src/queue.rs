//! Rows of the outbound queue. When to try and what to do about the outcome is the `queue` crate's business.

use crate::body::rows::{keep, release};
use crate::body::{BodyRef, Staged};
use crate::engine::{Row, params};
use crate::id::fresh_id;
use crate::tx::Tx;
use crate::{AccountId, Error, QueueId, Result, Timestamp, time};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A message that is to leave, with the envelope facts all its recipients share.
#[derive(Clone, Debug)]
pub struct NewQueued {
    /// Envelope sender; `None` is the null reverse-path `<>`.
    pub reverse_path: Option<String>,
    /// RFC 3461 ENVID, decoded.
    pub envid: Option<String>,
    /// RFC 3461 RET: true for FULL, false for HDRS, `None` if not said.
    pub ret_full: Option<bool>,
    /// The client asked for SMTPUTF8.
    pub smtputf8: bool,
    /// BODY=8BITMIME (or the octets need it).
    pub eight_bit: bool,
    /// The account that submitted it, if one did.
    pub account: Option<AccountId>,
    /// When it was accepted.
    pub created: Timestamp,
    /// Its octets.
    pub body: Staged,
    /// Octets of its header section, so that a DSN can return it.
    pub header_size: u32,
    /// Whom it is for.
    pub recipients: Vec<NewQueuedRecipient>,
}

/// A recipient of a queued message.
#[derive(Clone, Debug)]
pub struct NewQueuedRecipient {
    /// Envelope recipient.
    pub address: String,
    /// RFC 3461 ORCPT as received (`rfc822;…`), if given.
    pub orcpt: Option<String>,
    /// RFC 3461 NOTIFY as bits: 1 SUCCESS, 2 FAILURE, 4 DELAY, 8 NEVER; 0 if not said.
    pub notify: u8,
    /// When to try first.
    pub next_attempt: Timestamp,
    /// Whether it is tried, or held from the start.
    pub state: State,
}

/// A queued message as stored.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // the fields are those of `NewQueued`
pub struct Queued {
    pub id: QueueId,
    pub reverse_path: Option<String>,
    pub envid: Option<String>,
    pub ret_full: Option<bool>,
    pub smtputf8: bool,
    pub eight_bit: bool,
    pub account: Option<AccountId>,
    pub created: Timestamp,
    pub body: BodyRef,
    pub header_size: u32,
    /// Only servers that protect it may get it (RFC 8689); see [`require_tls`].
    pub require_tls: bool,
    /// Its octets, if it has just been queued and they are at hand.
    pub staged: Option<Staged>,
    /// When it shall be delivered at the latest (RFC 2852); see [`set_deliver_by`].
    pub deliver_by: Option<DeliverBy>,
    pub recipients: Vec<QueuedRecipient>,
}

/// When a message shall be delivered at the latest (RFC 2852 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliverBy {
    /// The deadline; it may have passed already.
    pub time: Timestamp,
    /// Then it is returned; otherwise its sender is told, and it is tried on.
    pub or_return: bool,
    /// Its sender is told of each server that took it.
    pub trace: bool,
}

/// Where a recipient stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// To be tried at `next_attempt`.
    Pending,
    /// Held by hand until released.
    Held,
}

/// A recipient of a queued message as stored. Delivered and failed ones are removed.
#[derive(Clone, Debug)]
pub struct QueuedRecipient {
    /// Number within the message.
    pub index: u32,
    /// Envelope recipient.
    pub address: String,
    /// RFC 3461 ORCPT.
    pub orcpt: Option<String>,
    /// RFC 3461 NOTIFY bits, see [`NewQueuedRecipient::notify`].
    pub notify: u8,
    /// Where it stands.
    pub state: State,
    /// Attempts begun so far; written before each attempt.
    pub attempts: u32,
    /// When it is due next.
    pub next_attempt: Timestamp,
    /// When it was last tried.
    pub last_attempt: Option<Timestamp>,
    /// The remote host and its words, or ours, of the last failure.
    pub last_error: Option<String>,
    /// Delay warnings sent so far.
    pub warnings: u32,
    /// The hosts that it goes by, if somebody said so by hand.
    pub via: Option<String>,
}

/// A change to a recipient after an attempt (or by hand).
#[derive(Clone, Debug)]
pub enum Update {
    /// Delivered, failed for good, or removed by hand: forget it. A message without recipients goes, with its body.
    Done,
    /// Try again at this time.
    Retry {
        /// When.
        next_attempt: Timestamp,
        /// Why it did not work.
        error: String,
        /// No host could be reached: when one can, it goes at once (C16).
        stranded: bool,
    },
    /// An attempt begins: counts it, and puts the next one at this time in case we die in the middle.
    Begin {
        /// Now.
        now: Timestamp,
        /// When it is due if nothing more is heard.
        next_attempt: Timestamp,
    },
    /// A delay warning was sent.
    Warned,
    /// Hold, or release to be tried at this time.
    SetState(State, Option<Timestamp>),
    /// Hold, for this reason.
    Hold(String),
    /// Go by these hosts, or as usual, at this time.
    Reroute(Option<String>, Timestamp),
}

/// What all recipients share, as it is stored (sealed).
#[derive(Serialize, Deserialize)]
struct Envelope {
    reverse_path: Option<String>,
    envid: Option<String>,
    ret_full: Option<bool>,
    smtputf8: bool,
    eight_bit: bool,
}

/// What says who a recipient is, as it is stored (sealed).
#[derive(Serialize, Deserialize)]
struct Recipient {
    address: String,
    orcpt: Option<String>,
    notify: u8,
}

/// Bits of `deliver_by_mode`.
const RETURN: i64 = 1;
const TRACE: i64 = 2;

const PENDING: i64 = 0;
const HELD: i64 = 1;

impl State {
    fn number(self) -> i64 {
        match self {
            State::Pending => PENDING,
            State::Held => HELD,
        }
    }

    fn from_number(number: i64) -> Result<State> {
        match number {
            PENDING => Ok(State::Pending),
            HELD => Ok(State::Held),
            other => Err(Error::Corrupt(format!(
                "a queued recipient has the unknown state {other}"
            ))),
        }
    }
}

/// That a message is tried as soon as it is queued.
#[derive(Clone, Copy, Debug)]
pub struct Begun {
    /// The id it gets, from [`new_id`].
    pub id: QueueId,
    /// Now.
    pub now: Timestamp,
    /// When its recipients are due if nothing more is heard.
    pub next_attempt: Timestamp,
}

/// An id for [`Begun`].
pub fn new_id() -> Result<QueueId> {
    fresh_id().map(QueueId::from_u128)
}

impl NewQueued {
    /// The message as it stands in the queue under this id, before anybody has tried it.
    pub fn queued(&self, id: QueueId, require_tls: bool) -> Queued {
        let recipients = self
            .recipients
            .iter()
            .zip(0..)
            .map(|(new, index)| QueuedRecipient {
                index,
                address: new.address.clone(),
                orcpt: new.orcpt.clone(),
                notify: new.notify,
                state: new.state,
                attempts: 0,
                next_attempt: new.next_attempt,
                last_attempt: None,
                last_error: None,
                warnings: 0,
                via: None,
            });
        Queued {
            id,
            reverse_path: self.reverse_path.clone(),
            envid: self.envid.clone(),
            ret_full: self.ret_full,
            smtputf8: self.smtputf8,
            eight_bit: self.eight_bit,
            account: self.account,
            created: self.created,
            body: self.body.body(),
            header_size: self.header_size,
            require_tls,
            staged: Some(self.body.clone()),
            deliver_by: None,
            recipients: recipients.collect(),
        }
    }
}

/// Puts a message into the queue.
pub fn add(tx: &mut Tx<'_>, new: &NewQueued) -> Result<QueueId> {
    let id = new_id()?;
    insert(tx, id, new, None)?;
    tx.effects.queue_work = true;
    Ok(id)
}

/// Puts a message into the queue whose first attempt begins now: the same as [`add`] and [`Update::Begin`] for each recipient. The queue runner
/// is not called.
pub fn add_begun(tx: &mut Tx<'_>, new: &NewQueued, begun: &Begun) -> Result<()> {
    insert(tx, begun.id, new, Some(begun))
}

fn insert(tx: &mut Tx<'_>, id: QueueId, new: &NewQueued, begun: Option<&Begun>) -> Result<()> {
    if new.recipients.is_empty() {
        return Err(Error::Bug("a message without recipients was queued".into()));
    }
    let envelope = Envelope {
        reverse_path: new.reverse_path.clone(),
        envid: new.envid.clone(),
        ret_full: new.ret_full,
        smtputf8: new.smtputf8,
        eight_bit: new.eight_bit,
    };
    let envelope = seal(tx, id, &envelope)?;
    tx.execute(
        "INSERT INTO queue (id, account, created, size, body, header_size, envelope) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params![
            id,
            new.account,
            new.created.as_microsecond(),
            new.body.size(),
            new.body.hash(),
            new.header_size,
            &envelope
        ],
    )?;
    for (n, recipient) in new.recipients.iter().enumerate() {
        add_recipient(tx, id, n, recipient, begun)?;
    }
    keep(tx, &new.body)
}

/// Only servers that protect this message may get it (RFC 8689).
pub fn require_tls(tx: &mut Tx<'_>, id: QueueId) -> Result<()> {
    tx.execute(
        "UPDATE queue SET require_tls = 1 WHERE id = $1",
        params![id],
    )?;
    Ok(())
}

/// Sets a deadline (RFC 2852).
pub fn set_deliver_by(tx: &mut Tx<'_>, id: QueueId, by: &DeliverBy) -> Result<()> {
    let mode = RETURN * i64::from(by.or_return) + TRACE * i64::from(by.trace);
    tx.execute(
        "UPDATE queue SET deliver_by = $2, deliver_by_mode = $3 WHERE id = $1",
        params![id, by.time.as_microsecond(), mode],
    )?;
    Ok(())
}

fn add_recipient(
    tx: &mut Tx<'_>,
    id: QueueId,
    n: usize,
    new: &NewQueuedRecipient,
    begun: Option<&Begun>,
) -> Result<()> {
    let next_attempt = begun.map_or(new.next_attempt, |begun| begun.next_attempt);
    let envelope = Recipient {
        address: new.address.clone(),
        orcpt: new.orcpt.clone(),
        notify: new.notify,
    };
    let envelope = seal(tx, id, &envelope)?;
    tx.execute(
        "INSERT INTO queue_recipient (queue, n, state, attempts, last_attempt, next_attempt, warnings, envelope, lane) \
         VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8)",
        params![
            id,
            n,
            new.state.number(),
            i64::from(begun.is_some()),
            begun.map(|begun| begun.now.as_microsecond()),
            next_attempt.as_microsecond(),
            &envelope,
            lane_of(domain_of(&new.address))
        ],
    )?;
    Ok(())
}

fn seal<T: Serialize>(tx: &Tx<'_>, id: QueueId, value: &T) -> Result<Vec<u8>> {
    let plain = postcard::to_stdvec(value)
        .map_err(|e| Error::Bug(format!("an envelope cannot be encoded: {e}")))?;
    tx.context.vault.seal(&id.as_u128().to_be_bytes(), &plain)
}

fn unseal<T: DeserializeOwned>(tx: &Tx<'_>, id: QueueId, stored: &[u8]) -> Result<T> {
    let plain = tx.context.vault.open(&id.as_u128().to_be_bytes(), stored)?;
    postcard::from_bytes(&plain)
        .map_err(|e| Error::Corrupt(format!("an envelope of {id} is unreadable: {e}")))
}

const DUE: &str = "SELECT DISTINCT next_attempt, queue FROM queue_recipient WHERE state = 0 AND next_attempt <= $1 \
     AND (next_attempt, queue) > ($2, $3) ORDER BY next_attempt, queue LIMIT $4";
const NEXT_DUE: &str = "SELECT MIN(next_attempt) FROM queue_recipient WHERE state = 0";

/// Messages with a pending recipient due at `now`, the longest due first, at most `limit`.
pub fn due(tx: &mut Tx<'_>, now: Timestamp, limit: usize) -> Result<Vec<QueueId>> {
    let mut due: Vec<QueueId> = Vec::new();
    // Recipients of one message may be due at different times, so pages are read until there are enough different messages.
    let mut after = (i64::MIN, QueueId::from_u128(0));
    while due.len() < limit {
        let page = due_after(tx, now, after, limit)?;
        let Some(last) = page.last() else { break };
        after = *last;
        for (_, id) in page {
            if !due.contains(&id) && due.len() < limit {
                due.push(id);
            }
        }
    }
    Ok(due)
}

fn due_after(
    tx: &mut Tx<'_>,
    now: Timestamp,
    after: (i64, QueueId),
    limit: usize,
) -> Result<Vec<(i64, QueueId)>> {
    tx.all(
        DUE,
        params![now.as_microsecond(), after.0, after.1, limit],
        |row| Ok((row.int(0)?, QueueId::from_u128(row.id(1)?))),
    )
}

/// When the next pending recipient is due.
pub fn next_due(tx: &mut Tx<'_>) -> Result<Option<Timestamp>> {
    let next = tx.one(NEXT_DUE, &[], |row| row.opt_int(0))?;
    next.flatten().map(time::from_microseconds).transpose()
}

/// How much is in the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Messages.
    pub messages: u64,
    /// Recipients that wait for an attempt.
    pub pending: u64,
    /// Recipients held by hand.
    pub held: u64,
}

/// Counts the queue.
pub fn counts(tx: &mut Tx<'_>) -> Result<Counts> {
    let mut count = |sql| -> Result<u64> {
        let count = tx.one(sql, &[], |row| row.number(0))?;
        Ok(count.unwrap_or_default())
    };
    Ok(Counts {
        messages: count("SELECT COUNT(*) FROM queue")?,
        pending: count("SELECT COUNT(*) FROM queue_recipient WHERE state = 0")?,
        held: count("SELECT COUNT(*) FROM queue_recipient WHERE state = 1")?,
    })
}

/// One message with all its remaining recipients.
pub fn by_id(tx: &mut Tx<'_>, id: QueueId) -> Result<Option<Queued>> {
    let row = tx.one(
        "SELECT id, account, created, size, body, header_size, envelope, require_tls, deliver_by, deliver_by_mode FROM queue WHERE id = $1",
        params![id],
        QueueRow::read,
    )?;
    row.map(|row| row.complete(tx)).transpose()
}

/// Messages after `after` in id order, at most `limit`.
pub fn list(tx: &mut Tx<'_>, after: Option<QueueId>, limit: usize) -> Result<Vec<Queued>> {
    let rows = tx.all(
        "SELECT id, account, created, size, body, header_size, envelope, require_tls, deliver_by, deliver_by_mode FROM queue WHERE id > $1 ORDER BY id LIMIT $2",
        params![after.unwrap_or(QueueId::from_u128(0)), limit],
        QueueRow::read,
    )?;
    rows.into_iter().map(|row| row.complete(tx)).collect()
}

/// A row of `queue`, its envelope still sealed.
struct QueueRow {
    id: QueueId,
    account: Option<AccountId>,
    created: i64,
    body: BodyRef,
    header_size: u32,
    envelope: Vec<u8>,
    require_tls: bool,
    deliver_by: Option<DeliverBy>,
}

impl QueueRow {
    fn read(row: &Row<'_>) -> Result<QueueRow> {
        let account = if row.opt_blob(1)?.is_some() {
            Some(row.id(1)?)
        } else {
            None
        };
        Ok(QueueRow {
            id: QueueId::from_u128(row.id(0)?),
            account: account.map(AccountId::from_u128),
            created: row.int(2)?,
            body: BodyRef {
                size: row.number(3)?,
                hash: row.array(4)?,
            },
            header_size: row.number(5)?,
            envelope: row.blob(6)?.to_vec(),
            require_tls: row.flag(7)?,
            deliver_by: deliver_by(row.opt_int(8)?, row.int(9)?)?,
        })
    }

    fn complete(self, tx: &mut Tx<'_>) -> Result<Queued> {
        let envelope: Envelope = unseal(tx, self.id, &self.envelope)?;
        Ok(Queued {
            id: self.id,
            reverse_path: envelope.reverse_path,
            envid: envelope.envid,
            ret_full: envelope.ret_full,
            smtputf8: envelope.smtputf8,
            eight_bit: envelope.eight_bit,
            account: self.account,
            created: time::from_microseconds(self.created)?,
            body: self.body,
            header_size: self.header_size,
            require_tls: self.require_tls,
            staged: None,
            deliver_by: self.deliver_by,
            recipients: recipients(tx, self.id)?,
        })
    }
}

fn deliver_by(time: Option<i64>, mode: i64) -> Result<Option<DeliverBy>> {
    let Some(time) = time else { return Ok(None) };
    Ok(Some(DeliverBy {
        time: time::from_microseconds(time)?,
        or_return: mode & RETURN != 0,
        trace: mode & TRACE != 0,
    }))
}

/// A row of `queue_recipient` that is yet to be unsealed.
struct RecipientRow {
    recipient: QueuedRecipient,
    envelope: Vec<u8>,
    last_error: Option<Vec<u8>>,
}

fn recipients(tx: &mut Tx<'_>, id: QueueId) -> Result<Vec<QueuedRecipient>> {
    let rows = tx.all(
        "SELECT n, state, attempts, next_attempt, last_attempt, warnings, envelope, last_error, via FROM queue_recipient \
         WHERE queue = $1 ORDER BY n",
        params![id],
        RecipientRow::read,
    )?;
    rows.into_iter().map(|row| row.complete(tx, id)).collect()
}

impl RecipientRow {
    fn read(row: &Row<'_>) -> Result<RecipientRow> {
        let recipient = QueuedRecipient {
            index: row.number(0)?,
            address: String::new(),
            orcpt: None,
            notify: 0,
            state: State::from_number(row.int(1)?)?,
            attempts: row.number(2)?,
            next_attempt: time::from_microseconds(row.int(3)?)?,
            last_attempt: row.opt_int(4)?.map(time::from_microseconds).transpose()?,
            last_error: None,
            warnings: row.number(5)?,
            via: row.opt_text(8)?.map(str::to_owned),
        };
        Ok(RecipientRow {
            recipient,
            envelope: row.blob(6)?.to_vec(),
            last_error: row.opt_blob(7)?.map(<[u8]>::to_vec),
        })
    }

    fn complete(self, tx: &Tx<'_>, id: QueueId) -> Result<QueuedRecipient> {
        let envelope: Recipient = unseal(tx, id, &self.envelope)?;
        Ok(QueuedRecipient {
            address: envelope.address,
            orcpt: envelope.orcpt,
            notify: envelope.notify,
            last_error: self
                .last_error
                .map(|stored| unseal(tx, id, &stored))
                .transpose()?,
            ..self.recipient
        })
    }
}

/// Changes one recipient. [`Error::Missing`] if it is not in the queue (any more).
pub fn update(tx: &mut Tx<'_>, id: QueueId, recipient: u32, update: &Update) -> Result<()> {
    let changed = match update {
        Update::Done => return done(tx, id, recipient),
        Update::Retry {
            next_attempt,
            error,
            stranded,
        } => {
            let error = seal(tx, id, error)?;
            // The queue runner may not know yet when it is due.
            tx.effects.queue_work = true;
            tx.execute(
                "UPDATE queue_recipient SET next_attempt = $3, last_error = $4, stranded = $5 WHERE queue = $1 AND n = $2",
                params![id, recipient, next_attempt.as_microsecond(), &error, i64::from(*stranded)],
            )?
        }
        Update::Begin { now, next_attempt } => tx.execute(
            "UPDATE queue_recipient SET attempts = attempts + 1, last_attempt = $3, next_attempt = $4 \
             WHERE queue = $1 AND n = $2",
            params![id, recipient, now.as_microsecond(), next_attempt.as_microsecond()],
        )?,
        Update::Warned => tx.execute(
            "UPDATE queue_recipient SET warnings = warnings + 1 WHERE queue = $1 AND n = $2",
            params![id, recipient],
        )?,
        Update::SetState(state, next_attempt) => {
            tx.effects.queue_work = true;
            tx.execute(
                "UPDATE queue_recipient SET state = $3, next_attempt = COALESCE($4, next_attempt) WHERE queue = $1 AND n = $2",
                params![id, recipient, state.number(), next_attempt.map(Timestamp::as_microsecond)],
            )?
        }
        Update::Reroute(via, now) => {
            tx.effects.queue_work = true;
            tx.execute(
                "UPDATE queue_recipient SET via = $3, next_attempt = $4 WHERE queue = $1 AND n = $2",
                params![id, recipient, via.as_ref(), now.as_microsecond()],
            )?
        }
        Update::Hold(why) => {
            let why = seal(tx, id, why)?;
            tx.execute(
                "UPDATE queue_recipient SET state = 1, last_error = $3 WHERE queue = $1 AND n = $2",
                params![id, recipient, &why],
            )?
        }
    };
    if changed == 0 {
        return Err(missing(id, recipient));
    }
    Ok(())
}

/// Messages that an account has submitted, after `after` in id order, at most `limit`. Looks through the whole queue.
pub fn of_account(
    tx: &mut Tx<'_>,
    account: AccountId,
    after: Option<QueueId>,
    limit: usize,
) -> Result<Vec<Queued>> {
    let rows = tx.all(
        "SELECT id, account, created, size, body, header_size, envelope, require_tls, deliver_by, deliver_by_mode FROM queue \
         WHERE account = $1 AND id > $2 ORDER BY id LIMIT $3",
        params![account, after.unwrap_or(QueueId::from_u128(0)), limit],
        QueueRow::read,
    )?;
    rows.into_iter().map(|row| row.complete(tx)).collect()
}

/// Is anything held that an account has submitted?
pub fn any_held(tx: &mut Tx<'_>, account: AccountId) -> Result<bool> {
    let found = tx.one(
        "SELECT id FROM queue WHERE account = $1 AND id IN (SELECT queue FROM queue_recipient WHERE state = 1) LIMIT 1",
        params![account],
        |row| row.id(0),
    )?;
    Ok(found.is_some())
}

/// Which recipients of a message are still in the queue. None of them is finished by others before this transaction ends.
pub fn waiting(tx: &mut Tx<'_>, id: QueueId) -> Result<Vec<u32>> {
    tx.execute("UPDATE queue SET size = size WHERE id = $1", params![id])?;
    tx.all(
        "SELECT n FROM queue_recipient WHERE queue = $1 ORDER BY n",
        params![id],
        |row| row.number(0),
    )
}

/// Forgets a recipient, and the message after its last one.
fn done(tx: &mut Tx<'_>, id: QueueId, recipient: u32) -> Result<()> {
    // Two recipients finished at once must not both believe that the other is still there.
    tx.execute("UPDATE queue SET size = size WHERE id = $1", params![id])?;
    let gone = tx.execute(
        "DELETE FROM queue_recipient WHERE queue = $1 AND n = $2",
        params![id, recipient],
    )?;
    if gone == 0 {
        return Err(missing(id, recipient));
    }
    tx.execute(
        "DELETE FROM queue_attempt WHERE queue = $1 AND n = $2",
        params![id, recipient],
    )?;
    let left = tx.one(
        "SELECT COUNT(*) FROM queue_recipient WHERE queue = $1",
        params![id],
        |row| row.int(0),
    )?;
    if left != Some(0) {
        return Ok(());
    }
    let body = tx.one(
        "DELETE FROM queue WHERE id = $1 RETURNING body",
        params![id],
        |row| row.array(0),
    )?;
    match body {
        Some(body) => release(tx, &body),
        None => Err(Error::Corrupt(format!(
            "recipients of {id} were queued without their message"
        ))),
    }
}

/// The part after the last `@`; empty if there is none.
fn domain_of(address: &str) -> &str {
    address.rsplit_once('@').map_or("", |(_, domain)| domain)
}

/// The number that stands for a domain in the queue: mail for it is found, and the spool does not name it (C20).
fn lane_of(domain: &str) -> i64 {
    let hash = blake3::derive_key(
        "pennyblack queue lane",
        domain.to_ascii_lowercase().as_bytes(),
    );
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    i64::from_be_bytes(first)
}

/// C16: recipients in this domain whose host could not be reached are due now, the longest waiting first. How many there were.
pub fn wake(tx: &mut Tx<'_>, domain: &str, now: Timestamp, limit: usize) -> Result<u64> {
    let waiting = tx.all(
        "SELECT queue, n FROM queue_recipient WHERE stranded = 1 AND lane = $1 AND state = 0 ORDER BY next_attempt LIMIT $2",
        params![lane_of(domain), limit],
        |row| Ok((QueueId::from_u128(row.id(0)?), row.number::<u32>(1)?)),
    )?;
    for (id, n) in &waiting {
        tx.execute(
            "UPDATE queue_recipient SET stranded = 0, next_attempt = $3 WHERE queue = $1 AND n = $2 AND next_attempt > $3",
            params![*id, *n, now.as_microsecond()],
        )?;
    }
    tx.effects.queue_work |= !waiting.is_empty();
    Ok(waiting.len() as u64)
}

/// Recipients in this domain that wait for an attempt.
pub fn waiting_for(tx: &mut Tx<'_>, domain: &str) -> Result<u64> {
    let count = tx.one(
        "SELECT COUNT(*) FROM queue_recipient WHERE stranded IN (0, 1) AND lane = $1 AND state = 0",
        params![lane_of(domain)],
        |row| row.number(0),
    )?;
    Ok(count.unwrap_or_default())
}

const STRANDED: &str = "SELECT n FROM queue_recipient WHERE stranded = 1 LIMIT 1";

/// Is there anybody in the queue whose host could not be reached? A server that starts asks, to spare the question after each delivery.
pub fn anybody_stranded(tx: &mut Tx<'_>) -> Result<bool> {
    let found = tx.one(STRANDED, &[], |row| row.int(0))?;
    Ok(found.is_some())
}

fn missing(id: QueueId, recipient: u32) -> Error {
    Error::Missing(format!("recipient {recipient} of {id} in the queue"))
}

/// An attempt to deliver to a recipient, as it is remembered while the recipient is queued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// Its number, from 1.
    pub attempt: u32,
    /// When, microseconds since 1970.
    pub at: i64,
    /// `host [address]`, if one was tried.
    pub relay: Option<String>,
    /// TLS version; `None` without TLS.
    pub tls: Option<String>,
    /// The enhanced status code.
    pub status: String,
    /// The words of the other server, or ours.
    pub words: String,
}

/// Attempts that are remembered for each recipient; the oldest give way, but the first stays.
const ATTEMPTS: u32 = 30;

/// Remembers an attempt.
pub fn remember(tx: &mut Tx<'_>, id: QueueId, recipient: u32, tried: &Tried) -> Result<()> {
    let there = tx.one(
        "SELECT n FROM queue_recipient WHERE queue = $1 AND n = $2",
        params![id, recipient],
        |row| row.int(0),
    )?;
    // It may have been removed by hand meanwhile.
    if there.is_none() {
        return Ok(());
    }
    let data = seal(tx, id, tried)?;
    tx.execute(
        "INSERT INTO queue_attempt (queue, n, attempt, at, data) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (queue, n, attempt) DO UPDATE SET at = excluded.at, data = excluded.data",
        params![id, recipient, tried.attempt, tried.at, &data],
    )?;
    if tried.attempt > ATTEMPTS {
        tx.execute(
            "DELETE FROM queue_attempt WHERE queue = $1 AND n = $2 AND attempt > 1 AND attempt <= $3",
            params![id, recipient, tried.attempt - ATTEMPTS],
        )?;
    }
    Ok(())
}

/// The attempts that are remembered, the oldest first.
pub fn attempts(tx: &mut Tx<'_>, id: QueueId, recipient: u32) -> Result<Vec<Tried>> {
    let stored = tx.all(
        "SELECT data FROM queue_attempt WHERE queue = $1 AND n = $2 ORDER BY attempt",
        params![id, recipient],
        |row| Ok(row.blob(0)?.to_vec()),
    )?;
    stored.iter().map(|data| unseal(tx, id, data)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Param;
    use crate::{Engine, Options, Store};

    /// How SQLite carries a statement out.
    async fn plan(store: &Store, sql: &'static str, values: usize) -> String {
        // Statements are text of the program; this one is as good as that.
        let explain: &'static str = format!("EXPLAIN QUERY PLAN {sql}").leak();
        let read = store.read(move |tx| {
            let zeros = vec![Param::Int(0); values];
            tx.all(explain, &zeros, |row| Ok(row.text(3)?.to_owned()))
        });
        read.await.unwrap().join("; ")
    }

    /// What the queue runner asks all the time is found by an index, in the order of the index, however long the queue is.
    #[tokio::test]
    async fn what_is_due_is_found_without_looking_through_the_queue() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Options {
            data: folder.path().join("data"),
            engine: Engine::Sqlite,
            key: None,
            free_floor: 0,
        })
        .unwrap();
        for (sql, values, index) in [
            (DUE, 4, "queue_due"),
            (NEXT_DUE, 0, "queue_due"),
            (STRANDED, 0, "queue_lane"),
        ] {
            let plan = plan(&store, sql, values).await;
            assert!(plan.contains("SEARCH") && plan.contains(index), "{plan}");
            assert!(
                !plan.contains("SCAN") && !plan.contains("TEMP B-TREE"),
                "{plan}"
            );
        }
    }
}

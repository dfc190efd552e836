//! Rows of the outbound queue. When to try and what to do about the outcome is the `queue` crate's business.

use crate::body::{BodyRef, Staged};
use crate::{AccountId, QueueId, Result, Timestamp, Tx};

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
    pub recipients: Vec<QueuedRecipient>,
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
}

/// Puts a message into the queue.
pub fn add(_tx: &mut Tx<'_>, _new: &NewQueued) -> Result<QueueId> {
    todo!()
}
/// Messages with a pending recipient due at `now`, the longest due first, at most `limit`.
pub fn due(_tx: &mut Tx<'_>, _now: Timestamp, _limit: usize) -> Result<Vec<QueueId>> {
    todo!()
}
/// When the next pending recipient is due.
pub fn next_due(_tx: &mut Tx<'_>) -> Result<Option<Timestamp>> {
    todo!()
}
/// One message with all its remaining recipients.
pub fn by_id(_tx: &mut Tx<'_>, _id: QueueId) -> Result<Option<Queued>> {
    todo!()
}
/// Messages after `after` in id order, at most `limit`.
pub fn list(_tx: &mut Tx<'_>, _after: Option<QueueId>, _limit: usize) -> Result<Vec<Queued>> {
    todo!()
}
/// Changes one recipient.
pub fn update(_tx: &mut Tx<'_>, _id: QueueId, _recipient: u32, _update: &Update) -> Result<()> {
    todo!()
}

//! Summaries as they are stored: a version, then postcard, then sealed.
//!
//! postcard cannot read an old summary into a struct with more fields, so whoever adds a field to [`message::Summary`] keeps the old
//! struct here under the old version and converts it; [`super::facts`] has a copy of the fields.

use super::facts::Stored;
use crate::context::Context;
use crate::tx::Tx;
use crate::{AccountId, Error, MessageId, Result};
use message::Summary;
use std::borrow::Cow;

const VERSION: u8 = 1;

pub(super) fn encode(
    tx: &Tx<'_>,
    account: AccountId,
    message: MessageId,
    summary: &Summary,
) -> Result<Vec<u8>> {
    let plain = postcard::to_extend(summary, vec![VERSION])
        .map_err(|e| Error::Bug(format!("a summary cannot be encoded: {e}")))?;
    tx.context.vault.seal(&place(account, message), &plain)
}

pub(crate) fn decode(
    tx: &Tx<'_>,
    account: AccountId,
    message: MessageId,
    stored: &[u8],
) -> Result<Summary> {
    let plain = open(tx.context, account, message, stored)?;
    let summary = match plain.split_first() {
        Some((&VERSION, octets)) => postcard::from_bytes(octets).ok(),
        _ => None,
    };
    summary.ok_or_else(|| unreadable(message))
}

/// The ENVELOPE alone: it stands first, and what follows need not be read.
pub(super) fn decode_envelope(
    tx: &Tx<'_>,
    account: AccountId,
    message: MessageId,
    stored: &[u8],
) -> Result<Vec<u8>> {
    let plain = open(tx.context, account, message, stored)?;
    let envelope = match plain.split_first() {
        Some((&VERSION, octets)) => postcard::take_from_bytes::<&[u8]>(octets).ok(),
        _ => None,
    };
    let envelope = envelope.map(|(envelope, _)| envelope.to_vec());
    envelope.ok_or_else(|| unreadable(message))
}

/// The plain form of a stored summary.
pub(super) fn open<'a>(
    context: &Context,
    account: AccountId,
    message: MessageId,
    stored: &'a [u8],
) -> Result<Cow<'a, [u8]>> {
    context.vault.reveal(&place(account, message), stored)
}

/// What sorting and threading look at, of the plain form of a summary.
pub(super) fn decode_facts(message: MessageId, plain: &[u8]) -> Result<Stored<'_>> {
    let read = match plain.split_first() {
        Some((&VERSION, octets)) => postcard::take_from_bytes::<Stored<'_>>(octets).ok(),
        _ => None,
    };
    read.map(|(stored, _)| stored)
        .ok_or_else(|| unreadable(message))
}

fn unreadable(message: MessageId) -> Error {
    Error::Corrupt(format!("the summary of message {message} is unreadable"))
}

fn place(account: AccountId, message: MessageId) -> [u8; 32] {
    let mut place = [0; 32];
    place[..16].copy_from_slice(&account.as_u128().to_be_bytes());
    place[16..].copy_from_slice(&message.as_u128().to_be_bytes());
    place
}

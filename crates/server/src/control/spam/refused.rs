//! What was refused, and why, for a postmaster whom its sender asks with the code in the reply (V3).

use super::super::verdict::Verdict;
use super::super::{Failure, World};
use serde::{Deserialize, Serialize};
use store::rejection;

/// A message that was refused, or put off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refused {
    /// The id of the message in the log and in the reply.
    pub id: String,
    /// When, by RFC 3339.
    pub when: String,
    /// What the client was told.
    pub reply: String,
    /// Why.
    pub reason: String,
    /// The address of the client.
    pub client: String,
    /// The reverse-path; empty for `<>`.
    pub sender: String,
    /// The recipients, or the first of them.
    pub recipients: Vec<String>,
    /// The From field, decoded.
    pub from: String,
    /// The Subject field, decoded.
    pub subject: String,
    /// The Message-ID field.
    pub message_id: String,
    /// Octets.
    pub size: u64,
    /// What the filter found, if it came so far.
    pub verdict: Option<Verdict>,
}

pub(super) async fn by_id(world: &World, id: &str) -> Result<Option<Refused>, Failure> {
    let number = u64::from_str_radix(id, 16)
        .map_err(|_| Failure::invalid(format!("\"{}\" is no id", id.escape_debug())))?;
    let read = move |tx: &mut store::Tx<'_>| rejection::of(tx, number);
    let found = world.store.read(read).await?;
    Ok(found.map(|(when, refusal)| Refused {
        id: format!("{number:016x}"),
        when: when.to_string(),
        reply: refusal.reply,
        reason: refusal.reason,
        client: refusal.client,
        sender: refusal.sender,
        recipients: refusal.recipients,
        from: refusal.from,
        subject: refusal.subject,
        message_id: refusal.message_id,
        size: refusal.size,
        verdict: refusal.judgement.as_ref().map(Verdict::of),
    }))
}

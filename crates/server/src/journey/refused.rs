//! What is not taken once it has arrived: a line in the log for each, and a record that the code in its reply leads to (V3).
//!
//! The record is for our postmaster, whom a sender asks by other means: `pennyblack explain refusal`. A store that cannot write it changes
//! nothing in the reply, and the log has the line in any case; so it has when there are more in a minute than are remembered.

use super::envelope::Refusal;
use super::receive::{MailId, Received};
use crate::Services;
use message::{encoded_word, header};
use smtp::Reply;
use std::net::IpAddr;
use std::sync::Arc;
use store::rejection;

/// Recipients that are remembered.
const RECIPIENTS: usize = 20;
/// Characters of a field that are remembered.
const LONGEST: usize = 200;

/// What is known of a message before it is known what becomes of it.
pub(super) struct Arrival {
    services: Arc<Services>,
    id: MailId,
    facts: rejection::Rejection,
}

impl Arrival {
    pub(super) fn of(received: &Received) -> Arrival {
        let reverse_path = received.mail.reverse_path.as_ref();
        let recipients = received.recipients.iter();
        let field = |name| {
            let value = header::values(&received.section, name).next();
            value.map_or_else(String::new, readable)
        };
        Arrival {
            services: received.services.clone(),
            id: received.id,
            facts: rejection::Rejection {
                client: received.facts.peer.remote.ip().to_canonical().to_string(),
                sender: reverse_path.map(ToString::to_string).unwrap_or_default(),
                recipients: recipients.map(|recipient| recipient.path.clone()).collect(),
                from: field("From"),
                subject: field("Subject"),
                message_id: field("Message-ID"),
                size: received.summary.size.into(),
                ..rejection::Rejection::default()
            },
        }
    }

    /// It is refused, or put off: the same with the code in the reply.
    pub(super) async fn refused(mut self, mut refusal: Refusal) -> Refusal {
        refusal.name_with(self.id);
        self.facts.recipients.truncate(RECIPIENTS);
        self.log(&refusal);
        self.facts.reply = told(&refusal);
        self.facts.reason = refusal.reason.clone();
        self.facts.judgement = refusal.judgement.take().map(|judgement| *judgement);
        self.remember().await;
        refusal
    }

    /// Some recipients have it and some do not (LMTP, PRDR): a line in the log for each who does not, and one record of them all.
    pub(super) async fn refused_by_some(
        mut self,
        mut replies: Vec<Result<Reply, Refusal>>,
    ) -> Vec<Result<Reply, Refusal>> {
        let recipients = std::mem::take(&mut self.facts.recipients);
        let (mut without, mut told_them, mut reasons) = (Vec::new(), Vec::new(), Vec::new());
        for (recipient, reply) in recipients.into_iter().zip(&mut replies) {
            let Err(refusal) = reply else {
                continue;
            };
            refusal.name_with(self.id);
            self.facts.recipients = vec![recipient.clone()];
            self.log(refusal);
            if let Some(judgement) = refusal.judgement.take() {
                self.facts.judgement = Some(*judgement);
            }
            without.push(recipient);
            told_them.push(told(refusal));
            reasons.push(refusal.reason.clone());
        }
        if without.is_empty() {
            return replies;
        }
        for texts in [&mut without, &mut told_them, &mut reasons] {
            texts.dedup();
            texts.truncate(RECIPIENTS);
        }
        self.facts.recipients = without;
        self.facts.reply = told_them.join("; ");
        self.facts.reason = reasons.join("; ");
        self.remember().await;
        replies
    }

    async fn remember(self) {
        let now = self.services.clock.now();
        if !self.services.filter.remembers_refusal(now) {
            return;
        }
        let (id, facts) = (self.id.0, self.facts);
        let write = move |tx: &mut store::Tx<'_>| rejection::record(tx, id, &facts);
        if let Err(why) = self.services.store.write(write).await {
            tracing::warn!(mid = %self.id, error = %why, "why a message was refused is in the log alone");
        }
    }

    fn log(&self, refusal: &Refusal) {
        let judgement = refusal.judgement.as_deref();
        tracing::info!(
            mid = %self.id,
            raddr = self.facts.client,
            from = self.facts.sender,
            to = self.facts.recipients.join(","),
            size = self.facts.size,
            code = refusal.reply.code,
            dsn = refusal.reply.enhanced.map(tracing::field::display),
            score = judgement.map(|judgement| judgement.score),
            reason = refusal.reason,
            "{}",
            outcome(refusal)
        );
    }
}

/// A message that was not even read to its end.
pub(super) fn log_incomplete(id: MailId, client: IpAddr, refusal: &Refusal) {
    tracing::info!(
        mid = %id,
        raddr = %client.to_canonical(),
        code = refusal.reply.code,
        dsn = refusal.reply.enhanced.map(tracing::field::display),
        reason = refusal.reason,
        "{}",
        outcome(refusal)
    );
}

fn outcome(refusal: &Refusal) -> &'static str {
    match refusal.reply.code {
        500.. => "message refused",
        _ => "message put off",
    }
}

fn told(refusal: &Refusal) -> String {
    let reply = &refusal.reply;
    let enhanced = reply.enhanced.map(|enhanced| format!("{enhanced} "));
    let text = reply.lines.join(" ");
    format!("{} {}{text}", reply.code, enhanced.unwrap_or_default())
}

fn readable(value: &[u8]) -> String {
    let text = encoded_word::decode(&header::unfold(value));
    let visible = text.trim().chars().filter(|c| !c.is_control());
    visible.take(LONGEST).collect()
}

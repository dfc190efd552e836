//! One mail transaction within a session: carries MAIL, RCPT and the message to the journey, its answers to the state machine, and
//! refusals to the log. What is refused, and why, the journey knows.

use super::conversation::Conversation;
use super::envelope;
use crate::journey::{Receiving, Refusal, Transaction};
use smtp::{MailCommand, RcptCommand, Reply};

/// Where the transaction stands.
#[derive(Default)]
pub(super) enum Mail {
    /// There is none.
    #[default]
    None,
    /// Between MAIL and the message. Boxed, as are the others, so that a session without a transaction holds no room for one.
    Envelope(Box<Transaction>),
    /// The message is coming.
    Receiving(Box<Receiving>),
    /// It is refused; the rest of it is thrown away until the client can be told.
    Refused(Box<Refusal>),
}

impl Conversation {
    pub(super) async fn mail(&mut self, command: MailCommand) {
        let stage = Stage::mail(&command);
        let begun = match (envelope::mail(command), self.facts().await) {
            (Ok(mail), Some(facts)) => Transaction::begin(self.services.clone(), facts, mail).await,
            (Err(refusal), _) => Err(refusal),
            // The state machine asks only those who are logged in; if it did not, this is not the place to be generous.
            (_, None) => Err(not_logged_in()),
        };
        match begun {
            Ok(transaction) => {
                self.mail = Mail::Envelope(Box::new(transaction));
                self.session.accept();
            }
            Err(refusal) => self.refuse(stage, refusal),
        }
    }

    pub(super) async fn rcpt(&mut self, command: RcptCommand) {
        let Mail::Envelope(transaction) = &mut self.mail else {
            return;
        };
        let stage = Stage::rcpt(&command);
        let taken = match envelope::rcpt(command) {
            Ok(rcpt) => transaction.recipient(rcpt).await,
            Err(refusal) => Err(refusal),
        };
        match taken {
            Ok(()) => self.session.accept(),
            Err(refusal) => self.refuse(stage, refusal),
        }
    }

    pub(super) fn begin(&mut self) {
        self.mail = match std::mem::take(&mut self.mail) {
            Mail::Envelope(transaction) => Mail::Receiving(Box::new(transaction.data())),
            other => other,
        };
    }

    pub(super) async fn content(&mut self, octets: &[u8]) {
        if let Mail::Receiving(receiving) = &mut self.mail
            && let Err(refusal) = receiving.write(octets).await
        {
            self.mail = Mail::Refused(Box::new(refusal));
        }
    }

    pub(super) fn end_of_chunk(&mut self) {
        match std::mem::take(&mut self.mail) {
            Mail::Refused(refusal) => self.refuse(Stage::Message, *refusal),
            other => {
                self.mail = other;
                self.session.accept();
            }
        }
    }

    pub(super) async fn end_of_message(&mut self) {
        match std::mem::take(&mut self.mail) {
            Mail::Refused(refusal) => self.refuse(Stage::Message, *refusal),
            Mail::Receiving(receiving) => {
                let fates = receiving.finish().await;
                let replies: Vec<Reply> = fates.into_iter().map(|fate| self.fate(fate)).collect();
                self.session.finish(&replies);
            }
            // Unanswered, which the state machine makes a 451.
            Mail::None | Mail::Envelope(_) => {}
        }
    }

    /// What the client is told of a message, over LMTP of one recipient's copy. The journey has written the log.
    fn fate(&self, fate: Result<Reply, Refusal>) -> Reply {
        let metrics = &self.services.metrics;
        let (action, reply) = match fate {
            Ok(reply) => ("accept", reply),
            Err(refusal) => {
                metrics.rejected_in(Stage::Message.name());
                (refused(&refusal.reply), refusal.reply)
            }
        };
        metrics.message_in(self.peer.protocol.name(), action);
        reply
    }

    pub(super) fn refuse(&mut self, stage: Stage, refusal: Refusal) {
        self.log_refusal(&stage, &refusal);
        self.session.refuse(refusal.reply);
    }

    /// A refusal that the journey does not hear of: before the message is complete.
    pub(super) fn log_refusal(&self, stage: &Stage, refusal: &Refusal) {
        let metrics = &self.services.metrics;
        metrics.rejected_in(stage.name());
        if matches!(stage, Stage::Message) {
            metrics.message_in(self.peer.protocol.name(), refused(&refusal.reply));
        }
        tracing::info!(
            proto = %self.peer.protocol,
            raddr = %self.peer.remote.ip(),
            stage = stage.name(),
            from = stage.from(),
            to = stage.to(),
            code = refusal.reply.code,
            dsn = refusal.reply.enhanced.map(tracing::field::display),
            reason = refusal.reason,
            "refused"
        );
    }
}

/// Where in the dialogue something was refused.
pub(super) enum Stage {
    /// MAIL, from this sender.
    Mail(String),
    /// RCPT, to this recipient.
    Rcpt(String),
    /// The message.
    Message,
}

impl Stage {
    pub(super) fn mail(command: &MailCommand) -> Stage {
        let path = command.reverse_path.as_ref();
        Stage::Mail(path.map(ToString::to_string).unwrap_or_default())
    }

    pub(super) fn rcpt(command: &RcptCommand) -> Stage {
        Stage::Rcpt(command.forward_path.to_string())
    }

    fn name(&self) -> &'static str {
        match self {
            Stage::Mail(_) => "mail",
            Stage::Rcpt(_) => "rcpt",
            Stage::Message => "data",
        }
    }

    fn from(&self) -> Option<&str> {
        match self {
            Stage::Mail(from) => Some(from),
            Stage::Rcpt(_) | Stage::Message => None,
        }
    }

    fn to(&self) -> Option<&str> {
        match self {
            Stage::Rcpt(to) => Some(to),
            Stage::Mail(_) | Stage::Message => None,
        }
    }
}

pub(super) fn refused_with(reply: Reply) -> Refusal {
    Refusal {
        reason: reply.lines.join(" "),
        reply,
        code: None,
        judgement: None,
    }
}

fn not_logged_in() -> Refusal {
    Refusal::new(530, smtp::Enhanced(5, 7, 0), "Log in first, with AUTH")
}

/// The word for a refused message in the counters (X25).
fn refused(reply: &Reply) -> &'static str {
    match reply.is_temporary() {
        true => "defer",
        false => "reject",
    }
}

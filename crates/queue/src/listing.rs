//! The queue as people and scripts see it: a line per recipient (catalogue C25, Q2).

use crate::Schedule;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::queue::{Queued, QueuedRecipient, State};

/// One recipient of a queued message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Queue id and recipient, `ID.N`: what `retry` and `remove` take. The part before the dot names the whole message.
    pub id: String,
    /// Envelope sender; empty for the null reverse-path.
    pub sender: String,
    /// Envelope recipient.
    pub recipient: String,
    /// `pending` or `held`.
    pub state: String,
    /// Octets of the message.
    pub size: u64,
    /// Submitted by an account of ours.
    pub authenticated: bool,
    /// When the message was accepted.
    pub created: Timestamp,
    /// When it is given up.
    pub expires: Timestamp,
    /// When it was last tried.
    pub last_attempt: Option<Timestamp>,
    /// When it is due.
    pub next_attempt: Timestamp,
    /// Tries so far.
    pub attempts: u32,
    /// What the other server, or ours, said last.
    pub error: Option<String>,
}

/// The lines of a message.
pub fn lines(message: &Queued, schedule: &Schedule) -> Vec<Line> {
    let expires = schedule.of(message).expires(message.created);
    let line = |recipient: &QueuedRecipient| Line {
        id: format!("{}.{}", message.id, recipient.index),
        sender: message.reverse_path.clone().unwrap_or_default(),
        recipient: recipient.address.clone(),
        state: match recipient.state {
            State::Held => "held",
            State::Pending => "pending",
        }
        .to_string(),
        size: message.body.size,
        authenticated: message.account.is_some(),
        created: message.created,
        expires,
        last_attempt: recipient.last_attempt,
        next_attempt: recipient.next_attempt,
        attempts: recipient.attempts,
        error: recipient.last_error.clone(),
    };
    message.recipients.iter().map(line).collect()
}

impl Line {
    /// The 14 fields that scripts for `smtpctl show queue` read: id, family, type, flags, sender, rcpt, dest, created, expires,
    /// last try, tries, state, delay, error. `delay` is the time to the next try, in seconds.
    pub fn smtpctl(&self, now: Timestamp) -> String {
        let delay = self.next_attempt.duration_since(now).as_secs().max(0);
        let fields = [
            self.id.clone(),
            "inet4".into(),
            "mta".into(),
            if self.authenticated { "auth" } else { "" }.into(),
            self.sender.clone(),
            self.recipient.clone(),
            self.recipient.clone(),
            self.created.as_second().to_string(),
            self.expires.as_second().to_string(),
            self.last_attempt
                .map_or(0, Timestamp::as_second)
                .to_string(),
            self.attempts.to_string(),
            self.state.clone(),
            delay.to_string(),
            self.error.clone().unwrap_or_default(),
        ];
        fields
            .map(|field| field.replace(['|', '\r', '\n'], " "))
            .join("|")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Line {
        let created = Timestamp::from_second(1_491_327_053).unwrap();
        Line {
            id: "1101f6e60c169eac.0".into(),
            sender: "bounce@lists.example.org".into(),
            recipient: "bob@example.net".into(),
            state: "pending".into(),
            size: 10,
            authenticated: false,
            created,
            expires: Timestamp::from_second(1_491_327_053 + 345_600).unwrap(),
            last_attempt: None,
            next_attempt: Timestamp::from_second(1_491_330_000).unwrap(),
            attempts: 5,
            error: Some("450 4.2.1 full | really\n".into()),
        }
    }

    /// Q2, C11: the columns, and expires − created = 4 days.
    #[test]
    fn q2_fourteen_fields() {
        let now = Timestamp::from_second(1_491_329_000).unwrap();
        let text = line().smtpctl(now);
        assert_eq!(
            text,
            "1101f6e60c169eac.0|inet4|mta||bounce@lists.example.org|bob@example.net|bob@example.net|\
             1491327053|1491672653|0|5|pending|1000|450 4.2.1 full   really "
        );
        assert_eq!(text.split('|').count(), 14);
    }
}

//! Ids of mailboxes, messages and threads (RFC 8474 OBJECTID). A mailbox keeps its id when it is renamed; copies of a message within an
//! account share theirs, and a thread is named after the message that began it.

use ::store::entry::{Content, Entry};
use ::store::{MailboxId, MessageId};

/// MAILBOXID
pub(super) fn of_mailbox(id: MailboxId) -> String {
    format!("F{:032x}", id.as_u128())
}

/// The mailbox of a MAILBOXID, as scripts write it (RFC 9042 §4); letters in their case (RFC 8474 §4.1).
pub(crate) fn mailbox_of(text: &str) -> Option<MailboxId> {
    let digits = text.strip_prefix('F')?;
    let plain = |octet| matches!(octet, b'0'..=b'9' | b'a'..=b'f');
    match digits.len() == 32 && digits.bytes().all(plain) {
        true => digits.parse().ok(),
        false => None,
    }
}

/// EMAILID
pub(super) fn of_message(entry: &Entry) -> String {
    of_message_id(entry.message)
}

fn of_message_id(id: MessageId) -> String {
    format!("M{:032x}", id.as_u128())
}

/// THREADID: messages whose References begin with the same id are of one thread, and so is the one that has this id.
pub(super) fn of_thread(content: &Content) -> String {
    format!(
        "T{:016x}",
        ::store::entry::thread(content.message, &content.summary)
    )
}

/// As FETCH and STATUS write an id: `(M…)`.
pub(super) fn in_parentheses(id: &str) -> String {
    format!("({id})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_is_found_by_the_id_that_was_told() {
        let id: MailboxId = "1a22ee4d2bf8a9b3c47266c46c9a413".parse().unwrap();
        let told = of_mailbox(id);
        assert_eq!(told, "F01a22ee4d2bf8a9b3c47266c46c9a413");
        assert_eq!(mailbox_of(&told), Some(id));
        for other in [
            "",
            "F",
            &told[1..],
            &told.to_uppercase(),
            "F+1a22ee4d2bf8a9b3c47266c46c9a413",
        ] {
            assert_eq!(mailbox_of(other), None, "{other}");
        }
    }
}

//! Ids of mailboxes, messages and threads (RFC 8474 OBJECTID). A mailbox keeps its id when it is renamed; copies of a message within an
//! account share theirs, and a thread is named after the message that began it.

use ::store::entry::{Content, Entry};
use ::store::{MailboxId, MessageId};

/// MAILBOXID
pub(super) fn of_mailbox(id: MailboxId) -> String {
    format!("F{:032x}", id.as_u128())
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

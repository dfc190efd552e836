//! THREAD and UID THREAD (RFC 5256 §4.4): from what is stored with the messages; none is read.

use super::order;
use super::{Prepared, envelope, facts_of, prepared};
use crate::listen::imap::connection::Connection;
use crate::listen::imap::failure::Outcome;
use crate::listen::imap::message_limit;
use crate::listen::imap::state::Selected;
use ::store::entry::{Entry, Facts, id_hash};
use imap::Tag;
use imap::command::By;
use imap::response::Status;
use imap::thread::{Forest, Message, Thread};

/// THREAD or UID THREAD.
pub(in crate::listen::imap) async fn thread(
    state: &mut Selected,
    connection: &mut Connection,
    tag: &Tag,
    by: By,
    thread: Thread,
) -> Outcome {
    let Prepared {
        mut finding, cut, ..
    } = prepared(state, connection, tag, &thread.key).await?;
    let mut messages = Vec::new();
    while let Some(matches) = finding.next(connection).await? {
        for (entry, facts) in facts_of(state, connection, &matches).await? {
            let number = match by {
                By::Uid => Some(entry.uid.0),
                By::Sequence => state.view.number_of(entry.uid.0),
            };
            messages.extend(number.map(|number| message(number, entry, &facts)));
        }
    }
    // Off the threads that serve clients: there may be a million.
    let grown = tokio::task::spawn_blocking(move || Forest::grow(thread.algorithm, messages));
    let failed = |error| ::store::Error::Bug(format!("threading: {error}"));
    let forest = grown.await.map_err(failed)?;
    connection.out.extend_from_slice(b"* THREAD ");
    for root in forest.threads() {
        forest.write(root, &mut connection.out);
        connection.flush_if_full().await?;
    }
    // No space where there is no thread.
    if connection.out.ends_with(b"* THREAD ") {
        connection.out.pop();
    }
    connection.out.extend_from_slice(b"\r\n");
    let done = Status::ok("Threaded.");
    Ok(message_limit::answered(connection, done, cut))
}

fn message(number: u32, entry: &Entry, facts: &Facts) -> Message {
    Message {
        number,
        sent: order::sent(entry, facts),
        subject: order::base_subject(facts),
        is_reply: ::message::subject::is_reply(&envelope::subject(&facts.envelope)),
        id: facts.message_id.as_deref().map(id_hash),
        references: facts.references.iter().map(|id| id_hash(id)).collect(),
    }
}

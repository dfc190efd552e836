//! THREAD and UID THREAD (RFC 5256 §4.4): from what is stored with the messages; none is read.

use super::criteria::contains;
use super::digest::{Kind, Order};
use super::finding::Look;
use super::{Prepared, digests_of, prepared};
use crate::listen::imap::connection::Connection;
use crate::listen::imap::failure::Outcome;
use crate::listen::imap::message_limit;
use crate::listen::imap::state::Selected;
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
    while let Some(found) = finding.next_found(connection, Look::Uids).await? {
        let packs = digests_of(state, connection, Kind::Order, &found.uids).await?;
        packs.each(|row: Order<'_>| {
            if !contains(&found.uids, row.uid) {
                return;
            }
            let number = match by {
                By::Uid => Some(row.uid),
                By::Sequence => state.view.number_of(row.uid),
            };
            messages.extend(number.map(|number| message(number, &row)));
        })?;
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

fn message(number: u32, row: &Order<'_>) -> Message {
    Message {
        number,
        sent: row.sent,
        subject: row.subject.to_owned(),
        is_reply: row.is_reply,
        id: row.id,
        references: row.references(),
    }
}

//! LSUB (RFC 3501 §6.3.9): the subscribed names.

use super::connection::Connection;
use super::failure::Outcome;
use super::list::read_names;
use super::names::superiors;
use super::state::Account;
use imap::mailbox::Pattern;
use imap::response::Status;
use std::collections::BTreeMap;

/// LSUB.
pub(super) async fn lsub(
    connection: &mut Connection,
    account: &Account,
    reference: &str,
    pattern: &str,
) -> Outcome {
    let names = read_names(connection, account).await?;
    let subscribed = names.0.iter().filter(|(_, node)| node.subscribed);
    let matcher = Pattern::new(reference, pattern);
    // A name above subscribed ones that `%` stops at is told as one that cannot be selected.
    let mut told: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, _) in subscribed {
        if matcher.matches(name) {
            told.insert(name, "");
        } else if pattern.contains('%') {
            for superior in superiors(name).filter(|superior| matcher.matches(superior)) {
                told.entry(superior).or_insert("\\Noselect");
            }
        }
    }
    for (name, attribute) in told {
        connection.out.extend_from_slice(b"* LSUB (");
        connection.out.extend_from_slice(attribute.as_bytes());
        connection.out.extend_from_slice(b") \"/\" ");
        connection.push_mailbox(name);
        connection.out.extend_from_slice(b"\r\n");
        connection.flush_if_full().await?;
    }
    Ok(Status::ok("Listed."))
}

//! LIST (RFC 3501 §6.3.8, RFC 5258, RFC 5819, RFC 6154), and XLIST for old clients of Apple and Microsoft (catalogue W26, W27).

use super::connection::Connection;
use super::failure::{Failure, Outcome};
use super::names::{self, Names, Node};
use super::state::Account;
use super::status;
use ::store::mailbox;
use imap::encode;
use imap::list::{List, Return, Selection};
use imap::mailbox::Pattern;
use imap::response::Status;

/// A name that is told of.
struct Listed<'a> {
    name: &'a str,
    node: &'a Node,
    /// RECURSIVEMATCH: something below it meets the selection.
    child_info: bool,
}

/// LIST.
pub(super) async fn list(connection: &mut Connection, account: &Account, list: &List) -> Outcome {
    if list.basic && list.patterns.iter().all(String::is_empty) {
        // RFC 3501 §6.3.8: the question for the separator.
        connection
            .out
            .extend_from_slice(b"* LIST (\\Noselect) \"/\" \"\"\r\n");
        return Ok(Status::ok("Listed."));
    }
    let names = read_names(connection, account).await?;
    let selected = select(&names, list);
    for listed in &selected {
        respond(connection, "LIST", listed, list);
        if let (Some(mailbox), false) = (&listed.node.mailbox, list.tell.status.is_empty()) {
            status::respond(connection, account, mailbox, &list.tell.status).await?;
        }
        connection.flush_if_full().await?;
    }
    Ok(Status::ok("Listed."))
}

/// XLIST: LIST under another name, with special uses.
pub(super) async fn xlist(
    connection: &mut Connection,
    account: &Account,
    reference: &str,
    pattern: &str,
) -> Outcome {
    let list = List {
        reference: reference.to_owned(),
        patterns: vec![pattern.to_owned()],
        basic: true,
        ..List::default()
    };
    let names = read_names(connection, account).await?;
    for listed in select(&names, &list) {
        respond(connection, "XLIST", &listed, &list);
        connection.flush_if_full().await?;
    }
    Ok(Status::ok("Listed."))
}

/// All names of the account.
pub(super) async fn read_names(
    connection: &Connection,
    account: &Account,
) -> Result<Names, Failure> {
    let account = account.id();
    let read = connection.services.store.read(move |tx| {
        Ok((
            mailbox::list(tx, account)?,
            mailbox::subscriptions(tx, account)?,
        ))
    });
    let (mailboxes, subscriptions) = read.await?;
    Ok(Names::new(mailboxes, subscriptions))
}

/// The names that match the patterns and the selection options, in order.
fn select<'a>(names: &'a Names, list: &List) -> Vec<Listed<'a>> {
    let patterns: Vec<Pattern> = list
        .patterns
        .iter()
        .map(|pattern| Pattern::new(&list.reference, pattern))
        .collect();
    let qualifies = |node: &Node| qualifies(&list.select, node);
    let superiors = match list.select.recursive_match {
        true => names.above(qualifies),
        false => Default::default(),
    };
    let matching = names
        .0
        .iter()
        .filter(|(name, _)| patterns.iter().any(|pattern| pattern.matches(name)));
    matching
        .map(|(name, node)| Listed {
            name,
            node,
            child_info: superiors.contains(name.as_str()),
        })
        .filter(|listed| listed.child_info || qualifies(listed.node))
        .collect()
}

/// Does a name meet the selection options by itself? Without any, a name that is only subscribed does not: it may be gone.
fn qualifies(select: &Selection, node: &Node) -> bool {
    let special = node
        .mailbox
        .as_ref()
        .is_some_and(|mailbox| mailbox.special_use.is_some());
    match select {
        Selection {
            subscribed: true,
            special_use,
            ..
        } => node.subscribed && (!special_use || special),
        Selection {
            special_use: true, ..
        } => special,
        _ => node.mailbox.is_some() || node.has_children,
    }
}

fn respond(connection: &mut Connection, word: &str, listed: &Listed<'_>, list: &List) {
    let out = &mut connection.out;
    out.extend_from_slice(b"* ");
    out.extend_from_slice(word.as_bytes());
    out.extend_from_slice(b" (");
    out.extend_from_slice(
        attributes(listed.node, &list.select, &list.tell)
            .join(" ")
            .as_bytes(),
    );
    out.extend_from_slice(b") \"/\" ");
    encode::mailbox(out, listed.name);
    if listed.child_info {
        out.extend_from_slice(match list.select.subscribed {
            true => b" (\"CHILDINFO\" (\"SUBSCRIBED\"))".as_slice(),
            false => b" (\"CHILDINFO\" (\"SPECIAL-USE\"))".as_slice(),
        });
    }
    out.extend_from_slice(b"\r\n");
}

/// CHILDREN and SPECIAL-USE are always told: clients that do not ask for them need them too (catalogue W14).
fn attributes(node: &Node, select: &Selection, tell: &Return) -> Vec<&'static str> {
    let mut attributes = Vec::with_capacity(4);
    if node.mailbox.is_none() {
        // RFC 5258 §3.4: old clients know \Noselect only.
        attributes.extend(["\\NonExistent", "\\Noselect"]);
    }
    attributes.push(match node.has_children {
        true => "\\HasChildren",
        false => "\\HasNoChildren",
    });
    if node.subscribed && (select.subscribed || tell.subscribed) {
        attributes.push("\\Subscribed");
    }
    if let Some(special) = node
        .mailbox
        .as_ref()
        .and_then(|mailbox| mailbox.special_use)
    {
        attributes.push(names::special_use(special).as_str());
    }
    attributes
}

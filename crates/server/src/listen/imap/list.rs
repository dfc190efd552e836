//! LIST (RFC 3501 §6.3.8, RFC 5258, RFC 5819, RFC 6154), and XLIST for old clients of Apple and Microsoft (catalogue W26, W27).

use super::connection::Connection;
use super::failure::{Failure, Outcome};
use super::locate;
use super::metadata;
use super::names::{self, Names, Node};
use super::state::Account;
use super::status;
use ::store::mailbox;
use ::store::share::{self, Rights};
use imap::acl;
use imap::list::{List, Return, Selection};
use imap::mailbox::Pattern;
use imap::metadata::EntryName;
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
        tell_more(connection, account, listed, list).await?;
        connection.flush_if_full().await?;
    }
    Ok(Status::ok("Listed."))
}

/// What is asked for besides the name: STATUS (RFC 5819), MYRIGHTS (RFC 8440), METADATA (RFC 9590).
async fn tell_more(
    connection: &mut Connection,
    account: &Account,
    listed: &Listed<'_>,
    list: &List,
) -> Result<(), Failure> {
    let (Some(mailbox), rights) = (&listed.node.mailbox, listed.node.rights()) else {
        return Ok(());
    };
    if list.tell.my_rights {
        let name = (listed.name, connection.enabled.names());
        acl::push_my_rights(&mut connection.out, name, &rights.with_obsolete());
    }
    if !list.tell.status.is_empty() && rights.contains(Rights::READ) {
        let owner = listed.node.shared.map_or(account.id(), |(owner, _)| owner);
        status::respond(connection, owner, mailbox, &list.tell.status).await?;
    }
    if !list.tell.metadata.is_empty() {
        tell_metadata(connection, account, listed.name, &list.tell.metadata).await?;
    }
    Ok(())
}

async fn tell_metadata(
    connection: &mut Connection,
    account: &Account,
    name: &str,
    entries: &[EntryName],
) -> Result<(), Failure> {
    let (viewer, of, entries) = (account.id(), name.to_owned(), entries.to_vec());
    let read = connection
        .services
        .store
        .read(move |tx| metadata::of_mailbox(tx, viewer, &of, &entries));
    if let Some(values) = read.await? {
        let values = values
            .iter()
            .map(|(entry, value)| (entry.as_str(), value.as_deref()));
        let name = (name, connection.enabled.names());
        imap::metadata::push(&mut connection.out, name, values);
    }
    Ok(())
}

/// The LIST response of the mailbox that was just opened (RFC 9051 §6.3.2).
pub(super) fn tell_selected(connection: &mut Connection, name: &str) {
    connection.out.extend_from_slice(b"* LIST () \"/\" ");
    connection.push_mailbox(name);
    connection.out.extend_from_slice(b"\r\n");
}

/// The LIST response of a name to which something happened (RFC 5465 §5.4–5.5).
pub(super) fn tell_name(
    connection: &mut Connection,
    name: &str,
    node: &Node,
    old_name: Option<&str>,
) {
    let tell = Return {
        subscribed: true,
        ..Return::default()
    };
    let attributes = attributes(node, &Selection::default(), &tell).join(" ");
    push_name(connection, &attributes, name);
    if let Some(old_name) = old_name {
        connection.out.extend_from_slice(b" (\"OLDNAME\" (");
        connection.push_mailbox(old_name);
        connection.out.extend_from_slice(b"))");
    }
    connection.out.extend_from_slice(b"\r\n");
}

/// The LIST response of a mailbox that may not be used, or not any more (RFC 5465 §5.4).
pub(super) fn tell_inaccessible(connection: &mut Connection, name: &str) {
    push_name(connection, "\\NoAccess", name);
    connection.out.extend_from_slice(b"\r\n");
}

fn push_name(connection: &mut Connection, attributes: &str, name: &str) {
    let begin = format!("* LIST ({attributes}) \"/\" ");
    connection.out.extend_from_slice(begin.as_bytes());
    connection.push_mailbox(name);
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

/// All names that the account may list: its own, and those of others that it may look up (RFC 4314 §4, `l`).
pub(super) async fn read_names(
    connection: &Connection,
    account: &Account,
) -> Result<Names, Failure> {
    let account = account.id();
    let read = connection.services.store.read(move |tx| {
        let mut shared = share::shared_with(tx, account)?;
        shared.retain(|one| one.rights.contains(Rights::LOOKUP));
        for one in &mut shared {
            locate::viewed(tx, one.owner, &mut one.mailbox, account)?;
        }
        Ok((
            mailbox::list(tx, account)?,
            shared,
            mailbox::subscriptions(tx, account)?,
        ))
    });
    let (mailboxes, shared, subscriptions) = read.await?;
    Ok(Names::new(mailboxes, shared, subscriptions))
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
    connection.push_mailbox(listed.name);
    let out = &mut connection.out;
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

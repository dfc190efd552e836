//! NOTIFY (RFC 5465): news of several mailboxes, whenever they happen, in IDLE and between commands.
//!
//! What happened is read from the change log of each account whose mailboxes are watched, once its watch says that something did;
//! nothing polls. Events of the selected mailbox go the way of all its news ([`super::updates`]); those of others become STATUS, LIST
//! and METADATA here.
//!
//! Without a group for the selected mailbox it is told of as by `SELECTED-DELAYED`, which is what a server may do without NOTIFY too.

mod registered;
mod tell;

use super::connection::Connection;
use super::failure::{Failure, Outcome};
use super::list;
use super::state::Account;
use super::status;
use super::view::View;
use ::store::share::Rights;
use ::store::{AccountId, MailboxId};
use imap::notify::{Event, Group, Notify};
use imap::response::{Code, Status};

pub(super) use registered::{OfSelected, Registered, When, changed};
pub(super) use tell::tell;

/// The mailbox that is selected, and whose it is.
type Place = (AccountId, MailboxId);

/// NOTIFY. What was asked for before holds no longer.
pub(super) async fn notify(
    connection: &mut Connection,
    account: &mut Account,
    selected: Option<&View>,
    notify: Notify,
) -> Outcome {
    let (status, groups) = match notify {
        Notify::None => {
            account.notify = Some(Box::new(Registered::nothing()));
            return Ok(Status::ok("Nothing will be told."));
        }
        Notify::Set { status, groups } => (status, groups),
    };
    let unknown = |group: &Group| group.has(|event| matches!(event, Event::Other(_)));
    if groups.iter().any(unknown) {
        let refused = Status::no("There is an event that cannot be told of.");
        return Ok(refused.code(Code::BadEvent(Event::KNOWN.into())));
    }
    let registered = Registered::new(connection, account, groups).await?;
    let place = selected.map(|view| (view.owner, view.mailbox.mailbox));
    tell_inaccessible(connection, account, &registered).await?;
    if status {
        tell_status(connection, account, &registered, place).await?;
    }
    account.notify = Some(Box::new(registered));
    Ok(Status::ok("You will be told."))
}

/// RFC 5465 §3.1: the state of the mailboxes whose messages will be told of, but not of the selected one.
async fn tell_status(
    connection: &mut Connection,
    account: &Account,
    registered: &Registered,
    selected: Option<Place>,
) -> Result<(), Failure> {
    let names = list::read_names(connection, account).await?;
    for (name, node) in &names.0 {
        let owner = node.shared.map_or(account.id(), |(owner, _)| owner);
        let Some(mailbox) = &node.mailbox else {
            continue;
        };
        let readable = node.rights().contains(Rights::READ);
        let Some(group) = registered.group_of(registered::candidate(name, node)) else {
            continue;
        };
        if readable && group.has(Event::is_of_messages) && selected != Some((owner, mailbox.id)) {
            let items = tell::status_items(group, account.condstore);
            status::respond(connection, owner, mailbox, &items).await?;
            connection.flush_if_full().await?;
        }
    }
    Ok(())
}

/// RFC 5465 §6: a mailbox that is named, and may be listed but not read, is told of as such.
async fn tell_inaccessible(
    connection: &mut Connection,
    account: &Account,
    registered: &Registered,
) -> Result<(), Failure> {
    if !registered.names_others() {
        return Ok(());
    }
    let names = list::read_names(connection, account).await?;
    for (name, node) in &names.0 {
        let group = registered.group_of(registered::candidate(name, node));
        let wanted = group.is_some_and(|group| group.has(Event::is_of_messages));
        if wanted && node.mailbox.is_some() && !node.rights().contains(Rights::READ) {
            list::tell_inaccessible(connection, name);
        }
    }
    Ok(())
}

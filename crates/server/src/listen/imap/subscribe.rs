//! SUBSCRIBE and UNSUBSCRIBE (RFC 3501 §6.3.6–7). Names are subscribed, not mailboxes: a name stays subscribed when its mailbox goes.

use super::connection::Connection;
use super::failure::{Failure, Outcome};
use super::locate::{Otherwise, locate_with};
use super::names;
use super::state::Account;
use ::store::mailbox;
use ::store::share::Rights;
use imap::MailboxName;
use imap::response::{Code, Status};

/// Names an account may subscribe.
const MAX_SUBSCRIPTIONS: usize = 10_000;

/// SUBSCRIBE: only a name that exists, so that a slip of the pen does not stay in every client's list.
pub(super) async fn subscribe(
    connection: &mut Connection,
    account: &Account,
    name: MailboxName,
) -> Outcome {
    let name = names::creatable(name.without_trailing_separator())?;
    let account = account.id();
    let subscribed = connection.services.store.write(move |tx| {
        let found = locate_with(tx, account, &name, Rights::LOOKUP, Otherwise::NoMailbox)?;
        if let Err(refused) = found {
            return Ok(Err(refused));
        }
        if mailbox::subscriptions(tx, account)?.len() >= MAX_SUBSCRIPTIONS {
            return Ok(Err(
                Status::no("There are too many subscriptions.").code(Code::Limit)
            ));
        }
        mailbox::subscribe(tx, account, &name, true)?;
        Ok(Ok(Status::ok("Subscribed.")))
    });
    subscribed.await?.map_err(Failure::from)
}

/// UNSUBSCRIBE, whether or not the name was subscribed.
pub(super) async fn unsubscribe(
    connection: &mut Connection,
    account: &Account,
    name: MailboxName,
) -> Outcome {
    let (account, name) = (account.id(), name.as_str().to_owned());
    let unsubscribed = connection
        .services
        .store
        .write(move |tx| mailbox::subscribe(tx, account, &name, false));
    unsubscribed.await?;
    Ok(Status::ok("Unsubscribed."))
}

//! DELETE (RFC 3501 §6.3.4). Mailboxes below the deleted one stay; its name then exists no more than theirs needs it to.

use super::connection::Connection;
use super::failure::{self, Outcome};
use super::locate::{self, Otherwise, locate_with};
use super::state::Account;
use ::store::mailbox;
use ::store::share::Rights;
use imap::MailboxName;
use imap::response::{Code, Status};

/// What DELETE came to.
enum Deleted {
    Yes,
    NoMailbox,
    HasChildren,
    Refused(Status),
}

/// DELETE.
pub(super) async fn delete(
    connection: &mut Connection,
    account: &Account,
    name: &MailboxName,
) -> Outcome {
    if name.is_inbox() {
        return Ok(Status::no("INBOX cannot be deleted.").code(Code::Cannot));
    }
    let (account, name) = (account.id(), name.as_str().to_owned());
    let deleted = connection.services.store.write(move |tx| {
        match locate_with(
            tx,
            account,
            &name,
            Rights::DELETE_MAILBOX,
            Otherwise::NoMailbox,
        )? {
            Ok(located) => {
                mailbox::delete(tx, located.owner, &located.own_name)?;
                return Ok(Deleted::Yes);
            }
            Err(refused) if locate::is_reserved(&name) => return Ok(Deleted::Refused(refused)),
            Err(_) => {}
        }
        let below = format!("{name}/");
        let has_children = mailbox::list(tx, account)?
            .iter()
            .any(|mailbox| mailbox.name.starts_with(&below));
        Ok(match has_children {
            true => Deleted::HasChildren,
            false => Deleted::NoMailbox,
        })
    });
    Ok(match deleted.await? {
        Deleted::Yes => Status::ok("Deleted."),
        Deleted::Refused(status) => status,
        Deleted::NoMailbox => failure::no_mailbox(),
        Deleted::HasChildren => {
            Status::no("There are only mailboxes below that name; delete those.")
                .code(Code::HasChildren)
        }
    })
}

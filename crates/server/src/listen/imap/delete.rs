//! DELETE (RFC 3501 §6.3.4). Mailboxes below the deleted one stay; its name then exists no more than theirs needs it to.

use super::connection::Connection;
use super::failure::{self, Outcome};
use super::state::Account;
use ::store::mailbox;
use imap::MailboxName;
use imap::response::{Code, Status};

/// What DELETE came to.
enum Deleted {
    Yes,
    NoMailbox,
    HasChildren,
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
        if mailbox::by_name(tx, account, &name)?.is_some() {
            mailbox::delete(tx, account, &name)?;
            return Ok(Deleted::Yes);
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
        Deleted::NoMailbox => failure::no_mailbox(),
        Deleted::HasChildren => {
            Status::no("There are only mailboxes below that name; delete those.")
                .code(Code::HasChildren)
        }
    })
}

//! CREATE (RFC 3501 §6.3.3) with a special use (RFC 6154 §3); the answer names its id (RFC 8474).

use super::connection::Connection;
use super::failure::Outcome;
use super::locate;
use super::names;
use super::object_id;
use super::state::Account;
use ::store::MailboxId;
use ::store::mailbox::{self, SpecialUse};
use imap::MailboxName;
use imap::list::Use;
use imap::response::{Code, Status};

/// Mailboxes of an account.
pub(super) const MAX_MAILBOXES: usize = 10_000;

/// What CREATE came to.
enum Created {
    Yes(MailboxId),
    UseTaken,
    TooMany,
    Refused(Status),
}

/// CREATE.
pub(super) async fn create(
    connection: &mut Connection,
    account: &Account,
    name: MailboxName,
    uses: &[Use],
) -> Outcome {
    let name = names::creatable(name.without_trailing_separator())?;
    let special = special_use(uses)?;
    let viewer = account.id();
    let created = connection.services.store.write(move |tx| {
        let (account, name) = match locate::creatable(tx, viewer, &name)? {
            Ok(place) => place,
            Err(refused) => return Ok(Created::Refused(refused)),
        };
        if mailbox::count(tx, account)? >= MAX_MAILBOXES {
            return Ok(Created::TooMany);
        }
        // What a mailbox is for is its owner's to say.
        if special.is_some() && account != viewer {
            return Ok(Created::UseTaken);
        }
        // G11: each use has one mailbox.
        if let Some(special) = special
            && mailbox::by_special_use(tx, account, special)?.is_some()
        {
            return Ok(Created::UseTaken);
        }
        locate::create(tx, viewer, (account, &name), special).map(Created::Yes)
    });
    Ok(match created.await? {
        // RFC 8474 §4.1
        Created::Yes(id) => Status::ok("Created.").code(Code::MailboxId(object_id::of_mailbox(id))),
        Created::Refused(status) => status,
        Created::UseTaken => {
            Status::no("Another mailbox has that special use.").code(Code::UseAttr)
        }
        Created::TooMany => Status::no("There are too many mailboxes.").code(Code::Limit),
    })
}

/// The one use a mailbox may have.
fn special_use(uses: &[Use]) -> Result<Option<SpecialUse>, Status> {
    let refused = || Status::no("A mailbox cannot have that special use.").code(Code::UseAttr);
    match uses {
        [] => Ok(None),
        [one] => names::mailbox_use(*one).map(Some).ok_or_else(refused),
        _ => Err(refused()),
    }
}

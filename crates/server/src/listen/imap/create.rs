//! CREATE (RFC 3501 §6.3.3) with a special use (RFC 6154 §3).

use super::connection::Connection;
use super::failure::Outcome;
use super::names;
use super::state::Account;
use ::store::mailbox::{self, SpecialUse};
use imap::MailboxName;
use imap::list::Use;
use imap::response::{Code, Status};

/// Mailboxes of an account.
const MAX_MAILBOXES: usize = 10_000;

/// What CREATE came to.
enum Created {
    Yes,
    UseTaken,
    TooMany,
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
    let account = account.id();
    let created = connection.services.store.write(move |tx| {
        if mailbox::list(tx, account)?.len() >= MAX_MAILBOXES {
            return Ok(Created::TooMany);
        }
        // G11: each use has one mailbox.
        if let Some(special) = special
            && mailbox::by_special_use(tx, account, special)?.is_some()
        {
            return Ok(Created::UseTaken);
        }
        mailbox::create(tx, account, &name, special)?;
        Ok(Created::Yes)
    });
    Ok(match created.await? {
        Created::Yes => Status::ok("Created."),
        Created::UseTaken => {
            Status::no("Another mailbox has that special use.").code(Code::UseAttr)
        }
        Created::TooMany => Status::no("There are too many mailboxes.").code(Code::Limit),
    })
}

/// The one use a mailbox may have; `\All` and `\Flagged` are for views, which this server does not make.
fn special_use(uses: &[Use]) -> Result<Option<SpecialUse>, Status> {
    match uses {
        [] => Ok(None),
        [Use::Archive] => Ok(Some(SpecialUse::Archive)),
        [Use::Drafts] => Ok(Some(SpecialUse::Drafts)),
        [Use::Junk] => Ok(Some(SpecialUse::Junk)),
        [Use::Sent] => Ok(Some(SpecialUse::Sent)),
        [Use::Trash] => Ok(Some(SpecialUse::Trash)),
        _ => Err(Status::no("A mailbox cannot have that special use.").code(Code::UseAttr)),
    }
}

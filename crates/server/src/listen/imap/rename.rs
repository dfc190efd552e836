//! RENAME (RFC 3501 §6.3.5). Renaming INBOX moves its messages into a new mailbox and leaves INBOX empty.

use super::connection::Connection;
use super::failure::Outcome;
use super::names;
use super::state::Account;
use ::store::mailbox;
use imap::MailboxName;
use imap::response::Status;

/// RENAME.
pub(super) async fn rename(
    connection: &mut Connection,
    account: &Account,
    from: MailboxName,
    to: MailboxName,
) -> Outcome {
    let to = names::creatable(to.without_trailing_separator())?;
    let (account, from) = (account.id(), from.as_str().to_owned());
    let renamed = connection
        .services
        .store
        .write(move |tx| mailbox::rename(tx, account, &from, &to));
    renamed.await?;
    Ok(Status::ok("Renamed."))
}

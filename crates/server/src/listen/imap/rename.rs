//! RENAME (RFC 3501 §6.3.5). Renaming INBOX moves its messages into a new mailbox and leaves INBOX empty.

use super::connection::Connection;
use super::failure::Outcome;
use super::locate::{self, Otherwise, locate_with};
use super::names;
use super::state::Account;
use ::store::mailbox;
use ::store::share::Rights;
use ::store::{AccountId, Tx};
use imap::MailboxName;
use imap::response::{Code, Status};

/// RENAME.
pub(super) async fn rename(
    connection: &mut Connection,
    account: &Account,
    from: MailboxName,
    to: MailboxName,
) -> Outcome {
    let to = names::creatable(to.without_trailing_separator())?;
    let (viewer, from) = (account.id(), from.as_str().to_owned());
    let renamed = connection
        .services
        .store
        .write(move |tx| between(tx, viewer, &from, &to));
    renamed.await??;
    Ok(Status::ok("Renamed."))
}

/// Within the mailboxes of one owner: a mailbox does not change hands by its name (RFC 4314 §4: `x` here, `k` there).
fn between(
    tx: &mut Tx<'_>,
    viewer: AccountId,
    from: &str,
    to: &str,
) -> ::store::Result<Result<(), Status>> {
    let source = locate_with(
        tx,
        viewer,
        from,
        Rights::DELETE_MAILBOX,
        Otherwise::NoMailbox,
    )?;
    let source = match source {
        Ok(source) => source,
        Err(refused) => return Ok(Err(refused)),
    };
    let (owner, to) = match locate::creatable(tx, viewer, to)? {
        Ok(target) => target,
        Err(refused) => return Ok(Err(refused)),
    };
    let others_inbox = source.is_foreign(viewer) && source.own_name == mailbox::INBOX;
    if owner != source.owner || others_inbox {
        let stays = Status::no("A mailbox stays with its owner; copy its messages instead.");
        return Ok(Err(stays.code(Code::Cannot)));
    }
    mailbox::rename(tx, owner, &source.own_name, &to).map(Ok)
}

//! STATUS (RFC 3501 §6.3.10, RFC 7162, RFC 7889, RFC 8438, RFC 8474, RFC 9208), from counters that every transaction keeps right.

use super::connection::Connection;
use super::failure::{Failure, Outcome};
use super::locate::{Otherwise, locate_with};
use super::object_id;
use super::state::Account;
use ::store::entry;
use ::store::mailbox::Mailbox;
use ::store::share::Rights;
use ::store::{AccountId, Uid};
use imap::MailboxName;
use imap::encode;
use imap::response::Status;
use imap::status::StatusItem;

/// STATUS.
pub(super) async fn status(
    connection: &mut Connection,
    account: &mut Account,
    name: &MailboxName,
    items: &[StatusItem],
) -> Outcome {
    account.condstore |= items.contains(&StatusItem::HighestModSeq);
    let (id, name) = (account.id(), name.as_str().to_owned());
    let found = connection
        .services
        .store
        .read(move |tx| locate_with(tx, id, &name, Rights::READ, Otherwise::NoMailbox));
    let located = found.await??;
    respond(connection, located.owner, &located.mailbox, items).await?;
    Ok(Status::ok("Status told."))
}

/// The STATUS response of a mailbox.
pub(super) async fn respond(
    connection: &mut Connection,
    owner: AccountId,
    mailbox: &Mailbox,
    items: &[StatusItem],
) -> Result<(), Failure> {
    let deleted_bytes = match items.contains(&StatusItem::DeletedStorage) && mailbox.deleted > 0 {
        true => deleted_bytes(connection, mailbox).await?,
        false => 0,
    };
    let recent = match items.contains(&StatusItem::Recent) {
        true => recent(connection, owner, mailbox).await?,
        false => 0,
    };
    let append_limit = connection.services.config.load().limits.message_size;
    connection.out.extend_from_slice(b"* STATUS ");
    connection.push_mailbox(&mailbox.name);
    let out = &mut connection.out;
    for (index, item) in items.iter().enumerate() {
        out.extend_from_slice(if index == 0 { b" (" } else { b" " });
        out.extend_from_slice(item.as_str().as_bytes());
        out.push(b' ');
        if *item == StatusItem::MailboxId {
            out.extend_from_slice(
                object_id::in_parentheses(&object_id::of_mailbox(mailbox.id)).as_bytes(),
            );
            continue;
        }
        encode::number(
            out,
            match item {
                StatusItem::Messages => u64::from(mailbox.messages),
                StatusItem::Recent => u64::from(recent),
                StatusItem::MailboxId => 0,
                StatusItem::UidNext => u64::from(mailbox.uid_next.0),
                StatusItem::UidValidity => u64::from(mailbox.uid_validity.0),
                StatusItem::Unseen => u64::from(mailbox.unseen),
                StatusItem::Deleted => u64::from(mailbox.deleted),
                StatusItem::Size => mailbox.bytes,
                StatusItem::HighestModSeq => mailbox.modseq.0.max(1),
                StatusItem::AppendLimit => append_limit,
                StatusItem::DeletedStorage => deleted_bytes,
            },
        );
    }
    out.extend_from_slice(b")\r\n");
    Ok(())
}

/// How many messages no session was told of.
async fn recent(
    connection: &Connection,
    owner: AccountId,
    mailbox: &Mailbox,
) -> Result<u32, Failure> {
    let from = Uid(connection.services.recents.from(owner, mailbox));
    if from >= mailbox.uid_next {
        return Ok(0);
    }
    let id = mailbox.id;
    let counted = connection
        .services
        .store
        .read(move |tx| entry::count_from(tx, owner, id, from));
    Ok(counted.await?)
}

/// Sum of the sizes of messages with `\Deleted`.
async fn deleted_bytes(connection: &Connection, mailbox: &Mailbox) -> Result<u64, Failure> {
    let mailbox = mailbox.id;
    let summed = connection
        .services
        .store
        .read(move |tx| entry::marked_bytes(tx, mailbox));
    Ok(summed.await?)
}

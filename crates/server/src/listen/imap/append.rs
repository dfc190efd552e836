//! APPEND (RFC 3501 §6.3.11) with APPENDUID (RFC 4315 §3) and APPENDLIMIT (RFC 7889). The message streams into the store; `OK` is
//! said when it is committed and synced.

use super::connection::{Connection, Ended};
use super::copy;
use super::failure::{self, Failure, Outcome};
use super::flags;
use super::state::Account;
use ::message::{Scanner, Summary};
use ::store::body::Staged;
use ::store::entry::{self, NewEntry};
use ::store::{MailboxId, Timestamp, account, mailbox};
use imap::AppendHead;
use imap::response::{Code, Status};

/// APPEND. Whatever the answer, the message and the rest of the command have been taken from the connection.
pub(super) async fn append(
    connection: &mut Connection,
    account: &Account,
    head: AppendHead,
) -> Outcome {
    let mailbox = match target(connection, account, &head).await {
        Ok(mailbox) => mailbox,
        Err(failed) => {
            connection.framer().refuse_message();
            return Err(failed);
        }
    };
    connection.accept_message(head.literal);
    let received = receive(connection).await?;
    if !end_of_command(connection).await? {
        return Ok(Status::bad("APPEND takes one message."));
    }
    let (body, summary) = received?;
    let new = new_entry(connection, account, mailbox, head, body, summary)?;
    let (uid, validity, _) = connection
        .services
        .store
        .write(move |tx| entry::add(tx, &new))
        .await?;
    Ok(Status::ok("Appended.").code(Code::AppendUid(validity.0, uid.0)))
}

/// Where the message goes, if it can: this is asked before it is sent.
async fn target(
    connection: &Connection,
    account: &Account,
    head: &AppendHead,
) -> Result<MailboxId, Failure> {
    let config = connection.services.config.load();
    if head.size > config.limits.message_size {
        return Err(too_big(config.limits.message_size).into());
    }
    let default_quota = config.mail.quota;
    drop(config);
    connection.services.store.room()?;
    let (id, name) = (account.id(), head.mailbox.as_str().to_owned());
    let looked_up = connection
        .services
        .store
        .read(move |tx| Ok((mailbox::by_name(tx, id, &name)?, account::by_id(tx, id)?)));
    let (mailbox, owner) = looked_up.await?;
    let mailbox = mailbox.ok_or_else(failure::try_create)?;
    if let Some(owner) = owner {
        let limit = owner.quota.or(default_quota).unwrap_or(u64::MAX);
        let used = owner.used_bytes;
        if used.saturating_add(head.size) > limit {
            return Err(::store::Error::OverQuota { limit, used }.into());
        }
    }
    Ok(mailbox.id)
}

fn too_big(limit: u64) -> Status {
    let text = format!("The message is too big; the limit is {limit} octets.");
    Status::no(text).code(Code::TooBig)
}

/// Takes the message in. The inner error is the command's; the message has been read nevertheless.
async fn receive(connection: &mut Connection) -> Result<Result<(Staged, Summary), Failure>, Ended> {
    let mut staging = connection.services.store.stage();
    let mut scanner = Scanner::new();
    let mut failed: Option<Failure> = None;
    while let Some(octets) = connection.next_of_message().await? {
        if failed.is_some() {
            continue;
        }
        if octets.contains(&0) {
            // RFC 3501 §9: a literal holds no NUL. To store one would be to send one later.
            failed = Some(Status::bad("The message holds a NUL octet.").into());
            continue;
        }
        scanner.feed(&octets);
        failed = staging.write(&octets).await.err().map(Failure::from);
    }
    if let Some(failed) = failed {
        return Ok(Err(failed));
    }
    if staging.is_empty() {
        return Ok(Err(Status::no("An empty message is not kept.").into()));
    }
    let staged = staging.finish(&[]).await;
    Ok(staged
        .map(|body| (body, scanner.finish()))
        .map_err(Failure::from))
}

/// Nothing may follow the message.
async fn end_of_command(connection: &mut Connection) -> Result<bool, Ended> {
    let rest = connection.next_line().await?;
    Ok(rest.is_some_and(|line| line.is_empty()))
}

fn new_entry(
    connection: &Connection,
    account: &Account,
    mailbox: MailboxId,
    head: AppendHead,
    body: Staged,
    summary: Summary,
) -> Result<NewEntry, Failure> {
    let internal_date = match head.date {
        Some(seconds) => {
            Timestamp::from_second(seconds).map_err(|_| Status::bad("The date is out of range."))?
        }
        None => connection.services.clock.now(),
    };
    let (flags, keywords) = flags::to_store(&head.flags);
    Ok(NewEntry {
        account: account.id(),
        mailbox,
        flags,
        keywords,
        internal_date,
        body,
        summary,
        quota: copy::quota(connection),
    })
}

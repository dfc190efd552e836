//! APPEND (RFC 3501 §6.3.11) with APPENDUID (RFC 4315 §3) and APPENDLIMIT (RFC 7889). The message streams into the store; `OK` is
//! said when it is committed and synced.

use super::connection::{Connection, Ended};
use super::copy;
use super::failure::{Failure, Outcome};
use super::flags;
use super::state::Account;
use ::message::{Scanner, Summary};
use ::store::body::Staged;
use ::store::entry::{self, FlagChange, Flags, Kept, NewEntry, Place, Viewed};
use ::store::{Timestamp, Tx, Uid, UidValidity, account};
use imap::AppendHead;
use imap::response::{Code, Status};

/// APPEND. Whatever the answer, the message and the rest of the command have been taken from the connection.
pub(super) async fn append(
    connection: &mut Connection,
    account: &Account,
    head: AppendHead,
) -> Outcome {
    let (place, kept) = match target(connection, account, &head).await {
        Ok(found) => found,
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
    let mut new = new_entry(connection, place, head, body, summary)?;
    keep(kept, &mut new);
    let added = connection
        .services
        .store
        .write(move |tx| add(tx, &new, place.mailbox));
    let (uid, validity) = added.await?;
    Ok(Status::ok("Appended.").code(Code::AppendUid(validity.0, uid.0)))
}

/// Flags that the client may not set are left out.
fn keep(kept: Kept, new: &mut NewEntry) {
    new.flags = Flags(new.flags.0 & kept.flags.0);
    if !kept.keywords {
        new.keywords.clear();
    }
}

/// Puts the message in; `\Seen` is the client's own where each reader has his own.
fn add(tx: &mut Tx<'_>, new: &NewEntry, viewed: Viewed) -> ::store::Result<(Uid, UidValidity)> {
    let own_seen = viewed.viewer.is_some() && new.flags.contains(Flags::SEEN);
    if !own_seen {
        let (uid, validity, _) = entry::add(tx, new)?;
        return Ok((uid, validity));
    }
    let unseen = NewEntry {
        flags: new.flags.without(Flags::SEEN),
        ..new.clone()
    };
    let (uid, validity, _) = entry::add(tx, &unseen)?;
    let seen = FlagChange::Add(Flags::SEEN, Vec::new());
    entry::store_flags(tx, new.account, viewed, &[uid.0..=uid.0], &seen, None)?;
    Ok((uid, validity))
}

/// Where the message goes, if it can: this is asked before it is sent.
async fn target(
    connection: &Connection,
    account: &Account,
    head: &AppendHead,
) -> Result<(Place, Kept), Failure> {
    let config = connection.services.config.load();
    if head.size > config.limits.message_size {
        return Err(too_big(config.limits.message_size).into());
    }
    let default_quota = config.mail.quota;
    drop(config);
    connection.services.store.room()?;
    let (id, name) = (account.id(), head.mailbox.as_str().to_owned());
    let looked_up = connection.services.store.read(move |tx| {
        Ok(match copy::accepting(tx, id, &name)? {
            Ok((place, kept)) => Ok((place, kept, account::by_id(tx, place.account)?)),
            Err(refused) => Err(refused),
        })
    });
    let (place, kept, owner) = looked_up.await??;
    if let Some(owner) = owner {
        let limit = owner.quota.or(default_quota).unwrap_or(u64::MAX);
        let used = owner.used_bytes;
        if used.saturating_add(head.size) > limit {
            return Err(::store::Error::OverQuota { limit, used }.into());
        }
    }
    Ok((place, kept))
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
    place: Place,
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
        account: place.account,
        mailbox: place.mailbox.mailbox,
        flags,
        keywords,
        internal_date,
        body,
        summary,
        quota: copy::quota(connection),
    })
}

//! APPEND (RFC 3501 §6.3.11) with APPENDUID (RFC 4315 §3), APPENDLIMIT (RFC 7889), MULTIAPPEND (RFC 3502), CATENATE (RFC 4469), BINARY
//! (RFC 3516) and UTF8 (RFC 6855 §4); and REPLACE (RFC 8508).
//!
//! Messages stream into the store; `OK` is said when all of them are committed and synced in one transaction, or none is.

mod building;
mod catenate;

use super::connection::{Connection, Ended};
use super::copy;
use super::failure::{Failure, Outcome};
use super::state::Account;
use super::view::View;
use crate::scripts::event::Witness;
use ::store::entry::{self, FlagChange, Flags, Kept, NewEntry, Place, Viewed};
use ::store::script::event::Cause;
use ::store::share::Rights;
use ::store::{Tx, Uid, UidValidity, account, mailbox, quota};
use building::{Building, Built};
use imap::AppendHead;
use imap::append::{self, Append, Step};
use imap::command::By;
use imap::encode::collect_ranges;
use imap::response::{Code, Status};
use imap::sequence::{Number, SequenceSet};

/// Where messages go, and which one they take the place of.
struct Target {
    place: Place,
    /// The flags that the client may set there.
    kept: Kept,
    replaces: Option<(Place, Uid)>,
}

/// APPEND or REPLACE. Whatever the answer, all of the command has been taken from the connection.
pub(super) async fn append(
    connection: &mut Connection,
    account: &Account,
    view: Option<&View>,
    head: AppendHead,
) -> Outcome {
    let steps = head.append.steps.clone();
    let target = match target(connection, account, view, &head.append).await {
        Ok(target) => target,
        Err(failed) => {
            refuse(connection, &steps);
            return Err(failed);
        }
    };
    let messages = receive(connection, account, view, steps).await??;
    if target.replaces.is_some() && messages.len() != 1 {
        return Ok(Status::bad("REPLACE takes one message."));
    }
    let witness = connection.witness(account);
    commit(connection, target, messages, witness).await
}

/// The octets that these steps announce are not taken, nor anything behind them.
pub(super) fn refuse(connection: &mut Connection, steps: &[Step]) {
    if append::announced(steps).is_some() {
        connection.framer().refuse_message();
    }
}

/// Where the messages go, if they can: this is asked before they are sent.
async fn target(
    connection: &Connection,
    account: &Account,
    view: Option<&View>,
    append: &Append,
) -> Result<Target, Failure> {
    let replaces = match append.replaces {
        Some((by, number)) => Some(replaced(view, by, number)?),
        None => None,
    };
    let config = connection.services.config.load();
    let size = append::announced(&append.steps).map_or(0, |announced| announced.size);
    if size > config.limits.message_size {
        return Err(building::too_big(config.limits.message_size).into());
    }
    drop(config);
    let rule = copy::quota(connection);
    connection.services.store.room()?;
    let (id, name) = (account.id(), append.mailbox.as_str().to_owned());
    let looked_up = connection.services.store.read(move |tx| {
        Ok(match copy::accepting(tx, id, &name)? {
            Ok((place, kept)) => {
                // What a replaced message frees is known in the transaction only.
                if let (Some(owner), None) = (account::by_id(tx, place.account)?, replaces) {
                    let mailbox = mailbox::by_id(tx, place.account, place.mailbox.mailbox)?;
                    let room = quota::room(tx, &owner, mailbox.as_ref(), &rule, size)?;
                    room.into_result(&owner, &rule)?;
                }
                Ok((place, kept))
            }
            Err(refused) => Err(refused),
        })
    });
    let (place, kept) = looked_up.await??;
    Ok(Target {
        place,
        kept,
        replaces,
    })
}

/// The message that REPLACE names.
fn replaced(view: Option<&View>, by: By, number: Number) -> Result<(Place, Uid), Status> {
    let view =
        view.ok_or_else(|| Status::bad("REPLACE is not for this state: select a mailbox first."))?;
    // RFC 8508 §3.5: what EXPUNGE needs, and marking the message.
    view.allows(Rights::DELETE_MESSAGES.with(Rights::EXPUNGE))?;
    let set = SequenceSet::Listed(vec![(number, number)]);
    let uids = view.resolve(by, &set)?;
    match uids.first() {
        Some(range) => {
            let place = Place {
                account: view.owner,
                mailbox: view.mailbox,
            };
            Ok((place, Uid(*range.start())))
        }
        None => Err(Status::no("There is no such message to replace.").code(Code::NonExistent)),
    }
}

/// Takes the messages in, step by step. The inner error is the command's; all of it has been read nevertheless.
async fn receive(
    connection: &mut Connection,
    account: &Account,
    view: Option<&View>,
    mut steps: Vec<Step>,
) -> Result<Result<Vec<Built>, Failure>, Ended> {
    let mut building = Building::new(connection);
    loop {
        let announced = append::announced(&steps).is_some();
        match building.take(connection, account, view, steps).await {
            Ok(()) => {}
            Err(building::Stopped::Before(failed)) => {
                if announced {
                    connection.framer().refuse_message();
                }
                return Ok(Err(failed));
            }
            Err(building::Stopped::Ended(ended)) => return Err(ended),
        }
        if !announced {
            return Ok(building.finish());
        }
        steps = match connection.next_steps().await? {
            Ok(steps) => steps,
            Err(status) => return Ok(Err(status.into())),
        };
    }
}

/// What the transaction came to.
enum Committed {
    Yes(Code),
    /// The message to be replaced is gone.
    NothingToReplace,
}

async fn commit(
    connection: &mut Connection,
    target: Target,
    messages: Vec<Built>,
    witness: Witness,
) -> Outcome {
    let (quota, teaching) = (copy::quota(connection), connection.teaching());
    let Target {
        place,
        kept,
        replaces,
    } = target;
    let new: Vec<NewEntry> = messages
        .into_iter()
        .map(|built| keep(kept, built.into_entry(place, quota.clone())))
        .collect();
    let committed = connection.services.store.write(move |tx| {
        if let Some((from, uid)) = replaces
            && !entry::remove_one(tx, from.account, from.mailbox.mailbox, uid)?
        {
            return Ok(Committed::NothingToReplace);
        }
        let (mut uids, mut validity) = (Vec::with_capacity(new.len()), 0);
        for message in &new {
            let (uid, of_mailbox) = add(tx, message, place.mailbox)?;
            uids.push(uid.0);
            validity = of_mailbox.0;
        }
        let uids = collect_ranges(uids);
        let into = (place.account, place.mailbox.mailbox);
        witness.arrived(tx, Cause::Append, into, None, uids.clone())?;
        // A message that takes the place of another was called so before.
        if replaces.is_none() {
            teaching.arrived(tx, None, into, &uids)?;
        }
        Ok(Committed::Yes(Code::AppendUid(validity, uids)))
    });
    let code = match committed.await? {
        Committed::Yes(code) => code,
        Committed::NothingToReplace => {
            let gone = Status::no("The message to replace is gone.");
            return Ok(gone.code(Code::ExpungeIssued));
        }
    };
    if replaces.is_none() {
        return Ok(Status::ok("Appended.").code(code));
    }
    // RFC 8508 §3.3: the UID is told before the expunge.
    let appended = Status::ok("Here is the new one.").code(code);
    appended.encode(None, &mut connection.out);
    Ok(Status::ok("Replaced."))
}

/// Flags that the client may not set are left out.
fn keep(kept: Kept, mut new: NewEntry) -> NewEntry {
    new.flags = Flags(new.flags.0 & kept.flags.0);
    if !kept.keywords {
        new.keywords.clear();
    }
    new
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

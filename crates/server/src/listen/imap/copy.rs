//! COPY and MOVE (RFC 3501 §6.4.7, RFC 6851) with COPYUID (RFC 4315 §3).

use super::connection::Connection;
use super::failure::Outcome;
use super::locate::{Otherwise, locate_with, settable};
use super::message_limit;
use super::state::Selected;
use crate::learning::moves;
use crate::scripts::event::Witness;
use ::store::entry::{self, Copied, Kept, Place, QuotaRule};
use ::store::quota::Occasion;
use ::store::script::event::Cause;
use ::store::share::Rights;
use ::store::{AccountId, Tx};
use imap::command::Copy;
use imap::encode::collect_ranges;
use imap::response::{Code, Status};

/// COPY: all of them or none.
pub(super) async fn copy(
    state: &mut Selected,
    connection: &mut Connection,
    parameters: Copy,
) -> Outcome {
    let uids = state.view.resolve(parameters.by, &parameters.set)?;
    message_limit::check(connection, &uids)?;
    let (viewer, from) = (state.account.id(), source(state));
    let target = parameters.mailbox.as_str().to_owned();
    let (quota, witness) = (quota(connection), connection.witness(&state.account));
    let teaching = connection.teaching();
    let copied = connection.services.store.write(move |tx| {
        let (to, kept) = match accepting(tx, viewer, &target)? {
            Ok(found) => found,
            Err(refused) => return Ok(Err(refused)),
        };
        let copied = entry::copy_to(tx, from, &uids, to, kept, &quota)?;
        note(tx, (&witness, &teaching), from, to, &copied)?;
        Ok(Ok(copied))
    });
    let copied = copied.await??;
    let done = Status::ok("Copied.");
    Ok(match copy_uid(&copied) {
        Some(code) => done.code(code),
        None => done,
    })
}

/// MOVE: the new UIDs are told first, then the messages go (RFC 6851 §3.3), as news of the mailbox.
pub(super) async fn move_to(
    state: &mut Selected,
    connection: &mut Connection,
    parameters: Copy,
) -> Outcome {
    // RFC 6851 §4.4: as COPY, then STORE of \Deleted, then EXPUNGE.
    let removing = Rights::DELETE_MESSAGES.with(Rights::EXPUNGE);
    state.view.allows(removing)?;
    let uids = state.view.resolve(parameters.by, &parameters.set)?;
    message_limit::check(connection, &uids)?;
    let (viewer, from) = (state.account.id(), source(state));
    let target = parameters.mailbox.as_str().to_owned();
    let (quota, witness) = (quota(connection), connection.witness(&state.account));
    let teaching = connection.teaching();
    let moved = connection.services.store.write(move |tx| {
        let (to, kept) = match accepting(tx, viewer, &target)? {
            Ok(found) => found,
            Err(refused) => return Ok(Err(refused)),
        };
        let moved = entry::move_over(tx, from, &uids, to, kept, &quota)?;
        note(tx, (&witness, &teaching), from, to, &moved)?;
        Ok(Ok(moved))
    });
    let moved = moved.await??;
    if let Some(code) = copy_uid(&moved) {
        Status::ok("Moved.")
            .code(code)
            .encode(None, &mut connection.out);
    }
    state.view.vanish(moved.uids.iter().map(|(from, _)| from.0));
    state.owes_modseq = !moved.uids.is_empty() && state.account.condstore;
    Ok(Status::ok("Done."))
}

/// For scripts: a move is a copy to them (G15). And for the filter, which learns from it (I10).
fn note(
    tx: &mut Tx<'_>,
    (witness, teaching): (&Witness, &moves::Rules),
    from: Place,
    to: Place,
    copied: &Copied,
) -> ::store::Result<()> {
    let [from, to] = [from, to].map(|place| (place.account, place.mailbox.mailbox));
    let uids = collect_ranges(copied.uids.iter().map(|(_, to)| to.0));
    teaching.arrived(tx, Some(from), to, &uids)?;
    witness.arrived(tx, Cause::Copy, to, Some(from), uids)
}

fn source(state: &Selected) -> Place {
    Place {
        account: state.view.owner,
        mailbox: state.view.mailbox,
    }
}

/// A mailbox that messages may be put into, and which of their flags they keep there (RFC 4314 §4, COPY).
pub(super) fn accepting(
    tx: &mut Tx<'_>,
    viewer: AccountId,
    name: &str,
) -> ::store::Result<Result<(Place, Kept), Status>> {
    let found = locate_with(tx, viewer, name, Rights::INSERT, Otherwise::TryCreate)?;
    Ok(found.map(|located| {
        let place = Place {
            account: located.owner,
            mailbox: located.viewed,
        };
        (place, settable(located.rights))
    }))
}

/// P4: copies of a user's own get no grace.
pub(super) fn quota(connection: &Connection) -> QuotaRule {
    let config = connection.services.config.load();
    config.mail.quota_rule(Occasion::User)
}

/// The COPYUID code; none if nothing was copied.
fn copy_uid(copied: &Copied) -> Option<Code> {
    if copied.uids.is_empty() {
        return None;
    }
    let from = collect_ranges(copied.uids.iter().map(|(from, _)| from.0));
    let to = collect_ranges(copied.uids.iter().map(|(_, to)| to.0));
    Some(Code::CopyUid(copied.uid_validity.0, from, to))
}

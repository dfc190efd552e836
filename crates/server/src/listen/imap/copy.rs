//! COPY and MOVE (RFC 3501 §6.4.7, RFC 6851) with COPYUID (RFC 4315 §3).

use super::connection::Connection;
use super::failure::{self, Outcome};
use super::state::Selected;
use super::view::Access;
use ::store::entry::{self, Copied, QuotaRule};
use ::store::mailbox;
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
    let (account, from) = (state.account.id(), state.view.mailbox);
    let target = parameters.mailbox.as_str().to_owned();
    let quota = quota(connection);
    let copied = connection.services.store.write(move |tx| {
        let Some(to) = mailbox::by_name(tx, account, &target)? else {
            return Ok(None);
        };
        entry::copy(tx, account, from, &uids, to.id, quota).map(Some)
    });
    let copied = copied.await?.ok_or_else(failure::try_create)?;
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
    if state.view.access == Access::Read {
        return Err(failure::read_only().into());
    }
    let uids = state.view.resolve(parameters.by, &parameters.set)?;
    let (account, from) = (state.account.id(), state.view.mailbox);
    let target = parameters.mailbox.as_str().to_owned();
    let moved = connection.services.store.write(move |tx| {
        let Some(to) = mailbox::by_name(tx, account, &target)? else {
            return Ok(None);
        };
        entry::move_to(tx, account, from, &uids, to.id).map(Some)
    });
    let moved = moved.await?.ok_or_else(failure::try_create)?;
    if let Some(code) = copy_uid(&moved) {
        Status::ok("Moved.")
            .code(code)
            .encode(None, &mut connection.out);
    }
    state.view.vanish(moved.uids.iter().map(|(from, _)| from.0));
    Ok(Status::ok("Done."))
}

/// P4: copies of a user's own get no grace.
pub(super) fn quota(connection: &Connection) -> QuotaRule {
    QuotaRule {
        default_limit: connection.services.config.load().mail.quota,
        grace: 0,
    }
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

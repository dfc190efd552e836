//! EXPUNGE, UID EXPUNGE (RFC 4315 §2.1) and CLOSE (RFC 3501 §6.4.2).

use super::connection::{Connection, Ended};
use super::failure::{self, Failure, Outcome};
use super::message_limit;
use super::state::{Authenticated, Selected, State};
use ::store::share::Rights;
use ::store::{Uid, entry};
use imap::command::By;
use imap::response::Status;
use imap::{SequenceSet, Tag};

/// Removes the messages with `\Deleted`, all or those of `set`. The reports follow as news of the mailbox.
pub(super) async fn expunge(
    state: &mut Selected,
    connection: &mut Connection,
    set: Option<&SequenceSet>,
) -> Outcome {
    state.view.allows(Rights::EXPUNGE)?;
    let gone = remove(state, connection, set).await?;
    let some_went = !gone.is_empty();
    state.view.vanish(gone.into_iter().map(|uid| uid.0));
    // RFC 7162 §3.2.7: where a client that knows MODSEQs stands after this; said once it has been told.
    state.owes_modseq = some_went && state.account.condstore;
    Ok(Status::ok("Expunged."))
}

/// CLOSE: expunges in silence and leaves the mailbox.
pub(super) async fn close(
    mut state: Selected,
    connection: &mut Connection,
    tag: Tag,
) -> Result<State, Ended> {
    let refreshed = state.refresh(connection).await;
    let outcome = match refreshed.is_ok() && state.view.allows(Rights::EXPUNGE).is_ok() {
        false => Ok(Status::ok("Closed.")),
        true => remove(&mut state, connection, None)
            .await
            .map(|_| Status::ok("Closed.")),
    };
    connection.answer(&tag, &failure::answer(outcome)?);
    Ok(State::Authenticated(Authenticated {
        account: state.account,
    }))
}

/// Only messages the client knows of: it has not seen the others marked.
async fn remove(
    state: &mut Selected,
    connection: &Connection,
    set: Option<&SequenceSet>,
) -> Result<Vec<Uid>, Failure> {
    let uids = match set {
        Some(set) => {
            let uids = state.view.resolve(By::Uid, set)?;
            message_limit::check(connection, &uids)?;
            uids
        }
        None => state.view.uids(),
    };
    if uids.is_empty() {
        return Ok(Vec::new());
    }
    let (account, mailbox) = (state.view.owner, state.view.mailbox);
    let expunged = connection
        .services
        .store
        .write(move |tx| entry::expunge(tx, account, mailbox, &uids));
    Ok(expunged.await?)
}

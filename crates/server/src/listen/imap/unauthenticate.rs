//! UNAUTHENTICATE (RFC 8437): back to where the session was before its log-in, on the same connection.

use super::connection::Connection;
use super::state::{NotAuthenticated, State};
use imap::Tag;
use imap::response::Status;

/// Everything of the account is let go; TLS and compression stay.
pub(super) fn unauthenticate(connection: &mut Connection, tag: &Tag) -> State {
    connection.answer(tag, &Status::ok("Nobody is logged in."));
    connection.logged_out();
    State::NotAuthenticated(NotAuthenticated)
}

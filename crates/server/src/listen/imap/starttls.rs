//! STARTTLS (RFC 3501 §6.2.1). What a client sends behind it in plain text could be anybody's, so it ends the session.

use super::connection::{Connection, Ended};
use imap::Tag;
use imap::response::Status;

/// Answers, then does the handshake.
pub(super) async fn starttls(connection: &mut Connection, tag: &Tag) -> Result<(), Ended> {
    if !connection.offers_starttls() {
        connection.answer(tag, &Status::bad("TLS is on already."));
        return Ok(());
    }
    if connection.has_more_input() {
        return Err(Ended::Expelled(
            "Nothing may follow STARTTLS before the handshake.",
        ));
    }
    connection.answer(tag, &Status::ok("Begin the handshake."));
    connection.flush().await?;
    connection.start_tls().await
}

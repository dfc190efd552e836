//! Pieces of existing messages in a new one: the URLs of CATENATE (RFC 4469 §3).

use super::building::Message;
use crate::listen::imap::connection::Connection;
use crate::listen::imap::failure::Failure;
use crate::listen::imap::piece::Piece;
use crate::listen::imap::state::Account;
use crate::listen::imap::view::View;
use imap::response::{Code, Status};
use imap::url::MessageUrl;

/// Adds what a URL names to a message.
pub(super) async fn copy(
    connection: &Connection,
    account: &Account,
    view: Option<&View>,
    url: &str,
    message: &mut Message,
    limit: u64,
) -> Result<(), Failure> {
    let parsed = MessageUrl::parse(url).ok_or_else(|| bad(url))?;
    let piece = Piece::open(connection, account.id(), view, &parsed).await?;
    let mut piece = piece.ok_or_else(|| bad(url))?;
    while let Some(octets) = piece.next().await? {
        message.write(&octets, limit).await?;
    }
    Ok(())
}

fn bad(url: &str) -> Status {
    Status::no("A part of the message cannot be found.").code(Code::BadUrl(url.to_owned()))
}

//! ENABLE (RFC 5161): of what can be enabled, this server has CONDSTORE (RFC 7162 §3.1).

use super::connection::Connection;
use super::state::Account;
use imap::response::Status;

/// Enables what is known of `names`, and says what that was.
pub(super) fn enable(
    connection: &mut Connection,
    account: &mut Account,
    names: &[String],
) -> Status {
    let condstore = names.iter().any(|name| name == "CONDSTORE");
    account.condstore |= condstore;
    connection.out.extend_from_slice(match condstore {
        true => b"* ENABLED CONDSTORE\r\n",
        false => b"* ENABLED\r\n",
    });
    Status::ok("Enabled.")
}

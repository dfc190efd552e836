//! ID (RFC 2971). Before login nothing is told, so that nobody learns what software to attack (catalogue G4).

use super::connection::Connection;
use imap::response::Status;

/// Who we are is not told yet.
pub(super) fn before_login(connection: &mut Connection) -> Status {
    connection.out.extend_from_slice(b"* ID NIL\r\n");
    Status::ok("Identities exchanged.")
}

/// Who we are.
pub(super) fn after_login(connection: &mut Connection) -> Status {
    let ours = concat!(
        "* ID (\"name\" \"Pennyblack\" \"version\" \"",
        env!("CARGO_PKG_VERSION"),
        "\")\r\n"
    );
    connection.out.extend_from_slice(ours.as_bytes());
    Status::ok("Identities exchanged.")
}

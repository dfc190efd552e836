//! ID (RFC 2971). Before login nothing is told, so that nobody learns what software to attack (catalogue G4). What a client says of itself
//! may decide what it is offered (W17).

use super::capability;
use super::connection::Connection;
use super::state::Account;
use imap::response::Status;

/// What a client tells.
type Fields = [(String, Option<String>)];

/// Who we are is not told yet.
pub(super) fn before_login(connection: &mut Connection, fields: &Fields) -> Status {
    introduce(connection, fields);
    connection.out.extend_from_slice(b"* ID NIL\r\n");
    Status::ok("Identities exchanged.")
}

/// Who we are; and what is offered, if that is something else to this client than it was told when it logged in.
pub(super) fn after_login(
    connection: &mut Connection,
    account: &Account,
    fields: &Fields,
) -> Status {
    let before = capability::after_login(connection, &account.login);
    introduce(connection, fields);
    let ours = concat!(
        "* ID (\"name\" \"Pennyblack\" \"version\" \"",
        env!("CARGO_PKG_VERSION"),
        "\")\r\n"
    );
    connection.out.extend_from_slice(ours.as_bytes());
    let now = capability::after_login(connection, &account.login);
    if now != before {
        capability::capability(connection, &now);
    }
    Status::ok("Identities exchanged.")
}

fn introduce(connection: &mut Connection, fields: &Fields) {
    let field = |wanted: &str| {
        let found = fields
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.and_then(|(_, value)| value.as_deref())
    };
    if let Some(name) = field("name") {
        let version = field("version").unwrap_or_default();
        tracing::info!(client = name, version, "introduced");
        connection.introduced(name, version);
    }
}

//! ENABLE (RFC 5161): CONDSTORE and QRESYNC (RFC 7162 §3.1 and §3.2.3), UTF8=ACCEPT (RFC 6855 §3), IMAP4rev2
//! (RFC 9051 §6.3.1), UIDONLY (RFC 9586 §3.1).

use super::capability;
use super::connection::Connection;
use super::state::Account;
use imap::response::Status;

/// Enables what is known of `names` and offered to this client, and says what that was.
pub(super) fn enable(
    connection: &mut Connection,
    account: &mut Account,
    names: &[String],
) -> Status {
    let mut told = String::from("* ENABLED");
    for name in names {
        if capability::is_announced(connection, &account.login, name)
            && turn_on(connection, account, name)
        {
            told.push(' ');
            told.push_str(name);
        }
    }
    told.push_str("\r\n");
    connection.out.extend_from_slice(told.as_bytes());
    connection.names_are_agreed();
    Status::ok("Enabled.")
}

/// Can this be enabled?
fn turn_on(connection: &mut Connection, account: &mut Account, name: &str) -> bool {
    let enabled = &mut connection.enabled;
    match name {
        "CONDSTORE" => account.condstore = true,
        "QRESYNC" => (enabled.qresync, account.condstore) = (true, true),
        "UIDONLY" => enabled.uidonly = true,
        "UTF8=ACCEPT" => enabled.utf8 = true,
        "IMAP4REV2" => enabled.rev2 = true,
        _ => return false,
    }
    true
}

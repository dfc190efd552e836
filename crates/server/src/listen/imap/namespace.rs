//! NAMESPACE (RFC 2342, catalogue G8): one personal namespace without a prefix, separator `/`.

use super::connection::Connection;
use imap::response::Status;

pub(super) fn namespace(connection: &mut Connection) -> Status {
    let ours = b"* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n";
    connection.out.extend_from_slice(ours);
    Status::ok("Namespaces told.")
}

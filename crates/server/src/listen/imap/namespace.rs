//! NAMESPACE (RFC 2342, catalogue G8): one personal namespace without a prefix, separator `/`; those of other users and of shared
//! mailboxes only for whom there is something in them.

use super::connection::Connection;
use super::failure::Outcome;
use super::locate::{OTHER_USERS, SHARED};
use super::state::Account;
use ::store::share::{self, Rights};
use imap::response::Status;

pub(super) async fn namespace(connection: &mut Connection, account: &Account) -> Outcome {
    let viewer = account.id();
    let shared = connection
        .services
        .store
        .read(move |tx| share::shared_with(tx, viewer));
    let mut shared = shared.await?;
    shared.retain(|one| one.rights.contains(Rights::LOOKUP));
    let named = |public: bool, prefix: &str| match shared.iter().any(|one| one.public == public) {
        true => format!("((\"{prefix}/\" \"/\"))"),
        false => "NIL".to_owned(),
    };
    let (others, public) = (named(false, OTHER_USERS), named(true, SHARED));
    let line = format!("* NAMESPACE ((\"\" \"/\")) {others} {public}\r\n");
    connection.out.extend_from_slice(line.as_bytes());
    Ok(Status::ok("Namespaces told."))
}

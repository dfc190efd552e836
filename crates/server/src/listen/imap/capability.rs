//! CAPABILITY (RFC 3501 §6.1.1): what is announced, before and after login. Only what is complete stands here.

use super::connection::Connection;
use crate::config::Config;
use imap::response::Status;

/// Before login: small literals only (LITERAL-), the ways to log in, and what clients look for before they do.
const BEFORE_LOGIN: [&str; 7] = [
    "IMAP4rev1",
    "IMAP4rev2",
    "LITERAL-",
    "SASL-IR",
    "ID",
    "ENABLE",
    "IDLE",
];

/// After login. LITERAL+ takes the place of LITERAL-: RFC 7888 §5 allows one of them at a time.
const AFTER_LOGIN: [&str; 57] = [
    "IMAP4rev1",
    "IMAP4rev2",
    "LITERAL+",
    "SASL-IR",
    "ID",
    "ENABLE",
    "IDLE",
    "NAMESPACE",
    "CHILDREN",
    "UNSELECT",
    "UIDPLUS",
    "MOVE",
    "SPECIAL-USE",
    "CREATE-SPECIAL-USE",
    "LIST-EXTENDED",
    "LIST-STATUS",
    "STATUS=SIZE",
    "CONDSTORE",
    "QRESYNC",
    "ESEARCH",
    "ESORT",
    "MULTISEARCH",
    "SORT",
    "SORT=DISPLAY",
    "THREAD=ORDEREDSUBJECT",
    "THREAD=REFERENCES",
    "THREAD=REFS",
    "SEARCHRES",
    "CONTEXT=SEARCH",
    "FILTERS",
    "I18NLEVEL=1",
    "INPROGRESS",
    "NOTIFY",
    "WITHIN",
    "PARTIAL",
    "MULTIAPPEND",
    "CATENATE",
    "BINARY",
    "REPLACE",
    "PREVIEW",
    "SAVEDATE",
    "OBJECTID",
    "UTF8=ACCEPT",
    "COMPRESS=DEFLATE",
    "UNAUTHENTICATE",
    "QUOTA",
    "QUOTA=RES-STORAGE",
    "QUOTA=RES-MESSAGE",
    "QUOTA=RES-MAILBOX",
    "QUOTASET",
    "ACL",
    "RIGHTS=kxte",
    "LIST-MYRIGHTS",
    "METADATA",
    "METADATA-SERVER",
    "LIST-METADATA",
    "APPENDLIMIT",
];

/// The capabilities before login, as one text.
pub(super) fn before_login(connection: &Connection) -> String {
    let mut text = BEFORE_LOGIN.join(" ");
    if connection.offers_starttls() {
        text.push_str(" STARTTLS");
    }
    let mechanisms = connection.mechanisms();
    if mechanisms.is_empty() {
        text.push_str(" LOGINDISABLED");
    }
    for mechanism in mechanisms {
        text.push_str(" AUTH=");
        text.push_str(mechanism);
    }
    text
}

/// The capabilities after login, as one text.
pub(super) fn after_login(connection: &Connection) -> String {
    let config = connection.services.config.load();
    let limit = config.limits.message_size;
    // APPENDLIMIT comes last of the list, with its value.
    let mut text = format!("{}={limit}", AFTER_LOGIN.join(" "));
    if let Some(scripts) = scripts_url(&config) {
        text.push_str(" IMAPSIEVE=");
        text.push_str(&scripts);
    }
    text
}

/// Where scripts for mailboxes are stored (RFC 6785 §2.1), if they are stored by ManageSieve.
fn scripts_url(config: &Config) -> Option<String> {
    let listener = config.listen.managesieve.addresses.first()?;
    let host = &config.hostname;
    Some(match listener.port() {
        // RFC 5804 §3
        0 | 4190 => format!("sieve://{host}"),
        port => format!("sieve://{host}:{port}"),
    })
}

/// Is this announced after login?
pub(super) fn is_announced(name: &str) -> bool {
    AFTER_LOGIN
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
}

/// Answers CAPABILITY with these capabilities.
pub(super) fn capability(connection: &mut Connection, capabilities: &str) -> Status {
    connection.out.extend_from_slice(b"* CAPABILITY ");
    connection.out.extend_from_slice(capabilities.as_bytes());
    connection.out.extend_from_slice(b"\r\n");
    Status::ok("Capabilities told.")
}

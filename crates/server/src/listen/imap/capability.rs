//! CAPABILITY (RFC 3501 §6.1.1): what is announced, before and after login. Only what is complete stands here.

use super::connection::Connection;
use crate::config::{Config, Hidden, Looker};
use crate::session::login::Login;
use imap::Body;
use imap::append::Append;
use imap::response::Status;
use imap::thread::Algorithm;
use std::borrow::Cow;

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
const AFTER_LOGIN: [&str; 56] = [
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
];

/// Words that depend on how the client came and on settings.
const SOMETIMES: [&str; 14] = [
    "STARTTLS",
    "AUTH=SCRAM-SHA-256-PLUS",
    "AUTH=SCRAM-SHA-256",
    "AUTH=SCRAM-SHA-1-PLUS",
    "AUTH=SCRAM-SHA-1",
    "AUTH=PLAIN",
    "AUTH=LOGIN",
    "AUTH=OAUTHBEARER",
    "AUTH=XOAUTH2",
    UIDONLY,
    URLAUTH,
    MESSAGE_LIMIT,
    LIMIT,
    SCRIPTS,
];
/// Off by default (W21).
const UIDONLY: &str = "UIDONLY";
/// Off by default.
pub(super) const URLAUTH: &str = "URLAUTH";
/// Off by default (W21); with its value behind it (RFC 9738).
const MESSAGE_LIMIT: &str = "MESSAGELIMIT";
/// With its value behind it (RFC 7889 §2).
const LIMIT: &str = "APPENDLIMIT";
/// With its value behind it (RFC 6785 §2.1).
const SCRIPTS: &str = "IMAPSIEVE";

/// All words there are, in upper case; of those with a value that differs, what stands before it.
pub(crate) fn known_words() -> impl Iterator<Item = &'static str> {
    const OTHER_CASE: [&str; 2] = ["IMAP4REV1", "IMAP4REV2"];
    let fixed = BEFORE_LOGIN.iter().chain(&AFTER_LOGIN);
    fixed.chain(&SOMETIMES).chain(&OTHER_CASE).copied()
}

/// The words that are told, of those that are not hidden from who is looking (W17).
struct Announced<'a> {
    rules: Rules<'a>,
    text: String,
}

impl<'a> Announced<'a> {
    fn new(rules: Rules<'a>) -> Announced<'a> {
        Announced {
            rules,
            text: String::new(),
        }
    }

    fn word(&mut self, word: &str) {
        self.word_with(word, "");
    }

    /// A word, and its value, which no rule looks at.
    fn word_with(&mut self, word: &str, value: &str) {
        if !self.rules.hide(word) {
            let gap = if self.text.is_empty() { "" } else { " " };
            self.text.extend([gap, word, value]);
        }
    }
}

/// What is hidden from whom is looking: by the administrator, and by the user himself.
struct Rules<'a> {
    of_all: &'a [Hidden],
    own: &'a [Hidden],
    looker: Looker<'a>,
}

impl<'a> Rules<'a> {
    fn new(connection: &'a Connection, config: &'a Config, account: Option<&'a str>) -> Rules<'a> {
        Rules {
            of_all: &config.imap.hide,
            own: &connection.hidden,
            looker: connection.looker(account),
        }
    }

    fn are_none(&self) -> bool {
        self.of_all.is_empty() && self.own.is_empty()
    }

    /// Do they hide a word?
    fn hide(&self, word: &str) -> bool {
        let mut all = self.of_all.iter().chain(self.own);
        all.any(|rule| rule.hides(word, self.looker))
    }
}

/// The capabilities before login, as one text.
pub(super) fn before_login(connection: &Connection) -> String {
    let config = connection.services.config.load();
    let mut announced = Announced::new(Rules::new(connection, &config, None));
    BEFORE_LOGIN.iter().for_each(|word| announced.word(word));
    if connection.offers_starttls() {
        announced.word("STARTTLS");
    }
    let mechanisms = connection.mechanisms();
    if mechanisms.is_empty() {
        announced.word("LOGINDISABLED");
    }
    for mechanism in mechanisms {
        announced.word(&format!("AUTH={mechanism}"));
    }
    announced.text
}

/// The capabilities after login, as one text.
pub(super) fn after_login(connection: &Connection, login: &Login) -> String {
    let config = connection.services.config.load();
    let rules = Rules::new(connection, &config, Some(&login.address));
    let mut announced = Announced::new(rules);
    AFTER_LOGIN.iter().for_each(|word| announced.word(word));
    if config.imap.uidonly {
        announced.word(UIDONLY);
    }
    if config.imap.urlauth {
        announced.word(URLAUTH);
    }
    if config.imap.message_limit > 0 {
        announced.word_with(MESSAGE_LIMIT, &format!("={}", config.imap.message_limit));
    }
    announced.word_with(LIMIT, &format!("={}", config.limits.message_size));
    if let Some(scripts) = scripts_url(&config) {
        announced.word_with(SCRIPTS, &format!("={scripts}"));
    }
    announced.text
}

/// The answer to a command, or a form of it, that belongs to a capability hidden from this client: to it, there is no such thing.
pub(super) fn refusal(
    connection: &Connection,
    account: Option<&str>,
    body: &Body,
) -> Option<Status> {
    let config = connection.services.config.load();
    let rules = Rules::new(connection, &config, account);
    if rules.are_none() && config.imap.urlauth {
        return None;
    }
    let word = capability_of(body)?;
    let is_off = word == URLAUTH && !config.imap.urlauth;
    (is_off || rules.hide(&word)).then(|| hidden(&word))
}

/// The same for an APPEND or REPLACE whose message is still to come.
pub(super) fn refusal_of_append(
    connection: &Connection,
    account: &str,
    append: &Append,
) -> Option<Status> {
    let config = connection.services.config.load();
    let rules = Rules::new(connection, &config, Some(account));
    let hidden_replace = append.replaces.is_some() && rules.hide("REPLACE");
    hidden_replace.then(|| hidden("REPLACE"))
}

fn hidden(word: &str) -> Status {
    Status::bad(format!("{word} is not offered here."))
}

/// The capability without which a command would not be known.
fn capability_of(body: &Body) -> Option<Cow<'static, str>> {
    Some(Cow::Borrowed(match body {
        Body::StartTls => "STARTTLS",
        Body::Authenticate(mechanism, _) => return Some(format!("AUTH={mechanism}").into()),
        Body::Compress(mechanism) => return Some(format!("COMPRESS={mechanism}").into()),
        Body::Id(_) => "ID",
        Body::Enable(_) => "ENABLE",
        Body::Idle => "IDLE",
        Body::Namespace => "NAMESPACE",
        Body::Unselect => "UNSELECT",
        Body::Unauthenticate => "UNAUTHENTICATE",
        Body::Append(append) if append.replaces.is_some() => "REPLACE",
        Body::Notify(_) => "NOTIFY",
        Body::MultiSearch(_) => "MULTISEARCH",
        Body::CancelUpdate(_) => "CONTEXT=SEARCH",
        Body::Search(_, search) if search.result.is_some() => "ESEARCH",
        Body::Sort(_, sort) if sort.search.result.is_some() => "ESORT",
        Body::Sort(..) => "SORT",
        Body::Thread(_, thread) => match thread.algorithm {
            Algorithm::OrderedSubject => "THREAD=ORDEREDSUBJECT",
            Algorithm::References => "THREAD=REFERENCES",
            Algorithm::Refs => "THREAD=REFS",
        },
        Body::Move(_) => "MOVE",
        Body::UidExpunge(_) => "UIDPLUS",
        Body::GetQuota(_) | Body::GetQuotaRoot(_) => "QUOTA",
        Body::SetQuota(..) => "QUOTASET",
        Body::SetAcl(_)
        | Body::DeleteAcl(..)
        | Body::GetAcl(_)
        | Body::ListRights(..)
        | Body::MyRights(_) => "ACL",
        Body::GetMetadata(_) | Body::SetMetadata(_) => "METADATA",
        Body::GenUrlAuth(_) | Body::ResetKey(..) | Body::UrlFetch(_) => URLAUTH,
        _ => return None,
    }))
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

/// Is this announced to the account?
pub(super) fn is_announced(connection: &Connection, login: &Login, name: &str) -> bool {
    let config = connection.services.config.load();
    let rules = Rules::new(connection, &config, Some(&login.address));
    let switched_on = config.imap.uidonly.then_some(&UIDONLY);
    let known = AFTER_LOGIN
        .iter()
        .chain(switched_on)
        .any(|known| known.eq_ignore_ascii_case(name));
    known && !rules.hide(name)
}

/// Answers CAPABILITY with these capabilities.
pub(super) fn capability(connection: &mut Connection, capabilities: &str) -> Status {
    connection.out.extend_from_slice(b"* CAPABILITY ");
    connection.out.extend_from_slice(capabilities.as_bytes());
    connection.out.extend_from_slice(b"\r\n");
    Status::ok("Capabilities told.")
}

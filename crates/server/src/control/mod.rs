//! What the commands of `pennyblack` do to a server, and how they reach it.
//!
//! A command is a [`Request`]; [`execute`] carries it out and gives an [`Answer`] or a [`Failure`]. While a server runs, requests go to it
//! through its control socket, so that IDLE clients see changes at once; when none runs, the command opens the store itself under the
//! lock of the data directory ([`Client`]). Either way it is the same function that does the work.
//!
//! The socket speaks lines: a request in JSON, then its reply in JSON, `{"ok":…}` or `{"error":{"kind":…,"message":…}}`. Only root and the
//! user of the server are answered. (The console's HTTP API will carry the same requests.)

pub mod account;
pub mod alias;
mod client;
pub mod dane;
pub mod dkim;
pub mod domain;
pub mod gate;
pub mod health;
pub mod host;
pub(crate) mod http;
pub mod import;
pub mod jobs;
pub mod lookup;
pub mod message;
pub mod queue;
pub mod record;
pub mod removed;
pub mod report;
pub mod search;
pub mod service;
pub mod share;
pub mod sieve;
mod socket;
pub mod spam;
pub mod tables;
pub mod tls;
pub mod verdict;

pub use client::Client;
pub(crate) use socket::{bind, serve};

use crate::config::Config;
use crate::run::Running;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use store::Store;

/// What a command asks for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Accounts.
    Account(account::Request),
    /// Domains.
    Domain(domain::Request),
    /// Aliases.
    Alias(alias::Request),
    /// Keys that sign mail.
    Dkim(dkim::Request),
    /// The outbound queue.
    Queue(queue::Request),
    /// Look-ups.
    Dns(lookup::Request),
    /// Who may use whose mailboxes.
    Share(share::Request),
    /// Greylist, traps, bans and lists.
    Gate(gate::Request),
    /// What other servers report about mail in our name.
    Report(report::Request),
    /// The server itself.
    Service(service::Request),
    /// What runs at intervals.
    Jobs(jobs::Request),
    /// Search indexes.
    Search(search::Request),
    /// Sieve scripts of accounts.
    Sieve(sieve::Request),
    /// Writing down what programs say.
    Record(record::Request),
    /// Removed messages.
    Removed(removed::Request),
    /// Messages.
    Message(message::Request),
    /// Tables of the admin's own.
    Tables(tables::Request),
    /// Certificates.
    Tls(tls::Request),
    /// The filter: what it has learned, and what it thinks.
    Spam(spam::Request),
}

impl Request {
    /// Whether only a running server can answer.
    fn needs_server(&self) -> bool {
        use service::Request::{Health, Metrics, Pause, Reload, Status};
        matches!(
            self,
            Request::Service(Status | Health | Metrics | Reload | Pause { .. })
                | Request::Jobs(_)
                | Request::Tls(_)
                | Request::Record(_)
        )
    }
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Accounts.
    Account(account::Answer),
    /// Domains.
    Domain(domain::Answer),
    /// Aliases.
    Alias(alias::Answer),
    /// Keys that sign mail.
    Dkim(dkim::Answer),
    /// The outbound queue.
    Queue(queue::Answer),
    /// Look-ups.
    Dns(lookup::Answer),
    /// Who may use whose mailboxes.
    Share(share::Answer),
    /// Greylist, traps, bans and lists.
    Gate(gate::Answer),
    /// What other servers report about mail in our name.
    Report(report::Answer),
    /// The server itself.
    Service(service::Answer),
    /// What runs at intervals.
    Jobs(jobs::Answer),
    /// Search indexes.
    Search(search::Answer),
    /// Sieve scripts of accounts.
    Sieve(sieve::Answer),
    /// What is written down.
    Record(record::Answer),
    /// Removed messages.
    Removed(removed::Answer),
    /// Messages.
    Message(message::Answer),
    /// Tables of the admin's own.
    Tables(tables::Answer),
    /// Certificates.
    Tls(Vec<tls::View>),
    /// The filter.
    Spam(Box<spam::Answer>),
}

/// Whether to do it or only to say what would be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Do it.
    Do,
    /// Say what would be done (`--dry-run`).
    Pretend,
}

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// By whose fault.
    pub kind: FailureKind,
    /// One sentence: what is wrong, and what to do.
    pub message: String,
}

/// Kinds of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// What was asked for is malformed.
    Invalid,
    /// It names something that does not exist.
    Missing,
    /// The domain of a new address is not hosted.
    UnhostedDomain,
    /// It would make something that exists already.
    Exists,
    /// It would break something else.
    Refused,
    /// Only a running server can do it, and none runs.
    NotRunning,
    /// The configuration file is wrong.
    Config,
    /// It may work later.
    Unavailable,
    /// A fault of the program or a damaged store.
    Internal,
}

impl Failure {
    pub(crate) fn new(kind: FailureKind, message: impl Into<String>) -> Failure {
        Failure {
            kind,
            message: message.into(),
        }
    }
    fn not_running() -> Failure {
        Failure::new(FailureKind::NotRunning, "the server is not running")
    }
    pub(crate) fn invalid(message: impl Into<String>) -> Failure {
        Failure::new(FailureKind::Invalid, message)
    }
    pub(crate) fn missing(message: impl Into<String>) -> Failure {
        Failure::new(FailureKind::Missing, message)
    }
    pub(crate) fn refused(message: impl Into<String>) -> Failure {
        Failure::new(FailureKind::Refused, message)
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Failure {
        let kind = match &error {
            store::Error::Unavailable(_) | store::Error::Full(_) => FailureKind::Unavailable,
            store::Error::Exists(_) => FailureKind::Exists,
            store::Error::Missing(_) => FailureKind::Missing,
            store::Error::Refused(_) | store::Error::OverQuota { .. } => FailureKind::Refused,
            store::Error::Corrupt(_) | store::Error::Bug(_) => FailureKind::Internal,
        };
        Failure::new(kind, error.to_string())
    }
}

/// A password on its way to be hashed. `Debug` does not show it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Password(String);

impl Password {
    /// Takes a password that a person typed; it must not be empty, longer than 1024 octets, or hold control characters.
    pub fn new(text: String) -> Result<Password, Failure> {
        match text.as_str() {
            "" => Err(Failure::invalid("the password is empty")),
            long if long.len() > 1024 => {
                Err(Failure::invalid("the password is longer than 1024 octets"))
            }
            odd if odd.chars().any(char::is_control) => {
                Err(Failure::invalid("the password holds a control character"))
            }
            _ => Ok(Password(text)),
        }
    }

    /// A new random one of 100 bits, in four groups that can be read out.
    pub fn generate() -> Result<Password, Failure> {
        const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
        let mut random = [0; 20];
        getrandom::fill(&mut random).map_err(|why| {
            Failure::new(
                FailureKind::Unavailable,
                format!("the system gives no randomness: {why}"),
            )
        })?;
        let letters: Vec<char> = random
            .iter()
            .map(|octet| char::from(LETTERS[usize::from(octet % 32)]))
            .collect();
        let groups: Vec<String> = letters
            .chunks(5)
            .map(|group| group.iter().collect())
            .collect();
        Ok(Password(groups.join("-")))
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// What requests work on.
#[derive(Clone)]
pub struct World {
    /// The settings in force.
    pub config: Arc<Config>,
    /// The store.
    pub store: Store,
    /// Now.
    pub now: Timestamp,
    /// The server, if one runs in this process.
    pub(crate) running: Option<Arc<Running>>,
}

/// Carries a request out.
pub async fn execute(world: &World, request: Request) -> Result<Answer, Failure> {
    match request {
        Request::Account(request) => account::execute(world, request).await.map(Answer::Account),
        Request::Domain(request) => domain::execute(world, request).await.map(Answer::Domain),
        Request::Alias(request) => alias::execute(world, request).await.map(Answer::Alias),
        Request::Dkim(request) => dkim::execute(world, request).await.map(Answer::Dkim),
        Request::Queue(request) => queue::execute(world, request).await.map(Answer::Queue),
        Request::Dns(request) => lookup::execute(world, request).await.map(Answer::Dns),
        Request::Share(request) => share::execute(world, request).await.map(Answer::Share),
        Request::Gate(request) => gate::execute(world, request).await.map(Answer::Gate),
        Request::Report(request) => report::execute(world, request).await.map(Answer::Report),
        Request::Service(request) => service::execute(world, request).await.map(Answer::Service),
        Request::Jobs(request) => jobs::execute(world, request).await.map(Answer::Jobs),
        Request::Search(request) => search::execute(world, request).await.map(Answer::Search),
        Request::Sieve(request) => sieve::execute(world, request).await.map(Answer::Sieve),
        Request::Record(request) => record::execute(world, request).await.map(Answer::Record),
        Request::Removed(request) => removed::execute(world, request).await.map(Answer::Removed),
        Request::Message(request) => message::execute(world, request).await.map(Answer::Message),
        Request::Tables(request) => tables::execute(world, request).await.map(Answer::Tables),
        Request::Tls(request) => tls::execute(world, request).await.map(Answer::Tls),
        Request::Spam(request) => spam::execute(world, request)
            .await
            .map(|answer| Answer::Spam(Box::new(answer))),
    }
}

/// Writes in one transaction; a failure of ours found on the way leaves the store as it was, since all checks come before changes.
async fn write<T, F>(store: &Store, work: F) -> Result<T, Failure>
where
    F: Fn(&mut store::Tx<'_>) -> store::Result<Result<T, Failure>> + Send + 'static,
    T: Send + 'static,
{
    store.write(work).await?
}

/// A time that somebody wrote: by RFC 3339, a date (its beginning, UTC), or how long ago.
fn moment(now: Timestamp, text: &str) -> Result<Timestamp, Failure> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    if let Ok(date) = text.parse::<jiff::civil::Date>()
        && let Ok(begin) = date.to_zoned(jiff::tz::TimeZone::UTC)
    {
        return Ok(begin.timestamp());
    }
    let ago = crate::config::parse_duration(text).ok();
    let ago = ago.and_then(|ago| SignedDuration::try_from(ago).ok());
    let time = ago.and_then(|ago| now.checked_sub(ago).ok());
    time.ok_or_else(|| {
        Failure::invalid(format!(
            "\"{}\" is no time: write one like 2026-11-19T08:00:00Z, a date, or how long ago, like 2d",
            text.escape_debug()
        ))
    })
}

/// An address as the store keeps it (A27).
fn address(text: &str) -> Result<::message::Address, Failure> {
    ::message::Address::parse(text).map_err(|why| {
        Failure::invalid(format!(
            "\"{}\" is not a mail address: {why}",
            text.escape_debug()
        ))
    })
}

/// A domain name as the store keeps it.
fn domain_name(text: &str) -> Result<String, Failure> {
    crate::config::parse_name(text).map_err(Failure::invalid)
}

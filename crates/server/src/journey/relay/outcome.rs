//! What became of a recipient in an attempt, and who said so.

use super::connection::NotOpened;
use smtp::client::{Failure, spoken};
use smtp::{Enhanced, Reply};
use std::net::{IpAddr, SocketAddr};

/// The result of an attempt.
#[derive(Debug, Default)]
pub(crate) struct Attempt {
    /// One for each recipient.
    pub(crate) outcomes: Vec<Outcome>,
    /// No host of the domain could be talked to; when one can, it is worth trying this message at once (C16).
    pub(crate) unreachable: bool,
}

/// What became of a recipient.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// Its number within the message.
    pub(crate) recipient: u32,
    /// Delivered, later, or never.
    pub(crate) fate: Fate,
    /// Enhanced status code.
    pub(crate) status: Enhanced,
    /// The reply of the other server, or our sentence.
    pub(crate) words: String,
    /// The other server, if one was tried.
    pub(crate) remote: Option<Remote>,
    /// Whether `words` are the other server's.
    pub(crate) said_by: Speaker,
}

/// Who said what an outcome says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// The other server.
    Remote,
    /// We.
    Us,
}

/// Delivered, later, or never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The other server has it.
    Sent,
    /// Not now.
    Deferred,
    /// Not at all.
    Failed,
}

/// A host that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remote {
    /// Its name.
    pub(crate) host: String,
    /// Its address.
    pub(crate) address: SocketAddr,
    /// Which of our addresses it was reached from.
    pub(crate) source: Option<IpAddr>,
    /// The TLS version of the session, if it had one.
    pub(crate) tls: Option<&'static str>,
    /// It reports success by itself when asked to (RFC 3461).
    pub(crate) dsn: bool,
    /// It knows of deadlines (RFC 2852).
    pub(crate) deliver_by: bool,
}

impl Outcome {
    /// A host has decided.
    pub(super) fn decided(
        recipient: u32,
        remote: Remote,
        result: Result<Reply, Failure>,
    ) -> Outcome {
        let remote = Some(remote);
        match result {
            Ok(reply) => Outcome {
                recipient,
                fate: Fate::Sent,
                status: reply.enhanced.unwrap_or(Enhanced(2, 0, 0)),
                words: spoken(&reply),
                remote,
                said_by: Speaker::Remote,
            },
            Err(failure) => Outcome {
                recipient,
                fate: fate(failure.is_temporary()),
                status: failure.enhanced(),
                words: words(&failure),
                remote,
                said_by: speaker(&failure),
            },
        }
    }

    /// No host has decided.
    pub(super) fn undecided(
        recipient: u32,
        remote: Option<Remote>,
        why: &NotOpened,
        hopeless: bool,
    ) -> Outcome {
        let (status, words, said_by) = match why {
            NotOpened::Session(failure) => (failure.enhanced(), words(failure), speaker(failure)),
            other => (other.status(), other.to_string(), Speaker::Us),
        };
        Outcome {
            recipient,
            fate: fate(!hopeless),
            status: Enhanced(if hopeless { 5 } else { 4 }, status.1, status.2),
            words,
            remote,
            said_by,
        }
    }

    /// We know without asking any host.
    pub(super) fn ours(recipient: u32, status: Enhanced, words: String) -> Outcome {
        Outcome {
            recipient,
            fate: fate(status.0 == 4),
            status,
            words,
            remote: None,
            said_by: Speaker::Us,
        }
    }
}

fn fate(temporary: bool) -> Fate {
    match temporary {
        true => Fate::Deferred,
        false => Fate::Failed,
    }
}

fn words(failure: &Failure) -> String {
    match failure.reply() {
        Some(reply) => spoken(reply),
        None if failure.is_unknown() => format!("{failure}; the other server may have the message"),
        None => failure.to_string(),
    }
}

fn speaker(failure: &Failure) -> Speaker {
    match failure.reply() {
        Some(_) => Speaker::Remote,
        None => Speaker::Us,
    }
}

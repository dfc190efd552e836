//! Listeners and the sessions behind them.
//!
//! `bind` opens the sockets while the process may still use low ports; `accept` takes connections, counts them against the limits
//! and gives each to [`smtp::serve`] or [`imap::serve`] in a task of its own.

pub mod imap;
pub mod smtp;

mod accept;
mod bind;
mod proxy;
mod stream;

pub(crate) use accept::{Doors, open};
pub(crate) use bind::{Socket, bind};

use crate::config::{Config, Listener};
use crate::session::Protocol;
use std::fmt;
use std::net::SocketAddr;

/// The six listeners.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Port 25.
    Smtp,
    /// Port 587.
    Submission,
    /// Port 465.
    Submissions,
    /// Port 143.
    Imap,
    /// Port 993.
    Imaps,
    /// LMTP.
    Lmtp,
}

impl Kind {
    /// All of them, in the order of the documentation.
    pub const ALL: [Kind; 6] = [
        Kind::Smtp,
        Kind::Submission,
        Kind::Submissions,
        Kind::Imap,
        Kind::Imaps,
        Kind::Lmtp,
    ];

    /// Its name in settings and logs.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Smtp => "smtp",
            Kind::Submission => "submission",
            Kind::Submissions => "submissions",
            Kind::Imap => "imap",
            Kind::Imaps => "imaps",
            Kind::Lmtp => "lmtp",
        }
    }

    /// What is spoken on it.
    pub fn protocol(self) -> Protocol {
        match self {
            Kind::Smtp => Protocol::Smtp,
            Kind::Submission | Kind::Submissions => Protocol::Submission,
            Kind::Lmtp => Protocol::Lmtp,
            Kind::Imap | Kind::Imaps => Protocol::Imap,
        }
    }

    /// Its settings.
    pub fn settings(self, config: &Config) -> &Listener {
        match self {
            Kind::Smtp => &config.listen.smtp,
            Kind::Submission => &config.listen.submission,
            Kind::Submissions => &config.listen.submissions,
            Kind::Imap => &config.listen.imap,
            Kind::Imaps => &config.listen.imaps,
            Kind::Lmtp => &config.listen.lmtp,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The addresses that are really listened on (a port 0 in the settings has become a free one).
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)] // the fields are the listeners
pub struct Bound {
    pub smtp: Vec<SocketAddr>,
    pub submission: Vec<SocketAddr>,
    pub submissions: Vec<SocketAddr>,
    pub imap: Vec<SocketAddr>,
    pub imaps: Vec<SocketAddr>,
    pub lmtp: Vec<SocketAddr>,
}

impl Bound {
    /// The addresses of one listener.
    pub fn of(&self, kind: Kind) -> &[SocketAddr] {
        match kind {
            Kind::Smtp => &self.smtp,
            Kind::Submission => &self.submission,
            Kind::Submissions => &self.submissions,
            Kind::Imap => &self.imap,
            Kind::Imaps => &self.imaps,
            Kind::Lmtp => &self.lmtp,
        }
    }

    pub(crate) fn add(&mut self, kind: Kind, address: SocketAddr) {
        match kind {
            Kind::Smtp => &mut self.smtp,
            Kind::Submission => &mut self.submission,
            Kind::Submissions => &mut self.submissions,
            Kind::Imap => &mut self.imap,
            Kind::Imaps => &mut self.imaps,
            Kind::Lmtp => &mut self.lmtp,
        }
        .push(address);
    }
}

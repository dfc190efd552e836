//! Listeners and the sessions behind them.
//!
//! `bind` opens the sockets while the process may still use low ports; `accept` takes connections, counts them against the limits
//! and gives each to [`smtp::serve`], [`imap::serve`], [`pop3::serve`] or [`managesieve::serve`] in a task of its own.

pub mod imap;
pub mod managesieve;
pub mod pop3;
pub mod smtp;

mod accept;
mod bind;
mod proxy;
mod stream;

pub(crate) use accept::{Doors, open};
pub(crate) use bind::{Ear, Place, Socket, bind};

use crate::config::{Config, Listener};
use crate::session::Protocol;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The listeners.
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
    /// Programs on this machine.
    Local,
    /// Port 4190.
    ManageSieve,
    /// Port 110.
    Pop3,
    /// Port 995.
    Pop3s,
}

impl Kind {
    /// All of them, in the order of the documentation.
    pub const ALL: [Kind; 10] = [
        Kind::Smtp,
        Kind::Submission,
        Kind::Submissions,
        Kind::Imap,
        Kind::Imaps,
        Kind::Lmtp,
        Kind::Local,
        Kind::ManageSieve,
        Kind::Pop3,
        Kind::Pop3s,
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
            Kind::Local => "local",
            Kind::ManageSieve => "managesieve",
            Kind::Pop3 => "pop3",
            Kind::Pop3s => "pop3s",
        }
    }

    /// What is spoken on it.
    pub fn protocol(self) -> Protocol {
        match self {
            Kind::Smtp => Protocol::Smtp,
            Kind::Submission | Kind::Submissions => Protocol::Submission,
            Kind::Lmtp => Protocol::Lmtp,
            Kind::Local => Protocol::Local,
            Kind::ManageSieve => Protocol::ManageSieve,
            Kind::Pop3 | Kind::Pop3s => Protocol::Pop3,
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
            Kind::Local => &config.listen.local,
            Kind::ManageSieve => &config.listen.managesieve,
            Kind::Pop3 => &config.listen.pop3,
            Kind::Pop3s => &config.listen.pop3s,
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
    pub local: Vec<SocketAddr>,
    pub manage: Vec<SocketAddr>,
    /// Unix sockets, with their listeners.
    pub sockets: Vec<(Kind, PathBuf)>,
    pub managesieve: Vec<SocketAddr>,
    pub pop3: Vec<SocketAddr>,
    pub pop3s: Vec<SocketAddr>,
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
            Kind::Local => &self.local,
            Kind::ManageSieve => &self.managesieve,
            Kind::Pop3 => &self.pop3,
            Kind::Pop3s => &self.pop3s,
        }
    }

    pub(crate) fn add(&mut self, kind: Kind, place: &Place) {
        let address = match place {
            Place::Address(address) => *address,
            Place::Path(path) => return self.sockets.push((kind, path.clone())),
        };
        match kind {
            Kind::Smtp => &mut self.smtp,
            Kind::Submission => &mut self.submission,
            Kind::Submissions => &mut self.submissions,
            Kind::Imap => &mut self.imap,
            Kind::Imaps => &mut self.imaps,
            Kind::Lmtp => &mut self.lmtp,
            Kind::Local => &mut self.local,
            Kind::ManageSieve => &mut self.managesieve,
            Kind::Pop3 => &mut self.pop3,
            Kind::Pop3s => &mut self.pop3s,
        }
        .push(address);
    }
}

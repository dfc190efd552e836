//! What sessions of every protocol share: TLS, log-in, limits, counters.

pub mod limits;
pub mod login;
pub mod metrics;
pub mod presence;
pub mod recorder;
pub mod sasl;
pub mod tls;

use std::fmt;
use std::net::SocketAddr;

/// Names one session in logs and `Received` fields, from connect to commit. 64 random bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId(pub u64);

impl SessionId {
    /// A new random name.
    pub fn random() -> SessionId {
        let mut octets = [0; 8];
        // Only a broken operating system has no randomness; sessions then share the name zero, which harms the logs alone.
        let _ = getrandom::fill(&mut octets);
        SessionId(u64::from_ne_bytes(octets))
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a session speaks: the `proto` of log lines and counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Port 25: mail from other servers.
    Smtp,
    /// Ports 587 and 465: mail from our own users.
    Submission,
    /// Mail from a front end of ours.
    Lmtp,
    /// Mail from programs on this machine.
    Local,
    /// Mailbox access.
    Imap,
    /// Fetching mail.
    Pop3,
    /// Scripts.
    ManageSieve,
}

impl Protocol {
    /// Its name in logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Smtp => "smtp",
            Protocol::Submission => "submission",
            Protocol::Lmtp => "lmtp",
            Protocol::Local => "local",
            Protocol::Imap => "imap",
            Protocol::Pop3 => "pop3",
            Protocol::ManageSieve => "managesieve",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The other end of a connection.
#[derive(Clone, Debug)]
pub struct Peer {
    /// What it speaks.
    pub protocol: Protocol,
    /// The session.
    pub session: SessionId,
    /// Where the client is (after PROXY).
    pub remote: SocketAddr,
    /// Which of our addresses it came to.
    pub local: SocketAddr,
    /// Its TLS, if it has one.
    pub tls: Option<tls::TlsFacts>,
}

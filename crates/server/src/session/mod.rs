//! What sessions of every protocol share: TLS, log-in, limits, counters.

pub mod limits;
pub mod login;
pub mod metrics;
pub mod sasl;
pub mod tls;

use std::fmt;
use std::net::SocketAddr;

/// Names one session in logs and `Received` fields, from connect to commit. 64 random bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId(pub u64);

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

/// The other end of a connection.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The session.
    pub session: SessionId,
    /// Where the client is (after PROXY).
    pub remote: SocketAddr,
    /// Which of our addresses it came to.
    pub local: SocketAddr,
    /// Its TLS, if it has one.
    pub tls: Option<tls::TlsFacts>,
}

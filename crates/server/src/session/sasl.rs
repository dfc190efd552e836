//! SASL mechanisms as state machines: PLAIN, LOGIN, SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 4616, 5802, 7677, 9266).

use super::Peer;
use super::login::{Authenticator, Login, LoginError};
use super::tls::TlsFacts;
use crate::config::PlaintextAuth;

/// Under which conditions a client may log in: over which TLS, or without.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// The session's TLS.
    pub tls: Option<&'a TlsFacts>,
    /// Whether a password may be sent without TLS.
    pub plaintext: bool,
}

impl<'a> Offer<'a> {
    /// What this peer may do under the listener's setting.
    pub fn new(peer: &'a Peer, setting: PlaintextAuth) -> Offer<'a> {
        let plaintext =
            setting == PlaintextAuth::Loopback && peer.remote.ip().to_canonical().is_loopback();
        Offer {
            tls: peer.tls.as_ref(),
            plaintext,
        }
    }
}

/// The mechanisms to announce, strongest first; none where no log-in is allowed.
pub fn mechanisms(tls: Option<&TlsFacts>, plaintext: bool) -> Vec<&'static str> {
    match tls {
        Some(_) => vec!["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN"],
        None if plaintext => vec!["SCRAM-SHA-256", "PLAIN", "LOGIN"],
        None => Vec::new(),
    }
}

/// A running SASL exchange.
pub struct Exchange {
    _todo: (),
}

/// What the protocol does after a response of the client.
pub enum Step {
    /// Send this (base64) and wait for the next response.
    Challenge(Vec<u8>),
    /// The exchange is over; a success may carry additional data (SCRAM's `v=…`).
    /// Protocols without a field for it (SMTP, IMAP) send it as one more challenge, which the client answers with an empty response.
    Done(Result<Login, LoginError>, Option<Vec<u8>>),
}

impl Exchange {
    /// Takes the client's (decoded) response. `None`: the client sent no initial response.
    /// RFC 4422: a `*` in place of a response cancels; the protocol handles that and drops the exchange.
    pub async fn step(&mut self, _auth: &Authenticator, _response: Option<&[u8]>) -> Step {
        todo!()
    }
}

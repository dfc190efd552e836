//! Who is it? Passwords, their cache, the delay after a wrong one.

use super::Peer;
use super::sasl::{Exchange, Offer};
use crate::config::{AuthSettings, Config};
use store::AccountId;
use store::account::Credentials;

/// A proved identity: only [`Authenticator`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The account.
    pub account: AccountId,
    /// Its primary address.
    pub address: String,
    /// The SASL mechanism, e.g. `PLAIN`.
    pub mechanism: &'static str,
}

/// Why a log-in failed. The client is told less than the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginError {
    /// Wrong user or password, a disabled account, a forbidden name: the client cannot tell which.
    Refused(&'static str),
    /// Could not check now: temporary (RFC 4954 454, IMAP `[UNAVAILABLE]`).
    Unavailable(String),
    /// The exchange broke the mechanism's rules (501, BAD).
    Malformed(&'static str),
}

/// Checks passwords against the store.
pub struct Authenticator {
    _todo: (),
}

impl Authenticator {
    /// Checks passwords of the accounts in `store`. Keeps a secret of its own in `config.data`.
    pub fn new(_config: &Config, _store: store::Store) -> std::io::Result<Authenticator> {
        todo!()
    }

    /// Takes over changed settings.
    pub fn configure(&self, _settings: &AuthSettings) {
        todo!()
    }

    /// Starts a SASL exchange. `Malformed` if the mechanism is unknown or was not offered.
    pub fn begin(
        &self,
        _mechanism: &str,
        _offer: Offer<'_>,
        _peer: &Peer,
    ) -> Result<Exchange, LoginError> {
        todo!()
    }

    /// Checks a name and a password; a failure is answered after the configured delay, which this waits out. Writes the log line.
    pub async fn password(
        &self,
        _peer: &Peer,
        _user: &str,
        _password: &str,
        _mechanism: &'static str,
    ) -> Result<Login, LoginError> {
        todo!()
    }
}

/// What a new password is kept as: argon2id and a SCRAM-SHA-256 verifier. Works on a blocking thread.
pub async fn hash_password(_settings: &AuthSettings, _password: &str) -> Credentials {
    todo!()
}

//! Who is it? Passwords, their cache, the delay after a wrong one.

use store::AccountId;

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

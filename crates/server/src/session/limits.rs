//! Limits on sessions: in all, per address (an IPv6 /64 counts as one), per account and address, and on the rate of new connections.

use crate::config::Limits as Settings;
use std::net::IpAddr;
use store::AccountId;

/// Counts what is open. Clones share the counts.
#[derive(Clone)]
pub struct Limits {
    _todo: (),
}

/// Why a session may not begin. Say so politely (SMTP 421, IMAP `* BYE`) and close.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooMany {
    /// The server is full.
    #[error("too many connections to this server; try again later")]
    Sessions,
    /// Too many at once from this address.
    #[error("too many connections from your address; close some or try again later")]
    FromAddress,
    /// Too many in a short time from this address.
    #[error("too many new connections from your address in a short time; wait a few seconds")]
    Rate,
    /// Too many IMAP sessions of this account from this address (G19).
    #[error("too many connections of this account from your address; close some first")]
    OfAccount,
}

/// A place that is given back when dropped.
#[derive(Debug)]
pub struct Permit {
    _todo: (),
}

impl Limits {
    /// Nothing open yet.
    pub fn new(_settings: &Settings) -> Limits {
        todo!()
    }
    /// Takes over changed settings; open sessions stay.
    pub fn configure(&self, _settings: &Settings) {
        todo!()
    }
    /// A place for a new connection from this address.
    pub fn connection(&self, _from: IpAddr) -> Result<Permit, TooMany> {
        todo!()
    }
    /// A place for an IMAP session of this account, from this address.
    pub fn account(&self, _account: AccountId, _from: IpAddr) -> Result<Permit, TooMany> {
        todo!()
    }
}

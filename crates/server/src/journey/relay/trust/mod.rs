//! How far a mail host is trusted, and what happens when it does not deserve it: DANE (RFC 7672) before MTA-STS (RFC 8461) before
//! what the settings ask for, which is opportunistic TLS (RFC 7435; C2, C3, L20, L25).
//!
//! **Invariant:** a policy of the recipient's domain can only raise what is asked of a connection; a failed look-up of one never lowers it
//! for a host whose zone is signed.

mod dane;
mod sts;

pub(super) use dane::{Dane, host as dane};
pub(super) use sts::{Sts, policy as sts};

use crate::config::RouteTls;
use ::dns::Tlsa;

/// What is asked of the connection to a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Security {
    /// No TLS.
    Clear,
    /// TLS where it is offered, with any certificate.
    Opportunistic,
    /// TLS with any certificate.
    Encrypted(Because),
    /// TLS with a certificate for the host's name, from an authority that we trust.
    Verified(Because),
    /// TLS with the certificate that TLSA records describe.
    Dane {
        /// At least one that can be used.
        records: Vec<Tlsa>,
        /// Whom the certificate may name; the first is asked for in the handshake.
        names: Vec<String>,
    },
}

/// Who asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Because {
    /// The settings.
    Settings,
    /// The domain's MTA-STS policy.
    Sts,
    /// The host's TLSA records, none of which can be used (RFC 7672 §2.2).
    Dane,
    /// The sender of the message (RFC 8689).
    Sender,
}

impl Security {
    /// What the settings ask for.
    pub(super) fn wanted(tls: RouteTls) -> Security {
        match tls {
            RouteTls::Opportunistic => Security::Opportunistic,
            RouteTls::Verified => Security::Verified(Because::Settings),
            RouteTls::Unverified => Security::Encrypted(Because::Settings),
            RouteTls::Off => Security::Clear,
        }
    }

    /// Is nothing sent without TLS?
    pub(crate) fn needs_tls(&self) -> bool {
        !matches!(self, Security::Clear | Security::Opportunistic)
    }

    /// Does the host prove who it is?
    pub(crate) fn proves_identity(&self) -> bool {
        matches!(self, Security::Verified(_) | Security::Dane { .. })
    }

    /// RFC 8689 §4.2.1: raised to what a message with REQUIRETLS asks for; `None` if TLS is forbidden.
    pub(super) fn required_by_sender(self) -> Option<Security> {
        match self {
            Security::Clear => None,
            Security::Opportunistic | Security::Encrypted(_) => {
                Some(Security::Verified(Because::Sender))
            }
            verified => Some(verified),
        }
    }

    /// RFC 8689 §4.1: the sender would rather have the message delivered than protected.
    pub(super) fn waived(self) -> Security {
        match self {
            Security::Verified(Because::Sts)
            | Security::Encrypted(Because::Dane)
            | Security::Dane { .. } => Security::Opportunistic,
            other => other,
        }
    }

    /// Its name in metrics, of a session with TLS.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Security::Clear | Security::Opportunistic => "opportunistic",
            Security::Dane { .. } | Security::Encrypted(Because::Dane) => "dane",
            Security::Verified(Because::Dane) => "dane",
            Security::Encrypted(Because::Sts) | Security::Verified(Because::Sts) => "mta-sts",
            Security::Encrypted(Because::Sender) | Security::Verified(Because::Sender) => {
                "requiretls"
            }
            Security::Encrypted(Because::Settings) | Security::Verified(Because::Settings) => {
                "settings"
            }
        }
    }

    /// For words: who asks for it.
    pub(crate) fn demands(&self) -> &'static str {
        match self {
            Security::Clear | Security::Opportunistic => "nobody",
            Security::Dane { .. }
            | Security::Encrypted(Because::Dane)
            | Security::Verified(Because::Dane) => "its domain (DANE)",
            Security::Encrypted(Because::Sts) | Security::Verified(Because::Sts) => {
                "its domain (MTA-STS)"
            }
            Security::Encrypted(Because::Sender) | Security::Verified(Because::Sender) => {
                "the sender (REQUIRETLS)"
            }
            Security::Encrypted(Because::Settings) | Security::Verified(Because::Settings) => {
                "our configuration"
            }
        }
    }
}

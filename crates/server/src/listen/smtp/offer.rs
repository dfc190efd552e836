//! What a listener offers, from its settings and from who comes.

use super::SmtpKind;
use crate::config::{Config, Listener};
use crate::session::Peer;
use crate::session::login::Authenticator;
use crate::session::sasl::{self, Offer};
use smtp::server::{Clear, Service};

/// The mechanisms that can be used now; on port 25 none, unless that is asked for, and then with TLS alone (A20).
pub(super) fn mechanisms(
    kind: SmtpKind,
    listener: &Listener,
    peer: &Peer,
    login: &Authenticator,
) -> Vec<&'static str> {
    let offer = Offer::new(peer, listener.plaintext_auth, login);
    match kind {
        SmtpKind::Submission | SmtpKind::Submissions => offer.mechanisms(),
        SmtpKind::Mx if listener.auth && offer.tls.is_some() => offer.mechanisms(),
        SmtpKind::Mx | SmtpKind::Lmtp | SmtpKind::Local => Vec::new(),
    }
}

/// What the state machine has to know of the listener.
pub(super) fn service(kind: SmtpKind, config: &Config, peer: &Peer) -> Service {
    let listener = kind.listener().settings(config);
    let clear = match sasl::may_be_plain(peer, listener.plaintext_auth) {
        true => Clear::Allowed,
        false => Clear::Protected,
    };
    Service {
        role: kind.role(),
        hostname: config.hostname.clone(),
        max_size: config.limits.message_size,
        max_recipients: config.limits.recipients,
        // A server in front of us is not a stranger: it brings all it has over one connection (A11 is about strangers).
        max_messages: (!matches!(kind, SmtpKind::Lmtp | SmtpKind::Local))
            .then_some(config.limits.messages),
        dsn: config.queue.dsn,
        starttls: !matches!(kind, SmtpKind::Submissions | SmtpKind::Local),
        clear,
    }
}

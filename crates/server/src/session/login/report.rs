//! The log line of a log-in, in one place: operators' tools read it (X28), so its form is an interface.
//!
//! `auth failed proto=imap user="a@b" raddr=203.0.113.9 rport=51514 mech=PLAIN reason=password tls=1 sid=…`

use super::{LoginError, Outcome};
use crate::session::Peer;
use crate::session::metrics::Metrics;

/// Longer names are cut in the log.
const MAX_LOGGED_NAME: usize = 320;

/// Counts and logs how a try ended. The user name is escaped: whatever it holds, it cannot look like another field.
pub(super) fn outcome(
    metrics: &Metrics,
    peer: &Peer,
    user: &str,
    mechanism: &'static str,
    outcome: &Outcome,
) {
    let proto = peer.protocol.name();
    match outcome {
        Ok(_) => {
            metrics.auth(proto, mechanism, "ok");
            succeeded(peer, user, mechanism);
        }
        Err(LoginError::Refused(reason)) => {
            metrics.auth(proto, mechanism, "refused");
            failed(peer, user, mechanism, reason);
        }
        Err(LoginError::ActsAsAnother) => {
            metrics.auth(proto, mechanism, "refused");
            failed(peer, user, mechanism, "authzid");
        }
        Err(LoginError::Unavailable(why)) => {
            metrics.auth(proto, mechanism, "unavailable");
            failed(peer, user, mechanism, "unavailable");
            tracing::error!(sid = %peer.session, "log-ins cannot be checked: {why}");
        }
        Err(LoginError::Malformed(_)) => failed(peer, user, mechanism, "malformed"),
    }
}

/// An address may not log in any more.
pub(super) fn banned(peer: &Peer) {
    let (raddr, sid) = (peer.remote.ip().to_canonical(), peer.session);
    tracing::warn!(%raddr, reason = "too many failed log-ins", %sid, "banned from logging in for an hour; `pennyblack unban` lifts it");
}

/// Somebody guesses at an account, from many addresses or one (R10).
pub(super) fn besieged(metrics: &Metrics, user: &str) {
    metrics.ratelimited("account_guesses");
    let user = cut(user);
    tracing::warn!(
        user,
        "fifty wrong passwords for this account within an hour; log-ins from addresses that are new to us are slow for it, those from where \
         its owner has logged in before are not"
    );
}

fn failed(peer: &Peer, user: &str, mechanism: &str, reason: &str) {
    let (proto, raddr, rport) = (
        peer.protocol,
        peer.remote.ip().to_canonical(),
        peer.remote.port(),
    );
    let (user, tls, sid) = (cut(user), u8::from(peer.tls.is_some()), peer.session);
    tracing::warn!(%proto, user, %raddr, rport, mech = %mechanism, %reason, tls, %sid, "auth failed");
}

fn succeeded(peer: &Peer, user: &str, mechanism: &str) {
    let (proto, raddr, rport) = (
        peer.protocol,
        peer.remote.ip().to_canonical(),
        peer.remote.port(),
    );
    let (user, tls, sid) = (cut(user), u8::from(peer.tls.is_some()), peer.session);
    tracing::info!(%proto, user, %raddr, rport, mech = %mechanism, tls, %sid, "auth ok");
}

fn cut(user: &str) -> &str {
    user.char_indices()
        .nth(MAX_LOGGED_NAME)
        .map_or(user, |(at, _)| &user[..at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Protocol, SessionId};
    use std::io;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(octets);
            Ok(octets.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(user: &str) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .without_time()
            .with_ansi(false)
            .with_target(false)
            .finish();
        let peer = Peer {
            protocol: Protocol::Imap,
            session: SessionId(7),
            remote: "203.0.113.9:51514".parse().unwrap(),
            local: "203.0.113.1:993".parse().unwrap(),
            tls: None,
        };
        tracing::subscriber::with_default(subscriber, || {
            outcome(
                &Metrics::new(),
                &peer,
                user,
                "PLAIN",
                &Err(LoginError::Refused("password")),
            );
        });
        String::from_utf8(lines.0.lock().unwrap().clone())
            .unwrap()
            .trim()
            .to_owned()
    }

    /// X28
    #[test]
    fn x28_a_failed_log_in_is_one_line_of_a_fixed_form() {
        assert_eq!(
            logged("a@b"),
            r#"WARN auth failed proto=imap user="a@b" raddr=203.0.113.9 rport=51514 mech=PLAIN reason=password tls=0 sid=0000000000000007"#
        );
    }

    /// X28
    #[test]
    fn x28_a_crafted_name_cannot_forge_an_address() {
        let line = logged("x\" raddr=198.51.100.1\nauth failed raddr=198.51.100.2");
        assert_eq!(line.lines().count(), 1);
        assert!(
            line.contains(
                r#"user="x\" raddr=198.51.100.1\nauth failed raddr=198.51.100.2" raddr=203.0.113.9"#
            ),
            "{line}"
        );
    }
}

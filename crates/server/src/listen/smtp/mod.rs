//! SMTP, submission and LMTP sessions: a thin shell around the state machine of the `smtp` crate.
//!
//! ```text
//! connect       PROXY header, TLS from the first octet, who is it
//! conversation  reads, asks the state machine what it means, has it answered, writes
//! transaction   MAIL, RCPT and the message go to the journey
//! envelope      MAIL and RCPT in the journey's words
//! login         SASL exchanges
//! offer         what the listener announces
//! client_name   what DNS says of the client's address, looked up while it talks
//! patience      how long a client is waited for
//! tarpit        where clients are kept that the gate has blocked
//! ```
//!
//! The protocol is in [`smtp::server`], what happens to mail in [`crate::journey`]; neither is here.

mod client_name;
mod connect;
mod conversation;
mod envelope;
mod login;
mod offer;
mod patience;
mod tarpit;
mod transaction;

use super::Kind;
use crate::Services;
use crate::session::Protocol;
use connect::Connection;
use conversation::Conversation;
use smtp::server::Role;
use spam::gate::lists::Hit;
use std::sync::Arc;
use tokio::net::{TcpStream, UnixStream};
use tracing::Instrument as _;

/// What kind of session a listener begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpKind {
    /// Port 25: other servers.
    Mx,
    /// Port 587: STARTTLS, then log-in.
    Submission,
    /// Port 465: TLS first, then log-in.
    Submissions,
    /// LMTP (RFC 2033).
    Lmtp,
    /// Programs on this machine (A22).
    Local,
}

impl SmtpKind {
    fn listener(self) -> Kind {
        match self {
            SmtpKind::Mx => Kind::Smtp,
            SmtpKind::Submission => Kind::Submission,
            SmtpKind::Submissions => Kind::Submissions,
            SmtpKind::Lmtp => Kind::Lmtp,
            SmtpKind::Local => Kind::Local,
        }
    }

    fn role(self) -> Role {
        match self {
            SmtpKind::Mx => Role::Mx,
            SmtpKind::Submission | SmtpKind::Submissions => Role::Submission,
            SmtpKind::Lmtp => Role::Lmtp,
            SmtpKind::Local => Role::Local,
        }
    }

    fn protocol(self) -> Protocol {
        match self {
            SmtpKind::Mx => Protocol::Smtp,
            SmtpKind::Submission | SmtpKind::Submissions => Protocol::Submission,
            SmtpKind::Lmtp => Protocol::Lmtp,
            SmtpKind::Local => Protocol::Local,
        }
    }
}

/// Serves one connection until it ends.
pub async fn serve(services: Arc<Services>, stream: TcpStream, kind: SmtpKind) {
    let session = crate::session::SessionId::random();
    let span = tracing::info_span!("session", sid = %session);
    let served = async {
        let connected = connect::connect(&services, stream, kind, session).await;
        let Some(connection) = connected else { return };
        if let Some(hit) = blocked(&services, kind, &connection) {
            return Box::pin(tarpit::hold(&services, connection, hit)).await;
        }
        converse(services.clone(), connection, kind).await;
    };
    served.instrument(span).await;
}

/// Only those who bring mail from elsewhere are blocked; a user on a bad network can still send.
fn blocked(services: &Services, kind: SmtpKind, connection: &Connection) -> Option<Hit> {
    let address = connection.peer.remote.ip();
    (kind == SmtpKind::Mx)
        .then(|| services.gate.blocked(services.clock.now(), address))
        .flatten()
}

/// Serves one connection over a Unix socket: LMTP, or a program on this machine.
pub(crate) async fn serve_unix(services: Arc<Services>, stream: UnixStream, kind: Kind) {
    let kind = match kind {
        Kind::Lmtp => SmtpKind::Lmtp,
        _ => SmtpKind::Local,
    };
    let session = crate::session::SessionId::random();
    let span = tracing::info_span!("session", sid = %session);
    let served = async {
        let connected = connect::from_here(stream, kind, session).await;
        if let Some(connection) = connected {
            converse(services.clone(), connection, kind).await;
        }
    };
    served.instrument(span).await;
}

async fn converse(services: Arc<Services>, connection: Connection, kind: SmtpKind) {
    // In boxes, as all that is large here: a future has room for all it ever does, at the same time.
    let conversation = Conversation::new(services, kind, connection.peer, connection.user);
    let mut conversation = Box::new(conversation);
    Box::pin(conversation.hold(connection.stream)).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listen::stream::Stream;

    /// Y14, Y22: a session that waits for its client holds this, what the kernel holds, and the state of TLS.
    #[test]
    fn y14_an_idle_session_is_small() {
        fn serving<T>(_: impl Fn(Arc<Services>, TcpStream, SmtpKind) -> T) -> usize {
            std::mem::size_of::<T>()
        }
        fn holding<'a, T>(_: impl Fn(&'a mut Conversation, Stream) -> T) -> usize {
            std::mem::size_of::<T>() + std::mem::size_of::<Conversation>()
        }
        let octets = serving(serve) + holding(Conversation::hold);
        assert!(octets < 3072, "{octets}");
    }
}

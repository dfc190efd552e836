//! SMTP, submission and LMTP sessions: a thin shell around the state machine of the `smtp` crate.

use crate::Services;
use std::sync::Arc;
use tokio::net::TcpStream;

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
}

/// Serves one connection until it ends.
pub async fn serve(_services: Arc<Services>, _stream: TcpStream, _kind: SmtpKind) {}

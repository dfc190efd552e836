//! What a listener offers: the facts that decide a session's announcements and limits. Settings are turned into this by the owner.

use crate::data::BareLf;

/// Who comes to a listener, and so what the protocol demands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Other servers bring mail (RFC 5321).
    Mx,
    /// Our own users send mail (RFC 6409): log-in first.
    Submission,
    /// A server in front of us delivers (LMTP, RFC 2033): a reply for each recipient.
    Lmtp,
    /// Programs on this machine send mail; the system says whose they are.
    Local,
}

/// Which protection a session must have before a log-in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Clear {
    /// Log-ins and submissions need TLS.
    Protected,
    /// This client may log in without TLS (a trial on the loopback interface).
    Allowed,
}

/// What a listener offers, and its limits.
#[derive(Clone, Debug)]
pub struct Service {
    /// Who comes here.
    pub role: Role,
    /// The name in banner and EHLO reply.
    pub hostname: String,
    /// Largest message, octets (RFC 1870).
    pub max_size: u64,
    /// Recipients in a transaction (RFC 9422 RCPTMAX).
    pub max_recipients: u32,
    /// Transactions in a session (RFC 9422 MAILMAX); `None`: as many as come.
    pub max_messages: Option<u32>,
    /// Whether the DSN extension (RFC 3461) is offered.
    pub dsn: bool,
    /// Whether STARTTLS (RFC 3207) can be offered.
    pub starttls: bool,
    /// Whether a log-in without TLS is possible.
    pub clear: Clear,
}

impl Service {
    /// Only our own users' programs are forgiven for wrong line ends (W22), and the server in front of us, which has taken the
    /// message already.
    pub(super) fn bare_lf(&self) -> BareLf {
        match self.role {
            Role::Mx => BareLf::Refuse,
            Role::Submission | Role::Lmtp | Role::Local => BareLf::Normalise,
        }
    }
}

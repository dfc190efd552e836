//! TLS: certificates by name, their reload, the local CA, what a handshake agreed on.

/// What a handshake agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFacts {
    /// `TLSv1.2` or `TLSv1.3`.
    pub version: &'static str,
    /// IANA cipher suite name.
    pub cipher: String,
    /// The name the client asked for.
    pub server_name: Option<String>,
    /// RFC 9266 `tls-exporter` channel binding, for SCRAM-SHA-256-PLUS (TLS 1.3, or 1.2 with extended master secret).
    pub exporter: Option<[u8; 32]>,
}

/// Certificates and TLS settings of all listeners.
pub struct Tls {
    _todo: (),
}

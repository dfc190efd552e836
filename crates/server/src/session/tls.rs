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

use crate::config::Config;
use std::io;
use tokio::io::{AsyncRead, AsyncWrite};

/// Whose certificates an outbound connection accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verify {
    /// Any: opportunistic TLS protects against listeners only (RFC 7435).
    Nothing,
    /// A chain to the system's or the configured roots, for the name that is connected to.
    Roots,
}

/// Does server-side handshakes.
#[derive(Clone)]
pub struct Acceptor {
    _todo: (),
}

/// Does client-side handshakes.
#[derive(Clone)]
pub struct Connector {
    _todo: (),
}

/// Why TLS could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TlsError(pub String);

impl Tls {
    /// Reads the configured certificates, or makes a local CA and a certificate in `DATA/tls` where none is configured.
    pub fn load(_config: &Config) -> Result<Tls, TlsError> {
        todo!()
    }
    /// Reads everything again; on an error nothing changes. Sessions go on with what they have.
    pub fn reload(&self, _config: &Config) -> Result<(), TlsError> {
        todo!()
    }
    /// For connections from now on.
    pub fn acceptor(&self) -> Acceptor {
        todo!()
    }
    /// For outbound connections.
    pub fn connector(&self, _verify: Verify) -> Result<Connector, TlsError> {
        todo!()
    }
}

impl Acceptor {
    /// The handshake; a client that does not finish it in time is cut off.
    pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        _stream: S,
    ) -> io::Result<(tokio_rustls::server::TlsStream<S>, TlsFacts)> {
        todo!()
    }
}

impl Connector {
    /// The handshake with the server `name`; one that does not finish it in time is cut off.
    pub async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        _name: &str,
        _stream: S,
    ) -> io::Result<(tokio_rustls::client::TlsStream<S>, TlsFacts)> {
        todo!()
    }
}

//! TLS of outbound connections: opportunistic (RFC 7435) or verified.

use super::certificates::{chain, fault};
use super::{TlsError, TlsFacts, facts, in_time};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ConfigBuilder, DigitallySignedStruct, RootCertStore, SignatureScheme,
    WantsVerifier,
};
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsConnector, client};

/// Whose certificates an outbound connection accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verify {
    /// Any: opportunistic TLS protects against listeners only (RFC 7435).
    Nothing,
    /// A chain to the system's or the configured roots, for the name that is connected to.
    Roots,
}

/// Does client-side handshakes.
#[derive(Clone)]
pub struct Connector {
    config: Arc<ClientConfig>,
}

impl Connector {
    pub(super) fn new(config: Arc<ClientConfig>) -> Connector {
        Connector { config }
    }

    /// The handshake with the server `name`; one that does not finish it in time is cut off.
    pub async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        name: &str,
        stream: S,
    ) -> io::Result<(client::TlsStream<S>, TlsFacts)> {
        let name = ServerName::try_from(name.to_owned())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let stream =
            in_time(TlsConnector::from(Arc::clone(&self.config)).connect(name, stream)).await?;
        let facts = facts(stream.get_ref().1);
        Ok((stream, facts))
    }
}

/// The settings for a kind of verification.
pub(super) fn config(
    provider: &Arc<CryptoProvider>,
    verify: Verify,
    extra_roots: Option<&Path>,
) -> Result<Arc<ClientConfig>, TlsError> {
    match verify {
        Verify::Roots => {
            let config = builder(provider)?
                .with_root_certificates(roots(extra_roots)?)
                .with_no_client_auth();
            Ok(Arc::new(config))
        }
        Verify::Nothing => verified_by(provider, Arc::new(AnyCertificate(Arc::clone(provider)))),
    }
}

/// The settings with a verification of our own.
pub(super) fn verified_by(
    provider: &Arc<CryptoProvider>,
    verifier: Arc<dyn ServerCertVerifier>,
) -> Result<Arc<ClientConfig>, TlsError> {
    let config = builder(provider)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn builder(
    provider: &Arc<CryptoProvider>,
) -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, TlsError> {
    ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| TlsError(format!("no TLS: {error}")))
}

/// The system's roots and the configured ones.
fn roots(extra: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = extra {
        for certificate in chain(path)? {
            roots.add(certificate).map_err(|error| fault(path, error))?;
        }
    }
    if roots.is_empty() {
        return Err(TlsError(
            "this system has no CA certificates: install ca-certificates, or set tls.extra_roots"
                .into(),
        ));
    }
    Ok(roots)
}

/// Believes every certificate, but still checks that the server has its key.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

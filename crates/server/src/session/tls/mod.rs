//! TLS: the settings of all listeners and of outbound connections, the handshakes, and what they agreed on.
//!
//! TLS 1.2 and 1.3 with forward-secret AEAD suites and the hybrid X25519MLKEM768 (Y2); no 0-RTT, no renegotiation, no client
//! certificates. Certificates come from files ([`certificates`]) or, where none is configured, from a CA of our own ([`local`]).

mod certificates;
mod client;
mod dane;
mod folder;
mod kept;
mod local;
mod rollover;

pub(crate) use certificates::Chain;
pub use certificates::Expiry;
pub use client::{Connector, Verify};
pub(crate) use dane::{fits, is_usable, key_hash};
pub(crate) use kept::Waiting;
pub(crate) use rollover::{Cannot, Pair, Side};

use crate::config::{Certificate, Config};
use arc_swap::ArcSwap;
use certificates::{ByName, Loaded};
use jiff::Timestamp;
use kept::{Kept, Slot};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{NoServerSessionStorage, ProducesTickets};
use rustls::{CommonState, ProtocolVersion, ServerConfig};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsAcceptor, server};

/// How long a handshake may take, either way.
const HANDSHAKE_TIME: Duration = Duration::from_secs(30);
/// RFC 9266 §4.2.
const EXPORTER_LABEL: &[u8] = b"EXPORTER-Channel-Binding";

/// What a handshake agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFacts {
    /// `TLSv1.2` or `TLSv1.3`.
    pub version: &'static str,
    /// IANA cipher suite name.
    pub cipher: String,
    /// The name the client asked for.
    pub server_name: Option<String>,
    /// RFC 9266 `tls-exporter` channel binding, for SCRAM-SHA-256-PLUS. TLS 1.3 only: on TLS 1.2 clients take `tls-unique`, which we
    /// have not, and would fail where they could have logged in without binding.
    pub exporter: Option<[u8; 32]>,
}

/// Why TLS could not be set up: a file and what is wrong with it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TlsError(pub String);

/// Certificates and TLS settings of all listeners and outbound connections.
pub struct Tls {
    provider: Arc<CryptoProvider>,
    /// Tickets made before a reload stay good after it.
    ticketer: Arc<dyn ProducesTickets>,
    active: ArcSwap<Active>,
    /// Held by whoever replaces `active`.
    changing: Mutex<()>,
}

/// What a reload replaces.
struct Active {
    server: Arc<ServerConfig>,
    slots: Vec<Slot>,
    extra_roots: Option<PathBuf>,
    /// Made when first needed: it parses all roots of the system.
    verifying: OnceLock<Arc<rustls::ClientConfig>>,
    unverifying: OnceLock<Arc<rustls::ClientConfig>>,
}

impl Tls {
    /// Reads the configured certificates, or makes a local CA and a certificate in `DATA/tls` where none is configured. Blocks.
    pub fn load(config: &Config) -> Result<Tls, TlsError> {
        let provider = Arc::new(provider());
        // Crates that ask for the process's provider get the same; an error means that it is installed already.
        let _ = CryptoProvider::install_default(provider.as_ref().clone());
        let ticketer = aws_lc_rs::Ticketer::new()
            .map_err(|error| TlsError(format!("no session tickets: {error}")))?;
        let active = Active::load(config, &provider, &ticketer)?;
        Ok(Tls {
            provider,
            ticketer,
            active: ArcSwap::from_pointee(active),
            changing: Mutex::new(()),
        })
    }

    /// Reads everything again, and renews the local CA's certificate when it is due; on an error nothing changes.
    /// Sessions go on with what they have (L6). Blocks.
    pub fn reload(&self, config: &Config) -> Result<(), TlsError> {
        let _alone = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let active = Active::load(config, &self.provider, &self.ticketer)?;
        self.active.store(Arc::new(active));
        Ok(())
    }

    /// When each served certificate expires.
    pub fn expiries(&self) -> Vec<Expiry> {
        let active = self.active.load();
        active
            .slots
            .iter()
            .map(|one| one.serving.expiry())
            .collect()
    }

    /// The chains that clients get who ask for `name`: those for that name, or the first.
    pub(crate) fn served(&self, name: &str) -> Vec<Chain> {
        let active = self.active.load();
        let parent = name.split_once('.').map_or(name, |(_, parent)| parent);
        let wildcard = format!("*.{parent}");
        let fits = |known: &String| known.eq_ignore_ascii_case(name) || *known == wildcard;
        let all = active.slots.iter().map(|one| &one.serving);
        let named = all.clone().filter(|one| one.names().iter().any(fits));
        let mut found: Vec<Chain> = named.map(|one| one.chain().clone()).collect();
        if found.is_empty() {
            found = all.take(1).map(|one| one.chain().clone()).collect();
        }
        found
    }

    /// For connections from now on.
    pub fn acceptor(&self) -> Acceptor {
        Acceptor {
            config: Arc::clone(&self.active.load().server),
        }
    }

    /// For a connection whose certificate TLSA records describe; the certificate below a trust anchor is for one of `names`.
    pub fn by_records(
        &self,
        records: Vec<::dns::Tlsa>,
        names: &[String],
    ) -> Result<Connector, TlsError> {
        let verifier = dane::ByRecords::new(records, names, Arc::clone(&self.provider));
        client::verified_by(&self.provider, Arc::new(verifier)).map(Connector::new)
    }

    /// For outbound connections. The first use after a (re)load reads the roots.
    pub fn connector(&self, verify: Verify) -> Result<Connector, TlsError> {
        let active = self.active.load();
        let cell = match verify {
            Verify::Nothing => &active.unverifying,
            Verify::Roots => &active.verifying,
        };
        if let Some(config) = cell.get() {
            return Ok(Connector::new(Arc::clone(config)));
        }
        let config = client::config(&self.provider, verify, active.extra_roots.as_deref())?;
        Ok(Connector::new(Arc::clone(cell.get_or_init(|| config))))
    }
}

impl Active {
    fn load(
        config: &Config,
        provider: &Arc<CryptoProvider>,
        ticketer: &Arc<dyn ProducesTickets>,
    ) -> Result<Active, TlsError> {
        // Without the folder nothing can wait, which is no reason to serve nothing.
        let kept = match config.tls.await_dane.then(|| Kept::new(&config.data)) {
            Some(Err(why)) => {
                tracing::warn!(error = %why, "certificates cannot be kept for a change of their keys");
                None
            }
            Some(Ok(kept)) => Some(kept),
            None => None,
        };
        let slots = sources(config)?
            .into_iter()
            .map(|source| Slot::load(source, kept.as_ref(), provider))
            .collect::<Result<Vec<_>, _>>()?;
        Active::of(slots, config, provider, ticketer)
    }

    fn of(
        slots: Vec<Slot>,
        config: &Config,
        provider: &Arc<CryptoProvider>,
        ticketer: &Arc<dyn ProducesTickets>,
    ) -> Result<Active, TlsError> {
        let serving: Vec<Loaded> = slots.iter().map(|one| one.serving.clone()).collect();
        Ok(Active {
            server: Arc::new(server_config(provider, ticketer, ByName::new(serving))?),
            slots,
            extra_roots: config.tls.extra_roots.clone(),
            verifying: OnceLock::new(),
            unverifying: OnceLock::new(),
        })
    }
}

fn sources(config: &Config) -> Result<Vec<Certificate>, TlsError> {
    if !config.tls.certificates.is_empty() {
        return Ok(config.tls.certificates.clone());
    }
    local::ensure(&config.data, &own_names(config), Timestamp::now())
        .map(|certificate| vec![certificate])
}

/// What our own certificate is for.
fn own_names(config: &Config) -> [&str; 5] {
    [
        config.hostname.as_str(),
        &config.domain,
        "localhost",
        "127.0.0.1",
        "::1",
    ]
}

/// Forward-secret AEAD suites only, and the hybrid exchange first (Y2, L12).
fn provider() -> CryptoProvider {
    CryptoProvider {
        cipher_suites: aws_lc_rs::DEFAULT_CIPHER_SUITES.to_vec(),
        kx_groups: vec![
            aws_lc_rs::kx_group::X25519MLKEM768,
            aws_lc_rs::kx_group::X25519,
            aws_lc_rs::kx_group::SECP256R1,
            aws_lc_rs::kx_group::SECP384R1,
        ],
        ..aws_lc_rs::default_provider()
    }
}

/// No state is kept for resumption: tickets carry it, under keys that change by themselves.
fn server_config(
    provider: &Arc<CryptoProvider>,
    ticketer: &Arc<dyn ProducesTickets>,
    certificates: ByName,
) -> Result<ServerConfig, TlsError> {
    let mut config = ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| TlsError(format!("no TLS: {error}")))?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(certificates));
    config.ticketer = Arc::clone(ticketer);
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 1;
    config.require_ems = true;
    Ok(config)
}

/// Does server-side handshakes.
#[derive(Clone)]
pub struct Acceptor {
    config: Arc<ServerConfig>,
}

impl Acceptor {
    /// The handshake; a client that does not finish it in time is cut off.
    pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
    ) -> io::Result<(server::TlsStream<S>, TlsFacts)> {
        let handshake = TlsAcceptor::from(Arc::clone(&self.config)).accept(stream);
        let stream = in_time(handshake).await?;
        let (_, connection) = stream.get_ref();
        let exporter = (connection.protocol_version() == Some(ProtocolVersion::TLSv1_3))
            .then(|| {
                connection
                    .export_keying_material([0; 32], EXPORTER_LABEL, Some(b""))
                    .ok()
            })
            .flatten();
        let server_name = connection.server_name().map(str::to_owned);
        let facts = TlsFacts {
            server_name,
            exporter,
            ..facts(connection)
        };
        Ok((stream, facts))
    }
}

async fn in_time<T>(handshake: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match tokio::time::timeout(HANDSHAKE_TIME, handshake).await {
        Ok(result) => result,
        Err(_) => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the TLS handshake took too long",
        )),
    }
}

fn facts(connection: &CommonState) -> TlsFacts {
    let version = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
        _ => "TLSv1.3",
    };
    let suite = connection
        .negotiated_cipher_suite()
        .map(|suite| format!("{:?}", suite.suite()));
    TlsFacts {
        version,
        // rustls writes TLS13_ where IANA has TLS_.
        cipher: suite.unwrap_or_default().replace("TLS13_", "TLS_"),
        server_name: None,
        exporter: None,
    }
}

#[cfg(test)]
mod tests;

//! Reads certificates and keys, and chooses among them by the name a client asks for (SNI, L9).
//!
//! A key is used through rustls' `SigningKey` alone, which only [`signer`] makes: another process could hold it.

use super::TlsError;
use super::dane::key_hash;
use crate::config::Certificate;
use jiff::Timestamp;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SigningKey};
use std::collections::HashMap;
use std::fmt;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// A served certificate's first name and last second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// The first name in it.
    pub name: String,
    /// When it ends.
    pub at: Timestamp,
}

/// A certificate and those above it, the leaf first.
pub(crate) type Chain = Vec<CertificateDer<'static>>;

/// A certificate with its key, ready to be served.
#[derive(Clone)]
pub(super) struct Loaded {
    names: Vec<String>,
    expires: Timestamp,
    /// What a TLSA record of its key holds.
    hash: String,
    key: Arc<CertifiedKey>,
}

impl Loaded {
    /// Reads chain and key and checks that they belong together.
    pub(super) fn read(
        source: &Certificate,
        provider: &CryptoProvider,
    ) -> Result<Loaded, TlsError> {
        let chain = chain(&source.cert)?;
        let (names, expires) =
            names_and_expiry(&chain[0]).map_err(|why| fault(&source.cert, why))?;
        if expires < Timestamp::now() {
            tracing::warn!(file = %source.cert.display(), "this certificate expired at {expires}; clients will not trust it");
        }
        let hash = key_hash(&chain).unwrap_or_default();
        let key = CertifiedKey::new(chain, signer(&source.key, provider)?);
        match key.keys_match() {
            Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch)) => {
                Err(fault(
                    &source.key,
                    format!("this key does not belong to {}", source.cert.display()),
                ))
            }
            _ => Ok(Loaded {
                names,
                expires,
                hash,
                key: Arc::new(key),
            }),
        }
    }

    /// The names in it.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// What is sent.
    pub(super) fn chain(&self) -> &Chain {
        &self.key.cert
    }

    /// What a TLSA record `3 1 1` of it holds.
    pub(super) fn hash(&self) -> &str {
        &self.hash
    }

    pub(super) fn expiry(&self) -> Expiry {
        Expiry {
            name: self.names.first().cloned().unwrap_or_default(),
            at: self.expires,
        }
    }
}

/// The PEM chain in a file, leaf first; never empty.
pub(super) fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| fault(path, error))?;
    if chain.is_empty() {
        return Err(fault(path, "there is no certificate in this file"));
    }
    Ok(chain)
}

/// The only way to a private key.
fn signer(path: &Path, provider: &CryptoProvider) -> Result<Arc<dyn SigningKey>, TlsError> {
    let key = PrivateKeyDer::from_pem_file(path).map_err(|error| fault(path, error))?;
    let mode = std::fs::metadata(path)
        .map_err(|error| fault(path, error))?
        .permissions()
        .mode();
    if mode & 0o044 != 0 {
        tracing::warn!(file = %path.display(), "this private key can be read by others (mode {:o}); make it 0400", mode & 0o777);
    }
    provider
        .key_provider
        .load_private_key(key)
        .map_err(|error| fault(path, error))
}

/// DNS names (lower-case) and the end of a certificate.
pub(super) fn names_and_expiry(
    certificate: &CertificateDer<'_>,
) -> Result<(Vec<String>, Timestamp), String> {
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|error| error.to_string())?;
    let expires = Timestamp::from_second(parsed.validity().not_after.timestamp())
        .map_err(|error| error.to_string())?;
    Ok((names(&parsed), expires))
}

/// From the alternative names; a certificate so old that it has none is known by its common name.
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let alternative = certificate.subject_alternative_name().ok().flatten();
    let Some(alternative) = alternative else {
        let common = certificate
            .subject()
            .iter_common_name()
            .filter_map(|name| name.as_str().ok());
        return common.map(str::to_ascii_lowercase).collect();
    };
    let dns = alternative
        .value
        .general_names
        .iter()
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
            _ => None,
        });
    dns.collect()
}

pub(super) fn fault(path: &Path, why: impl fmt::Display) -> TlsError {
    TlsError(format!("{}: {why}", path.display()))
}

/// Chooses a certificate by name, and among several for a name one the client can check.
#[derive(Debug)]
pub(super) struct ByName {
    /// Names as in the certificates; wildcards with their `*.`.
    names: HashMap<String, Vec<Arc<CertifiedKey>>>,
    /// Where no name matches: the first in the configuration, and those for its name.
    default: Vec<Arc<CertifiedKey>>,
}

impl ByName {
    pub(super) fn new(loaded: Vec<Loaded>) -> ByName {
        let mut names: HashMap<String, Vec<_>> = HashMap::new();
        for (name, key) in loaded
            .iter()
            .flat_map(|one| one.names.iter().map(|name| (name, &one.key)))
        {
            names.entry(name.clone()).or_default().push(Arc::clone(key));
        }
        let first = loaded.first();
        let default = first
            .and_then(|first| names.get(first.names.first()?).cloned())
            .or_else(|| first.map(|first| vec![Arc::clone(&first.key)]))
            .unwrap_or_default();
        ByName { names, default }
    }

    fn candidates(&self, name: Option<&str>) -> &[Arc<CertifiedKey>] {
        let found = name.map(str::to_ascii_lowercase).and_then(|name| {
            let wildcard = name
                .split_once('.')
                .map(|(_, parent)| format!("*.{parent}"));
            self.names.get(&name).or_else(|| self.names.get(&wildcard?))
        });
        found.unwrap_or(&self.default)
    }
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let candidates = self.candidates(hello.server_name());
        let usable =
            |key: &&Arc<CertifiedKey>| key.key.choose_scheme(hello.signature_schemes()).is_some();
        candidates
            .iter()
            .find(usable)
            .or(candidates.first())
            .cloned()
    }
}

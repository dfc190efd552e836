//! Certificates as they were served, kept in `DATA/tls/kept` while DNS has TLSA records of their keys: if their files then change to
//! another key, the old one can go on being served until DNS has the new one, over restarts too (L24, RFC 7671 §8.1).
//!
//! Chain and key are in one file, which belongs to whom the key file belongs to: a copy of a key that root alone could read is such a key.

use super::TlsError;
use super::certificates::{Loaded, fault};
use super::folder::{Folder, Mode};
use crate::config::Certificate;
use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use rustls::crypto::CryptoProvider;
use serde::{Deserialize, Serialize};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

const BEGIN_CHAIN: &str = "-----BEGIN CERTIFICATE-----";

/// The copies.
pub(super) struct Kept(Folder);

/// What is known of a key that waits for DNS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Waiting {
    /// SHA-256 of the public key, as in the record.
    pub(crate) key: String,
    /// Seconds since 1970; since when each look has seen its records.
    pub(crate) seen: Option<i64>,
    /// The longest time, in seconds, that others may remember the records of before.
    pub(crate) ttl: u32,
    /// Whether the postmaster knows.
    pub(crate) told: bool,
}

impl Kept {
    pub(super) fn new(data: &Path) -> Result<Kept, TlsError> {
        Folder::make(data, "tls", 0o755)?;
        Folder::make(data, "tls/kept", 0o700).map(Kept)
    }

    /// The copy for these files, if there is one that can be used.
    pub(super) fn read(&self, source: &Certificate, provider: &CryptoProvider) -> Option<Loaded> {
        let file = self.0.path(&name(source, "pem"));
        if !file.exists() {
            return None;
        }
        let copy = Certificate {
            cert: file.clone(),
            key: file,
        };
        match Loaded::read(&copy, provider) {
            Ok(loaded) => Some(loaded),
            Err(why) => {
                tracing::warn!(error = %why, "the copy of a certificate that was served cannot be used");
                None
            }
        }
    }

    /// Copies the files, if they are still what is served and can be read; else they are copied at the next start that can.
    pub(super) fn keep(&self, source: &Certificate, served: &Loaded, provider: &CryptoProvider) {
        let copied = self.copy(source).and_then(|()| {
            match self.read(source, provider) {
                Some(copy) if copy.hash() == served.hash() => Ok(()),
                // Changed meanwhile: a reload will see to it.
                _ => self.0.remove(&name(source, "pem")),
            }
        });
        let noted = match copied {
            Ok(()) => self.0.remove(&name(source, "wanted")),
            Err(_) => {
                let _ = self.0.remove(&name(source, "pem"));
                self.0.write(&name(source, "wanted"), "", Mode::Secret)
            }
        };
        if let Err(why) = noted {
            tracing::warn!(error = %why, "a certificate that is served cannot be kept");
        }
    }

    /// Whether a copy was wanted that could not be made.
    pub(super) fn wants(&self, source: &Certificate) -> bool {
        self.0.path(&name(source, "wanted")).exists()
    }

    pub(super) fn has(&self, source: &Certificate) -> bool {
        self.0.path(&name(source, "pem")).exists()
    }

    fn copy(&self, source: &Certificate) -> Result<(), TlsError> {
        let read = |path: &Path| fs::read_to_string(path).map_err(|why| fault(path, why));
        let facts = fs::metadata(&source.key).map_err(|why| fault(&source.key, why))?;
        let text = format!("{}\n{}", read(&source.key)?, read(&source.cert)?);
        let owner = (facts.uid(), facts.gid());
        self.0
            .write_for(owner, &name(source, "pem"), &text, Mode::Secret)
    }

    /// Key and chain of the copy, as PEM.
    pub(super) fn text(&self, source: &Certificate) -> Result<(String, String), TlsError> {
        let path = self.0.path(&name(source, "pem"));
        let text = fs::read_to_string(&path).map_err(|why| fault(&path, why))?;
        match text.find(BEGIN_CHAIN) {
            Some(at) => Ok((text[..at].to_string(), text[at..].to_string())),
            None => Err(fault(&path, "there is no certificate in this file")),
        }
    }

    pub(super) fn forget(&self, source: &Certificate) -> Result<(), TlsError> {
        ["pem", "wanted", "json"]
            .iter()
            .try_for_each(|kind| self.0.remove(&name(source, kind)))
    }

    /// What is known of the key that waits; of another one nothing is.
    pub(super) fn waiting(&self, source: &Certificate, key: &str) -> Waiting {
        let text = fs::read(self.0.path(&name(source, "json"))).unwrap_or_default();
        match serde_json::from_slice::<Waiting>(&text) {
            Ok(known) if known.key == key => known,
            _ => Waiting {
                key: key.into(),
                ..Waiting::default()
            },
        }
    }

    pub(super) fn note(&self, source: &Certificate, known: &Waiting) -> Result<(), TlsError> {
        let text = serde_json::to_string(known).unwrap_or_default();
        self.0.write(&name(source, "json"), &text, Mode::Secret)
    }
}

/// Files are known by where their chain is.
fn name(source: &Certificate, kind: &str) -> String {
    let hash = digest(&SHA256, source.cert.as_os_str().as_bytes());
    let hash = hash.as_ref().iter().take(8);
    let name: String = hash.map(|octet| format!("{octet:02x}")).collect();
    format!("{name}.{kind}")
}

/// A certificate and the one that waits to take its place.
pub(super) struct Slot {
    pub(super) source: Certificate,
    pub(super) serving: Loaded,
    pub(super) next: Option<Loaded>,
}

impl Slot {
    /// What the files hold, unless its key has to wait.
    pub(super) fn load(
        source: Certificate,
        kept: Option<&Kept>,
        provider: &CryptoProvider,
    ) -> Result<Slot, TlsError> {
        let fresh = Loaded::read(&source, provider)?;
        let Some(kept) = kept else {
            return Ok(Slot {
                source,
                serving: fresh,
                next: None,
            });
        };
        let old = kept
            .read(&source, provider)
            .filter(|old| old.hash() != fresh.hash() && old.expiry().at > Timestamp::now());
        if let Some(serving) = old {
            tracing::warn!(
                file = %source.cert.display(), key = fresh.hash(),
                "the certificate has another key, which is served once DNS has its TLSA records: `pennyblack tls show`"
            );
            return Ok(Slot {
                source,
                serving,
                next: Some(fresh),
            });
        }
        if kept.has(&source) || kept.wants(&source) {
            kept.keep(&source, &fresh, provider);
        }
        Ok(Slot {
            source,
            serving: fresh,
            next: None,
        })
    }
}

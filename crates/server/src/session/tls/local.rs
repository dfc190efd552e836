//! The local CA: made at the first start where no certificate is configured, so that TLS works before anything else is set up.
//!
//! `DATA/tls` holds `ca.pem` (for clients to trust), `ca.key`, `server.pem` and `server.key`. The CA lasts ten years, the certificate
//! one; it is renewed a month early, with the same key, and at once when the names change.

use super::TlsError;
use super::certificates::{chain, fault, names_and_expiry};
use super::dane::{hash_of, key_hash};
use super::folder::{Folder, Mode};
use crate::config::Certificate;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData as _, SerialNumber,
};
use std::fs;
use std::path::{Path, PathBuf};

const DAY: SignedDuration = SignedDuration::from_hours(24);
const RENEW_BEFORE: SignedDuration = SignedDuration::from_hours(24 * 30);
const CA_DAYS: i32 = 3650;
const SERVER_DAYS: i32 = 365;

/// The certificate for these names (DNS names or IP addresses), made or renewed if that is needed.
pub(super) fn ensure(data: &Path, names: &[&str], now: Timestamp) -> Result<Certificate, TlsError> {
    let files = Files::new(data)?;
    let fresh_ca = !files.ca_is_good(now);
    if fresh_ca {
        files.make_ca(names.first().copied().unwrap_or("localhost"), now)?;
    }
    if fresh_ca || !files.server_is_good(names, now) {
        files.make_server(names, now)?;
    }
    Ok(certificate(data))
}

/// Where our own certificate lies.
pub(super) fn certificate(data: &Path) -> Certificate {
    Certificate {
        cert: data.join("tls/server.pem"),
        key: data.join("tls/server.key"),
    }
}

/// Puts a certificate with a new key in the place of the old one (L24).
pub(super) fn renew_key(data: &Path, names: &[&str], now: Timestamp) -> Result<(), TlsError> {
    let key = KeyPair::generate().map_err(|error| fault(data, error))?;
    Files::new(data)?.make_server_with(&key, names, now)
}

/// Puts key and chain back that were there before.
pub(super) fn restore(data: &Path, key: &str, chain: &str) -> Result<(), TlsError> {
    let files = Files::new(data)?;
    files.write("server.key", key, Mode::Secret)?;
    files.write("server.pem", chain, Mode::Public)
}

struct Files(Folder);

impl Files {
    fn new(data: &Path) -> Result<Files, TlsError> {
        Folder::make(data, "tls", 0o755).map(Files)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path(name)
    }

    fn ca_is_good(&self, now: Timestamp) -> bool {
        self.path("ca.key").exists()
            && self
                .expiry("ca.pem")
                .is_some_and(|at| at > now + RENEW_BEFORE)
    }

    fn expiry(&self, name: &str) -> Option<Timestamp> {
        let chain = chain(&self.path(name)).ok()?;
        names_and_expiry(&chain[0]).ok().map(|(_, expires)| expires)
    }

    /// The address names are the same ones always, so the DNS names tell whether the certificate fits.
    fn server_is_good(&self, names: &[&str], now: Timestamp) -> bool {
        let Ok(chain) = chain(&self.path("server.pem")) else {
            return false;
        };
        let Ok((has, expires)) = names_and_expiry(&chain[0]) else {
            return false;
        };
        let wanted = names
            .iter()
            .filter(|name| name.parse::<std::net::IpAddr>().is_err());
        let covered = wanted
            .into_iter()
            .all(|name| has.contains(&name.to_ascii_lowercase()));
        // A crash between the two files leaves a key without its certificate.
        let key = self
            .server_key()
            .map(|key| hash_of(&key.subject_public_key_info()));
        let belongs = key.ok().is_some_and(|key| key_hash(&chain) == Some(key));
        covered && expires > now + RENEW_BEFORE && belongs
    }

    fn make_ca(&self, name: &str, now: Timestamp) -> Result<(), TlsError> {
        let key = KeyPair::generate().map_err(|error| fault(&self.path(""), error))?;
        let mut params = params(&[], now, CA_DAYS).map_err(|error| fault(&self.path(""), error))?;
        params
            .distinguished_name
            .push(DnType::CommonName, format!("Pennyblack local CA of {name}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params
            .self_signed(&key)
            .map_err(|error| fault(&self.path(""), error))?;
        self.write("ca.key", &key.serialize_pem(), Mode::Secret)?;
        self.write("ca.pem", &certificate.pem(), Mode::Public)?;
        tracing::info!(file = %self.path("ca.pem").display(), "made a local CA; clients that trust this file trust this server");
        Ok(())
    }

    fn make_server(&self, names: &[&str], now: Timestamp) -> Result<(), TlsError> {
        self.make_server_with(&self.server_key()?, names, now)
    }

    fn make_server_with(
        &self,
        key: &KeyPair,
        names: &[&str],
        now: Timestamp,
    ) -> Result<(), TlsError> {
        let issuer = self.issuer()?;
        let mut params =
            params(names, now, SERVER_DAYS).map_err(|error| fault(&self.path(""), error))?;
        params.distinguished_name.push(
            DnType::CommonName,
            names.first().copied().unwrap_or("localhost"),
        );
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params
            .signed_by(key, &issuer)
            .map_err(|error| fault(&self.path(""), error))?;
        self.write("server.key", &key.serialize_pem(), Mode::Secret)?;
        self.write("server.pem", &certificate.pem(), Mode::Public)
    }

    /// The key outlives renewals, so that a TLSA record of it stays true (Y3).
    fn server_key(&self) -> Result<KeyPair, TlsError> {
        match fs::read_to_string(self.path("server.key")) {
            Ok(pem) => {
                KeyPair::from_pem(&pem).map_err(|error| fault(&self.path("server.key"), error))
            }
            Err(_) => KeyPair::generate().map_err(|error| fault(&self.path(""), error)),
        }
    }

    fn issuer(&self) -> Result<Issuer<'static, KeyPair>, TlsError> {
        let read = |name: &str| {
            fs::read_to_string(self.path(name)).map_err(|error| fault(&self.path(name), error))
        };
        let key = KeyPair::from_pem(&read("ca.key")?)
            .map_err(|error| fault(&self.path("ca.key"), error))?;
        Issuer::from_ca_cert_pem(&read("ca.pem")?, key)
            .map_err(|error| fault(&self.path("ca.pem"), error))
    }

    fn write(&self, name: &str, text: &str, mode: Mode) -> Result<(), TlsError> {
        self.0.write(name, text, mode)
    }
}

/// The start of a day in the type of the `time` crate that rcgen takes, without naming it.
macro_rules! midnight {
    ($at:expr) => {{
        let date = ($at).to_zoned(TimeZone::UTC).date();
        rcgen::date_time_ymd(
            date.year().into(),
            date.month().unsigned_abs(),
            date.day().unsigned_abs(),
        )
    }};
}

/// A certificate from yesterday (clocks differ) for so many days, with a number of its own.
fn params(names: &[&str], now: Timestamp, days: i32) -> Result<CertificateParams, rcgen::Error> {
    let mut unique: Vec<String> = Vec::new();
    for name in names.iter().map(|name| name.to_ascii_lowercase()) {
        if !unique.contains(&name) {
            unique.push(name);
        }
    }
    let mut params = CertificateParams::new(unique)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.not_before = midnight!(now - DAY);
    params.not_after = midnight!(now + DAY * days);
    params.serial_number = Some(serial());
    Ok(params)
}

/// 127 random bits: positive, as RFC 5280 §4.1.2.2 wants.
fn serial() -> SerialNumber {
    let mut octets = [0; 16];
    let _ = aws_lc_rs::rand::fill(&mut octets);
    octets[0] &= 0x7f;
    SerialNumber::from_slice(&octets)
}

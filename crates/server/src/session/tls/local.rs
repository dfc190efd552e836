//! The local CA: made at the first start where no certificate is configured, so that TLS works before anything else is set up.
//!
//! `DATA/tls` holds `ca.pem` (for clients to trust), `ca.key`, `server.pem` and `server.key`. The CA lasts ten years, the certificate
//! one; it is renewed a month early, with the same key, and at once when the names change.

use super::TlsError;
use super::certificates::{chain, fault, names_and_expiry};
use crate::config::Certificate;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SerialNumber,
};
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
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
    Ok(files.certificate())
}

struct Files {
    dir: PathBuf,
    /// Who owns the data directory: the files are his, even when root makes them.
    owner: (u32, u32),
}

impl Files {
    fn new(data: &Path) -> Result<Files, TlsError> {
        let dir = data.join("tls");
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(&dir)
            .map_err(|error| fault(&dir, error))?;
        let owner = fs::metadata(data).map_err(|error| fault(data, error))?;
        let files = Files {
            dir,
            owner: (owner.uid(), owner.gid()),
        };
        files
            .give_away(&files.dir)
            .map_err(|error| fault(&files.dir, error))?;
        Ok(files)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn certificate(&self) -> Certificate {
        Certificate {
            cert: self.path("server.pem"),
            key: self.path("server.key"),
        }
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
        let Some((has, expires)) = chain(&self.path("server.pem"))
            .ok()
            .and_then(|chain| names_and_expiry(&chain[0]).ok())
        else {
            return false;
        };
        let wanted = names
            .iter()
            .filter(|name| name.parse::<std::net::IpAddr>().is_err());
        let covered = wanted
            .into_iter()
            .all(|name| has.contains(&name.to_ascii_lowercase()));
        covered && expires > now + RENEW_BEFORE && self.path("server.key").exists()
    }

    fn make_ca(&self, name: &str, now: Timestamp) -> Result<(), TlsError> {
        let key = KeyPair::generate().map_err(|error| fault(&self.dir, error))?;
        let mut params = params(&[], now, CA_DAYS).map_err(|error| fault(&self.dir, error))?;
        params
            .distinguished_name
            .push(DnType::CommonName, format!("Pennyblack local CA of {name}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params
            .self_signed(&key)
            .map_err(|error| fault(&self.dir, error))?;
        self.write("ca.key", &key.serialize_pem(), Mode::Secret)?;
        self.write("ca.pem", &certificate.pem(), Mode::Public)?;
        tracing::info!(file = %self.path("ca.pem").display(), "made a local CA; clients that trust this file trust this server");
        Ok(())
    }

    fn make_server(&self, names: &[&str], now: Timestamp) -> Result<(), TlsError> {
        let key = self.server_key()?;
        let issuer = self.issuer()?;
        let mut params =
            params(names, now, SERVER_DAYS).map_err(|error| fault(&self.dir, error))?;
        params.distinguished_name.push(
            DnType::CommonName,
            names.first().copied().unwrap_or("localhost"),
        );
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params
            .signed_by(&key, &issuer)
            .map_err(|error| fault(&self.dir, error))?;
        self.write("server.key", &key.serialize_pem(), Mode::Secret)?;
        self.write("server.pem", &certificate.pem(), Mode::Public)
    }

    /// The key outlives renewals, so that a TLSA record of it stays true (Y3).
    fn server_key(&self) -> Result<KeyPair, TlsError> {
        match fs::read_to_string(self.path("server.key")) {
            Ok(pem) => {
                KeyPair::from_pem(&pem).map_err(|error| fault(&self.path("server.key"), error))
            }
            Err(_) => KeyPair::generate().map_err(|error| fault(&self.dir, error)),
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

    /// Writes beside and renames: a crash leaves the old file or the new one.
    fn write(&self, name: &str, text: &str, mode: Mode) -> Result<(), TlsError> {
        let (path, beside) = (self.path(name), self.path(&format!("{name}.new")));
        let written = || -> io::Result<()> {
            let _ = fs::remove_file(&beside);
            let mut file = fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(mode as u32)
                .open(&beside)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            self.give_away(&beside)?;
            fs::rename(&beside, &path)?;
            fs::File::open(&self.dir)?.sync_all()
        };
        written().map_err(|error| fault(&path, error))
    }

    fn give_away(&self, path: &Path) -> io::Result<()> {
        match rustix::process::geteuid().is_root() {
            true => std::os::unix::fs::chown(path, Some(self.owner.0), Some(self.owner.1)),
            false => Ok(()),
        }
    }
}

/// Who may read a file.
#[derive(Clone, Copy)]
enum Mode {
    Secret = 0o400,
    Public = 0o444,
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

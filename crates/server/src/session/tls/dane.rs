//! Certificates by DANE (RFC 6698, RFC 7671, RFC 7672 §3): the TLSA records of the host say which certificate is right, and neither
//! authorities nor, with usage 3, names and dates matter. Usages 0 and 1 are not for mail (RFC 7672 §3.1.3).

use aws_lc_rs::digest::{SHA256, SHA512, digest};
use dns::Tlsa;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::sync::Arc;
use x509_parser::prelude::{FromDer, X509Certificate};

const TRUST_ANCHOR: u8 = 2;
const END_ENTITY: u8 = 3;

/// Whether a record can be used (RFC 7672 §2.2: those of unknown kinds are ignored).
pub(crate) fn is_usable(record: &Tlsa) -> bool {
    let length_fits = match record.matching {
        0 => !record.data.is_empty(),
        1 => record.data.len() == 32,
        2 => record.data.len() == 64,
        _ => false,
    };
    matches!(record.usage, TRUST_ANCHOR | END_ENTITY) && record.selector <= 1 && length_fits
}

/// Do the records describe this chain, leaf first (RFC 7671 §5)? Names and dates are not looked at.
pub(crate) fn fits(records: &[Tlsa], chain: &[CertificateDer<'_>]) -> bool {
    let Some((leaf, above)) = chain.split_first() else {
        return false;
    };
    let mut usable = records.iter().filter(|record| is_usable(record));
    usable.any(|record| match record.usage {
        END_ENTITY => matches(record, leaf),
        _ => !anchors(record, above).is_empty(),
    })
}

/// What a record `3 1 1` of this chain holds: the SHA-256 of its public key, in hexadecimal.
pub(crate) fn key_hash(chain: &[CertificateDer<'_>]) -> Option<String> {
    Some(hash_of(&public_key(chain.first()?)?))
}

/// The same of a public key in its outer form (SubjectPublicKeyInfo).
pub(super) fn hash_of(key: &[u8]) -> String {
    let hash = digest(&SHA256, key);
    let octets = hash.as_ref().iter();
    octets.map(|octet| format!("{octet:02x}")).collect()
}

/// Verifies by TLSA records.
#[derive(Debug)]
pub(super) struct ByRecords {
    records: Vec<Tlsa>,
    /// Names that a certificate below a trust anchor may be for (RFC 7672 §3.2.2).
    names: Vec<ServerName<'static>>,
    provider: Arc<CryptoProvider>,
}

impl ByRecords {
    pub(super) fn new(
        records: Vec<Tlsa>,
        names: &[String],
        provider: Arc<CryptoProvider>,
    ) -> ByRecords {
        let names = names
            .iter()
            .filter_map(|name| ServerName::try_from(name.clone()).ok());
        ByRecords {
            records: records.into_iter().filter(is_usable).collect(),
            names: names.collect(),
            provider,
        }
    }

    fn of_usage(&self, usage: u8) -> impl Iterator<Item = &Tlsa> {
        self.records
            .iter()
            .filter(move |record| record.usage == usage)
    }

    /// Does the chain lead to one of the anchors, and is the certificate for one of the names?
    fn below_anchor(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let mut roots = RootCertStore::empty();
        for record in self.of_usage(TRUST_ANCHOR) {
            roots.add_parsable_certificates(anchors(record, intermediates));
        }
        if roots.is_empty() {
            return Err(Error::InvalidCertificate(CertificateError::UnknownIssuer));
        }
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), self.provider.clone())
                .build()
                .map_err(|why| Error::General(why.to_string()))?;
        let mut result = Err(Error::InvalidCertificate(CertificateError::NotValidForName));
        for name in &self.names {
            result = verifier.verify_server_cert(end_entity, intermediates, name, &[], now);
            if result.is_ok() {
                break;
            }
        }
        result.map(|_| ())
    }
}

/// The certificates that a record names as trust anchors: among those that the server sent, or the record itself (2 0 0).
fn anchors(record: &Tlsa, sent: &[CertificateDer<'_>]) -> Vec<CertificateDer<'static>> {
    let mut found: Vec<CertificateDer<'static>> = sent
        .iter()
        .filter(|certificate| matches(record, certificate))
        .map(|certificate| certificate.clone().into_owned())
        .collect();
    if record.selector == 0 && record.matching == 0 {
        found.push(CertificateDer::from(record.data.clone()));
    }
    found
}

/// Is this the certificate, or the key, that the record describes?
fn matches(record: &Tlsa, certificate: &CertificateDer<'_>) -> bool {
    let selected = match record.selector {
        0 => Some(certificate.as_ref().to_vec()),
        _ => public_key(certificate),
    };
    let Some(selected) = selected else {
        return false;
    };
    match record.matching {
        0 => selected == record.data,
        1 => digest(&SHA256, &selected).as_ref() == record.data,
        _ => digest(&SHA512, &selected).as_ref() == record.data,
    }
}

/// SubjectPublicKeyInfo, as it stands in the certificate.
fn public_key(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    Some(parsed.tbs_certificate.subject_pki.raw.to_vec())
}

impl ServerCertVerifier for ByRecords {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let own = self
            .of_usage(END_ENTITY)
            .any(|record| matches(record, end_entity));
        if !own {
            self.below_anchor(end_entity, intermediates, now)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

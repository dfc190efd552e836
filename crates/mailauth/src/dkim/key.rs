//! Public keys in DNS (RFC 6376 §3.6.1, RFC 8463 §4).

use super::keypair::Algorithm;
use super::signature::{BASE64, encoded};
use crate::tags::{self, Malformed, Tags};
use aws_lc_rs::digest::Digest;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ED25519, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RsaParameters, UnparsedPublicKey,
};
use base64::Engine as _;

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKeyRecord {
    /// `k=` and `p=`.
    pub key: PublicKey,
    /// `t=y`: the domain is trying DKIM out.
    pub testing: bool,
    /// `t=s`: `i=` must be of the very domain.
    pub strict: bool,
}

/// A key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PublicKey {
    /// As SubjectPublicKeyInfo or RSAPublicKey, in DER.
    Rsa(Vec<u8>),
    /// 32 octets.
    Ed25519(Vec<u8>),
}

/// Why a record gives no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// An empty `p=`.
    #[error("the key is revoked")]
    Revoked,
    /// The key is not for mail, or not for SHA-256.
    #[error("the key is not for this use: {0}")]
    Use(&'static str),
    /// The record cannot be read.
    #[error("the key record is wrong: {0}")]
    Syntax(String),
}

impl From<Malformed> for KeyFault {
    fn from(malformed: Malformed) -> KeyFault {
        KeyFault::Syntax(malformed.0)
    }
}

impl PublicKeyRecord {
    /// Reads a TXT record.
    pub fn parse(text: &str) -> Result<PublicKeyRecord, KeyFault> {
        let tags = Tags::parse(text)?;
        let version = tags.value("v");
        if version.is_some_and(|version| version != "DKIM1")
            || (version.is_some() && tags.first() != Some("v"))
        {
            return Err(KeyFault::Syntax("its version is not DKIM1".into()));
        }
        let lists = |tag: &str, words: [&str; 2]| {
            tags.value(tag).is_none_or(|value| {
                tags::words(value).any(|word| words.iter().any(|w| word.eq_ignore_ascii_case(w)))
            })
        };
        if !lists("h", ["sha256", "sha256"]) {
            return Err(KeyFault::Use("it forbids SHA-256"));
        }
        if !lists("s", ["*", "email"]) {
            return Err(KeyFault::Use("it is not for mail"));
        }
        let flag = |wanted: &str| {
            tags.value("t").is_some_and(|value| {
                tags::words(value).any(|flag| flag.eq_ignore_ascii_case(wanted))
            })
        };
        Ok(PublicKeyRecord {
            key: PublicKey::from_tags(&tags)?,
            testing: flag("y"),
            strict: flag("s"),
        })
    }

    /// The record of a key, as it is published.
    pub fn write(key: &PublicKey) -> String {
        match key {
            PublicKey::Rsa(der) => format!("v=DKIM1; k=rsa; p={}", encoded(der)),
            PublicKey::Ed25519(key) => format!("v=DKIM1; k=ed25519; p={}", encoded(key)),
        }
    }
}

impl PublicKey {
    fn from_tags(tags: &Tags<'_>) -> Result<PublicKey, KeyFault> {
        let value = tags
            .value("p")
            .ok_or_else(|| KeyFault::Syntax("it has no p=".into()))?;
        if value.is_empty() {
            return Err(KeyFault::Revoked);
        }
        let octets = BASE64
            .decode(tags::without_blanks(value))
            .map_err(|_| KeyFault::Syntax("its p= is not base64".into()))?;
        match tags
            .value("k")
            .unwrap_or("rsa")
            .to_ascii_lowercase()
            .as_str()
        {
            "rsa" => Ok(PublicKey::Rsa(octets)),
            "ed25519" if octets.len() == 32 => Ok(PublicKey::Ed25519(octets)),
            "ed25519" => Err(KeyFault::Syntax("an ed25519 key has 32 octets".into())),
            _ => Err(KeyFault::Use("its type is unknown")),
        }
    }

    /// Can it verify signatures of this algorithm?
    pub(crate) fn fits(&self, algorithm: Algorithm) -> bool {
        matches!(
            (self, algorithm),
            (PublicKey::Rsa(_), Algorithm::RsaSha256)
                | (PublicKey::Ed25519(_), Algorithm::Ed25519Sha256)
        )
    }

    /// Bits of the modulus, or 256. `None`: it is no key.
    pub fn bits(&self) -> Option<u32> {
        match self {
            PublicKey::Ed25519(_) => Some(256),
            PublicKey::Rsa(der) => {
                let key = rsa::PublicKey::from_der(der).ok()?;
                RsaParameters::public_modulus_len(key.as_ref()).ok()
            }
        }
    }

    /// Is this the signature over what has this hash?
    pub(crate) fn verifies(&self, hash: &Digest, signature: &[u8]) -> bool {
        match self {
            PublicKey::Rsa(der) => {
                UnparsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, der)
                    .verify_digest(hash, signature)
                    .is_ok()
            }
            // RFC 8463 §3: the hash itself is what is signed.
            PublicKey::Ed25519(key) => UnparsedPublicKey::new(&ED25519, key)
                .verify(hash.as_ref(), signature)
                .is_ok(),
        }
    }
}

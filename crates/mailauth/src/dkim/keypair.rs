//! Private keys, behind the interface by which everything signs.
//!
//! Nothing but [`PrivateKey`] sees a private key; whoever signs knows [`Signer`] alone, so that keys can move into a process of
//! their own.

use super::key::PublicKey;
use super::signature::BASE64;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use std::fmt;

/// `a=` (RFC 8301, RFC 8463).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// `rsa-sha256`.
    RsaSha256,
    /// `ed25519-sha256`.
    Ed25519Sha256,
}

impl Algorithm {
    /// The word in `a=`.
    pub fn word(self) -> &'static str {
        match self {
            Algorithm::RsaSha256 => "rsa-sha256",
            Algorithm::Ed25519Sha256 => "ed25519-sha256",
        }
    }
}

/// Something that signs.
pub trait Signer: Send + Sync {
    /// With what.
    fn algorithm(&self) -> Algorithm;
    /// The signature over these octets, as `b=` holds it decoded.
    fn sign(&self, octets: &[u8]) -> Result<Vec<u8>, KeyError>;
    /// What is published.
    fn public_key(&self) -> Result<PublicKey, KeyError>;
}

/// A private key, parsed once.
pub enum PrivateKey {
    /// RSA, 2048 bits or more.
    Rsa(Box<RsaKeyPair>),
    /// Ed25519.
    Ed25519(Ed25519KeyPair),
}

/// Why a key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text holds no key that is known here.
    #[error(
        "this is no private key: expected PEM (PKCS #8, or RSA PRIVATE KEY), or an ed25519 seed in base64"
    )]
    NotAKey,
    /// An RSA key that receivers need not believe (RFC 8301 §3.2).
    #[error("an RSA key of {0} bits is too short: 1024 are the least, 2048 are usual")]
    TooShort(usize),
    /// The cryptography failed, for instance for want of randomness.
    #[error("the cryptography library refused to work")]
    Refused,
}

impl From<aws_lc_rs::error::Unspecified> for KeyError {
    fn from(_: aws_lc_rs::error::Unspecified) -> KeyError {
        KeyError::Refused
    }
}

impl PrivateKey {
    /// Makes a key; RSA has 2048 bits (K4).
    pub fn generate(algorithm: Algorithm) -> Result<PrivateKey, KeyError> {
        Ok(match algorithm {
            Algorithm::RsaSha256 => {
                PrivateKey::Rsa(Box::new(RsaKeyPair::generate(KeySize::Rsa2048)?))
            }
            Algorithm::Ed25519Sha256 => PrivateKey::Ed25519(Ed25519KeyPair::generate()?),
        })
    }

    /// Reads a key file.
    pub fn from_text(text: &str) -> Result<PrivateKey, KeyError> {
        let text = text.trim();
        match text.contains("-----BEGIN ") {
            true => PrivateKey::from_pem(text),
            false => {
                let seed = BASE64.decode(text).map_err(|_| KeyError::NotAKey)?;
                let key = Ed25519KeyPair::from_seed_unchecked(&seed);
                key.map(PrivateKey::Ed25519).map_err(|_| KeyError::NotAKey)
            }
        }
    }

    fn from_pem(text: &str) -> Result<PrivateKey, KeyError> {
        const BEGIN: &str = "-----BEGIN ";
        let start = text.find(BEGIN).ok_or(KeyError::NotAKey)?;
        let (label, rest) = text[start + BEGIN.len()..]
            .split_once("-----")
            .ok_or(KeyError::NotAKey)?;
        let (body, _) = rest.split_once("-----END ").ok_or(KeyError::NotAKey)?;
        let der = BASE64
            .decode(crate::tags::without_blanks(body))
            .map_err(|_| KeyError::NotAKey)?;
        match label {
            "RSA PRIVATE KEY" => RsaKeyPair::from_der(&der)
                .map_err(|_| KeyError::NotAKey)
                .and_then(PrivateKey::rsa),
            "PRIVATE KEY" => PrivateKey::from_pkcs8(&der),
            _ => Err(KeyError::NotAKey),
        }
    }

    /// Reads PKCS #8 in DER, the form in which keys are stored.
    pub fn from_pkcs8(der: &[u8]) -> Result<PrivateKey, KeyError> {
        if let Ok(key) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
            return Ok(PrivateKey::Ed25519(key));
        }
        RsaKeyPair::from_pkcs8(der)
            .map_err(|_| KeyError::NotAKey)
            .and_then(PrivateKey::rsa)
    }

    fn rsa(key: RsaKeyPair) -> Result<PrivateKey, KeyError> {
        match key.public_modulus_len() * 8 {
            bits if bits < 1024 => Err(KeyError::TooShort(bits)),
            _ => Ok(PrivateKey::Rsa(Box::new(key))),
        }
    }

    /// As PKCS #8 in DER.
    pub fn to_pkcs8(&self) -> Result<Vec<u8>, KeyError> {
        match self {
            PrivateKey::Rsa(key) => {
                let der: Pkcs8V1Der<'static> = key.as_der()?;
                Ok(der.as_ref().to_vec())
            }
            PrivateKey::Ed25519(key) => Ok(key.to_pkcs8v1()?.as_ref().to_vec()),
        }
    }

    /// As a PEM file.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        let text = super::signature::encoded(&self.to_pkcs8()?);
        let lines: Vec<&str> = (0..text.len())
            .step_by(64)
            .map(|start| &text[start..text.len().min(start + 64)])
            .collect();
        Ok(format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            lines.join("\n")
        ))
    }
}

impl Signer for PrivateKey {
    fn algorithm(&self) -> Algorithm {
        match self {
            PrivateKey::Rsa(_) => Algorithm::RsaSha256,
            PrivateKey::Ed25519(_) => Algorithm::Ed25519Sha256,
        }
    }

    fn sign(&self, octets: &[u8]) -> Result<Vec<u8>, KeyError> {
        match self {
            PrivateKey::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(
                    &RSA_PKCS1_SHA256,
                    &SystemRandom::new(),
                    octets,
                    &mut signature,
                )?;
                Ok(signature)
            }
            // RFC 8463 §3: the hash is what is signed.
            PrivateKey::Ed25519(key) => Ok(key
                .try_sign(digest(&SHA256, octets).as_ref())?
                .as_ref()
                .to_vec()),
        }
    }

    fn public_key(&self) -> Result<PublicKey, KeyError> {
        match self {
            PrivateKey::Rsa(key) => {
                let der: PublicKeyX509Der<'static> = key.public_key().as_der()?;
                Ok(PublicKey::Rsa(der.as_ref().to_vec()))
            }
            PrivateKey::Ed25519(key) => Ok(PublicKey::Ed25519(key.public_key().as_ref().to_vec())),
        }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.algorithm().word())
    }
}

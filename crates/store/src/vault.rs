//! Encryption at rest: AES-256-GCM for bodies and for everything in rows that quotes a message or an envelope.
//!
//! Without a key nothing is encrypted and only the form is kept. Each sealed value has a random salt, from which (with the store's key)
//! its own AES key is derived, so no two values share a key and nonces may simply count. Names, flags, sizes and dates are not encrypted.

use crate::{Error, Result};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use std::borrow::Cow;

/// First octet of a value that is stored as it is.
const PLAIN: u8 = 0;
/// First octet of a sealed value: salt, ciphertext and tag follow.
const SEALED: u8 = 1;
const SALT: usize = 16;
const TAG: usize = 16;
const ENCRYPT: &str = "Pennyblack store 2026: encryption of values at rest";
const HASH: &str = "Pennyblack store 2026: keyed hash of bodies";
const CHECK: &str = "Pennyblack store 2026: proof that this is the right key";

/// Seals and opens values with the store's key, if it has one.
pub(crate) struct Vault {
    keys: Option<Keys>,
}

struct Keys {
    encrypt: [u8; 32],
    hash: [u8; 32],
    check: [u8; 32],
}

impl Vault {
    pub(crate) fn new(key: Option<&[u8; 32]>) -> Vault {
        let keys = key.map(|key| Keys {
            encrypt: blake3::derive_key(ENCRYPT, key),
            hash: blake3::derive_key(HASH, key),
            check: blake3::derive_key(CHECK, key),
        });
        Vault { keys }
    }

    /// Is anything encrypted?
    pub(crate) fn is_on(&self) -> bool {
        self.keys.is_some()
    }

    /// A value that tells whether a store is opened with the key it was made with; empty without a key.
    pub(crate) fn key_check(&self) -> Vec<u8> {
        self.keys
            .as_ref()
            .map(|keys| keys.check.to_vec())
            .unwrap_or_default()
    }

    /// The hash that bodies are called by. Keyed if there is a key, so that it does not tell whether a known message is here.
    pub(crate) fn hasher(&self) -> blake3::Hasher {
        match &self.keys {
            Some(keys) => blake3::Hasher::new_keyed(&keys.hash),
            None => blake3::Hasher::new(),
        }
    }

    /// Puts `plain` into the form that is stored. `place` names where it belongs: it does not open anywhere else.
    pub(crate) fn seal(&self, place: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
        let Some(lock) = self.new_lock()? else {
            let mut stored = Vec::with_capacity(1 + plain.len());
            stored.push(PLAIN);
            stored.extend_from_slice(plain);
            return Ok(stored);
        };
        let mut stored = Vec::with_capacity(1 + SALT + plain.len() + TAG);
        stored.push(SEALED);
        stored.extend_from_slice(&lock.salt);
        let mut sealed = plain.to_vec();
        lock.seal(0, place, &mut sealed)?;
        stored.append(&mut sealed);
        Ok(stored)
    }

    /// Gets back what [`Vault::seal`] was given.
    pub(crate) fn open(&self, place: &[u8], stored: &[u8]) -> Result<Vec<u8>> {
        self.reveal(place, stored).map(Cow::into_owned)
    }

    /// The same without a copy of what is not encrypted.
    pub(crate) fn reveal<'a>(&self, place: &[u8], stored: &'a [u8]) -> Result<Cow<'a, [u8]>> {
        match stored.split_first() {
            Some((&PLAIN, plain)) => Ok(Cow::Borrowed(plain)),
            Some((&SEALED, sealed)) => {
                let (salt, sealed) = sealed
                    .split_first_chunk::<SALT>()
                    .ok_or_else(|| Error::Corrupt("a sealed value is too short".into()))?;
                let mut octets = sealed.to_vec();
                self.lock(*salt)?.open(0, place, &mut octets)?;
                Ok(Cow::Owned(octets))
            }
            _ => Err(Error::Corrupt("a stored value has an unknown form".into())),
        }
    }

    /// A lock for a new value in several pieces; `None` if the store is not encrypted.
    pub(crate) fn new_lock(&self) -> Result<Option<Lock>> {
        self.keys
            .as_ref()
            .map(|keys| Lock::new(keys, random()?))
            .transpose()
    }

    /// The lock of a stored value with this salt.
    pub(crate) fn lock(&self, salt: [u8; SALT]) -> Result<Lock> {
        let keys = self
            .keys
            .as_ref()
            .ok_or_else(|| Error::Corrupt("an encrypted value in a store without a key".into()))?;
        Lock::new(keys, salt)
    }
}

/// The key of one value. Its pieces are counted, so that they cannot change places.
pub(crate) struct Lock {
    pub(crate) salt: [u8; SALT],
    key: LessSafeKey,
}

impl Lock {
    fn new(keys: &Keys, salt: [u8; SALT]) -> Result<Lock> {
        let key = blake3::keyed_hash(&keys.encrypt, &salt);
        let key = UnboundKey::new(&AES_256_GCM, key.as_bytes())
            .map_err(|_| Error::Bug("AES-256-GCM refuses a 32-octet key".into()))?;
        Ok(Lock {
            salt,
            key: LessSafeKey::new(key),
        })
    }

    /// Encrypts piece `n` of the value in place, and appends its tag.
    pub(crate) fn seal(&self, n: u64, place: &[u8], octets: &mut Vec<u8>) -> Result<()> {
        self.key
            .seal_in_place_append_tag(nonce(n), Aad::from(place), octets)
            .map_err(|_| Error::Bug("AES-256-GCM could not encrypt".into()))
    }

    /// Decrypts piece `n` in place, and cuts its tag off.
    pub(crate) fn open(&self, n: u64, place: &[u8], octets: &mut Vec<u8>) -> Result<()> {
        let opened = self
            .key
            .open_in_place(nonce(n), Aad::from(place), octets)
            .map_err(|_| {
                Error::Corrupt("an encrypted value was changed or belongs elsewhere".into())
            })?;
        let length = opened.len();
        octets.truncate(length);
        Ok(())
    }
}

fn nonce(n: u64) -> Nonce {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&n.to_be_bytes());
    Nonce::assume_unique_for_key(nonce)
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut octets = [0; N];
    getrandom::fill(&mut octets)
        .map_err(|e| Error::Unavailable(format!("no random numbers from the system: {e}")))?;
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vaults() -> [Vault; 2] {
        [Vault::new(None), Vault::new(Some(&[7; 32]))]
    }

    #[test]
    fn what_is_sealed_opens_again_in_its_place() {
        for vault in vaults() {
            let stored = vault.seal(b"here", b"secret words").unwrap();
            assert_eq!(vault.open(b"here", &stored).unwrap(), b"secret words");
        }
    }

    /// F15
    #[test]
    fn f15_a_sealed_value_hides_its_text_and_opens_nowhere_else() {
        let vault = Vault::new(Some(&[7; 32]));
        let stored = vault.seal(b"here", b"secret words").unwrap();
        assert!(!stored.windows(6).any(|w| w == b"secret"));
        assert!(matches!(
            vault.open(b"there", &stored),
            Err(Error::Corrupt(_))
        ));
        let other = Vault::new(Some(&[8; 32]));
        assert!(matches!(
            other.open(b"here", &stored),
            Err(Error::Corrupt(_))
        ));
        assert_ne!(stored, vault.seal(b"here", b"secret words").unwrap());
    }

    #[test]
    fn a_changed_octet_is_noticed() {
        let vault = Vault::new(Some(&[7; 32]));
        let stored = vault.seal(b"here", b"secret words").unwrap();
        for at in 0..stored.len() {
            let mut changed = stored.clone();
            changed[at] ^= 2;
            assert!(vault.open(b"here", &changed).is_err(), "octet {at}");
        }
    }
}

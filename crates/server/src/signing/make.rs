//! New keys: their selectors, their DNS records, and in which state they begin (K4 to K7).

use jiff::Timestamp;
use jiff::tz::TimeZone;
use mailauth::dkim::{Algorithm, PrivateKey, PublicKeyRecord, Signer};
use store::dkim::{DkimKey, KeyState, Kind};
use store::secret::Secret;

/// What a new key is to be.
pub(crate) struct NewKey {
    pub(crate) domain: String,
    pub(crate) selector: String,
    pub(crate) kind: Kind,
    pub(crate) state: KeyState,
    pub(crate) now: Timestamp,
}

/// Makes a key. RSA takes a while, so not on a worker of the runtime.
pub(crate) async fn new_key(new: NewKey) -> store::Result<DkimKey> {
    let made = tokio::task::spawn_blocking(move || {
        let key = PrivateKey::generate(match new.kind {
            Kind::Rsa => Algorithm::RsaSha256,
            Kind::Ed25519 => Algorithm::Ed25519Sha256,
        });
        key.and_then(|key| new.with(&key))
    });
    made.await
        .map_err(|why| store::Error::Bug(format!("making a key failed: {why}")))?
        .map_err(|why| store::Error::Unavailable(format!("cannot make a key: {why}")))
}

impl NewKey {
    /// With a key that is there already (K5).
    pub(crate) fn with(self, key: &PrivateKey) -> Result<DkimKey, mailauth::dkim::KeyError> {
        Ok(DkimKey {
            record: PublicKeyRecord::write(&key.public_key()?),
            private: key.to_pkcs8()?,
            kind: super::kind_of(key),
            domain: self.domain,
            selector: self.selector,
            state: self.state,
            created: self.now,
            since: self.now,
            seen: None,
        })
    }
}

/// The first keys of a domain. They sign at once: nobody has older ones that would be better.
pub(crate) async fn first_keys(domain: &str, now: Timestamp) -> store::Result<Vec<DkimKey>> {
    pair(domain, KeyState::Active, now, &[]).await
}

/// Keys that will take the place of those that sign, once DNS shows them (K7, U40).
pub(crate) async fn rotated_keys(
    domain: &str,
    now: Timestamp,
    taken: &[String],
) -> store::Result<Vec<DkimKey>> {
    pair(domain, KeyState::Waiting, now, taken).await
}

async fn pair(
    domain: &str,
    state: KeyState,
    now: Timestamp,
    taken: &[String],
) -> store::Result<Vec<DkimKey>> {
    let mut keys = Vec::with_capacity(2);
    for kind in [Kind::Rsa, Kind::Ed25519] {
        let new = NewKey {
            domain: domain.to_string(),
            selector: selector(kind, now, taken),
            kind,
            state,
            now,
        };
        keys.push(new_key(new).await?);
    }
    Ok(keys)
}

/// `20261125r`: the day and the algorithm; with a letter more if that is taken.
pub(crate) fn selector(kind: Kind, now: Timestamp, taken: &[String]) -> String {
    let day = now.to_zoned(TimeZone::UTC).strftime("%Y%m%d").to_string();
    let algorithm = match kind {
        Kind::Rsa => "r",
        Kind::Ed25519 => "e",
    };
    let plain = format!("{day}{algorithm}");
    let mut names =
        std::iter::once(plain.clone()).chain(('b'..='z').map(|letter| format!("{plain}{letter}")));
    names.find(|name| !taken.contains(name)).unwrap_or(plain)
}

/// 32 random octets.
pub(super) fn secret(now: Timestamp) -> store::Result<Secret> {
    let mut value = vec![0; 32];
    getrandom::fill(&mut value).map_err(|why| {
        store::Error::Unavailable(format!("no random numbers from the system: {why}"))
    })?;
    Ok(Secret {
        created: now,
        value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k06_selectors_name_the_day_and_do_not_repeat() {
        let now = Timestamp::from_second(1_795_184_024).unwrap();
        assert_eq!(selector(Kind::Rsa, now, &[]), "20261120r");
        let taken = ["20261120e".to_string(), "20261120eb".to_string()];
        assert_eq!(selector(Kind::Ed25519, now, &taken), "20261120ec");
    }
}

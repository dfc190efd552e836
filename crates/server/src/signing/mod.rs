//! The keys that sign our mail, parsed once and kept in memory, and the secret of rewritten senders (K1 to K8, K19).
//!
//! They lie in the store. [`SigningKeys::of`] gives those of a domain, and makes the first ones of a hosted domain when its first
//! message is to be signed (T6), so that a new domain signs its very next message (U40). Everything else signs through
//! [`mailauth::dkim::Signer`] and never sees a private key.

mod make;

pub(crate) use make::{NewKey, first_keys, new_key, rotated_keys, selector};

use crate::config::Config;
use jiff::SignedDuration;
use jiff::Timestamp;
use mailauth::dkim::{Algorithm, PrivateKey, Signer};
use mailauth::srs::Srs;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use store::dkim::{DkimKey, KeyState, Kind};
use store::secret::{self, Secret};
use store::{Store, Tx, dkim, domain};

/// Name of the secret of rewritten senders.
const SRS: &str = "srs";
/// The one in use, and the one before (K19).
const SRS_KEYS: usize = 2;
/// After this time a new one is made.
const SRS_LIFE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Domains whose keys are kept in memory.
const DOMAINS: usize = 10_000;

/// A key that signs now.
pub(crate) struct SigningKey {
    pub(crate) domain: String,
    pub(crate) selector: String,
    pub(crate) signer: Arc<dyn Signer>,
}

/// The keys of one domain; RSA first, since every verifier knows that.
pub(crate) type DomainKeys = Arc<[SigningKey]>;

/// All keys that were needed so far.
#[derive(Default)]
pub(crate) struct SigningKeys {
    known: Mutex<HashMap<String, DomainKeys>>,
    /// Only one task makes first keys.
    making: tokio::sync::Mutex<()>,
    srs: tokio::sync::Mutex<Option<Arc<Srs>>>,
}

impl SigningKeys {
    /// The keys that sign mail of this domain, or of the hosted domain it is below of. Empty: mail of this domain is not ours to
    /// sign.
    pub(crate) async fn of(
        &self,
        store: &Store,
        name: &str,
        now: Timestamp,
    ) -> store::Result<DomainKeys> {
        let name = name.to_ascii_lowercase();
        if let Some(known) = self.known(&name) {
            return Ok(known);
        }
        let keys = self.load(store, &name, now).await?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= DOMAINS {
            known.clear();
        }
        // That a domain is not ours is asked again each time: it may be added, by another node too.
        if !keys.is_empty() {
            known.insert(name, keys.clone());
        }
        Ok(keys)
    }

    fn known(&self, name: &str) -> Option<DomainKeys> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(name).cloned()
    }

    /// Keys have changed: they are read anew when they are needed.
    pub(crate) fn forget(&self) {
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    async fn load(&self, store: &Store, name: &str, now: Timestamp) -> store::Result<DomainKeys> {
        let asked = name.to_string();
        let found = store.read(move |tx| stored(tx, &asked)).await?;
        let (domain, mut keys) = match found {
            None => return Ok(Arc::new([])),
            Some((domain, keys)) if keys.is_empty() => {
                let keys = self.make_first(store, &domain, now).await?;
                (domain, keys)
            }
            Some(found) => found,
        };
        keys.sort_by_key(|key| key.kind as u8);
        let parsed = keys.into_iter().filter_map(|key| parsed(&domain, key));
        Ok(parsed.collect())
    }

    async fn make_first(
        &self,
        store: &Store,
        domain: &str,
        now: Timestamp,
    ) -> store::Result<Vec<DkimKey>> {
        let _only_one = self.making.lock().await;
        make_first(store, domain, now).await
    }

    /// Rewrites senders. The key is made when it is needed first.
    pub(crate) async fn srs(&self, store: &Store, now: Timestamp) -> store::Result<Arc<Srs>> {
        let mut known = self.srs.lock().await;
        if let Some(known) = &*known {
            return Ok(known.clone());
        }
        let stored = store.read(|tx| secret::of(tx, SRS)).await?;
        let secrets = match stored.is_empty() {
            true => new_secret(store, now).await?,
            false => stored,
        };
        Ok(known.insert(srs(&secrets)).clone())
    }

    /// A new key in place of one that is a month old; addresses made with the old one are believed until the next change. Nothing
    /// is made if nothing was rewritten yet.
    pub(crate) async fn renew_srs(&self, store: &Store, now: Timestamp) -> store::Result<()> {
        let stored = store.read(|tx| secret::of(tx, SRS)).await?;
        let old = |secret: &Secret| now.duration_since(secret.created) >= SRS_LIFE;
        if stored.first().is_some_and(old) {
            let secrets = new_secret(store, now).await?;
            *self.srs.lock().await = Some(srs(&secrets));
        }
        Ok(())
    }
}

/// The first keys of a domain, unless there are some already.
pub(crate) async fn make_first(
    store: &Store,
    domain: &str,
    now: Timestamp,
) -> store::Result<Vec<DkimKey>> {
    let asked = domain.to_string();
    let found = store.read(move |tx| dkim::of_domain(tx, &asked)).await?;
    if !found.is_empty() {
        return Ok(found);
    }
    let keys = first_keys(domain, now).await?;
    let (name, new) = (domain.to_string(), keys);
    // Somebody else may have been faster, in another process.
    let keys = store
        .write(move |tx| {
            if dkim::of_domain(tx, &name)?.is_empty() {
                new.iter().try_for_each(|key| dkim::add(tx, key))?;
            }
            dkim::of_domain(tx, &name)
        })
        .await?;
    tracing::info!(
        domain,
        "made the first keys that sign its mail: `pennyblack dkim show` prints what DNS needs"
    );
    Ok(keys)
}

async fn new_secret(store: &Store, now: Timestamp) -> store::Result<Vec<Secret>> {
    let new = make::secret(now)?;
    store
        .write(move |tx| {
            secret::add(tx, SRS, &new, SRS_KEYS)?;
            secret::of(tx, SRS)
        })
        .await
}

fn srs(secrets: &[Secret]) -> Arc<Srs> {
    let mut keys = secrets.iter().map(|secret| secret.value.clone());
    let newest = keys.next().unwrap_or_default();
    Arc::new(Srs::new(&newest, &keys.collect::<Vec<_>>()))
}

/// The hosted domain that this name is, or is below of, and its keys that sign.
fn stored(tx: &mut Tx<'_>, name: &str) -> store::Result<Option<(String, Vec<DkimKey>)>> {
    let mut name = name;
    loop {
        if domain::by_name(tx, name)?.is_some_and(|domain| domain.active) {
            return Ok(Some((name.to_string(), dkim::of_domain(tx, name)?)));
        }
        match name.split_once('.') {
            Some((_, above)) if above.contains('.') => name = above,
            _ => return Ok(None),
        }
    }
}

fn parsed(domain: &str, key: DkimKey) -> Option<SigningKey> {
    if key.state != KeyState::Active {
        return None;
    }
    match PrivateKey::from_pkcs8(&key.private) {
        Ok(private) => Some(SigningKey {
            domain: domain.to_string(),
            selector: key.selector,
            signer: Arc::new(private),
        }),
        Err(why) => {
            tracing::error!(domain, selector = key.selector, error = %why, "a key cannot be used");
            None
        }
    }
}

/// Is signing wanted?
pub(crate) fn is_on(config: &Config) -> bool {
    config.authentication.sign
}

/// With what a key signs.
pub(crate) fn kind_of(key: &PrivateKey) -> Kind {
    match key.algorithm() {
        Algorithm::RsaSha256 => Kind::Rsa,
        Algorithm::Ed25519Sha256 => Kind::Ed25519,
    }
}

/// The word in `a=`.
pub(crate) fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Rsa => "rsa-sha256",
        Kind::Ed25519 => "ed25519-sha256",
    }
}

//! A change of keys, as others see it: which certificate is served and which waits, and the acts on them (L24). When a key may take its turn is
//! decided in `jobs/dane.rs`, which asks DNS.

use super::kept::{Kept, Slot, Waiting};
use super::{Active, Chain, Tls, TlsError, local, own_names};
use crate::config::{Certificate, Config};
use jiff::Timestamp;
use std::sync::{Arc, PoisonError};

/// A certificate that is served, and the one that waits to take its place.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    /// Its files.
    pub(crate) source: Certificate,
    /// Whether the server made it itself.
    pub(crate) own: bool,
    /// What is served.
    pub(crate) serving: Side,
    /// What waits, and what is known of it.
    pub(crate) next: Option<(Side, Waiting)>,
}

/// One of the two.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    /// The names in it.
    pub(crate) names: Vec<String>,
    /// Leaf first.
    pub(crate) chain: Chain,
    /// What a TLSA record `3 1 1` of it holds.
    pub(crate) key: String,
    /// When it ends.
    pub(crate) expires: Timestamp,
}

/// Why a key is not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Cannot {
    #[error(
        "the certificate comes from files, so its key does too: have the program that gets it make one with a new key (certbot: `certbot renew --new-key \
         --force-renewal`). It is served once DNS has its TLSA records"
    )]
    FromFiles,
    #[error(
        "a new key waits already: `pennyblack tls show` says for what, `pennyblack tls cancel` takes it back"
    )]
    Waits,
    #[error("no key waits")]
    NothingWaits,
    #[error("the new key is in {0}: put the old certificate and key back there, and it is gone")]
    NotOurs(String),
    #[error("`tls.await_dane` is off, so that no key waits for DNS")]
    Off,
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl Side {
    fn of(loaded: &super::Loaded) -> Side {
        Side {
            names: loaded.names().to_vec(),
            chain: loaded.chain().clone(),
            key: loaded.hash().to_string(),
            expires: loaded.expiry().at,
        }
    }
}

impl Tls {
    /// All certificates. Blocks.
    pub(crate) fn pairs(&self, config: &Config) -> Vec<Pair> {
        let kept = Kept::new(&config.data).ok();
        let active = self.active.load();
        let pair = |slot: &Slot| Pair {
            source: slot.source.clone(),
            own: config.tls.certificates.is_empty(),
            serving: Side::of(&slot.serving),
            next: slot.next.as_ref().map(|next| {
                let known = kept.as_ref();
                let known = known.map(|kept| kept.waiting(&slot.source, next.hash()));
                (Side::of(next), known.unwrap_or_default())
            }),
        };
        active.slots.iter().map(pair).collect()
    }

    /// How many certificates wait.
    pub(crate) fn waiting(&self) -> usize {
        let active = self.active.load();
        active.slots.iter().filter(|one| one.next.is_some()).count()
    }

    /// The keys that wait to take the place of these chains.
    pub(crate) fn waiting_for(&self, served: &[Chain]) -> Vec<String> {
        let active = self.active.load();
        let of = |slot: &&Slot| served.contains(slot.serving.chain());
        let next = active
            .slots
            .iter()
            .filter(of)
            .filter_map(|slot| slot.next.as_ref());
        next.map(|next| next.hash().to_string()).collect()
    }

    /// DNS has records of the keys of these files, or has not: whether what is served has to be there when they change. Blocks.
    pub(crate) fn keep(
        &self,
        source: &Certificate,
        wanted: bool,
        config: &Config,
    ) -> Result<(), TlsError> {
        let _alone = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let (kept, active) = (Kept::new(&config.data)?, self.active.load());
        let slot = active.slots.iter().find(|one| one.source == *source);
        match slot.filter(|one| one.next.is_none()) {
            Some(slot) if wanted && !kept.has(source) => {
                kept.keep(source, &slot.serving, &self.provider);
                Ok(())
            }
            Some(_) if !wanted => kept.forget(source),
            _ => Ok(()),
        }
    }

    /// Remembers what is known of a key that waits. Blocks.
    pub(crate) fn note(
        &self,
        source: &Certificate,
        known: &Waiting,
        config: &Config,
    ) -> Result<(), TlsError> {
        Kept::new(&config.data)?.note(source, known)
    }

    /// Serves the key that waits, if it is still this one. `keep`: the next change shall wait too. Blocks.
    pub(crate) fn switch(&self, key: &str, keep: bool, config: &Config) -> Result<bool, TlsError> {
        let _alone = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = Kept::new(&config.data)?;
        let mut switched = false;
        let old = self.active.load_full();
        let slots = old.slots.iter().map(|slot| {
            let takes = slot.next.as_ref().filter(|next| next.hash() == key);
            switched |= takes.is_some();
            Slot {
                source: slot.source.clone(),
                serving: takes.unwrap_or(&slot.serving).clone(),
                next: slot.next.clone().filter(|next| next.hash() != key),
            }
        });
        let slots: Vec<Slot> = slots.collect();
        for slot in slots.iter().filter(|slot| slot.serving.hash() == key) {
            kept.forget(&slot.source)?;
            if keep {
                kept.keep(&slot.source, &slot.serving, &self.provider);
            }
        }
        let active = Active::of(slots, config, &self.provider, &self.ticketer)?;
        self.active.store(Arc::new(active));
        Ok(switched)
    }

    /// Makes a certificate with a new key in the place of our own; it waits. Blocks.
    pub(crate) fn rotate(&self, config: &Config) -> Result<(), Cannot> {
        if !config.tls.certificates.is_empty() {
            return Err(Cannot::FromFiles);
        }
        if !config.tls.await_dane {
            return Err(Cannot::Off);
        }
        if self.waiting() > 0 {
            return Err(Cannot::Waits);
        }
        let source = local::certificate(&config.data);
        self.keep(&source, true, config)?;
        local::renew_key(&config.data, &own_names(config), Timestamp::now())?;
        Ok(self.reload(config)?)
    }

    /// Takes a key of our own back that waits. Blocks.
    pub(crate) fn cancel(&self, config: &Config) -> Result<(), Cannot> {
        let waiting = self
            .pairs(config)
            .into_iter()
            .find(|one| one.next.is_some());
        let Some(pair) = waiting else {
            return Err(Cannot::NothingWaits);
        };
        if !pair.own {
            return Err(Cannot::NotOurs(pair.source.cert.display().to_string()));
        }
        let (key, chain) = Kept::new(&config.data)?.text(&pair.source)?;
        local::restore(&config.data, &key, &chain)?;
        Ok(self.reload(config)?)
    }
}

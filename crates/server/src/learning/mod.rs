//! What the filter has learned from the mail of this server: models in memory, made of the lessons in the store (`docs/spam.md`).
//!
//! There is one model for all accounts, and one for each account that has taught enough, of which the most used are in memory. Lessons are
//! written by [`lesson`] and taken in by [`Models::catch_up`], in the order of the store; nothing else changes a model.

pub(crate) mod lesson;
pub(crate) mod moves;
mod own;
mod shelf;

use own::Own;
use shelf::Shelf;
use spam::Mail;
use spam::arrived::{as_received, with_line_ends};
use spam::classifier::{Model, Opinion, Seen, Size, points};
use spam::features::Features;
use spam::near;
use spam::verdict::{Learned, Opinions, Reason};
use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::lesson::Scope;
use store::{AccountId, Result, Store};
use tokio::sync::Notify;

/// The name of the reason that the model of all gives.
pub const SHARED: &str = "LEARNED";
/// The name of the reason that an account's own model gives.
pub const OWN: &str = "LEARNED_BY_ACCOUNT";
/// Before an account has taught so many messages of each class, it has no model of its own.
const OWN_FROM: f64 = 10.0;
/// An account's model counts half when it has learned so many messages of each class.
const OWN_HALF: f64 = 100.0;

/// The models.
pub struct Models {
    shared: Arc<Shelf>,
    own: Mutex<Own>,
    /// Held by whoever changes models.
    teaching: tokio::sync::Mutex<()>,
    /// Somebody misses the model of his account.
    missed: Notify,
}

impl Default for Models {
    fn default() -> Models {
        Models {
            shared: Arc::new(Shelf::new(Scope::Server, Size::Server)),
            own: Mutex::default(),
            teaching: tokio::sync::Mutex::default(),
            missed: Notify::new(),
        }
    }
}

/// What a model says of a message.
#[derive(Clone, Copy, Debug)]
pub struct Said {
    /// What it thinks.
    pub opinion: Opinion,
    /// From which sum on it calls a message spam.
    pub threshold: f64,
}

impl Said {
    fn of(model: &Model, features: &Features) -> Said {
        Said {
            opinion: model.score(features),
            threshold: model.threshold(),
        }
    }

    fn reason(&self, name: &str, share: f64) -> Reason {
        let Seen { ham, spam } = self.opinion.seen;
        let detail = format!(
            "{ham:.0} wanted and {spam:.0} unwanted messages were learned: {:+.2}, and from {:.2} on it is taken for unwanted",
            self.opinion.sum(),
            self.threshold
        );
        let weight = points(&self.opinion, self.threshold) * share as f32;
        Reason::new(name, (weight * 100.0).round() / 100.0, detail)
    }
}

/// How a model is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Condition {
    /// What it has learned.
    pub seen: Seen,
    /// From which sum on it calls a message spam.
    pub threshold: f64,
    /// Octets of memory.
    pub octets: usize,
    /// The last lesson it has learned.
    pub serial: u64,
}

impl Models {
    /// What the model of all says, and the reason that makes.
    pub fn shared(&self, features: &Features) -> Option<(Said, Reason)> {
        let said = self.shared.read(|model| Said::of(model, features))?;
        let seen = said.opinion.seen;
        (seen.ham + seen.spam > 0.0).then(|| (said, said.reason(SHARED, 1.0)))
    }

    /// What the model of an account says, if that is in memory; if not, it will be next time.
    pub fn own(&self, account: AccountId, features: &Features) -> Option<(Said, Reason)> {
        let shelf = self.own_model(account)?;
        let said = shelf.read(|model| Said::of(model, features))?;
        let rarer = said.opinion.seen.rarer();
        let share = rarer / (rarer + OWN_HALF);
        (rarer >= OWN_FROM).then(|| (said, said.reason(OWN, share)))
    }

    /// Of the model of all; `None`: nothing was learned yet.
    pub fn condition(&self) -> Option<Condition> {
        self.shared.condition()
    }

    /// Waits until an account's model is missed.
    pub(crate) async fn missed(&self) {
        self.missed.notified().await;
    }

    /// Takes in what was learned since the last time; says how many lessons.
    pub async fn catch_up(&self, store: &Store) -> Result<usize> {
        let _teaching = self.teaching.lock().await;
        let mut taken = self.shared.catch_up(store).await?;
        let (missed, present) = {
            let mut own = self.own_models();
            (own.take_missed(), own.present())
        };
        for shelf in present {
            taken += shelf.catch_up(store).await?;
        }
        for account in missed {
            self.open(store, account).await?;
        }
        Ok(taken)
    }

    /// Brings the model of an account into memory, if it has taught enough.
    pub async fn open(&self, store: &Store, account: AccountId) -> Result<()> {
        let scope = Scope::Account(account);
        let counts = store
            .read(move |tx| store::lesson::counts(tx, scope))
            .await?;
        if counts.ham.min(counts.spam) < OWN_FROM {
            self.own_models().is_young(account);
            return Ok(());
        }
        let shelf = Arc::new(Shelf::new(scope, Size::Account));
        shelf.catch_up(store).await?;
        self.own_models().put(account, shelf);
        Ok(())
    }

    /// An account has learned something: perhaps it has a model of its own now.
    pub(crate) fn has_learned(&self, account: AccountId) {
        self.own_models().has_learned(account);
    }

    /// Stores models that have learned much since they were stored last, so that the next start is quick.
    pub(crate) async fn save(&self, store: &Store) -> Result<()> {
        let _teaching = self.teaching.lock().await;
        let present = self.own_models().present();
        for shelf in std::iter::once(self.shared.clone()).chain(present) {
            shelf.save(store).await?;
        }
        Ok(())
    }

    /// The model of an account; where it is to be fetched, that is begun.
    fn own_model(&self, account: AccountId) -> Option<Arc<Shelf>> {
        let mut own = self.own_models();
        let found = own.find(account);
        if found.is_none() && own.is_missed(account) {
            self.missed.notify_one();
        }
        found
    }

    fn own_models(&self) -> MutexGuard<'_, Own> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Learned for Models {
    fn opinions(&self, mail: &Mail<'_>, accounts: &[u128]) -> Opinions {
        let accounts = || accounts.iter().map(|id| AccountId::from_u128(*id));
        // Features cost more than all the rest: they are for those who know something.
        let knowing = accounts()
            .filter(|account| self.own_model(*account).is_some())
            .count();
        if knowing == 0 && self.condition().is_none() {
            return Opinions::default();
        }
        let features = Features::of(mail);
        let own = |account: AccountId| {
            let (_, reason) = self.own(account, &features)?;
            Some((account.as_u128(), reason))
        };
        Opinions {
            server: self.shared(&features).map(|(_, reason)| reason),
            bands: near::bands(&features),
            accounts: accounts().filter_map(own).collect(),
        }
    }
}

/// What is seen of a message as it arrived.
pub(crate) fn features(octets: &[u8]) -> Features {
    Features::of(&Mail::open(&as_arrived(octets)))
}

/// A message of a mailbox or a file, as it came over the wire.
pub(crate) fn as_arrived(octets: &[u8]) -> Cow<'_, [u8]> {
    with_line_ends(as_received(octets))
}

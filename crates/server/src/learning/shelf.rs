//! One model in memory: fetched from the store when it is first needed, kept up with the lessons, stored again in time.
//!
//! Scoring waits for at most one lesson to be learned. Learning runs on threads that may compute.

use super::Condition;
use spam::classifier::{Class, Model, Size};
use spam::features::Compact;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};
use store::lesson::{self, Learned, Scope};
use store::{Result, Store, model};

/// Lessons taken in at once.
const BATCH: usize = 100;
/// A model is stored again after so many lessons: as many are learned anew at a start.
const SAVE_AFTER: u64 = 200;
/// A model of so few lessons is made anew as soon as one of them is taken back.
const SMALL: f64 = 500.0;
/// A larger one at most so often.
const ANEW_EVERY: Duration = Duration::from_secs(600);

/// A place for a model.
pub(super) struct Shelf {
    scope: Scope,
    size: Size,
    trained: Arc<RwLock<Option<Trained>>>,
}

struct Trained {
    model: Model,
    /// The last lesson it has learned.
    serial: u64,
    /// The last lesson it had learned when it was stored.
    saved: u64,
    /// Something it has learned was taken back.
    stale: bool,
    made: Instant,
}

impl Trained {
    fn new(model: Model, serial: u64) -> Trained {
        Trained {
            model,
            serial,
            saved: serial,
            stale: false,
            made: Instant::now(),
        }
    }

    fn learn(&mut self, lesson: &Learned) {
        let replaced = lesson.replaces > 0 && lesson.replaces <= self.serial;
        self.stale |= replaced;
        self.serial = lesson.serial;
        let features = Compact::from_octets(lesson.features.clone()).unpack();
        if let (Some(class), Some(features)) = (lesson.class, features) {
            let weight = f32::from(lesson.weight) / 100.0;
            self.model.learn(&features, class_of(class), weight);
        }
    }

    /// Should it be made anew, since what was taken back still shows?
    fn is_to_be_made_anew(&self) -> bool {
        let seen = self.model.seen();
        self.stale && (seen.ham + seen.spam < SMALL || self.made.elapsed() >= ANEW_EVERY)
    }
}

/// The store has a type of its own for it.
fn class_of(class: store::learn::Class) -> Class {
    match class {
        store::learn::Class::Ham => Class::Ham,
        store::learn::Class::Spam => Class::Spam,
    }
}

impl Shelf {
    pub(super) fn new(scope: Scope, size: Size) -> Shelf {
        Shelf {
            scope,
            size,
            trained: Arc::default(),
        }
    }

    /// Reads the model, if it is there.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Model) -> T) -> Option<T> {
        let trained = self.trained.read().unwrap_or_else(PoisonError::into_inner);
        trained.as_ref().map(|trained| read(&trained.model))
    }

    pub(super) fn condition(&self) -> Option<Condition> {
        let trained = self.trained.read().unwrap_or_else(PoisonError::into_inner);
        trained.as_ref().map(|trained| Condition {
            seen: trained.model.seen(),
            threshold: trained.model.threshold(),
            octets: trained.model.octets(),
            serial: trained.serial,
        })
    }

    /// Takes in the lessons that the model has not learned; says how many.
    pub(super) async fn catch_up(&self, store: &Store) -> Result<usize> {
        self.fetch(store).await?;
        let taken = self.learn_all(store).await?;
        if self.with(|trained| trained.is_to_be_made_anew()) == Some(true) {
            self.make_anew(store).await?;
        }
        Ok(taken)
    }

    /// Fetches the stored model, if there is none in memory and there is something to know.
    async fn fetch(&self, store: &Store) -> Result<()> {
        if self.with(|_| ()).is_some() {
            return Ok(());
        }
        let scope = self.scope;
        let stored = store.read(move |tx| stored(tx, scope)).await?;
        let anything = store
            .read(move |tx| Ok(!lesson::since(tx, scope, 0, 1)?.is_empty()))
            .await?;
        let trained = match stored {
            Some((model, serial)) => Trained::new(model, serial),
            None if anything => Trained::new(Model::new(self.size), 0),
            None => return Ok(()),
        };
        *self.trained.write().unwrap_or_else(PoisonError::into_inner) = Some(trained);
        Ok(())
    }

    async fn learn_all(&self, store: &Store) -> Result<usize> {
        let mut taken = 0;
        while let Some(serial) = self.with(|trained| trained.serial) {
            let lessons = self.lessons(store, serial).await?;
            let count = lessons.len();
            let trained = self.trained.clone();
            off_the_workers(move || {
                for lesson in &lessons {
                    // Taken for each, so that nobody waits for all of them.
                    let mut trained = trained.write().unwrap_or_else(PoisonError::into_inner);
                    if let Some(trained) = trained.as_mut() {
                        trained.learn(lesson);
                    }
                }
            })
            .await?;
            taken += count;
            if count < BATCH {
                break;
            }
        }
        Ok(taken)
    }

    /// From the first lesson that is kept on.
    async fn make_anew(&self, store: &Store) -> Result<()> {
        let mut anew = Trained::new(Model::new(self.size), 0);
        loop {
            let lessons = self.lessons(store, anew.serial).await?;
            let count = lessons.len();
            anew = off_the_workers(move || {
                lessons.iter().for_each(|lesson| anew.learn(lesson));
                anew
            })
            .await?;
            if count < BATCH {
                break;
            }
        }
        // Nothing was replaced that it had learned before.
        (anew.stale, anew.saved) = (false, 0);
        *self.trained.write().unwrap_or_else(PoisonError::into_inner) = Some(anew);
        Ok(())
    }

    async fn lessons(&self, store: &Store, after: u64) -> Result<Vec<Learned>> {
        let scope = self.scope;
        store
            .read(move |tx| lesson::since(tx, scope, after, BATCH))
            .await
    }

    /// Stores the model if it has learned much since it was stored. Its first part is written last: until then the old one holds.
    pub(super) async fn save(&self, store: &Store) -> Result<()> {
        let due = |trained: &mut Trained| trained.serial >= trained.saved + SAVE_AFTER;
        if self.with(due) != Some(true) {
            return Ok(());
        }
        let Some((serial, parts)) = self.with(|trained| (trained.serial, trained.model.parts()))
        else {
            return Ok(());
        };
        for index in (0..parts).rev() {
            let part = self.read(|model| model.part(index)).flatten();
            let (part, scope) = (part.unwrap_or_default(), self.scope);
            store
                .write(move |tx| model::put(tx, scope, serial, index, &part))
                .await?;
        }
        self.with(|trained| trained.saved = serial);
        Ok(())
    }

    fn with<T>(&self, change: impl FnOnce(&mut Trained) -> T) -> Option<T> {
        let mut trained = self.trained.write().unwrap_or_else(PoisonError::into_inner);
        trained.as_mut().map(change)
    }
}

/// The stored model; `None` if there is none that this version can read.
fn stored(tx: &mut store::Tx<'_>, scope: Scope) -> Result<Option<(Model, u64)>> {
    let Some(stored) = model::newest(tx, scope)? else {
        return Ok(None);
    };
    let mut failed = None;
    let parts = (0..stored.parts).map_while(|part| {
        model::part(tx, scope, stored.serial, part).unwrap_or_else(|why| {
            failed = Some(why);
            None
        })
    });
    let model = Model::restore(parts);
    match failed {
        // A damaged one is made anew of its lessons.
        Some(store::Error::Corrupt(why)) => {
            tracing::warn!(reason = why, "a stored model is made anew");
            Ok(None)
        }
        Some(other) => Err(other),
        None => Ok(model.map(|model| (model, stored.serial))),
    }
}

async fn off_the_workers<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|why| store::Error::Bug(format!("learning has failed: {why}")))
}

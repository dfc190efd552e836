//! What transactions share besides the database: keys, body files, watchers, the clock.

use crate::body::files::Files;
use crate::search;
use crate::vault::Vault;
use crate::watch::Watchers;
use arc_swap::ArcSwap;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// Tells the time.
pub(crate) type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Hears how long writing transactions take.
pub(crate) type Observer = Arc<dyn Fn(Duration) + Send + Sync>;

pub(crate) struct Context {
    pub(crate) vault: Vault,
    pub(crate) files: Arc<Files>,
    pub(crate) watchers: Watchers,
    pub(crate) search: Arc<search::Files>,
    clock: ArcSwap<Clock>,
    commits: ArcSwap<Observer>,
}

impl Context {
    pub(crate) fn new(vault: Vault, files: Arc<Files>, search: Arc<search::Files>) -> Context {
        let system: Clock = Arc::new(Timestamp::now);
        let nobody: Observer = Arc::new(|_| ());
        Context {
            vault,
            files,
            watchers: Watchers::default(),
            search,
            clock: ArcSwap::from_pointee(system),
            commits: ArcSwap::from_pointee(nobody),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        let clock = self.clock.load();
        (**clock)()
    }

    pub(crate) fn use_clock(&self, clock: Clock) {
        self.clock.store(Arc::new(clock));
    }

    pub(crate) fn observe_commits(&self, observer: Observer) {
        self.commits.store(Arc::new(observer));
    }

    /// A transaction has been committed and synced, so long after it was asked for.
    pub(crate) fn committed(&self, took: Duration) {
        (**self.commits.load())(took);
    }
}

//! What transactions share besides the database: keys, body files, watchers, the clock.

use crate::body::files::Files;
use crate::quota::Usage;
use crate::search;
use crate::vault::Vault;
use crate::watch::Watchers;
use arc_swap::ArcSwap;
use jiff::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Tells the time.
pub(crate) type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Hears what transactions made of the use of accounts.
pub(crate) type UsageObserver = Arc<dyn Fn(&Usage) + Send + Sync>;

/// Hears how long writing transactions take.
pub(crate) type Observer = Arc<dyn Fn(Duration) + Send + Sync>;

/// Hears of each sync of the database's log.
pub(crate) type SyncObserver = Arc<dyn Fn() + Send + Sync>;

pub(crate) struct Context {
    pub(crate) vault: Vault,
    pub(crate) files: Arc<Files>,
    pub(crate) watchers: Watchers,
    pub(crate) search: Arc<search::Files>,
    clock: ArcSwap<Clock>,
    commits: ArcSwap<Observer>,
    syncs: ArcSwap<SyncObserver>,
    usage: ArcSwap<UsageObserver>,
    /// Octets of removed messages that an account keeps; 0: none are kept.
    most_removed: AtomicU64,
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
            syncs: ArcSwap::from_pointee(Arc::new(|| ()) as SyncObserver),
            usage: ArcSwap::from_pointee(Arc::new(|_: &Usage| ()) as UsageObserver),
            most_removed: AtomicU64::new(0),
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

    pub(crate) fn keep_removed(&self, octets: u64) {
        self.most_removed.store(octets, Ordering::Relaxed);
    }

    pub(crate) fn most_removed(&self) -> u64 {
        self.most_removed.load(Ordering::Relaxed)
    }

    pub(crate) fn observe_usage(&self, observer: UsageObserver) {
        self.usage.store(Arc::new(observer));
    }

    /// A committed transaction has changed what an account uses.
    pub(crate) fn used(&self, usage: &Usage) {
        (**self.usage.load())(usage);
    }

    pub(crate) fn observe_syncs(&self, observer: SyncObserver) {
        self.syncs.store(Arc::new(observer));
    }

    /// The log of the database has been synced.
    pub(crate) fn synced(&self) {
        (**self.syncs.load())();
    }

    /// A transaction has been committed and synced, so long after it was asked for.
    pub(crate) fn committed(&self, took: Duration) {
        (**self.commits.load())(took);
    }
}

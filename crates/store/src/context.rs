//! What transactions share besides the database: keys, body files, watchers, the clock.

use crate::body::files::Files;
use crate::vault::Vault;
use crate::watch::Watchers;
use arc_swap::ArcSwap;
use jiff::Timestamp;
use std::sync::Arc;

/// Tells the time.
pub(crate) type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

pub(crate) struct Context {
    pub(crate) vault: Vault,
    pub(crate) files: Arc<Files>,
    pub(crate) watchers: Watchers,
    clock: ArcSwap<Clock>,
}

impl Context {
    pub(crate) fn new(vault: Vault, files: Arc<Files>) -> Context {
        let system: Clock = Arc::new(Timestamp::now);
        Context {
            vault,
            files,
            watchers: Watchers::default(),
            clock: ArcSwap::from_pointee(system),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        let clock = self.clock.load();
        (**clock)()
    }

    pub(crate) fn use_clock(&self, clock: Clock) {
        self.clock.store(Arc::new(clock));
    }
}

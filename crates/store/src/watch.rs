//! Tells sessions and the queue runner that something was committed.

use crate::{AccountId, ModSeq};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// One channel per account that somebody watches, one for the queue, one for who may use whose mailboxes, one for events that
/// scripts look at, and one for what the filter has to learn.
pub(crate) struct Watchers {
    accounts: Mutex<HashMap<AccountId, watch::Sender<ModSeq>>>,
    queue: watch::Sender<u64>,
    access: watch::Sender<u64>,
    events: watch::Sender<u64>,
    lessons: watch::Sender<u64>,
}

impl Default for Watchers {
    fn default() -> Self {
        Watchers {
            accounts: Mutex::default(),
            queue: watch::Sender::new(0),
            access: watch::Sender::new(0),
            events: watch::Sender::new(0),
            lessons: watch::Sender::new(0),
        }
    }
}

impl Watchers {
    fn accounts(&self) -> MutexGuard<'_, HashMap<AccountId, watch::Sender<ModSeq>>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A receiver for `account`; the flag tells that nobody watched it before, so that its MODSEQ is not known yet.
    pub(crate) fn watch(&self, account: AccountId) -> (watch::Receiver<ModSeq>, bool) {
        let mut accounts = self.accounts();
        if let Some(sender) = accounts.get(&account) {
            return (sender.subscribe(), false);
        }
        accounts.retain(|_, sender| sender.receiver_count() > 0);
        let (sender, receiver) = watch::channel(ModSeq(0));
        accounts.insert(account, sender);
        (receiver, true)
    }

    /// The account stands at `modseq` (or later).
    pub(crate) fn tell(&self, account: AccountId, modseq: ModSeq) {
        if let Some(sender) = self.accounts().get(&account) {
            sender.send_if_modified(|known| {
                let newer = *known < modseq;
                *known = modseq.max(*known);
                newer
            });
        }
    }

    /// The accounts that somebody watches.
    pub(crate) fn watched(&self) -> Vec<AccountId> {
        let accounts = self.accounts();
        let watched = accounts
            .iter()
            .filter(|(_, sender)| sender.receiver_count() > 0);
        watched.map(|(account, _)| *account).collect()
    }

    pub(crate) fn queue_is_watched(&self) -> bool {
        self.queue.receiver_count() > 0
    }

    pub(crate) fn watch_queue(&self) -> watch::Receiver<u64> {
        self.queue.subscribe()
    }

    /// The queue has new work.
    pub(crate) fn tell_queue(&self) {
        self.queue
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(crate) fn watch_access(&self) -> watch::Receiver<u64> {
        self.access.subscribe()
    }

    /// Somebody may use more or fewer mailboxes of others than before.
    pub(crate) fn tell_access(&self) {
        self.access
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(crate) fn watch_events(&self) -> watch::Receiver<u64> {
        self.events.subscribe()
    }

    /// The list of events for scripts has changed.
    pub(crate) fn tell_events(&self) {
        self.events
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(crate) fn watch_lessons(&self) -> watch::Receiver<u64> {
        self.lessons.subscribe()
    }

    /// There is something to learn, or it was learned.
    pub(crate) fn tell_lessons(&self) {
        self.lessons
            .send_modify(|count| *count = count.wrapping_add(1));
    }
}

//! Which recipients somebody is busy with: a lane that tries them, or an operator's command that would take them out of the queue. Nobody is tried
//! while his message is returned or redirected, or he would get it twice.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use store::QueueId;
use tokio::sync::Notify;

/// Recipients in hand.
#[derive(Default)]
pub struct InFlight {
    taken: Mutex<HashSet<(QueueId, u32)>>,
    freed: Notify,
}

impl InFlight {
    /// Takes a recipient in hand; false if somebody else has.
    pub(crate) fn take(&self, id: QueueId, recipient: u32) -> bool {
        self.taken().insert((id, recipient))
    }

    /// They are free again.
    pub(crate) fn free(&self, id: QueueId, recipients: impl IntoIterator<Item = u32>) {
        let mut taken = self.taken();
        for recipient in recipients {
            taken.remove(&(id, recipient));
        }
        drop(taken);
        self.freed.notify_one();
    }

    /// Waits until some are free, now or since this was last asked. For the queue runner alone.
    pub(super) async fn until_freed(&self) {
        self.freed.notified().await;
    }

    fn taken(&self) -> MutexGuard<'_, HashSet<(QueueId, u32)>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_at_a_time() {
        let (in_flight, id) = (InFlight::default(), QueueId::from_u128(7));
        assert!(in_flight.take(id, 0) && in_flight.take(id, 1));
        assert!(!in_flight.take(id, 0));
        in_flight.free(id, [0]);
        in_flight.until_freed().await;
        assert!(in_flight.take(id, 0) && !in_flight.take(id, 1));
    }
}

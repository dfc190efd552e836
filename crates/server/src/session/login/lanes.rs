//! Makes guessing slow (B23, U6): tries on one account from one address go one after the other, and a failed one blocks its lane until
//! its delay is over. Tries from one address in all, and on one account from everywhere, go a few at a time. Where somebody has logged in
//! lately is no stranger's address: there the lane of the account is passed by, so that thousands who guess elsewhere do not keep its owner
//! out (R10).
//!
//! Others are not kept waiting: each address and account has lanes of its own, which exist only while somebody is in them.

use crate::session::limits::Source;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many may be checked at once in a lane, and how many may wait.
#[derive(Clone, Copy)]
struct Width {
    abreast: usize,
    waiting: usize,
}

const PAIR: Width = Width {
    abreast: 1,
    waiting: 128,
};
const ADDRESS: Width = Width {
    abreast: 8,
    waiting: 512,
};
const ACCOUNT: Width = Width {
    abreast: 8,
    waiting: 64,
};

/// Too many wait in this lane already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Jammed;

/// All lanes.
#[derive(Clone)]
pub(super) struct Lanes {
    pairs: Lane<(Source, String)>,
    addresses: Lane<Source>,
    accounts: Lane<String>,
}

/// Who tries to log in, and as whom.
#[derive(Clone, Debug)]
pub(super) struct Try {
    pub(super) source: Source,
    pub(super) name: String,
    /// Whether somebody has logged in from there lately.
    pub(super) is_known: bool,
}

/// A place at the head of the lanes; the next one may go when this is dropped.
pub(super) struct Turn {
    _pair: Place<(Source, String)>,
    _address: Place<Source>,
    _account: Option<Place<String>>,
}

impl Lanes {
    pub(super) fn new() -> Lanes {
        Lanes {
            pairs: Lane::new(PAIR),
            addresses: Lane::new(ADDRESS),
            accounts: Lane::new(ACCOUNT),
        }
    }

    /// Waits for its turn.
    pub(super) async fn turn(&self, who: Try) -> Result<Turn, Jammed> {
        Ok(Turn {
            _pair: self.pairs.enter((who.source, who.name.clone())).await?,
            _address: self.addresses.enter(who.source).await?,
            _account: match who.is_known {
                true => None,
                false => Some(self.accounts.enter(who.name).await?),
            },
        })
    }
}

/// Lanes of one kind, by key.
struct Lane<K> {
    width: Width,
    open: Arc<Mutex<HashMap<K, Queue>>>,
}

struct Queue {
    heads: Arc<Semaphore>,
    inside: usize,
}

impl<K> Clone for Lane<K> {
    fn clone(&self) -> Self {
        Lane {
            width: self.width,
            open: Arc::clone(&self.open),
        }
    }
}

impl<K: Clone + Eq + Hash> Lane<K> {
    fn new(width: Width) -> Lane<K> {
        Lane {
            width,
            open: Arc::default(),
        }
    }

    async fn enter(&self, key: K) -> Result<Place<K>, Jammed> {
        let (mut place, heads) = self.queue_up(key)?;
        place.head = heads.acquire_owned().await.ok();
        Ok(place)
    }

    fn queue_up(&self, key: K) -> Result<(Place<K>, Arc<Semaphore>), Jammed> {
        let mut open = lock(&self.open);
        let queue = open.entry(key.clone()).or_insert_with(|| Queue {
            heads: Arc::new(Semaphore::new(self.width.abreast)),
            inside: 0,
        });
        if queue.inside >= self.width.abreast + self.width.waiting {
            return Err(Jammed);
        }
        queue.inside += 1;
        Ok((
            Place {
                lane: self.clone(),
                key,
                head: None,
            },
            Arc::clone(&queue.heads),
        ))
    }
}

/// A place in a lane, waiting or at its head.
struct Place<K: Clone + Eq + Hash> {
    lane: Lane<K>,
    key: K,
    head: Option<OwnedSemaphorePermit>,
}

impl<K: Clone + Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        let mut open = lock(&self.lane.open);
        if let Some(queue) = open.get_mut(&self.key) {
            queue.inside -= 1;
            if queue.inside == 0 {
                open.remove(&self.key);
            }
        }
        drop(self.head.take());
    }
}

/// Nothing panics under the lock.
fn lock<K>(open: &Mutex<HashMap<K, Queue>>) -> MutexGuard<'_, HashMap<K, Queue>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    fn a_try(text: &str, name: &str) -> Try {
        Try {
            source: Source::of(text.parse::<IpAddr>().unwrap()),
            name: name.into(),
            is_known: false,
        }
    }

    /// B23
    #[tokio::test(start_paused = true)]
    async fn b23_one_at_a_time_for_an_account_and_address() {
        let lanes = Lanes::new();
        let first = lanes.turn(a_try("192.0.2.1", "alice")).await.unwrap();
        let second = lanes.turn(a_try("192.0.2.1", "alice"));
        tokio::pin!(second);
        assert!(still_waits(&mut second).await, "the second waits");
        assert!(
            lanes.turn(a_try("192.0.2.2", "alice")).await.is_ok(),
            "another address does not"
        );
        assert!(
            lanes.turn(a_try("192.0.2.1", "bob")).await.is_ok(),
            "nor another account"
        );
        drop(first);
        assert!(second.await.is_ok());
    }

    /// True if the future is still waiting after all that can run has run.
    async fn still_waits<F: Future + Unpin>(future: &mut F) -> bool {
        tokio::time::timeout(std::time::Duration::from_secs(1), future)
            .await
            .is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn lanes_close_when_empty_and_refuse_when_jammed() {
        let lane: Lane<u8> = Lane::new(Width {
            abreast: 1,
            waiting: 1,
        });
        let head = lane.enter(1).await.unwrap();
        let waiting = lane.queue_up(1).unwrap();
        assert!(matches!(lane.queue_up(1), Err(Jammed)));
        drop((head, waiting));
        assert!(lock(&lane.open).is_empty());
    }
}

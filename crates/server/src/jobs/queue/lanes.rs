//! A lane for each destination that has mail: a few workers, each with a connection that several messages go over (C17). After a
//! delivery, mail that waits for the same domain because its host could not be reached goes at once (C16). Limits: workers in all and per lane.

use super::settle;
use crate::Services;
use crate::journey::relay::{self, Connection, Destination, Fate};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::queue::{Queued, QueuedRecipient};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

/// Pieces of work that may wait or run.
const PIECES: usize = 500;
/// Messages that go at once when a host is back (C16); each that is delivered calls for more.
const WAKEN: usize = 100;

/// A message for some of its recipients, all with one destination.
pub(super) struct Work {
    pub(super) message: Arc<Queued>,
    pub(super) recipients: Vec<QueuedRecipient>,
    pub(super) destination: Destination,
}

impl Work {
    /// Nobody is busy with it any more.
    pub(super) fn free(&self, services: &Services) {
        let recipients = self.recipients.iter().map(|one| one.index);
        services.in_flight.free(self.message.id, recipients);
    }

    /// The domain of a recipient.
    pub(super) fn domain_of(&self, recipient: u32) -> Option<String> {
        let recipient = self.recipients.iter().find(|one| one.index == recipient)?;
        let (_, domain) = recipient.address.rsplit_once('@')?;
        Some(domain.to_ascii_lowercase())
    }
}

/// All lanes.
pub(super) struct Lanes {
    services: Arc<Services>,
    state: Mutex<Traffic>,
    /// Something has been done: there is room.
    room: Notify,
    stranded: Stranded,
    workers: TaskTracker,
}

/// Whether somebody in the queue waits for a host that could not be reached: so many attempts ended so, and of so many it is known that nobody
/// waits any more. A start knows nothing.
struct Stranded {
    attempts: AtomicU64,
    over: AtomicU64,
}

impl Stranded {
    /// One more, which is in the store already.
    fn another(&self) {
        self.attempts.fetch_add(1, Ordering::SeqCst);
    }

    /// How many attempts there were, if somebody may wait.
    fn any(&self) -> Option<u64> {
        let attempts = self.attempts.load(Ordering::SeqCst);
        (self.over.load(Ordering::SeqCst) < attempts).then_some(attempts)
    }

    /// Of the first so many nobody waits.
    fn over(&self, attempts: u64) {
        self.over.fetch_max(attempts, Ordering::SeqCst);
    }
}

#[derive(Default)]
struct Traffic {
    lanes: HashMap<Destination, Lane>,
    pieces: usize,
    workers: usize,
}

#[derive(Default)]
struct Lane {
    waiting: VecDeque<Work>,
    workers: usize,
}

impl Lanes {
    pub(super) fn new(services: Arc<Services>) -> Arc<Lanes> {
        Arc::new(Lanes {
            services,
            state: Mutex::default(),
            room: Notify::new(),
            stranded: Stranded {
                attempts: AtomicU64::new(1),
                over: AtomicU64::new(0),
            },
            workers: TaskTracker::new(),
        })
    }

    fn state(&self) -> MutexGuard<'_, Traffic> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is room, and says for how many pieces.
    pub(super) async fn until_room(&self) -> usize {
        loop {
            let done = self.room.notified();
            let room = PIECES.saturating_sub(self.state().pieces);
            if room > 0 {
                return room;
            }
            done.await;
        }
    }

    /// Puts work, which is in hand already, into the lanes, and sets workers to it.
    pub(super) fn add(self: &Arc<Lanes>, work: Vec<Work>) {
        let mut state = self.state();
        for piece in work {
            state.pieces += 1;
            let lane = state.lanes.entry(piece.destination.clone()).or_default();
            lane.waiting.push_back(piece);
        }
        drop(state);
        self.hire();
    }

    /// Sets workers to lanes that have work, as far as the limits allow.
    fn hire(self: &Arc<Lanes>) {
        let config = self.services.config.load();
        let limit = config.queue.concurrency as usize;
        let per_lane = config.relay.per_domain as usize;
        let mut state = self.state();
        let Traffic { lanes, workers, .. } = &mut *state;
        for (destination, lane) in lanes {
            while *workers < limit && lane.workers < per_lane.min(lane.waiting.len()) {
                *workers += 1;
                lane.workers += 1;
                self.workers.spawn(self.clone().serve(destination.clone()));
            }
        }
    }

    /// A worker: does what waits in its lane, one after the other, over one connection if possible.
    async fn serve(self: Arc<Lanes>, destination: Destination) {
        let mut held = None;
        while let Some(work) = self.next(&destination) {
            match self.services.shutdown.is_cancelled() {
                false => self.carry(&work, &mut held).await,
                true => settle::put_back(&self.services, &work).await,
            }
            self.done(&work);
        }
        if let Some(connection) = held {
            connection.close().await;
        }
        // A place is free, perhaps for another lane.
        self.hire();
    }

    /// The next piece of the lane. Without one the worker is dismissed.
    fn next(&self, destination: &Destination) -> Option<Work> {
        let mut state = self.state();
        let lane = state.lanes.get_mut(destination)?;
        if let Some(work) = lane.waiting.pop_front() {
            return Some(work);
        }
        lane.workers -= 1;
        if lane.workers == 0 {
            state.lanes.remove(destination);
        }
        state.workers -= 1;
        None
    }

    fn done(&self, work: &Work) {
        let mut state = self.state();
        state.pieces -= 1;
        drop(state);
        self.room.notify_one();
        work.free(&self.services);
    }

    /// One attempt, from the first look-up to the record of its outcome.
    async fn carry(&self, work: &Work, held: &mut Option<Connection>) {
        let trying = relay::relay(
            &self.services,
            &work.message,
            &work.recipients,
            &work.destination,
            held,
        );
        let attempt = tokio::select! {
            attempt = trying => attempt,
            // Its next try is on disk already.
            () = self.patience_is_over() => return,
        };
        let delivered: HashSet<String> = attempt
            .outcomes
            .iter()
            .filter(|outcome| outcome.fate == Fate::Sent)
            .filter_map(|outcome| work.domain_of(outcome.recipient))
            .collect();
        let unreachable = attempt.unreachable;
        settle::settle(&self.services, work, attempt).await;
        if unreachable {
            self.stranded.another();
        }
        for domain in delivered {
            self.rescue(&domain).await;
        }
    }

    async fn patience_is_over(&self) {
        self.services.shutdown.cancelled().await;
        let grace = self.services.config.load().limits.shutdown;
        tokio::time::sleep(grace).await;
    }

    /// C16: the host is back; who waits for it goes at once.
    async fn rescue(&self, domain: &str) {
        let Some(attempts) = self.stranded.any() else {
            return;
        };
        let (waiting, now) = (domain.to_string(), self.services.clock.now());
        let write = move |tx: &mut store::Tx<'_>| store::queue::wake(tx, &waiting, now, WAKEN);
        match self.services.store.write_unsynced(write).await {
            Ok(0) => self.look_for_stranded(attempts).await,
            Ok(woken) => {
                tracing::info!(domain, woken, "a mail host is back, its mail goes at once")
            }
            Err(error) => {
                tracing::warn!(error = %error, domain, "mail that waits for this domain keeps its schedule");
            }
        }
    }

    /// If nobody waits for any host, there is no need to ask after each delivery.
    async fn look_for_stranded(&self, attempts: u64) {
        let found = self.services.store.read(store::queue::anybody_stranded);
        if matches!(found.await, Ok(false)) {
            self.stranded.over(attempts);
        }
    }

    /// Waits for the workers when the server stops: what runs may end, what waits is put back.
    pub(super) async fn finish(&self) {
        self.workers.close();
        self.workers.wait().await;
    }
}

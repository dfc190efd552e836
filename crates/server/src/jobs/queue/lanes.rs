//! A lane for each domain that has mail: a few workers, each with a connection that several messages go over (C17), and the
//! messages that a dead host has kept waiting (C16). Limits: workers in all and per domain.

use super::settle;
use crate::Services;
use crate::journey::relay::{self, Connection, Fate};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::QueueId;
use store::queue::{Queued, QueuedRecipient, State, Update};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

/// Workers for one domain.
const PER_DOMAIN: usize = 4;
/// Pieces of work that may wait or run.
const PIECES: usize = 500;
/// Messages remembered per dead domain (C16).
const REMEMBERED: usize = 100;
/// Dead domains remembered.
const DOMAINS: usize = 10_000;

/// A message for some of its recipients, all in one domain.
pub(super) struct Work {
    pub(super) message: Arc<Queued>,
    pub(super) recipients: Vec<QueuedRecipient>,
    pub(super) domain: String,
}

/// All lanes.
pub(super) struct Lanes {
    services: Arc<Services>,
    state: Mutex<Traffic>,
    /// Something has been done: there is room.
    room: Notify,
    done: Notify,
    workers: TaskTracker,
}

#[derive(Default)]
struct Traffic {
    lanes: HashMap<String, Lane>,
    in_flight: HashSet<(QueueId, u32)>,
    pieces: usize,
    workers: usize,
    /// By domain: who is to be tried when its host is back.
    stranded: HashMap<String, Vec<(QueueId, u32)>>,
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
            done: Notify::new(),
            workers: TaskTracker::new(),
        })
    }

    fn state(&self) -> MutexGuard<'_, Traffic> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Is this recipient waiting in a lane, or being tried?
    pub(super) fn is_in_flight(&self, id: QueueId, recipient: u32) -> bool {
        self.state().in_flight.contains(&(id, recipient))
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

    /// Waits until a piece has been done, now or since this was last asked.
    pub(super) async fn until_done(&self) {
        self.done.notified().await;
    }

    /// Puts work into the lanes, and sets workers to it.
    pub(super) fn add(self: &Arc<Lanes>, work: Vec<Work>) {
        let mut state = self.state();
        for piece in work {
            for recipient in &piece.recipients {
                state.in_flight.insert((piece.message.id, recipient.index));
            }
            state.pieces += 1;
            let lane = state.lanes.entry(piece.domain.clone()).or_default();
            lane.waiting.push_back(piece);
        }
        drop(state);
        self.hire();
    }

    /// Sets workers to lanes that have work, as far as the limits allow.
    fn hire(self: &Arc<Lanes>) {
        let limit = self.services.config.load().queue.concurrency as usize;
        let mut state = self.state();
        let Traffic { lanes, workers, .. } = &mut *state;
        for (domain, lane) in lanes {
            while *workers < limit && lane.workers < PER_DOMAIN.min(lane.waiting.len()) {
                *workers += 1;
                lane.workers += 1;
                self.workers.spawn(self.clone().serve(domain.clone()));
            }
        }
    }

    /// A worker: does what waits in its lane, one after the other, over one connection if possible.
    async fn serve(self: Arc<Lanes>, domain: String) {
        let mut held = None;
        while let Some(work) = self.next(&domain) {
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
    fn next(&self, domain: &str) -> Option<Work> {
        let mut state = self.state();
        let lane = state.lanes.get_mut(domain)?;
        if let Some(work) = lane.waiting.pop_front() {
            return Some(work);
        }
        lane.workers -= 1;
        if lane.workers == 0 {
            state.lanes.remove(domain);
        }
        state.workers -= 1;
        None
    }

    fn done(&self, work: &Work) {
        let mut state = self.state();
        for recipient in &work.recipients {
            state.in_flight.remove(&(work.message.id, recipient.index));
        }
        state.pieces -= 1;
        drop(state);
        self.room.notify_one();
        self.done.notify_one();
    }

    /// One attempt, from the first look-up to the record of its outcome.
    async fn carry(&self, work: &Work, held: &mut Option<Connection>) {
        let trying = relay::relay(
            &self.services,
            &work.message,
            &work.recipients,
            &work.domain,
            held,
        );
        let attempt = tokio::select! {
            attempt = trying => attempt,
            // Its next try is on disk already.
            () = self.patience_is_over() => return,
        };
        let sent = attempt
            .outcomes
            .iter()
            .any(|outcome| outcome.fate == Fate::Sent);
        if attempt.unreachable {
            self.strand(work);
        }
        settle::settle(&self.services, work, attempt).await;
        if sent {
            self.rescue(&work.domain).await;
        }
    }

    async fn patience_is_over(&self) {
        self.services.shutdown.cancelled().await;
        let grace = self.services.config.load().limits.shutdown;
        tokio::time::sleep(grace).await;
    }

    /// Remembers who waits for a dead host.
    fn strand(&self, work: &Work) {
        let mut state = self.state();
        if state.stranded.len() >= DOMAINS && !state.stranded.contains_key(&work.domain) {
            return;
        }
        let stranded = state.stranded.entry(work.domain.clone()).or_default();
        for recipient in &work.recipients {
            let one = (work.message.id, recipient.index);
            if stranded.len() < REMEMBERED && !stranded.contains(&one) {
                stranded.push(one);
            }
        }
    }

    /// C16: the host is back; who waited for it goes at once.
    async fn rescue(&self, domain: &str) {
        let Some(stranded) = self.state().stranded.remove(domain) else {
            return;
        };
        let now = self.services.clock.now();
        let write = move |tx: &mut store::Tx<'_>| {
            for (id, index) in &stranded {
                let message = store::queue::by_id(tx, *id)?;
                let waits =
                    |one: &QueuedRecipient| one.index == *index && one.state == State::Pending;
                if message.is_some_and(|message| message.recipients.iter().any(waits)) {
                    settle::change(
                        tx,
                        *id,
                        *index,
                        &Update::SetState(State::Pending, Some(now)),
                    )?;
                }
            }
            Ok(())
        };
        if let Err(error) = self.services.store.write(write).await {
            tracing::warn!(error = %error, domain, "mail that waits for this domain keeps its schedule");
        }
    }

    /// Waits for the workers when the server stops: what runs may end, what waits is put back.
    pub(super) async fn finish(&self) {
        self.workers.close();
        self.workers.wait().await;
    }
}

//! The queue runner: takes what is due out of the queue and hands it to the lanes ([`lanes`]), one for each destination.
//!
//! **Invariant:** before a recipient is tried, the time of the next try is committed. Whatever kills us in the middle, the message is
//! still there and due again, and not at once. This needs no sync of its own: a power cut that takes the note away also takes what
//! followed from it, and the message is tried again, as it would have been anyway.

mod express;
mod in_flight;
mod lanes;
mod refused;
mod settle;

use crate::Services;
use crate::journey::relay::Destination;
pub use express::Express;
pub(crate) use express::Seat;
pub use in_flight::InFlight;
use lanes::{Lanes, Work};
pub use refused::Refusals;
pub(crate) use refused::recall as recall_refusals;
use std::sync::Arc;
use std::time::Duration;
use store::queue::{Queued, QueuedRecipient, State, Update};
use store::{Timestamp, Tx};
use tokio::sync::{mpsc, watch};

/// Messages that are taken out at once.
const BATCH: usize = 100;
/// Recipients of a transaction (RFC 5321 §4.5.3.1.8 promises that many).
const RECIPIENTS: usize = 100;
/// Pause after a failure of the store.
const PAUSE: Duration = Duration::from_secs(5);

/// Runs until the server stops.
pub(crate) async fn run(services: Arc<Services>) {
    let lanes = Lanes::new(services.clone());
    let runner = Runner { services, lanes };
    let mut express = runner.services.express.open();
    let shutdown = runner.services.shutdown.clone();
    let running = async { tokio::join!(runner.run(), runner.serve(&mut express)) };
    shutdown.run_until_cancelled(running).await;
    runner.services.express.close();
    express.close();
    // The lanes put it back.
    while let Some(message) = express.recv().await {
        runner.lanes.add(runner.taken(message));
    }
    runner.lanes.finish().await;
}

struct Runner {
    services: Arc<Services>,
    lanes: Arc<Lanes>,
}

impl Runner {
    async fn run(&self) {
        let mut work = self.services.store.watch_queue();
        loop {
            self.until_resumed().await;
            work.mark_unchanged();
            let room = self.lanes.until_room().await.min(BATCH);
            let now = self.services.clock.now();
            match self.dispatch(now, room).await {
                Ok(Due::More) => {}
                Ok(Due::All) => self.until_due(&mut work).await,
                Ok(Due::InFlight) => self.services.in_flight.until_freed().await,
                Err(error) => {
                    tracing::error!(error = %error, "the queue cannot be read; trying again");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Hands new mail to the lanes, whose first attempt has been noted with it.
    async fn serve(&self, express: &mut mpsc::Receiver<Queued>) {
        while let Some(message) = express.recv().await {
            self.lanes.until_room().await;
            self.lanes.add(self.taken(message));
        }
    }

    /// A34: an operator may pause deliveries.
    async fn until_resumed(&self) {
        let mut paused = self.services.paused.delivery.subscribe();
        // The sender lives as long as the services.
        let _ = paused.wait_for(|paused| !paused).await;
    }

    /// Waits for new work, or until something is due.
    async fn until_due(&self, work: &mut watch::Receiver<u64>) {
        let next = self.services.store.read(store::queue::next_due).await;
        let clock = &self.services.clock;
        let due = async {
            match next {
                Ok(Some(next)) => clock.reached(next).await,
                Ok(None) => std::future::pending().await,
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        };
        tokio::select! {
            changed = work.changed() => {
                if changed.is_err() {
                    // The store is gone; so will we be soon.
                    tokio::time::sleep(PAUSE).await;
                }
            }
            () = due => {}
            () = self.services.express.missed() => {}
        }
    }

    /// Hands what is due to the lanes, up to so many messages.
    async fn dispatch(&self, now: Timestamp, limit: usize) -> store::Result<Due> {
        let due = self
            .services
            .store
            .read(move |tx| load_due(tx, now, limit))
            .await?;
        let count = due.len();
        let work: Vec<Work> = due
            .into_iter()
            .flat_map(|message| self.work_of(message, now))
            .collect();
        if work.is_empty() {
            return Ok(if count == 0 { Due::All } else { Due::InFlight });
        }
        if let Err(error) = self.begin(&work, now).await {
            work.iter().for_each(|piece| piece.free(&self.services));
            return Err(error);
        }
        self.lanes.add(work);
        Ok(if count == limit { Due::More } else { Due::All })
    }

    /// What is to be done for a message: a piece for each destination. What somebody has in hand already is left out; the rest is
    /// taken in hand.
    fn work_of(&self, message: Queued, now: Timestamp) -> Vec<Work> {
        let is_free = |recipient: &&QueuedRecipient| {
            let due = recipient.state == State::Pending && recipient.next_attempt <= now;
            // Taken here, so that no command can take it before it is tried.
            due && self.services.in_flight.take(message.id, recipient.index)
        };
        let free: Vec<QueuedRecipient> =
            message.recipients.iter().filter(is_free).cloned().collect();
        self.pieces(message, free)
    }

    /// The same for a message all of whose recipients have been taken in hand.
    fn taken(&self, message: Queued) -> Vec<Work> {
        let all = message.recipients.clone();
        self.pieces(message, all)
    }

    fn pieces(&self, message: Queued, recipients: Vec<QueuedRecipient>) -> Vec<Work> {
        let (message, config) = (Arc::new(message), self.services.config.load());
        let sender = message.reverse_path.as_deref();
        let mut pieces: Vec<(Destination, Vec<QueuedRecipient>)> = Vec::new();
        for recipient in recipients {
            let destination = Destination::of(&config, sender, &recipient);
            let fits = |piece: &&mut (Destination, Vec<QueuedRecipient>)| {
                piece.0 == destination && piece.1.len() < RECIPIENTS
            };
            match pieces.iter_mut().find(fits) {
                Some(piece) => piece.1.push(recipient),
                None => pieces.push((destination, vec![recipient])),
            }
        }
        let work = |(destination, recipients)| Work {
            message: message.clone(),
            recipients,
            destination,
        };
        pieces.into_iter().map(work).collect()
    }

    /// Writes that these are tried now, and when they are due if nothing more is heard.
    async fn begin(&self, work: &[Work], now: Timestamp) -> store::Result<()> {
        let schedule = settle::schedule(&self.services);
        let mut begun = Vec::new();
        for piece in work {
            let next_attempt = schedule
                .of(&piece.message)
                .next_attempt(piece.message.created, now);
            for recipient in &piece.recipients {
                begun.push((
                    piece.message.id,
                    recipient.index,
                    Update::Begin { now, next_attempt },
                ));
            }
        }
        let write = move |tx: &mut Tx<'_>| {
            for (id, recipient, update) in &begun {
                settle::change(tx, *id, *recipient, update)?;
            }
            Ok(())
        };
        self.services.store.write_unsynced(write).await
    }
}

/// Whether a dispatch took all that was due.
enum Due {
    All,
    More,
    /// What is due is being tried already.
    InFlight,
}

fn load_due(tx: &mut Tx<'_>, now: Timestamp, limit: usize) -> store::Result<Vec<Queued>> {
    let mut messages = Vec::new();
    for id in store::queue::due(tx, now, limit)? {
        messages.extend(store::queue::by_id(tx, id)?);
    }
    Ok(messages)
}

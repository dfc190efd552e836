//! Mail that has just been taken in goes at once: it is queued as what is being tried already, in the transaction that accepts it, and handed
//! to the lanes from memory. So it costs no transaction of its own to begin, and nothing is read back. When the lanes have enough to do, there
//! is no seat, and the message waits in the store like any other.

use crate::Services;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::queue::{Begun, NewQueued, Queued};
use tokio::sync::mpsc::{self, OwnedPermit};
use tokio::sync::{Notify, futures::Notified};

/// Messages on their way to the lanes.
const SEATS: usize = 100;
/// Recipients of a message that goes this way.
const RECIPIENTS: usize = 100;

/// The way from sessions to the lanes; open while the queue runner runs.
#[derive(Default)]
pub struct Express {
    sender: Mutex<Option<mpsc::Sender<Queued>>>,
    /// A seat was given up, and its message may be in the store all the same.
    missed: Notify,
}

impl Express {
    /// Opens it. For the queue runner alone.
    pub(super) fn open(&self) -> mpsc::Receiver<Queued> {
        let (sender, receiver) = mpsc::channel(SEATS);
        *self.sender() = Some(sender);
        receiver
    }

    /// There are no seats any more.
    pub(super) fn close(&self) {
        *self.sender() = None;
    }

    /// Waits until a message was left to the store that was about to go at once.
    pub(super) fn missed(&self) -> Notified<'_> {
        self.missed.notified()
    }

    fn sender(&self) -> MutexGuard<'_, Option<mpsc::Sender<Queued>>> {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn permit(&self) -> Option<OwnedPermit<Queued>> {
        let sender = self.sender().clone()?;
        sender.try_reserve_owned().ok()
    }
}

/// A seat for a message that is about to be queued. Its recipients are in hand already, so that no command takes them before they are tried.
pub(crate) struct Seat {
    services: Arc<Services>,
    /// `None` once the message has gone.
    permit: Option<OwnedPermit<Queued>>,
    begun: Begun,
    recipients: u32,
}

impl Seat {
    /// A seat, if there is one and nothing is paused.
    pub(crate) fn take(services: &Arc<Services>, new: &NewQueued) -> Option<Seat> {
        let is_held = *services.paused.delivery.borrow() || services.shutdown.is_cancelled();
        if is_held || new.recipients.len() > RECIPIENTS {
            return None;
        }
        let permit = services.express.permit()?;
        let now = services.clock.now();
        let begun = Begun {
            id: store::queue::new_id().ok()?,
            now,
            next_attempt: super::settle::schedule(services).next_attempt(new.created, now),
        };
        let recipients = u32::try_from(new.recipients.len()).unwrap_or(0);
        for index in 0..recipients {
            services.in_flight.take(begun.id, index);
        }
        Some(Seat {
            services: services.clone(),
            permit: Some(permit),
            begun,
            recipients,
        })
    }

    /// How the message is to be queued.
    pub(crate) fn begun(&self) -> Begun {
        self.begun
    }

    /// It has been queued so, and goes.
    pub(crate) fn go(mut self, message: Queued) {
        if let Some(permit) = self.permit.take() {
            permit.send(message);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if self.permit.is_some() {
            let services = &self.services;
            services.in_flight.free(self.begun.id, 0..self.recipients);
            services.express.missed.notify_one();
        }
    }
}

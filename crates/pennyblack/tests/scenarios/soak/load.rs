//! Senders that put a server under load and write down what it acknowledged.

use super::ledger::Ledger;
use super::road::{Doors, Road, Sender};
use crate::trial::Trial;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// Messages over one connection.
const MESSAGES: usize = 20;

/// Senders at work.
pub(crate) struct Load {
    ledger: Arc<Mutex<Ledger>>,
    ended: Arc<AtomicBool>,
    senders: Vec<JoinHandle<()>>,
}

impl Load {
    /// Starts so many senders on all roads; each sends one message after another.
    pub(crate) fn start(trial: &Trial, ledger: Ledger, senders: usize) -> Load {
        let ledger = Arc::new(Mutex::new(ledger));
        let ended = Arc::new(AtomicBool::new(false));
        let doors = Doors::of(trial);
        let sender = |number| {
            let (ledger, ended, doors) = (ledger.clone(), ended.clone(), doors.clone());
            std::thread::spawn(move || send_until(Road::of(number), &doors, &ledger, &ended))
        };
        let senders = (0..senders).map(sender).collect();
        Load {
            ledger,
            ended,
            senders,
        }
    }

    /// Returns when so many messages more have been acknowledged; panics if the server takes none.
    #[track_caller]
    pub(crate) fn wait_for(&self, more: usize) {
        let goal = self.accepted() + more;
        crate::tools::eventually("acknowledged messages", || {
            (self.accepted() >= goal).then_some(())
        });
    }

    fn accepted(&self) -> usize {
        self.ledger.lock().expect("not poisoned").accepted()
    }

    /// Ends the senders, whatever state the server is in, and returns what they wrote down.
    pub(crate) fn stop(self) -> Ledger {
        self.ended.store(true, Ordering::Relaxed);
        for sender in self.senders {
            sender.join().expect("a sender ends by itself");
        }
        let ledger = Arc::into_inner(self.ledger).expect("the senders have ended");
        ledger.into_inner().expect("not poisoned")
    }
}

/// Sends until told to end, or until the server is gone.
fn send_until(road: Road, doors: &Doors, ledger: &Mutex<Ledger>, ended: &AtomicBool) {
    while !ended.load(Ordering::Relaxed) {
        let Some(mut sender) = Sender::open(road, doors) else {
            return;
        };
        for _ in 0..MESSAGES {
            let number = ledger.lock().expect("not poisoned").number();
            let Some(fates) = sender.send(number) else {
                break;
            };
            ledger.lock().expect("not poisoned").enter(number, &fates);
            if ended.load(Ordering::Relaxed) {
                return;
            }
        }
    }
}

//! A clock that stands still until it is turned.

use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use tokio::sync::watch;

/// Clones show the same time.
#[derive(Clone, Debug)]
pub struct Clock {
    now: Arc<watch::Sender<Timestamp>>,
}

impl Clock {
    /// A clock that shows this time.
    pub fn at(now: Timestamp) -> Clock {
        Clock {
            now: Arc::new(watch::Sender::new(now)),
        }
    }

    /// What it shows.
    pub fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    /// Turns it forward, and wakes who waits for the new time.
    pub fn advance(&self, by: SignedDuration) {
        self.now
            .send_modify(|now| *now = now.saturating_add(by).unwrap_or(Timestamp::MAX));
    }

    /// Waits until it is turned to this time or past it.
    pub async fn reached(&self, at: Timestamp) {
        let mut turned = self.now.subscribe();
        // The sender lives as long as `self`.
        let _ = turned.wait_for(|now| *now >= at).await;
    }
}

impl Default for Clock {
    /// Starts at the last full second of the real time: stores keep times less exactly than a machine's clock shows them.
    fn default() -> Clock {
        Clock::at(Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_is_woken_at_the_right_time() {
        let clock = Clock::at(Timestamp::UNIX_EPOCH);
        let hour = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1);
        let waiting = tokio::spawn({
            let clock = clock.clone();
            async move {
                clock.reached(hour).await;
                clock.now()
            }
        });
        clock.advance(SignedDuration::from_mins(59));
        clock.advance(SignedDuration::from_mins(2));
        assert!(waiting.await.unwrap() >= hour);
    }
}

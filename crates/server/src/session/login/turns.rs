//! Runs checks in their turn, and keeps failures waiting.
//!
//! Each check runs in a task of its own: a client that hangs up does not shorten the delay that its failure owes.

use super::cache::Key;
use super::lanes::{Jammed, Lanes, Try};
use super::{LoginError, Outcome};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// An answer that is to come.
type Pending = watch::Receiver<Option<Outcome>>;

/// The checks that wait or run.
pub(super) struct Turns {
    lanes: Lanes,
    shared: Arc<Mutex<HashMap<Key, Pending>>>,
}

impl Turns {
    pub(super) fn new() -> Turns {
        Turns {
            lanes: Lanes::new(),
            shared: Arc::default(),
        }
    }

    /// Runs the check when its turn comes; a refusal is answered no earlier than `delay` after the check began.
    pub(super) async fn take(
        &self,
        who: Try,
        delay: Duration,
        check: impl Future<Output = Outcome> + Send + 'static,
    ) -> Outcome {
        wait(self.start(who, delay, check, || ())).await
    }

    /// The same, once for all who try the same name and password at the same time: a client that opens twenty connections waits once,
    /// and one who guesses learns nothing more by asking twice.
    pub(super) async fn share(
        &self,
        key: Key,
        who: Try,
        delay: Duration,
        check: impl Future<Output = Outcome> + Send + 'static,
    ) -> Outcome {
        let pending = {
            let mut shared = lock(&self.shared);
            let done = {
                let shared = Arc::clone(&self.shared);
                move || drop(lock(&shared).remove(&key))
            };
            shared
                .entry(key)
                .or_insert_with(|| self.start(who, delay, check, done))
                .clone()
        };
        wait(pending).await
    }

    fn start(
        &self,
        who: Try,
        delay: Duration,
        check: impl Future<Output = Outcome> + Send + 'static,
        done: impl FnOnce() + Send + 'static,
    ) -> Pending {
        let (answer, pending) = watch::channel(None);
        let lanes = self.lanes.clone();
        tokio::spawn(async move {
            let done = OnDrop(Some(done));
            let turn = lanes.turn(who).await;
            let begun = Instant::now();
            let outcome = match turn {
                Ok(_) => check.await,
                Err(Jammed) => Err(LoginError::Unavailable(
                    "too many log-ins wait for their turn".into(),
                )),
            };
            if turn.is_err() || matches!(outcome, Err(LoginError::Refused(_))) {
                tokio::time::sleep_until(begun + delay).await;
            }
            drop(done);
            answer.send_replace(Some(outcome));
        });
        pending
    }
}

/// Also runs when the check panics: nobody then waits for an answer that never comes.
struct OnDrop<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        if let Some(act) = self.0.take() {
            act();
        }
    }
}

async fn wait(mut pending: Pending) -> Outcome {
    match pending
        .wait_for(Option::is_some)
        .await
        .map(|answer| answer.clone())
    {
        Ok(Some(outcome)) => outcome,
        _ => Err(LoginError::Unavailable("the check was interrupted".into())),
    }
}

/// Nothing panics under the lock.
fn lock(shared: &Mutex<HashMap<Key, Pending>>) -> MutexGuard<'_, HashMap<Key, Pending>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::limits::Source;
    use std::sync::atomic::{AtomicU32, Ordering};

    const DELAY: Duration = Duration::from_secs(2);

    /// Somebody at 192.0.2.1 tries to be alice.
    fn alice() -> Try {
        from("192.0.2.1", false)
    }

    fn from(address: &str, is_known: bool) -> Try {
        Try {
            source: Source::of(address.parse().unwrap()),
            name: "alice".into(),
            is_known,
        }
    }

    async fn refused() -> Outcome {
        Err(LoginError::Refused("password"))
    }

    /// B23
    #[tokio::test(start_paused = true)]
    async fn b23_parallel_failures_are_answered_one_by_one() {
        let (turns, begun) = (Turns::new(), Instant::now());
        let tries = (0..3).map(|_| turns.take(alice(), DELAY, refused()));
        let mut answered = Vec::new();
        for outcome in join(tries.collect()).await {
            answered.push(outcome.1.duration_since(begun).as_secs());
        }
        answered.sort_unstable();
        assert_eq!(answered, [2, 4, 6]);
    }

    /// B23
    #[tokio::test(start_paused = true)]
    async fn b23_hanging_up_does_not_shorten_the_delay() {
        let (turns, begun) = (Turns::new(), Instant::now());
        let first = turns.take(alice(), DELAY, refused());
        assert!(
            tokio::time::timeout(Duration::from_millis(1), first)
                .await
                .is_err()
        );
        let _ = turns.take(alice(), DELAY, refused()).await;
        assert_eq!(begun.elapsed().as_secs(), 4);
    }

    /// R10: guesses at one account from many addresses are slowed together; where its owner has logged in before, he waits for none of them.
    #[tokio::test(start_paused = true)]
    async fn r10_the_owner_does_not_wait_for_those_who_guess() {
        let (turns, begun) = (Arc::new(Turns::new()), Instant::now());
        let guesses = (1..=70).map(|n| {
            let turns = Arc::clone(&turns);
            let who = from(&format!("198.51.100.{n}"), false);
            async move { turns.take(who, DELAY, refused()).await }
        });
        let guesses = tokio::spawn(join(guesses.map(Box::pin).collect()));
        tokio::task::yield_now().await;
        tokio::time::advance(Duration::from_millis(1)).await;
        let owner = async { Err(LoginError::Refused("stands for the right password")) };
        let from_home = turns.take(from("192.0.2.1", true), Duration::ZERO, owner);
        assert!(matches!(from_home.await, Err(LoginError::Refused(_))));
        assert!(
            begun.elapsed() < Duration::from_secs(1),
            "{:?}",
            begun.elapsed()
        );
        let answered = guesses.await.unwrap();
        let slowest = answered
            .iter()
            .map(|(_, at)| at.duration_since(begun).as_secs())
            .max();
        // Eight at a time, two seconds each.
        assert_eq!(slowest, Some(18));
        // Somewhere else he is one of many.
        let begun = Instant::now();
        let strangers =
            (1..=9).map(|n| turns.take(from(&format!("198.51.100.{n}"), false), DELAY, refused()));
        let answered = join(strangers.collect()).await;
        assert_eq!(
            answered
                .last()
                .map(|(_, at)| at.duration_since(begun).as_secs()),
            Some(4)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn equal_tries_share_one_check() {
        let (turns, checks) = (Turns::new(), Arc::new(AtomicU32::new(0)));
        let tries = (0..20).map(|_| {
            let checks = Arc::clone(&checks);
            turns.share([0; 32], alice(), DELAY, async move {
                checks.fetch_add(1, Ordering::SeqCst);
                refused().await
            })
        });
        let begun = Instant::now();
        let outcomes = join(tries.collect()).await;
        assert_eq!((outcomes.len(), checks.load(Ordering::SeqCst)), (20, 1));
        assert_eq!(begun.elapsed().as_secs(), 2);
        assert!(lock(&turns.shared).is_empty());
    }

    /// Polls all at once; each outcome with the time it came.
    async fn join<F: Future<Output = Outcome>>(tries: Vec<F>) -> Vec<(Outcome, Instant)> {
        let mut waiting: Vec<_> = tries.into_iter().map(Box::pin).collect();
        let mut done = Vec::new();
        std::future::poll_fn(|context| {
            waiting.retain_mut(|one| match one.as_mut().poll(context) {
                std::task::Poll::Ready(outcome) => {
                    done.push((outcome, Instant::now()));
                    false
                }
                std::task::Poll::Pending => true,
            });
            if waiting.is_empty() {
                std::task::Poll::Ready(())
            } else {
                std::task::Poll::Pending
            }
        })
        .await;
        done
    }
}

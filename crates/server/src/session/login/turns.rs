//! Runs checks in their turn, and keeps failures waiting.
//!
//! Each check runs in a task of its own: a client that hangs up does not shorten the delay that its failure owes.

use super::cache::Key;
use super::lanes::{Jammed, Lanes};
use super::{LoginError, Outcome};
use crate::session::limits::Source;
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
        source: Source,
        lane: &str,
        delay: Duration,
        check: impl Future<Output = Outcome> + Send + 'static,
    ) -> Outcome {
        wait(self.start(source, lane, delay, check, || ())).await
    }

    /// The same, once for all who try the same name and password at the same time: a client that opens twenty connections waits once,
    /// and one who guesses learns nothing more by asking twice.
    pub(super) async fn share(
        &self,
        key: Key,
        source: Source,
        lane: &str,
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
                .or_insert_with(|| self.start(source, lane, delay, check, done))
                .clone()
        };
        wait(pending).await
    }

    fn start(
        &self,
        source: Source,
        lane: &str,
        delay: Duration,
        check: impl Future<Output = Outcome> + Send + 'static,
        done: impl FnOnce() + Send + 'static,
    ) -> Pending {
        let (answer, pending) = watch::channel(None);
        let (lanes, lane) = (self.lanes.clone(), lane.to_owned());
        tokio::spawn(async move {
            let done = OnDrop(Some(done));
            let turn = lanes.turn(source, &lane).await;
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
    use std::sync::atomic::{AtomicU32, Ordering};

    const DELAY: Duration = Duration::from_secs(2);

    fn source() -> Source {
        Source::of("192.0.2.1".parse().unwrap())
    }

    async fn refused() -> Outcome {
        Err(LoginError::Refused("password"))
    }

    /// B23
    #[tokio::test(start_paused = true)]
    async fn b23_parallel_failures_are_answered_one_by_one() {
        let (turns, begun) = (Turns::new(), Instant::now());
        let tries = (0..3).map(|_| turns.take(source(), "alice", DELAY, refused()));
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
        let first = turns.take(source(), "alice", DELAY, refused());
        assert!(
            tokio::time::timeout(Duration::from_millis(1), first)
                .await
                .is_err()
        );
        let _ = turns.take(source(), "alice", DELAY, refused()).await;
        assert_eq!(begun.elapsed().as_secs(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn equal_tries_share_one_check() {
        let (turns, checks) = (Turns::new(), Arc::new(AtomicU32::new(0)));
        let tries = (0..20).map(|_| {
            let checks = Arc::clone(&checks);
            turns.share([0; 32], source(), "alice", DELAY, async move {
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

//! The queue of jobs in front of the database threads, and the job itself: a closure that runs in a transaction, with its waiting caller.

use crate::tx::Tx;
use crate::{Error, Result};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// What the caller of a job that writes is promised when he is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    /// It is on the disk. It is done at once.
    Now,
    /// It is on the disk. If others of its kind are about to come it waits for them, a little.
    Together,
    /// It outlives this process; it outlives a power cut as soon as anything later is synced, which happens soon.
    Unsynced,
}

/// A unit of work for a database thread.
pub(crate) trait Job: Send {
    /// What its caller is promised.
    fn promise(&self) -> Promise;
    /// Nobody waits for it any more, and it has not begun: it need not run.
    fn abandoned(&self) -> bool;
    /// Runs the work and keeps its result. False: it failed, and what it did must be undone.
    fn attempt(&mut self, tx: &mut Tx<'_>) -> bool;
    /// Tells the caller: the kept result, or that its transaction came to nothing.
    fn reply(self: Box<Self>, committed: Result<()>);
}

struct Work<T, F> {
    work: F,
    result: Option<Result<T>>,
    /// `None`: done for its effects alone.
    caller: Option<oneshot::Sender<Result<T>>>,
    promise: Promise,
}

/// Makes a job of `work`, and the receiver that gets its result.
pub(crate) fn job<T, F>(promise: Promise, work: F) -> (Box<dyn Job>, oneshot::Receiver<Result<T>>)
where
    F: Fn(&mut Tx<'_>) -> Result<T> + Send + 'static,
    T: Send + 'static,
{
    let (caller, receiver) = oneshot::channel();
    let job = Work {
        work,
        result: None,
        caller: Some(caller),
        promise,
    };
    (Box::new(job), receiver)
}

/// Makes a job that nobody waits for.
pub(crate) fn unattended<F>(work: F) -> Box<dyn Job>
where
    F: Fn(&mut Tx<'_>) -> Result<()> + Send + 'static,
{
    Box::new(Work {
        work,
        result: None,
        caller: None,
        promise: Promise::Now,
    })
}

impl<T, F> Job for Work<T, F>
where
    F: Fn(&mut Tx<'_>) -> Result<T> + Send + 'static,
    T: Send + 'static,
{
    fn promise(&self) -> Promise {
        self.promise
    }

    fn abandoned(&self) -> bool {
        self.caller.as_ref().is_some_and(oneshot::Sender::is_closed)
    }

    fn attempt(&mut self, tx: &mut Tx<'_>) -> bool {
        // The transaction is rolled back after a panic, so nobody sees what it left half done.
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let value = (self.work)(tx)?;
            tx.flush()?;
            match self.promise == Promise::Unsynced && tx.has_touched_accounts() {
                // A program may have been told of its UIDs, which must never be used again.
                true => Err(Error::Bug(
                    "a change to an account went without a sync".into(),
                )),
                false => Ok(value),
            }
        }));
        let result = outcome.unwrap_or_else(|panic| Err(Error::Bug(panic_text(panic.as_ref()))));
        let done = result.is_ok();
        self.result = Some(result);
        done
    }

    fn reply(self: Box<Self>, committed: Result<()>) {
        let answer = match (self.result, committed) {
            (Some(Err(own)), _) => Err(own),
            (_, Err(failure)) => Err(failure),
            (Some(done), Ok(())) => done,
            (None, Ok(())) => Err(Error::Bug("a job was answered before it ran".into())),
        };
        // The caller may have gone; its work stands all the same.
        if let Some(caller) = self.caller {
            let _ = caller.send(answer);
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let said = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!(
        "a transaction panicked: {}",
        said.unwrap_or("without a word")
    )
}

/// Jobs waiting for a database thread.
#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Box<dyn Job>>,
    /// Of these, how many were promised to be done at once, and how many wait for others of their kind.
    now: usize,
    together: usize,
    closed: bool,
}

impl State {
    fn push(&mut self, job: Box<dyn Job>) {
        if let Some(count) = self.count(job.promise()) {
            *count += 1;
        }
        self.jobs.push_back(job);
    }

    fn pop(&mut self) -> Option<Box<dyn Job>> {
        let job = self.jobs.pop_front()?;
        if let Some(count) = self.count(job.promise()) {
            *count -= 1;
        }
        Some(job)
    }

    fn count(&mut self, promise: Promise) -> Option<&mut usize> {
        match promise {
            Promise::Now => Some(&mut self.now),
            Promise::Together => Some(&mut self.together),
            Promise::Unsynced => None,
        }
    }
}

/// What [`Queue::wait_until`] has waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    /// There are jobs.
    Jobs,
    /// There were none until that time.
    InVain,
    /// There will be none any more.
    Closed,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a job. After [`Queue::close`] it is dropped, and its caller hears that the store has closed.
    pub(crate) fn push(&self, job: Box<dyn Job>) {
        let mut state = self.lock();
        if !state.closed {
            state.push(job);
            drop(state);
            self.wake.notify_one();
        }
    }

    /// The next job; waits for one. `None`: closed and empty.
    pub(crate) fn next(&self) -> Option<Box<dyn Job>> {
        match self.wait(None) {
            (mut state, Waited::Jobs) => state.pop(),
            _ => None,
        }
    }

    /// Waits for a job, until then if a time is said. For a queue with one thread: the job stays in it.
    pub(crate) fn wait_until(&self, until: Option<Instant>) -> Waited {
        self.wait(until).1
    }

    fn wait(&self, until: Option<Instant>) -> (MutexGuard<'_, State>, Waited) {
        let mut state = self.lock();
        loop {
            let rest = until.map(|until| until.saturating_duration_since(Instant::now()));
            match rest {
                _ if !state.jobs.is_empty() => return (state, Waited::Jobs),
                _ if state.closed => return (state, Waited::Closed),
                Some(Duration::ZERO) => return (state, Waited::InVain),
                rest => state = self.sleep(state, rest),
            }
        }
    }

    fn sleep<'q>(
        &'q self,
        state: MutexGuard<'q, State>,
        most: Option<Duration>,
    ) -> MutexGuard<'q, State> {
        match most {
            None => self
                .wake
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner),
            Some(most) => {
                let woken = self.wake.wait_timeout(state, most);
                woken.unwrap_or_else(PoisonError::into_inner).0
            }
        }
    }

    /// Waits until there are as many jobs that go together as are expected, for so long at most, and not if there is one that does not wait.
    /// Says whether any job there is needs a sync. For a queue with one thread.
    pub(crate) fn gather(&self, expected: usize, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        let mut state = self.lock();
        loop {
            let rest = until.saturating_duration_since(Instant::now());
            let is_over = rest.is_zero() || state.closed || state.now > 0;
            if is_over || state.together == 0 || state.together >= expected {
                return state.now + state.together > 0;
            }
            state = self.sleep(state, Some(rest));
        }
    }

    /// How many jobs wait that go together.
    pub(crate) fn together(&self) -> usize {
        self.lock().together
    }

    /// The next job if there is one now; the next that needs no sync if `synced` is false.
    pub(crate) fn try_next(&self, synced: bool) -> Option<Box<dyn Job>> {
        let mut state = self.lock();
        let fits = synced || state.jobs.front()?.promise() == Promise::Unsynced;
        if fits { state.pop() } else { None }
    }

    /// No more jobs are taken; those that wait are still done.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    const LONG: Duration = Duration::from_secs(60);

    fn push(queue: &Queue, promise: Promise) {
        let (job, _) = job(promise, |_| Ok(()));
        queue.push(job);
    }

    /// How long a gathering takes that others end, and what it says.
    fn gather_while(expected: usize, others: &[Promise]) -> bool {
        let queue = Arc::new(Queue::default());
        push(&queue, Promise::Together);
        std::thread::scope(|scope| {
            let gathering = scope.spawn(|| queue.gather(expected, LONG));
            others.iter().for_each(|promise| push(&queue, *promise));
            gathering.join().unwrap()
        })
    }

    #[test]
    fn one_alone_waits_for_nobody() {
        assert!(gather_while(1, &[]));
    }

    #[test]
    fn those_that_are_expected_are_waited_for() {
        assert!(gather_while(
            3,
            &[Promise::Together, Promise::Unsynced, Promise::Together]
        ));
    }

    #[test]
    fn what_does_not_wait_ends_the_waiting() {
        assert!(gather_while(9, &[Promise::Now]));
    }

    #[test]
    fn patience_ends() {
        let queue = Queue::default();
        push(&queue, Promise::Together);
        assert!(queue.gather(2, Duration::from_millis(1)));
        assert_eq!(queue.together(), 1);
    }

    #[test]
    fn notes_alone_need_no_sync_and_keep_to_themselves() {
        let queue = Queue::default();
        push(&queue, Promise::Unsynced);
        assert!(!queue.gather(9, LONG));
        push(&queue, Promise::Now);
        assert!(queue.try_next(false).is_some() && queue.try_next(false).is_none());
        assert!(queue.gather(9, LONG));
        assert!(queue.try_next(true).is_some() && queue.try_next(true).is_none());
        assert!(!queue.gather(9, LONG));
    }

    #[test]
    fn waiting_ends() {
        let queue = Queue::default();
        assert_eq!(queue.wait_until(Some(Instant::now())), Waited::InVain);
        push(&queue, Promise::Unsynced);
        assert_eq!(queue.wait_until(None), Waited::Jobs);
        queue.close();
        assert_eq!(queue.wait_until(None), Waited::Jobs);
        assert!(queue.next().is_some() && queue.next().is_none());
        assert_eq!(queue.wait_until(None), Waited::Closed);
    }
}

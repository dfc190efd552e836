//! The queue of jobs in front of the database threads, and the job itself: a closure that runs in a transaction, with its waiting caller.

use crate::tx::Tx;
use crate::{Error, Result};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// A unit of work for a database thread.
pub(crate) trait Job: Send {
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
}

/// Makes a job of `work`, and the receiver that gets its result.
pub(crate) fn job<T, F>(work: F) -> (Box<dyn Job>, oneshot::Receiver<Result<T>>)
where
    F: Fn(&mut Tx<'_>) -> Result<T> + Send + 'static,
    T: Send + 'static,
{
    let (caller, receiver) = oneshot::channel();
    let job = Work {
        work,
        result: None,
        caller: Some(caller),
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
    })
}

impl<T, F> Job for Work<T, F>
where
    F: Fn(&mut Tx<'_>) -> Result<T> + Send + 'static,
    T: Send + 'static,
{
    fn abandoned(&self) -> bool {
        self.caller.as_ref().is_some_and(oneshot::Sender::is_closed)
    }

    fn attempt(&mut self, tx: &mut Tx<'_>) -> bool {
        // The transaction is rolled back after a panic, so nobody sees what it left half done.
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let value = (self.work)(tx)?;
            tx.flush()?;
            Ok(value)
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
    closed: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a job. After [`Queue::close`] it is dropped, and its caller hears that the store has closed.
    pub(crate) fn push(&self, job: Box<dyn Job>) {
        let mut state = self.lock();
        if !state.closed {
            state.jobs.push_back(job);
            drop(state);
            self.wake.notify_one();
        }
    }

    /// The next job; waits for one. `None`: closed and empty.
    pub(crate) fn next(&self) -> Option<Box<dyn Job>> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state = self
                .wake
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The next job if there is one now.
    pub(crate) fn try_next(&self) -> Option<Box<dyn Job>> {
        self.lock().jobs.pop_front()
    }

    /// No more jobs are taken; those that wait are still done.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_all();
    }
}

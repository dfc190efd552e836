//! Jobs that run at intervals: each in a task of its own, by `services.clock`, with jitter, never twice at once, until the server
//! stops. What a job does stands elsewhere; the list of all jobs is in `jobs/mod.rs`.
//!
//! A run is dropped at its next `await` when the server stops, so it must be cancel-safe: whole transactions, and files that a later run
//! finds again. A run that panics counts as failed, and the next one comes in its time.

use crate::Services;
use crate::config::Config;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::error::Error;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_util::task::AbortOnDropHandle;

/// After a start, jobs wait up to so long for their first run: a machine that boots has other things to do.
const SETTLE: Duration = Duration::from_secs(600);
/// After a failure a job is tried again after a tenth of its interval, but neither sooner nor later than this.
const RETRY: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(3600));

/// What a run of a job comes to: a sentence on what it did (`None`: there was nothing to do), or why it failed.
pub(crate) type Outcome = Result<Option<String>, Box<dyn Error + Send + Sync>>;

/// A run.
pub(crate) type Work = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// Something to do at intervals.
pub(crate) struct Job {
    /// Its name in commands, log and counters.
    pub(crate) name: &'static str,
    /// What it does, in a few words for `pennyblack jobs`.
    pub(crate) about: &'static str,
    /// From one run to the next, by the settings in force; `None`: never by itself. Each wait is up to a tenth shorter or longer.
    pub(crate) every: fn(&Config) -> Option<Duration>,
    /// Begins a run.
    pub(crate) work: fn(Arc<Services>) -> Work,
}

/// How a job is.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Whether it runs now.
    pub running: bool,
    /// Runs that have ended.
    pub runs: u64,
    /// How many of them failed.
    pub failures: u64,
    /// When it runs next; `None`: not by itself.
    pub next: Option<Timestamp>,
    /// The last run that has ended.
    pub last: Option<Run>,
}

/// A run that has ended.
#[derive(Clone, Debug)]
pub struct Run {
    /// When it began.
    pub begun: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// What it did (`None`: nothing was to do), or why it failed.
    pub outcome: Result<Option<String>, String>,
}

/// All jobs of a server and how they are.
#[derive(Default)]
pub struct Jobs(Mutex<BTreeMap<&'static str, Arc<Known>>>);

struct Known {
    about: &'static str,
    state: watch::Sender<State>,
    /// Somebody wants a run now.
    wanted: Notify,
    /// The settings have changed.
    changed: Notify,
}

impl Jobs {
    /// Name, description and state of each job.
    pub fn list(&self) -> Vec<(&'static str, &'static str, State)> {
        let known = self.known();
        known
            .iter()
            .map(|(name, job)| (*name, job.about, job.state.borrow().clone()))
            .collect()
    }

    /// Runs a job now, or waits for the run that is under way; `None`: there is no such job.
    pub async fn run(&self, name: &str) -> Option<Run> {
        let job = self.known().get(name).cloned()?;
        let mut state = job.state.subscribe();
        let (running, before) = {
            let now = state.borrow_and_update();
            (now.running, now.runs)
        };
        if !running {
            job.wanted.notify_one();
        }
        let ended = state.wait_for(|state| state.runs > before).await;
        ended.ok().and_then(|state| state.last.clone())
    }

    /// Has a job run soon, if it does not run already.
    pub(crate) fn want(&self, name: &str) {
        if let Some(job) = self.known().get(name) {
            job.wanted.notify_one();
        }
    }

    /// Waits until a job has ended so many runs since the start; at once if there is no such job.
    pub async fn ended(&self, name: &str, runs: u64) {
        let job = self.known().get(name).cloned();
        if let Some(job) = job {
            // The sender lives as long as `job`.
            let _ = job.state.subscribe().wait_for(|s| s.runs >= runs).await;
        }
    }

    /// The settings have changed: intervals are looked at again.
    pub(crate) fn settings_changed(&self) {
        self.known()
            .values()
            .for_each(|job| job.changed.notify_one());
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<&'static str, Arc<Known>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn register(&self, job: &Job) -> Arc<Known> {
        let known = Arc::new(Known {
            about: job.about,
            state: watch::Sender::default(),
            wanted: Notify::new(),
            changed: Notify::new(),
        });
        self.known().insert(job.name, known.clone());
        known
    }
}

/// Starts a job. Its task ends when the server stops.
pub(crate) fn start(services: &Arc<Services>, job: Job) -> JoinHandle<()> {
    let known = services.jobs.register(&job);
    let keeper = Keeper {
        services: services.clone(),
        job,
        known,
    };
    let shutdown = services.shutdown.clone();
    tokio::spawn(async move {
        shutdown.run_until_cancelled(keeper.keep()).await;
    })
}

struct Keeper {
    services: Arc<Services>,
    job: Job,
    known: Arc<Known>,
}

impl Keeper {
    async fn keep(&self) {
        let mut wait: fn(Duration) -> Duration = first;
        loop {
            self.until_due(wait).await;
            wait = match self.run().await {
                Ok(()) => |every| every,
                Err(()) => |every| (every / 10).clamp(RETRY.0, RETRY.1).min(every),
            };
        }
    }

    /// Waits until the next run is due, or wanted now.
    async fn until_due(&self, wait: fn(Duration) -> Duration) {
        let begun = self.services.clock.now();
        let random = fraction();
        loop {
            let every = (self.job.every)(&self.services.config.load());
            let next = every.map(|every| later(begun, jittered(wait(every), random)));
            self.known.state.send_modify(|state| state.next = next);
            let due = async {
                match next {
                    Some(next) => self.services.clock.reached(next).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = due => return,
                () = self.known.wanted.notified() => return,
                () = self.known.changed.notified() => {}
            }
        }
    }

    async fn run(&self) -> Result<(), ()> {
        let state = &self.known.state;
        state.send_modify(|state| (state.running, state.next) = (true, None));
        // Whoever wished for a run before now gets this one: it may have begun because it was due.
        pin!(self.known.wanted.notified()).enable();
        let (begun, watch) = (self.services.clock.now(), Instant::now());
        let run = AbortOnDropHandle::new(tokio::spawn((self.job.work)(self.services.clone())));
        let outcome = match run.await {
            Ok(outcome) => outcome.map_err(|why| why.to_string()),
            Err(panicked) => Err(format!("a fault of the program: {panicked}")),
        };
        let verdict = outcome.as_ref().map(|_| ()).map_err(|_| ());
        self.tell(&outcome);
        let last = Run {
            begun,
            took: watch.elapsed(),
            outcome,
        };
        state.send_modify(|state| {
            state.running = false;
            state.runs += 1;
            state.failures += u64::from(verdict.is_err());
            state.last = Some(last);
        });
        verdict
    }

    fn tell(&self, outcome: &Result<Option<String>, String>) {
        let job = self.job.name;
        let metrics = &self.services.metrics;
        match outcome {
            Ok(Some(done)) => tracing::info!(job, done, "job done"),
            Ok(None) => tracing::debug!(job, "job had nothing to do"),
            Err(why) => tracing::warn!(job, error = why, "job failed; it is tried again"),
        }
        match outcome {
            Ok(_) => metrics.job_succeeded(job, self.services.clock.now().as_second()),
            Err(_) => metrics.job_failed(job),
        }
    }
}

/// The wait for the first run: short, since an operator may restart more often than a job runs.
fn first(every: Duration) -> Duration {
    every.min(SETTLE) / 2
}

/// A tenth shorter to a tenth longer, so that jobs, and the servers of a pair, do not march in step.
fn jittered(wait: Duration, fraction: f64) -> Duration {
    wait.mul_f64(0.9 + 0.2 * fraction)
}

/// From 0 to 1.
fn fraction() -> f64 {
    let mut random = [0; 4];
    // Without randomness there is no jitter, which is no reason to stand still.
    match getrandom::fill(&mut random) {
        Ok(()) => f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX),
        Err(_) => 0.5,
    }
}

fn later(from: Timestamp, wait: Duration) -> Timestamp {
    let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
    from.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_is_a_tenth_either_way() {
        let day = Duration::from_secs(86_400);
        assert_eq!(jittered(day, 0.5), day);
        assert_eq!(jittered(day, 0.0), day.mul_f64(0.9));
        assert_eq!(jittered(day, 1.0), day.mul_f64(1.1));
        assert!((0.0..=1.0).contains(&fraction()));
    }

    #[test]
    fn a_daily_job_first_runs_minutes_after_the_start_and_a_quick_one_sooner() {
        assert_eq!(first(Duration::from_secs(86_400)), Duration::from_secs(300));
        assert_eq!(first(Duration::from_secs(60)), Duration::from_secs(30));
    }
}

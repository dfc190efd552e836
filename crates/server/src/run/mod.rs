//! A running server: start, reload, stop.
//!
//! [`Server::start`] is what `serve`, `trial` and the tests use. Its order matters:
//!
//! 1. take the lock of the data directory, so that a second server says so instead of failing at a port;
//! 2. open the listening sockets and read keys, while the process may;
//! 3. become the configured user for good (T13, L15);
//! 4. open the store, make what is missing, and only then accept connections.

mod instance;
mod key;
mod limits;
mod notify;
pub(crate) mod offline;
mod privileges;
mod reload;
mod resolver;
mod signals;
mod start;

pub use instance::{Holder, Instance, LockError};
pub use reload::{ReloadError, Reloaded};
pub(crate) use resolver::{asking, resolver};
pub use start::StartError;

use crate::config::Config;
use crate::listen::{Bound, Doors, Kind};
use crate::{Clock, Services, SystemClock, control};
use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use tokio::task::{AbortHandle, JoinHandle};

/// What a server is given besides its settings.
pub struct Parts {
    /// Look-ups; `None`: those that `dns.servers` names.
    pub dns: Option<Arc<dyn dns::Resolver>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The file the settings came from, to read again on reload; `None`: a reload changes certificates alone.
    pub file: Option<PathBuf>,
}

impl Parts {
    /// The real world.
    pub fn real() -> Parts {
        Parts {
            dns: None,
            clock: Arc::new(SystemClock),
            file: None,
        }
    }
}

/// A server that accepts connections.
pub struct Server {
    /// What its sessions share.
    pub services: Arc<Services>,
    running: Arc<Running>,
    jobs: Vec<JoinHandle<()>>,
    /// Held for as long as the data directory is ours.
    _instance: Instance,
}

/// What the control socket and the signals reach of a running server.
pub(crate) struct Running {
    pub(crate) services: Arc<Services>,
    pub(crate) bound: Bound,
    pub(crate) doors: Doors,
    pub(crate) file: Option<PathBuf>,
    pub(crate) started: jiff::Timestamp,
    /// One reload at a time.
    pub(crate) reloading: tokio::sync::Mutex<()>,
}

impl Server {
    /// Starts a server; it accepts connections when this returns.
    pub async fn start(config: Config, parts: Parts) -> Result<Server, StartError> {
        start::start(config, parts).await
    }

    /// The addresses it listens on.
    pub fn addresses(&self) -> &Bound {
        &self.running.bound
    }

    /// Serves until `shutdown` is ready, then stops.
    pub async fn run_until(self, shutdown: impl Future<Output = ()>) {
        shutdown.await;
        self.stop().await;
    }

    /// Serves until SIGTERM or SIGINT; SIGHUP reloads (X32). Tells systemd about each step (X8).
    pub async fn run_until_signal(self) -> std::io::Result<()> {
        signals::run(self).await
    }

    /// Carries out what a command would ask for.
    pub async fn execute(
        &self,
        request: control::Request,
    ) -> Result<control::Answer, control::Failure> {
        control::execute(&control::World::of(&self.running), request).await
    }

    /// Reads settings and certificates again. An error changes nothing.
    pub async fn reload(&self) -> Result<Reloaded, ReloadError> {
        self.running.reload().await
    }

    /// Stops: no new connections; sessions finish their command and say goodbye; after `limits.shutdown` the rest is cut.
    pub async fn stop(self) {
        let grace = self.services.config.load().limits.shutdown;
        self.stop_within(pin!(tokio::time::sleep(grace))).await;
    }

    /// As [`Server::stop`], with patience until `patience` is ready.
    async fn stop_within(self, patience: impl Future<Output = ()>) {
        tracing::info!(sessions = self.running.sessions(), "stopping");
        self.services.shutdown.cancel();
        let doors = &self.running.doors;
        doors.tasks.close();
        let cut: Vec<AbortHandle> = self.jobs.iter().map(JoinHandle::abort_handle).collect();
        let mut ended = pin!(async {
            doors.tasks.wait().await;
            for job in self.jobs {
                // A job that has panicked has said so.
                let _ = job.await;
            }
        });
        tokio::select! {
            () = &mut ended => {}
            () = patience => {
                tracing::warn!(sessions = doors.tasks.len(), "what did not end in time is cut");
                doors.abort.cancel();
                cut.iter().for_each(AbortHandle::abort);
                ended.await;
            }
        }
        if let Err(error) = self.services.recents.save(&self.services.store).await {
            tracing::warn!(%error, "mail programs will be told once more that some messages are recent");
        }
        tracing::info!("stopped");
    }
}

impl Running {
    /// Sessions that are open now.
    pub(crate) fn sessions(&self) -> usize {
        let addresses = Kind::ALL.iter().map(|kind| self.bound.of(*kind).len());
        let listeners = addresses.sum::<usize>() + self.bound.sockets.len();
        self.doors.tasks.len().saturating_sub(listeners)
    }
}

//! Tells systemd how the service is (X8). Without systemd all of this does nothing.

use super::Running;
use sd_notify::NotifyState;
use std::sync::Arc;
use std::time::Duration;

/// What the service manager is told.
pub(super) enum Phase {
    Ready,
    Reloading,
    Stopping,
}

/// Tells the phase.
pub(super) fn tell(phase: &Phase) {
    let told = match phase {
        Phase::Ready => sd_notify::notify(false, &[NotifyState::Ready]),
        Phase::Stopping => sd_notify::notify(
            false,
            &[NotifyState::Stopping, NotifyState::Status("stopping")],
        ),
        Phase::Reloading => NotifyState::monotonic_usec_now()
            .and_then(|now| sd_notify::notify(false, &[NotifyState::Reloading, now])),
    };
    if let Err(why) = told {
        tracing::warn!(error = %why, "cannot reach the service manager");
    }
}

/// Shows `text` in `systemctl status`.
pub(super) fn status(text: &str) {
    let line = text.replace('\n', "; ");
    let _ = sd_notify::notify(false, &[NotifyState::Status(&line)]);
}

/// Answers the watchdog for as long as accept loops and store do, and shows the state. Ends when the server stops.
pub(super) async fn watch(running: Arc<Running>) {
    let mut microseconds = 0;
    if !sd_notify::watchdog_enabled(false, &mut microseconds) {
        return;
    }
    let interval = Duration::from_micros(microseconds / 3).max(Duration::from_millis(100));
    let shutdown = running.services.shutdown.clone();
    while shutdown
        .run_until_cancelled(tokio::time::sleep(interval))
        .await
        .is_some()
    {
        match running.alive(interval).await {
            true => drop(sd_notify::notify(false, &[NotifyState::Watchdog])),
            false => {
                tracing::error!("a part of the server does not answer; the watchdog is not fed")
            }
        }
        status(&running.summary().await);
    }
}

impl Running {
    /// `42 sessions, queue 3, next retry 12:05`
    async fn summary(&self) -> String {
        let look = self.services.store.read(|tx| {
            Ok((
                store::queue::counts(tx)?.messages,
                store::queue::next_due(tx)?,
            ))
        });
        let queue = match look.await {
            Ok((messages, Some(next))) => {
                format!("queue {messages}, next retry {}", next.strftime("%H:%M"))
            }
            Ok((messages, None)) => format!("queue {messages}"),
            Err(why) => format!("queue unknown: {why}"),
        };
        format!("{} sessions, {queue}", self.sessions())
    }

    /// Whether all accept loops and the store answer.
    async fn alive(&self, patience: Duration) -> bool {
        let look = self
            .services
            .store
            .read(|tx| store::domain::list(tx).map(|_| ()));
        // A store that answers "not available" is alive: restarting this process would not help it.
        let (doors, store) = tokio::join!(
            self.doors.alive(patience),
            tokio::time::timeout(patience, look)
        );
        doors && store.is_ok()
    }
}

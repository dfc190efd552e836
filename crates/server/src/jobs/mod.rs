//! What runs by itself: the queue runner, clean-up.

mod queue;

use crate::Services;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Starts all jobs. They end when `services.shutdown` is cancelled, and finish what they have begun.
pub(crate) fn start(services: &Arc<Services>) -> Vec<JoinHandle<()>> {
    vec![tokio::spawn(queue::run(services.clone()))]
}

/// Once a day removes what deliveries left unfinished by a crash have left behind (F13).
pub(crate) async fn sweep(services: Arc<Services>) {
    const DAY: Duration = Duration::from_secs(86_400);
    while services
        .shutdown
        .run_until_cancelled(tokio::time::sleep(DAY))
        .await
        .is_some()
    {
        match services.store.sweep().await {
            Ok(swept) => tracing::info!(?swept, "leftovers removed from the store"),
            Err(why) => {
                tracing::warn!(error = %why, "leftovers could not be removed from the store")
            }
        }
    }
}

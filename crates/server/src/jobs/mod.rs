//! What runs by itself: the queue runner, clean-up.

use crate::Services;
use std::sync::Arc;
use tokio::task::JoinHandle;

/// Starts all jobs. They end when `services.shutdown` is cancelled, and finish what they have begun.
pub(crate) fn start(_services: &Arc<Services>) -> Vec<JoinHandle<()>> {
    Vec::new()
}

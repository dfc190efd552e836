//! Once a day: forgets what scripts need not remember any longer: whom `vacation` answered, what `duplicate` saw, of which failures an owner
//! knows.

use super::periodic::{Job, Outcome};
use crate::Services;
use std::sync::Arc;
use std::time::Duration;
use store::script::memory;

const DAY: Duration = Duration::from_secs(24 * 3600);

pub(super) fn job() -> Job {
    Job {
        name: "script-memory",
        about: "forget what Sieve scripts need not remember any longer",
        every: |_| Some(DAY),
        work: |services| Box::pin(forget(services)),
    }
}

async fn forget(services: Arc<Services>) -> Outcome {
    let now = services.clock.now();
    let gone = services
        .store
        .write(move |tx| memory::prune(tx, now))
        .await?;
    Ok((gone > 0).then(|| format!("forgot {gone} answers, ids and notices")))
}

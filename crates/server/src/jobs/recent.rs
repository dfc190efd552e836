//! Once a minute: the store learns which messages mail programs were told of (RFC 3501 §2.3.2).

use super::periodic::{Job, Outcome};
use crate::Services;
use std::sync::Arc;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

pub(super) fn job() -> Job {
    Job {
        name: "recent",
        about: "note of which messages mail programs were told",
        every: |_| Some(MINUTE),
        work: |services| Box::pin(save(services)),
    }
}

async fn save(services: Arc<Services>) -> Outcome {
    services.recents.save(&services.store).await?;
    Ok(None)
}

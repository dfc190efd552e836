//! Once a day: removes what deliveries that a crash left unfinished have left behind (F13).

use super::periodic::{Job, Outcome};
use crate::Services;
use std::sync::Arc;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

pub(super) fn job() -> Job {
    Job {
        name: "sweep",
        about: "remove files that unfinished deliveries left",
        every: |_| Some(DAY),
        work: |services| Box::pin(sweep(services)),
    }
}

async fn sweep(services: Arc<Services>) -> Outcome {
    let swept = services.store.sweep().await?;
    let count = swept.bodies + swept.temporary;
    Ok((count > 0).then(|| {
        format!(
            "removed {} bodies without a message and {} temporary files",
            swept.bodies, swept.temporary
        )
    }))
}

//! Every minute: takes new messages into the search indexes there are (`docs/search.md`). A search that found none where one would have
//! helped asks for a run at once.

use super::periodic::{Job, Outcome};
use crate::Services;
use crate::search::build;
use std::sync::Arc;
use std::time::Duration;

/// Its name.
pub(crate) const NAME: &str = "index";

const MINUTE: Duration = Duration::from_secs(60);

pub(super) fn job() -> Job {
    Job {
        name: NAME,
        about: "take new messages into the search indexes",
        every: |_| Some(MINUTE),
        work: |services| Box::pin(run(services)),
    }
}

async fn run(services: Arc<Services>) -> Outcome {
    let config = services.config.load_full();
    let added = build::all(&services.store, &config).await?;
    Ok((added > 0).then(|| format!("took {added} messages in")))
}

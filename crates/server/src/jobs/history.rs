//! Once a day: forgets the old part of the change log.
//!
//! The log does not say when something happened, so each run leaves a mark that does, and forgets what lies before the newest mark that
//! is old enough. What its readers still need after that, the store keeps (`store::change`).

use super::periodic::{Job, Outcome};
use crate::Services;
use crate::config::Config;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::time::Duration;
use store::change::{self, Keep};

const DAY: Duration = Duration::from_secs(86_400);
/// Records that one transaction forgets at most, so that deliveries do not wait for it.
const BATCH: u64 = 2000;
/// Accounts that one transaction marks.
const ACCOUNTS: usize = 1000;

pub(super) fn job() -> Job {
    Job {
        name: "history",
        about: "forget old entries of the change log",
        every: |_| Some(DAY),
        work: |services| Box::pin(prune(services)),
    }
}

async fn prune(services: Arc<Services>) -> Outcome {
    let (store, now) = (&services.store, services.clock.now());
    while store
        .write(move |tx| change::mark(tx, now, ACCOUNTS))
        .await?
        == ACCOUNTS
    {}
    let keep = keep(&services.config.load(), now)?;
    let mut forgotten = 0;
    loop {
        let pruned = store
            .write(move |tx| change::prune_due(tx, &keep, BATCH))
            .await?;
        forgotten += pruned.records;
        if pruned.done {
            let done = format!("forgot {forgotten} changes");
            return Ok((forgotten > 0).then_some(done));
        }
    }
}

fn keep(config: &Config, now: Timestamp) -> Result<Keep, jiff::Error> {
    let age = SignedDuration::try_from(config.store.history)?;
    Ok(Keep {
        since: now.saturating_sub(age)?,
        records: u64::from(config.store.history_floor),
    })
}

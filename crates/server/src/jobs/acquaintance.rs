//! Forgets senders whom nobody has met for long.

use super::periodic::{Job, Outcome};
use crate::Services;
use std::sync::Arc;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);
/// Who was not met for so long is forgotten.
const UNSEEN: Duration = Duration::from_secs(180 * 86_400);
/// Rows that are kept: about 100 octets each.
const MOST: u64 = 300_000;
/// Rows that go at once; the rest goes the next time.
const AT_ONCE: u64 = 5000;

pub(super) fn expiry() -> Job {
    Job {
        name: "acquaintances",
        about: "forget senders whom nobody has met for half a year",
        every: |_| Some(HOUR),
        work: |services| Box::pin(expire(services)),
    }
}

async fn expire(services: Arc<Services>) -> Outcome {
    let prune = |tx: &mut store::Tx<'_>| store::acquaintance::prune(tx, UNSEEN, MOST, AT_ONCE);
    let gone = services.store.write(prune).await?;
    Ok((gone > 0).then(|| format!("forgot {gone} senders")))
}

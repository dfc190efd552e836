//! Lets go of removed messages once `mail.undelete` is over. What a run does is bounded; the next one goes on.

use super::periodic::{Job, Outcome};
use crate::Services;
use jiff::SignedDuration;
use std::sync::Arc;
use std::time::Duration;
use store::removed;

const EVERY: Duration = Duration::from_secs(3600);
/// Messages that one transaction lets go, so that deliveries do not wait for it.
const BATCH: usize = 500;
/// Messages that one run lets go.
const MOST: usize = 100_000;

pub(super) fn job() -> Job {
    Job {
        name: "removed",
        about: "let go of removed messages that can no longer be put back",
        every: |_| Some(EVERY),
        work: |services| Box::pin(expire(services)),
    }
}

async fn expire(services: Arc<Services>) -> Outcome {
    let stays = SignedDuration::try_from(services.config.load().mail.undelete)?;
    let before = services.clock.now().saturating_sub(stays)?;
    let mut gone = 0;
    for account in services.store.read(removed::accounts).await? {
        while gone < MOST {
            let expire = move |tx: &mut store::Tx<'_>| removed::expire(tx, account, before, BATCH);
            let some = services.store.write(expire).await?;
            gone += some;
            if some < BATCH {
                break;
            }
        }
    }
    Ok((gone > 0).then(|| format!("let go of {gone} messages")))
}

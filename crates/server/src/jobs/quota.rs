//! Writes the letters about full mailboxes (P6, P7). It is woken when an account crosses a threshold; by itself it looks at all accounts, for
//! what a crash or changed settings left untold.

use super::periodic::{Job, Outcome};
use crate::Services;
use crate::quota;
use std::sync::Arc;
use std::time::Duration;
use store::account;

const EVERY: Duration = Duration::from_secs(3600);

pub(super) fn job() -> Job {
    Job {
        name: quota::JOB,
        about: "tell users that their mailboxes are nearly full, or take mail again",
        every: |_| Some(EVERY),
        work: |services| Box::pin(tell(services)),
    }
}

async fn tell(services: Arc<Services>) -> Outcome {
    let mut due: Vec<_> = services.quota_due.take().into_iter().collect();
    if due.is_empty() {
        let all = services.store.read(account::list).await?;
        due = all.into_iter().map(|account| account.id).collect();
    }
    let mut told = 0;
    for account in due {
        told += u32::from(quota::tell(&services, account).await?);
    }
    Ok((told > 0).then(|| format!("wrote {told} letters")))
}

//! Jobs of the brake: letters that could not be written at once, and correspondents and submissions that are forgotten.

use super::periodic::{Job, Outcome};
use crate::Services;
use crate::journey::brake;
use jiff::SignedDuration;
use std::sync::Arc;
use std::time::Duration;
use store::sending;

const OFTEN: Duration = Duration::from_secs(300);
const DAY: Duration = Duration::from_secs(86_400);
/// Hours after which a recipient counts as new again.
const FORGET_AFTER: i64 = 2 * 365 * 24;
/// Hours for which it is known what an account has submitted.
const SUBMISSIONS: i64 = 14 * 24;

pub(super) fn letters() -> Job {
    Job {
        name: "brake",
        about: "tell of accounts whose mail is held, where that could not be done at once",
        every: |_| Some(OFTEN),
        work: |services| Box::pin(tell(services)),
    }
}

async fn tell(services: Arc<Services>) -> Outcome {
    let held = services.store.read(sending::held).await?;
    let mut told = 0;
    for (account, _) in held.iter().filter(|(_, hold)| !hold.told) {
        brake::tell(&services, *account).await?;
        told += 1;
    }
    Ok((told > 0).then(|| format!("told of {told} accounts whose mail is held")))
}

pub(super) fn correspondents() -> Job {
    Job {
        name: "correspondents",
        about: "forget to whom an account has not written for two years, and what it sent two weeks ago",
        every: |_| Some(DAY),
        work: |services| Box::pin(forget(services)),
    }
}

async fn forget(services: Arc<Services>) -> Outcome {
    let now = services.clock.now();
    let before = now - SignedDuration::from_hours(FORGET_AFTER);
    let lately = now - SignedDuration::from_hours(SUBMISSIONS);
    let forget = move |tx: &mut store::Tx<'_>| {
        sending::forget_submissions(tx, lately)?;
        sending::forget(tx, before)
    };
    let forgotten = services.store.write(forget).await?;
    Ok((forgotten > 0).then(|| format!("forgot {forgotten} correspondents")))
}

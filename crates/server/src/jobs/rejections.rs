//! Forgets what was refused long ago, and of which messages near copies are known.

use super::periodic::{Job, Outcome};
use crate::Services;
use jiff::SignedDuration;
use std::sync::Arc;
use std::time::Duration;
use store::{near_copy, rejection};

const HOUR: Duration = Duration::from_secs(3600);
/// How long the code of a refusal leads to it.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 30);
/// Rows that are kept: about 1 KB each.
const MOST: usize = 20_000;
/// Rows that go at once; the rest goes the next time.
const AT_ONCE: usize = 5000;

pub(super) fn expiry() -> Job {
    Job {
        name: "rejections",
        about: "forget what was refused more than 30 days ago",
        every: |_| Some(HOUR),
        work: |services| Box::pin(expire(services)),
    }
}

/// How long near copies of a message are known.
const COPIES_KEPT: SignedDuration = SignedDuration::from_hours(24 * 120);
/// Bands that are kept: of 10,000 messages, about 50 octets each.
const BANDS: usize = 80_000;

pub(super) fn expiry_of_copies() -> Job {
    Job {
        name: "near-copies",
        about: "forget of which messages near copies are unwanted, after 120 days",
        every: |_| Some(HOUR),
        work: |services| Box::pin(expire_copies(services)),
    }
}

async fn expire_copies(services: Arc<Services>) -> Outcome {
    let before = services.clock.now() - COPIES_KEPT;
    let expire = move |tx: &mut store::Tx<'_>| near_copy::expire(tx, before, BANDS, AT_ONCE);
    let gone = services.store.write(expire).await?;
    Ok((gone > 0).then(|| format!("forgot {gone} bands")))
}

async fn expire(services: Arc<Services>) -> Outcome {
    let before = services.clock.now() - KEPT;
    let expire = move |tx: &mut store::Tx<'_>| rejection::expire(tx, before, MOST, AT_ONCE);
    let gone = services.store.write(expire).await?;
    Ok((gone > 0).then(|| format!("forgot {gone} refusals")))
}

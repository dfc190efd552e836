//! Removes mail that has been in Junk, Trash and the like for as long as `mail.autoexpunge` says (P9).

use super::periodic::{Job, Outcome};
use crate::Services;
use crate::config::Expiry;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::time::Duration;
use store::entry;
use store::{AccountId, MailboxId, Store};

/// Often enough that a limit in days is kept to the hour or so.
const EVERY: Duration = Duration::from_secs(3600);
/// Mailboxes looked for at a time.
const MAILBOXES: usize = 200;
/// Messages that one transaction removes, so that deliveries do not wait for it.
const BATCH: usize = 500;

pub(super) fn job() -> Job {
    Job {
        name: "autoexpunge",
        about: "remove mail that was long enough in Junk, Trash and the like",
        every: |config| (!config.mail.autoexpunge.is_empty()).then_some(EVERY),
        work: |services| Box::pin(expire_all(services)),
    }
}

async fn expire_all(services: Arc<Services>) -> Outcome {
    let expiries = services.config.load().mail.expiries();
    let mut removed = 0;
    for expiry in expiries {
        let age = SignedDuration::try_from(expiry.after)?;
        let before = services.clock.now().saturating_sub(age)?;
        removed += expire(&services.store, expiry, before).await?;
    }
    Ok((removed > 0).then(|| format!("removed {removed} messages")))
}

async fn expire(store: &Store, expiry: Expiry, before: Timestamp) -> store::Result<usize> {
    let mut removed = 0;
    loop {
        let which = expiry.mailboxes.clone();
        let due = store
            .read(move |tx| entry::expired(tx, &which, before, MAILBOXES))
            .await?;
        if due.is_empty() {
            return Ok(removed);
        }
        let mut gone = 0;
        for place in due {
            gone += empty(store, place, before).await?;
        }
        if gone == 0 {
            // Somebody else was quicker.
            return Ok(removed);
        }
        removed += gone;
    }
}

async fn empty(
    store: &Store,
    (account, mailbox): (AccountId, MailboxId),
    before: Timestamp,
) -> store::Result<usize> {
    let mut removed = 0;
    loop {
        let gone = store
            .write(move |tx| entry::expire(tx, account, mailbox, before, BATCH))
            .await?;
        removed += gone.len();
        if gone.len() < BATCH {
            return Ok(removed);
        }
    }
}

//! Every ten minutes: lets new keys sign once DNS shows them (K7, U40), and once a month changes the secret of rewritten senders.
//!
//! A domain's name servers do not change at the same moment, and resolvers remember that a name was not there. So a key must be
//! seen at every look for an hour before it signs; a look that does not see it begins the hour anew, one that fails says nothing.

use super::periodic::{Job, Outcome};
use crate::Services;
use crate::control::dkim::{Shown, key_name, shows};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::time::Duration;
use store::dkim::{self, DkimKey, KeyState};

const OFTEN: Duration = Duration::from_secs(600);
/// How long DNS must have shown a key.
const SEEN: SignedDuration = SignedDuration::from_hours(1);

pub(super) fn job() -> Job {
    Job {
        name: "dkim",
        about: "let new keys sign once DNS shows them",
        every: |_| Some(OFTEN),
        work: |services| Box::pin(look(services)),
    }
}

async fn look(services: Arc<Services>) -> Outcome {
    let now = services.clock.now();
    services.keys.renew_srs(&services.store, now).await?;
    let keys = services.store.read(dkim::list).await?;
    let mut begun = Vec::new();
    for key in keys.iter().filter(|key| key.state == KeyState::Waiting) {
        let signs_already = keys.iter().any(|other| replaces(key, other));
        if look_for(&services, key, signs_already, now).await? {
            begun.push(key_name(key));
        }
    }
    // In any case: another node may have changed keys.
    services.keys.forget();
    if begun.is_empty() {
        return Ok(None);
    }
    Ok(Some(format!("these keys sign now: {}", begun.join(", "))))
}

fn replaces(key: &DkimKey, other: &DkimKey) -> bool {
    other.domain == key.domain && other.kind == key.kind && other.state == KeyState::Active
}

/// Whether the key signs from now on.
async fn look_for(
    services: &Services,
    key: &DkimKey,
    signs_already: bool,
    now: Timestamp,
) -> store::Result<bool> {
    let shown = shows(services.dns.as_ref(), &key_name(key), &key.record).await;
    let seen = match (shown, key.seen) {
        (Err(_), seen) => seen,
        (Ok(Shown::Ours), Some(since)) => Some(since),
        (Ok(Shown::Ours), None) => Some(now),
        (Ok(Shown::Another | Shown::Nothing), _) => None,
    };
    let long_enough = seen.is_some_and(|since| now.duration_since(since) >= SEEN);
    // Without a key that signs there is nothing to lose.
    let begins = seen.is_some() && (long_enough || !signs_already);
    let (domain, selector) = (key.domain.clone(), key.selector.clone());
    if begins {
        services
            .store
            .write(move |tx| begin(tx, &domain, &selector, now))
            .await?;
    } else if seen != key.seen {
        services
            .store
            .write(move |tx| dkim::set_seen(tx, &domain, &selector, seen))
            .await?;
    }
    Ok(begins)
}

/// The key signs, and those it replaces do not.
fn begin(
    tx: &mut store::Tx<'_>,
    domain: &str,
    selector: &str,
    now: Timestamp,
) -> store::Result<()> {
    let keys = dkim::of_domain(tx, domain)?;
    let Some(key) = keys.iter().find(|key| key.selector == selector) else {
        return Ok(());
    };
    for old in keys.iter().filter(|other| replaces(key, other)) {
        dkim::set_state(tx, domain, &old.selector, KeyState::Replaced, now)?;
    }
    dkim::set_state(tx, domain, selector, KeyState::Active, now)
}

//! What keeps the gate in order: records whose time is over, lists that are read again, lists in DNS that are looked after.

use super::periodic::{Job, Outcome};
use crate::Services;
use crate::gate;
use std::sync::Arc;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

pub(super) fn expiry() -> Job {
    Job {
        name: "gate-expiry",
        about: "forget greylist records, traps and bans whose time is over",
        every: |_| Some(HOUR),
        work: |services| Box::pin(expire(services)),
    }
}

async fn expire(services: Arc<Services>) -> Outcome {
    let gone = services.store.write(store::gate::expire).await?;
    let any = gone != store::gate::Expired::default();
    Ok(any.then(|| {
        format!(
            "forgot {} white and {} grey records, {} trapped senders and {} bans",
            gone.white, gone.grey, gone.trapped, gone.bans
        )
    }))
}

/// J27: servers on one database share greylist, traps and bans; what each holds in memory is renewed.
pub(super) fn shared() -> Job {
    Job {
        name: "gate-sync",
        about: "take over bans and caught senders from other servers on the same database",
        every: |config| {
            let shared = !matches!(config.store.engine, store::Engine::Sqlite);
            shared.then_some(MINUTE)
        },
        work: |services| Box::pin(take_over(services)),
    }
}

async fn take_over(services: Arc<Services>) -> Outcome {
    services.gate.load(&services.store).await?;
    Ok(None)
}

/// J22: files are looked at in each round; feeds are asked when their own time has come.
pub(super) fn lists() -> Job {
    Job {
        name: "lists",
        about: "read lists of addresses and of links again",
        every: |config| {
            let any = config.gate.lists.is_some() || !config.spam.url_feeds.is_empty();
            any.then_some(config.gate.lists_every)
        },
        work: |services| Box::pin(read_lists(services)),
    }
}

async fn read_lists(services: Arc<Services>) -> Outcome {
    let views = gate::lists::refresh(&services).await;
    let faults: Vec<String> = views
        .iter()
        .filter_map(|view| Some(format!("{}: {}", view.name, view.fault.as_ref()?)))
        .collect();
    let ranges: usize = views.iter().map(|view| view.ranges).sum();
    match faults.is_empty() {
        true => Ok(Some(format!(
            "{} lists hold {ranges} addresses, networks and links",
            views.len()
        ))),
        false => Err(faults.join("; ").into()),
    }
}

/// RFC 5782 §5
pub(super) fn dns_lists() -> Job {
    Job {
        name: "dns-lists",
        about: "check that lists in DNS answer rightly",
        every: |config| {
            let asked = config.gate.ask_others && !config.gate.dns_lists.is_empty();
            asked.then_some(HOUR)
        },
        work: |services| Box::pin(check(services)),
    }
}

async fn check(services: Arc<Services>) -> Outcome {
    gate::check_dns_lists(&services).await;
    let ill = gate::dns_lists(&services)
        .into_iter()
        .filter(|(_, health)| health != "good");
    let ill: Vec<String> = ill
        .map(|(zone, health)| format!("{zone}: {health}"))
        .collect();
    match ill.is_empty() {
        true => Ok(None),
        false => Err(ill.join("; ").into()),
    }
}

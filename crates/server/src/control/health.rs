//! Whether the server can do its work, part by part (X23), for probes of containers and monitoring.

use crate::run::Running;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long a part may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// A certificate that lives no longer than this should have been renewed.
const CERTIFICATE_LEFT: SignedDuration = SignedDuration::from_hours(72);
/// No clock that is right shows an earlier time (2026-01-01).
const EARLIEST: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// A part of the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organ {
    /// `listeners`, `store`, `disk`, `clock`, `certificates`, `clients`.
    pub name: String,
    /// What is wrong with it; none: it is well.
    pub fault: Option<String>,
}

/// Examines all parts.
pub(super) async fn examine(running: &Running) -> Vec<Organ> {
    let organ = |name: &str, fault: Option<String>| Organ {
        name: name.into(),
        fault,
    };
    vec![
        organ("listeners", listeners(running).await),
        organ("store", store(running).await),
        organ(
            "disk",
            running
                .services
                .store
                .room()
                .err()
                .map(|why| why.to_string()),
        ),
        organ("clock", clock(running)),
        organ("certificates", certificates(running)),
        organ("clients", clients(running)),
    ]
}

async fn listeners(running: &Running) -> Option<String> {
    let alive = running.doors.alive(PATIENCE).await;
    (!alive).then(|| "a listener does not answer".into())
}

async fn store(running: &Running) -> Option<String> {
    let commit = running
        .services
        .store
        .write(|tx| store::domain::list(tx).map(|_| ()));
    match tokio::time::timeout(PATIENCE, commit).await {
        Ok(Ok(())) => None,
        Ok(Err(why)) => Some(why.to_string()),
        Err(_) => Some(format!("no commit within {} s", PATIENCE.as_secs())),
    }
}

fn clock(running: &Running) -> Option<String> {
    let now = running.services.clock.now();
    (now < EARLIEST).then(|| format!("the clock shows {now:.0}"))
}

/// U35
fn clients(running: &Running) -> Option<String> {
    let mask = running.services.gate.mask()?;
    Some(format!(
        "nearly all mail comes from {mask}: a proxy or a router in front of this server hides its clients, so that SPF, lists, bans and the \
         greylist do nothing. Let it pass the clients' addresses on (host networking, no userland proxy, or the PROXY protocol: `listen.smtp.proxies`)"
    ))
}

fn certificates(running: &Running) -> Option<String> {
    let now = running.services.clock.now();
    let expiries = running.services.tls.expiries();
    let ending = expiries
        .iter()
        .filter(|one| one.at < now + CERTIFICATE_LEFT);
    let names: Vec<String> = ending
        .map(|one| format!("{} ends {:.0}", one.name, one.at))
        .collect();
    (!names.is_empty()).then(|| names.join(", "))
}

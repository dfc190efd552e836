//! Certificates: what is served, and a change of keys that waits for DNS (L24).

use super::{Failure, FailureKind, World};
use crate::Services;
use crate::jobs::dane::{self, Shown};
use crate::session::tls::{Cannot, Pair, Tls};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// All certificates.
    Show,
    /// A new key for the certificate that the server makes itself.
    Rotate,
    /// Serve what waits now.
    Switch {
        /// Although DNS does not show it yet.
        force: bool,
    },
    /// Go on with the old key.
    Cancel,
}

/// A certificate as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// The names in it.
    pub names: Vec<String>,
    /// Where it lies.
    pub file: String,
    /// When it ends, RFC 3339.
    pub ends: String,
    /// What a TLSA record `3 1 1` of its key holds.
    pub key: String,
    /// What waits to take its place.
    pub next: Option<Next>,
}

/// A certificate that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Next {
    /// What a TLSA record `3 1 1` of its key holds.
    pub key: String,
    /// When it ends, RFC 3339.
    pub ends: String,
    /// The record for the zone.
    pub record: String,
    /// Since when DNS shows it, RFC 3339.
    pub seen: Option<String>,
    /// When it is served, RFC 3339, if DNS goes on showing it.
    pub due: Option<String>,
    /// What is to be done, or what happens next.
    pub advice: String,
}

pub(super) async fn execute(world: &World, request: Request) -> Result<Vec<View>, Failure> {
    let Some(running) = &world.running else {
        return Err(Failure::not_running());
    };
    let services = &running.services;
    match request {
        Request::Show => {}
        Request::Rotate => change(world, services, Tls::rotate).await?,
        Request::Cancel => change(world, services, Tls::cancel).await?,
        Request::Switch { force } => switch(world, services, force).await?,
    }
    if request == Request::Rotate {
        // Without TLSA records in DNS it is served at once.
        services.jobs.run(dane::JOB).await;
    }
    let mut views = Vec::new();
    for pair in pairs(world, services).await? {
        views.push(view(world, services, &pair).await);
    }
    Ok(views)
}

async fn pairs(world: &World, services: &Services) -> Result<Vec<Pair>, Failure> {
    let pairs = dane::pairs(services, &world.config).await;
    pairs.map_err(|why| broken(&why))
}

fn broken(why: &dyn std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Internal, why.to_string())
}

async fn change(
    world: &World,
    services: &Services,
    act: fn(&Tls, &crate::config::Config) -> Result<(), Cannot>,
) -> Result<(), Failure> {
    let (tls, config) = (services.tls.clone(), Arc::clone(&world.config));
    let done = tokio::task::spawn_blocking(move || act(&tls, &config)).await;
    done.map_err(|why| broken(&why))?.map_err(|why| match why {
        Cannot::Tls(why) => Failure::new(FailureKind::Unavailable, why.to_string()),
        why => Failure::refused(why.to_string()),
    })
}

async fn switch(world: &World, services: &Services, force: bool) -> Result<(), Failure> {
    let mut switched = false;
    for pair in pairs(world, services).await? {
        let Some((next, _)) = &pair.next else {
            continue;
        };
        let shown = dane::shown(&*services.dns, &pair, &world.config).await;
        if let (false, Some(why)) = (force, against(&shown, &pair, services.clock.now())) {
            return Err(Failure::refused(format!(
                "{why}; `--force` serves the new key all the same, and servers that obey DANE then send nothing here until they see its record"
            )));
        }
        let keep = shown != Shown::Nothing;
        let done = dane::switch(services, &world.config, &next.key, keep).await;
        switched |= done.map_err(|why| broken(&why))?;
    }
    match switched {
        true => Ok(()),
        false => Err(Failure::refused(Cannot::NothingWaits.to_string())),
    }
}

/// Why a key should not be served now.
fn against(shown: &Shown, pair: &Pair, now: Timestamp) -> Option<String> {
    let (next, known) = pair.next.as_ref()?;
    match shown {
        Shown::Nothing => None,
        Shown::Unknown(why) => Some(format!("DNS could not be asked ({why})")),
        Shown::Records(..) => match (shown.against(&next.chain).as_slice(), dane::due(known)) {
            ([], Some(due)) if due <= now => None,
            ([], Some(due)) => Some(format!(
                "DNS has the record of the new key, but others may remember the old ones until {due:.0}"
            )),
            ([], None) => Some("DNS has the record of the new key only just now".into()),
            (names, _) => Some(format!(
                "DNS has no record of the new key at {}",
                names.join(", ")
            )),
        },
    }
}

async fn view(world: &World, services: &Services, pair: &Pair) -> View {
    let next = match &pair.next {
        None => None,
        Some((next, known)) => {
            let shown = dane::shown(&*services.dns, pair, &world.config).await;
            let due = dane::due(known);
            Some(Next {
                key: next.key.clone(),
                ends: next.expires.to_string(),
                record: record(&world.config.hostname, &next.key),
                seen: known.seen.and_then(second),
                due: due.map(|at| at.to_string()),
                advice: advice(&shown, pair, services.clock.now()),
            })
        }
    };
    View {
        names: pair.serving.names.clone(),
        file: pair.source.cert.display().to_string(),
        ends: pair.serving.expires.to_string(),
        key: pair.serving.key.clone(),
        next,
    }
}

fn second(at: i64) -> Option<String> {
    let at = Timestamp::from_second(at).ok()?;
    Some(at.to_string())
}

/// The line for a zone file.
fn record(hostname: &str, key: &str) -> String {
    format!("tlsa._dane.{hostname}. IN TLSA 3 1 1 {key}")
}

fn advice(shown: &Shown, pair: &Pair, now: Timestamp) -> String {
    match against(shown, pair, now) {
        None => "nothing speaks against it any more: it is served within ten minutes".into(),
        Some(why) if why.contains("no record") => {
            format!("publish its record beside the old one: {why}")
        }
        Some(why) => why,
    }
}

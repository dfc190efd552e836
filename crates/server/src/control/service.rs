//! The server itself: status, reload, check of the store, a password's hash, where an address leads.

use super::{Failure, FailureKind, Password, World, account, address, dane, health, host};
use crate::config::Config;
use crate::journey;
use crate::listen::Kind;
use crate::run::{ReloadError, Reloaded, Running};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::sync::Arc;

/// What can be asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Request {
    Status,
    /// X23.
    Health,
    /// X24: the counters as Prometheus text.
    Metrics,
    /// U6: which addresses may not log in.
    Bans,
    /// U6.
    Unban {
        address: IpAddr,
    },
    Reload,
    /// A34.
    Pause {
        what: Part,
        paused: bool,
    },
    CheckStore,
    /// A5.
    CheckHost,
    /// L26.
    CheckDane,
    /// B11.
    Encrypt {
        password: Password,
    },
    ExplainAddress {
        address: String,
    },
}

/// What can be paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// New SMTP, submission and LMTP sessions.
    Smtp,
    /// Deliveries to other servers.
    Delivery,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// How it is.
    Status(Box<Status>),
    /// Whether it can do its work, by part.
    Health(Vec<health::Organ>),
    /// Prometheus text.
    Metrics(String),
    /// Banned addresses.
    Bans(Vec<BanView>),
    /// Whether there was a ban to lift.
    Unbanned(bool),
    /// The settings are read.
    Reloaded(Reloaded),
    /// It is paused, or goes on.
    Paused {
        /// What.
        what: Part,
        /// Whether it is paused now.
        paused: bool,
    },
    /// What the check found.
    Store(StoreReport),
    /// What DNS says of the addresses.
    Host(host::Report),
    /// What DNS says of the keys.
    Dane(dane::Report),
    /// The hash.
    Hash(String),
    /// One sentence a step.
    Steps(Vec<String>),
}

/// How a server is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    /// Its version.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// Since when it runs, RFC 3339.
    pub started: String,
    /// Open sessions.
    pub sessions: usize,
    /// What an operator has paused.
    pub paused: Vec<Part>,
    /// `name address` of each listener.
    pub listeners: Vec<(String, String)>,
    /// Accounts.
    pub accounts: usize,
    /// Hosted domains.
    pub domains: usize,
    /// Messages in the queue.
    pub queue: u64,
    /// When the first of them is tried next, RFC 3339.
    pub next_delivery: Option<String>,
}

/// A ban as people see it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BanView {
    /// The address; of an IPv6 /64 the first.
    pub address: IpAddr,
    /// Why.
    pub reason: String,
    /// How long it still lasts.
    pub seconds: u64,
}

/// What a check of the store found.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[allow(missing_docs)] // as in `store::check::Report`
pub struct StoreReport {
    pub accounts: u64,
    pub mailboxes: u64,
    pub messages: u64,
    pub bodies: u64,
    pub faults: Vec<String>,
}

pub(super) async fn execute(world: &World, request: Request) -> Result<Answer, Failure> {
    match request {
        Request::Status => status(world)
            .await
            .map(|status| Answer::Status(Box::new(status))),
        Request::Health => Ok(Answer::Health(health::examine(running(world)?).await)),
        Request::Metrics => metrics(world).await.map(Answer::Metrics),
        Request::Bans => bans(running(world)?).map(Answer::Bans),
        Request::Unban { address } => Ok(Answer::Unbanned(
            running(world)?.services.login.unban(address),
        )),
        Request::Reload => running(world)?
            .reload()
            .await
            .map(Answer::Reloaded)
            .map_err(reload_failure),
        Request::Pause { what, paused } => pause(running(world)?, what, paused),
        Request::CheckStore => check(world).await.map(Answer::Store),
        Request::CheckHost => host::check(world).await.map(Answer::Host),
        Request::CheckDane => Ok(Answer::Dane(dane::check(world).await)),
        Request::Encrypt { password } => hash(&world.config, &password).await.map(Answer::Hash),
        Request::ExplainAddress { address } => explain(world, &address).await.map(Answer::Steps),
    }
}

pub(super) fn running(world: &World) -> Result<&Arc<Running>, Failure> {
    world.running.as_ref().ok_or_else(Failure::not_running)
}

async fn status(world: &World) -> Result<Status, Failure> {
    let running = running(world)?;
    let count = |tx: &mut store::Tx<'_>| {
        let (accounts, domains) = (
            store::account::list(tx)?.len(),
            store::domain::list(tx)?.len(),
        );
        Ok((
            accounts,
            domains,
            store::queue::counts(tx)?.messages,
            store::queue::next_due(tx)?,
        ))
    };
    let (accounts, domains, queue, next) = world.store.read(count).await?;
    let listeners = Kind::ALL.iter().flat_map(|kind| {
        let addresses = running.bound.of(*kind).iter();
        addresses.map(|address| (kind.name().to_owned(), address.to_string()))
    });
    let manage = running.bound.manage.iter();
    let manage = manage.map(|address| ("manage".to_owned(), address.to_string()));
    let sockets = running.bound.sockets.iter();
    let sockets = sockets.map(|(kind, path)| (kind.name().to_owned(), path.display().to_string()));
    Ok(Status {
        version: env!("CARGO_PKG_VERSION").into(),
        pid: std::process::id(),
        started: format!("{:.0}", running.started),
        sessions: running.sessions(),
        paused: paused(running),
        listeners: listeners.chain(sockets).chain(manage).collect(),
        accounts,
        domains,
        queue,
        next_delivery: next.map(|next| format!("{next:.0}")),
    })
}

fn paused(running: &Running) -> Vec<Part> {
    let switches = &running.services.paused;
    let parts = [
        (Part::Smtp, *switches.smtp.borrow()),
        (Part::Delivery, *switches.delivery.borrow()),
    ];
    parts
        .into_iter()
        .filter(|(_, paused)| *paused)
        .map(|(part, _)| part)
        .collect()
}

fn pause(running: &Running, what: Part, paused: bool) -> Result<Answer, Failure> {
    let switches = &running.services.paused;
    let switch = match what {
        Part::Smtp => &switches.smtp,
        Part::Delivery => &switches.delivery,
    };
    switch.send_replace(paused);
    tracing::info!(?what, paused, "paused or resumed by command");
    Ok(Answer::Paused { what, paused })
}

fn bans(running: &Running) -> Result<Vec<BanView>, Failure> {
    let bans = running.services.login.bans().into_iter();
    Ok(bans
        .map(|ban| BanView {
            address: ban.address,
            reason: "too many failed log-ins".into(),
            seconds: ban.left.as_secs(),
        })
        .collect())
}

/// All counters; what only the store knows is asked for now.
pub(super) async fn metrics(world: &World) -> Result<String, Failure> {
    let metrics = &running(world)?.services.metrics;
    let (counts, oldest) = world
        .store
        .read(|tx| {
            let first = store::queue::list(tx, None, 1)?.into_iter().next();
            Ok((
                store::queue::counts(tx)?,
                first.map(|queued| queued.created),
            ))
        })
        .await?;
    metrics.queue_messages("pending", counts.pending);
    metrics.queue_messages("held", counts.held);
    let services = &running(world)?.services;
    let routes = services.routes.list(0, world.now);
    for (kind, flag) in [("disabled", "D"), ("paused", "P")] {
        let count = routes.iter().filter(|route| route.flags == flag).count();
        metrics.routes_off(kind, count);
    }
    metrics.lookups(services.dns.counts());
    metrics.bans("log-in", running(world)?.services.login.bans().len());
    let age = oldest.and_then(|since| world.now.duration_since(since).try_into().ok());
    metrics.queue_oldest(age.unwrap_or_default());
    Ok(metrics.text())
}

fn reload_failure(why: ReloadError) -> Failure {
    Failure::new(FailureKind::Config, format!("nothing was changed:\n{why}"))
}

/// B11: what a password is kept as. Needs no store.
pub async fn hash(config: &Config, password: &Password) -> Result<String, Failure> {
    let credentials = account::credentials(config, password).await?;
    Ok(credentials.hash.unwrap_or_default())
}

async fn check(world: &World) -> Result<StoreReport, Failure> {
    let report = world.store.check().await?;
    Ok(StoreReport {
        accounts: report.accounts,
        mailboxes: report.mailboxes,
        messages: report.messages,
        bodies: report.bodies,
        faults: report.faults,
    })
}

async fn explain(world: &World, text: &str) -> Result<Vec<String>, Failure> {
    let (text, config) = (address(text)?.to_string(), world.config.clone());
    let steps = world
        .store
        .read(move |tx| journey::explain(&config, tx, &text))
        .await?;
    Ok(steps)
}

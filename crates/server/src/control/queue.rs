//! The outbound queue: list, show, hold, release, retry, remove, bounce, redirect (C24); and the hosts that mail goes to (C18).

use super::{Failure, FailureKind, Mode, World};
use crate::journey::relay::RouteView;
use ::queue::{Schedule, listing};
use serde::{Deserialize, Serialize};
use store::queue::{Queued, QueuedRecipient, State, Tried};
use store::{QueueId, Timestamp, Tx, queue};

mod change;

pub use change::{Deed, Selection};

/// Messages read from the store at once.
const PAGE: usize = 500;
/// Messages listed at most.
const MOST: usize = 100_000;

/// What can be asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Request {
    List,
    /// A line of 14 fields per recipient, as `smtpctl show queue` prints (Q2).
    Lines,
    Show {
        id: String,
    },
    /// Does something to recipients.
    Change {
        which: Selection,
        what: Deed,
        mode: Mode,
    },
    /// C18: hosts with connections or penalties.
    Routes,
    /// C18: lifts penalties; nothing named: all.
    ResumeRoute {
        id: Option<String>,
    },
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Messages, the oldest first.
    List(Vec<View>),
    /// A line for each recipient, the oldest message first.
    Lines(Vec<String>),
    /// One message.
    Message(View),
    /// What was done to these recipients, or would be.
    Changed {
        /// The deed's past participle: `held`, `released`…
        what: String,
        /// `ID.N address`.
        recipients: Vec<String>,
        /// Whether this is what would be done.
        dry_run: bool,
    },
    /// Hosts.
    Routes(Vec<RouteView>),
    /// So many penalties were lifted.
    Resumed(usize),
}

/// A queued message as people see it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct View {
    /// Its id.
    pub id: String,
    /// Envelope sender; empty for notices.
    pub sender: String,
    /// When it was accepted, RFC 3339.
    pub created: String,
    /// Octets.
    pub size: u64,
    /// Whom it is still to reach.
    pub recipients: Vec<RecipientView>,
}

/// A recipient as people see it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecipientView {
    /// Envelope recipient.
    pub address: String,
    /// `pending` or `held`.
    pub state: String,
    /// Attempts so far.
    pub attempts: u32,
    /// When it is tried next, RFC 3339.
    pub next_attempt: String,
    /// When it was tried last.
    pub last_attempt: Option<String>,
    /// Why that failed.
    pub last_error: Option<String>,
    /// The attempts that are remembered, the oldest first (`show` alone).
    #[serde(default)]
    pub tried: Vec<TriedView>,
}

/// An attempt as people see it (C25).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TriedView {
    /// Its number.
    pub attempt: u32,
    /// When, RFC 3339.
    pub at: String,
    /// `host [address]`.
    pub relay: Option<String>,
    /// TLS version.
    pub tls: Option<String>,
    /// Enhanced status code.
    pub status: String,
    /// The words of the other server, or ours.
    pub words: String,
}

pub(super) async fn execute(world: &World, request: Request) -> Result<Answer, Failure> {
    match request {
        Request::List => Ok(Answer::List(
            world
                .store
                .read(|tx| Ok(all(tx)?.iter().map(view).collect()))
                .await?,
        )),
        Request::Lines => lines(world).await,
        Request::Show { id } => show(world, &id).await,
        Request::Change { which, what, mode } => change::change(world, which, what, mode).await,
        Request::Routes => {
            let running = world.running.as_ref().ok_or_else(not_running)?;
            let services = &running.services;
            let limit = world.config.relay.per_host;
            Ok(Answer::Routes(
                services.routes.list(limit, services.clock.now()),
            ))
        }
        Request::ResumeRoute { id } => {
            let running = world.running.as_ref().ok_or_else(not_running)?;
            Ok(Answer::Resumed(
                running.services.routes.resume(id.as_deref()),
            ))
        }
    }
}

fn not_running() -> Failure {
    Failure::new(
        FailureKind::NotRunning,
        "the server is not running, so it has no connections and no penalties",
    )
}

async fn show(world: &World, id: &str) -> Result<Answer, Failure> {
    let id = parse(id)?;
    let read = world.store.read(move |tx| {
        let Some(queued) = queue::by_id(tx, id)? else {
            return Ok(None);
        };
        let mut shown = view(&queued);
        for (recipient, view) in queued.recipients.iter().zip(&mut shown.recipients) {
            view.tried = queue::attempts(tx, id, recipient.index)?
                .into_iter()
                .map(tried_view)
                .collect();
        }
        Ok(Some(shown))
    });
    read.await?.map(Answer::Message).ok_or_else(|| missing(id))
}

async fn lines(world: &World) -> Result<Answer, Failure> {
    let settings = &world.config.queue;
    let schedule = Schedule::new(settings.retry_base, settings.lifetime, &settings.warn_after);
    let lines = |message: &Queued| listing::lines(message, &schedule);
    let messages = world.store.read(all).await?;
    let lines = messages.iter().flat_map(lines);
    Ok(Answer::Lines(
        lines.map(|line| line.smtpctl(world.now)).collect(),
    ))
}

fn all(tx: &mut Tx<'_>) -> store::Result<Vec<Queued>> {
    let mut messages: Vec<Queued> = Vec::new();
    loop {
        let page = queue::list(tx, messages.last().map(|message| message.id), PAGE)?;
        let last = page.len() < PAGE;
        messages.extend(page);
        if last || messages.len() >= MOST {
            return Ok(messages);
        }
    }
}

fn parse(id: &str) -> Result<QueueId, Failure> {
    id.parse().map_err(|_| {
        Failure::invalid(format!(
            "\"{}\" is not the id of a queued message: `pennyblack queue list` shows them",
            id.escape_debug()
        ))
    })
}

fn missing(id: QueueId) -> Failure {
    Failure::missing(format!(
        "there is no message {id} in the queue: it was delivered or returned, or never there"
    ))
}

fn view(queued: &Queued) -> View {
    View {
        id: queued.id.to_string(),
        sender: queued.reverse_path.clone().unwrap_or_default(),
        created: queued.created.to_string(),
        size: queued.body.size,
        recipients: queued.recipients.iter().map(recipient_view).collect(),
    }
}

fn recipient_view(recipient: &QueuedRecipient) -> RecipientView {
    RecipientView {
        address: recipient.address.clone(),
        state: match recipient.state {
            State::Pending => "pending".into(),
            State::Held => "held".into(),
        },
        attempts: recipient.attempts,
        next_attempt: recipient.next_attempt.to_string(),
        last_attempt: recipient.last_attempt.as_ref().map(Timestamp::to_string),
        last_error: recipient.last_error.clone(),
        tried: Vec::new(),
    }
}

fn tried_view(tried: Tried) -> TriedView {
    let at = Timestamp::from_microsecond(tried.at);
    TriedView {
        attempt: tried.attempt,
        at: at.map(|at| at.to_string()).unwrap_or_default(),
        relay: tried.relay,
        tls: tried.tls,
        status: tried.status,
        words: tried.words,
    }
}

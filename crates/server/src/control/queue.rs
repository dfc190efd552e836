//! The outbound queue: list, show, hold, release, retry, remove, bounce, redirect (C24); and the hosts that mail goes to (C18).

use super::{Failure, FailureKind, Mode, World};
use crate::journey::relay::RouteView;
use ::queue::{Schedule, listing, refusal};
use serde::{Deserialize, Serialize};
use store::queue::{Queued, QueuedRecipient, State, Tried};
use store::{QueueId, Timestamp, queue};

mod change;

pub use change::{Deed, Selection};

/// Messages read from the store at once.
const PAGE: usize = 500;

/// What can be asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Request {
    /// A page of messages: those after this id.
    List {
        after: Option<String>,
    },
    /// A line of 14 fields per recipient, as `smtpctl show queue` prints (Q2), of a page of messages.
    Lines {
        after: Option<String>,
    },
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
    /// A page of messages, the oldest first; the last page is empty.
    List(Vec<View>),
    /// A line for each recipient of a page, the oldest message first, and where the next page begins; nothing: that was all.
    Lines(Vec<String>, Option<String>),
    /// One message.
    Message(View),
    /// What was done to these recipients, or would be.
    Changed {
        /// The deed's past participle: `held`, `released`…
        what: String,
        /// `ID.N address`.
        recipients: Vec<String>,
        /// Those that were left alone, since they are being tried now.
        #[serde(default)]
        busy: Vec<String>,
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
    /// What that means, if it is known (U37).
    #[serde(default)]
    pub meaning: Option<Meaning>,
    /// By which hosts it goes, if that was said by hand.
    #[serde(default)]
    pub via: Option<String>,
    /// The attempts that are remembered, the oldest first (`show` alone).
    #[serde(default)]
    pub tried: Vec<TriedView>,
}

/// What a refusal means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meaning {
    /// Names it.
    pub id: String,
    /// Who says so.
    pub provider: String,
    /// Why, in a word.
    pub cause: String,
    /// What happened, and what the sender can do.
    pub for_sender: String,
    /// What the administrator can do.
    pub for_admin: String,
    /// Where; empty: nowhere.
    pub link: String,
    /// How many seconds more mail to the provider is kept back.
    pub pause: Option<u64>,
}

impl Meaning {
    /// What a reply means, about a recipient in this domain. `None`: it is not known.
    pub fn of(reply: &str, domain: &str) -> Option<Meaning> {
        let known = refusal::meaning(reply)?;
        Some(Meaning {
            id: known.id.into(),
            provider: known.provider.into(),
            cause: known.cause.name().into(),
            for_sender: known.for_sender(domain),
            for_admin: known.cause.for_admin().into(),
            link: known.link.into(),
            pause: known.cause.pause().map(|pause| pause.as_secs()),
        })
    }
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
        Request::List { after } => {
            let page = page(world, after.as_deref()).await?;
            Ok(Answer::List(page.iter().map(view).collect()))
        }
        Request::Lines { after } => lines(world, after.as_deref()).await,
        Request::Show { id } => show(world, &id).await,
        Request::Change { which, what, mode } => change::change(world, which, what, mode).await,
        Request::Routes => {
            let running = world.running.as_ref().ok_or_else(not_running)?;
            let services = &running.services;
            let limit = world.config.relay.per_host;
            let now = services.clock.now();
            let mut routes = services.routes.list(limit, now);
            routes.extend(services.governor.views(&world.config, now));
            Ok(Answer::Routes(routes))
        }
        Request::ResumeRoute { id } => {
            let running = world.running.as_ref().ok_or_else(not_running)?;
            let provider = id.clone();
            let forget =
                move |tx: &mut store::Tx<'_>| store::refusal::resume(tx, provider.as_deref());
            world.store.write(forget).await?;
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

async fn lines(world: &World, after: Option<&str>) -> Result<Answer, Failure> {
    let settings = &world.config.queue;
    let schedule = Schedule::new(settings.retry_base, settings.lifetime, &settings.warn_after);
    let lines = |message: &Queued| listing::lines(message, &schedule);
    let messages = page(world, after).await?;
    let next = messages.last().map(|message| message.id.to_string());
    let lines = messages.iter().flat_map(lines);
    Ok(Answer::Lines(
        lines.map(|line| line.smtpctl(world.now)).collect(),
        next,
    ))
}

/// A queue of millions does not have to fit into memory.
async fn page(world: &World, after: Option<&str>) -> Result<Vec<Queued>, Failure> {
    let after = after.map(parse).transpose()?;
    let read = world.store.read(move |tx| queue::list(tx, after, PAGE));
    Ok(read.await?)
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
        meaning: recipient.last_error.as_deref().and_then(|words| {
            let parts = recipient.address.rsplit_once('@');
            Meaning::of(words, parts.map_or("", |(_, domain)| domain))
        }),
        via: recipient.via.clone(),
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

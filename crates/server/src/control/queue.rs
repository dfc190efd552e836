//! The outbound queue: list, show, retry now, remove.

use super::{Failure, Mode, World, write};
use ::queue::{Schedule, listing};
use serde::{Deserialize, Serialize};
use store::queue::{Queued, QueuedRecipient, State, Update};
use store::{QueueId, Timestamp, Tx, queue};

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
    /// One message, or all of them.
    Retry {
        id: Option<String>,
    },
    /// A message, or one of its recipients. No notice is sent.
    Remove {
        id: String,
        recipient: Option<String>,
        mode: Mode,
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
    /// So many recipients will be tried now.
    Retried(u64),
    /// These recipients are gone, or would be.
    Removed {
        /// Which message.
        id: String,
        /// Which recipients.
        recipients: Vec<String>,
        /// Whether this is what would be done.
        dry_run: bool,
    },
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
    /// Its octets.
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
        Request::Show { id } => {
            let id = parse(&id)?;
            let found = world.store.read(move |tx| queue::by_id(tx, id)).await?;
            found
                .map(|queued| Answer::Message(view(&queued)))
                .ok_or_else(|| missing(id))
        }
        Request::Retry { id } => retry(world, id.as_deref()).await,
        Request::Remove {
            id,
            recipient,
            mode,
        } => remove(world, &id, recipient, mode).await,
    }
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

async fn retry(world: &World, id: Option<&str>) -> Result<Answer, Failure> {
    let (id, now) = (id.map(parse).transpose()?, world.now);
    write(&world.store, move |tx| {
        let messages = match id {
            None => all(tx)?,
            Some(id) => match queue::by_id(tx, id)? {
                Some(message) => vec![message],
                None => return Ok(Err(missing(id))),
            },
        };
        let mut count = 0;
        for message in &messages {
            for recipient in &message.recipients {
                queue::update(
                    tx,
                    message.id,
                    recipient.index,
                    &Update::SetState(State::Pending, Some(now)),
                )?;
                count += 1;
            }
        }
        Ok(Ok(Answer::Retried(count)))
    })
    .await
}

async fn remove(
    world: &World,
    id: &str,
    recipient: Option<String>,
    mode: Mode,
) -> Result<Answer, Failure> {
    let id = parse(id)?;
    write(&world.store, move |tx| {
        let Some(message) = queue::by_id(tx, id)? else {
            return Ok(Err(missing(id)));
        };
        let wanted = |r: &&QueuedRecipient| {
            recipient
                .as_ref()
                .is_none_or(|wanted| r.address.eq_ignore_ascii_case(wanted))
        };
        let gone: Vec<&QueuedRecipient> = message.recipients.iter().filter(wanted).collect();
        if gone.is_empty() {
            return Ok(Err(Failure::missing(format!(
                "message {id} has no recipient {}",
                recipient.as_deref().unwrap_or("")
            ))));
        }
        for recipient in gone.iter().filter(|_| mode == Mode::Do) {
            queue::update(tx, id, recipient.index, &Update::Done)?;
        }
        let recipients = gone
            .iter()
            .map(|recipient| recipient.address.clone())
            .collect();
        Ok(Ok(Answer::Removed {
            id: id.to_string(),
            recipients,
            dry_run: mode == Mode::Pretend,
        }))
    })
    .await
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
    }
}

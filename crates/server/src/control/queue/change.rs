//! What an operator does to mail in the queue (C24): which recipients, and what. Large queues are worked through page by page, each in a
//! transaction of its own, so that mail goes on meanwhile.

use super::super::account::sending::lift;
use super::{Answer, Failure, Mode, PAGE, World, missing, parse};
use crate::config::Route;
use crate::journey::bounce::{self, Notice, Original, Prepared, Speaker, Told};
use crate::run::Running;
use serde::{Deserialize, Serialize};
use smtp::Enhanced;
use std::collections::BTreeSet;
use std::sync::Arc;
use store::queue::{NewQueued, NewQueuedRecipient, Queued, QueuedRecipient, State, Update};
use store::{AccountId, QueueId, Timestamp, Tx, queue};

/// Recipients named in an answer; more are counted.
const NAMED: usize = 1000;

/// Which recipients. All that is said must fit; an empty selection is refused, except for `all`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Selection {
    /// A message, or with `.N` one recipient of it.
    pub id: Option<String>,
    /// Envelope sender, or `@domain` for all of a domain; `<>` for notices.
    pub sender: Option<String>,
    /// Recipient's address.
    pub recipient: Option<String>,
    /// Recipients' domain.
    pub domain: Option<String>,
    /// Part of the last reply, in any case.
    pub reply: Option<String>,
    /// Everything.
    pub all: bool,
}

/// What is done to them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// Not tried until released.
    Hold,
    /// Tried again, from now on.
    Release,
    /// Due now, unless held.
    Retry,
    /// Gone, without notice to the sender.
    Remove,
    /// Sent by these hosts instead of where MX or routes lead (V8), at once; `None`: again as MX and routes say.
    Reroute {
        /// URLs of hosts with `,` between them, as behind `via` in a route.
        via: Option<String>,
    },
    /// Returned to the sender.
    Bounce {
        /// What the sender is told besides.
        reason: Option<String>,
    },
    /// Sent to this address instead, or with `@domain` to the same local part there.
    Redirect {
        /// The new recipient.
        to: String,
    },
}

impl Deed {
    fn done(&self) -> &'static str {
        match self {
            Deed::Hold => "held",
            Deed::Release => "released",
            Deed::Retry => "tried now",
            Deed::Remove => "removed",
            Deed::Reroute { via: Some(_) } => "rerouted",
            Deed::Reroute { via: None } => "routed as usual",
            Deed::Bounce { .. } => "returned to the sender",
            Deed::Redirect { .. } => "redirected",
        }
    }
}

/// A selection that is understood.
#[derive(Clone)]
struct Filter {
    id: Option<QueueId>,
    index: Option<u32>,
    selection: Selection,
}

impl Filter {
    fn new(selection: Selection) -> Result<Filter, Failure> {
        let named = selection.sender.is_some()
            || selection.recipient.is_some()
            || selection.domain.is_some()
            || selection.reply.is_some();
        if selection.id.is_none() && !named && !selection.all {
            return Err(Failure::invalid(
                "say which messages: an id, --from, --to, --domain, --reply, or --all",
            ));
        }
        let (id, index) = match &selection.id {
            None => (None, None),
            Some(text) => match text.split_once('.') {
                None => (Some(parse(text)?), None),
                Some((id, index)) => {
                    let index = index.parse().map_err(|_| {
                        Failure::invalid(format!("\"{}\" is not ID or ID.N", text.escape_debug()))
                    })?;
                    (Some(parse(id)?), Some(index))
                }
            },
        };
        Ok(Filter {
            id,
            index,
            selection,
        })
    }

    fn takes_message(&self, message: &Queued) -> bool {
        let sender = message.reverse_path.as_deref().unwrap_or_default();
        self.selection
            .sender
            .as_deref()
            .is_none_or(|wanted| match wanted {
                "<>" => sender.is_empty(),
                domain if domain.starts_with('@') => ends_with(sender, domain),
                address => sender.eq_ignore_ascii_case(address),
            })
    }

    fn takes(&self, recipient: &QueuedRecipient) -> bool {
        let said = recipient
            .last_error
            .as_deref()
            .unwrap_or_default()
            .to_lowercase();
        let selection = &self.selection;
        self.index.is_none_or(|index| index == recipient.index)
            && selection
                .recipient
                .as_deref()
                .is_none_or(|to| recipient.address.eq_ignore_ascii_case(to))
            && selection
                .domain
                .as_deref()
                .is_none_or(|domain| ends_with(&recipient.address, &format!("@{domain}")))
            && selection
                .reply
                .as_deref()
                .is_none_or(|reply| said.contains(&reply.to_lowercase()))
    }
}

fn ends_with(text: &str, end: &str) -> bool {
    let start = text.len().checked_sub(end.len());
    start
        .and_then(|start| text.get(start..))
        .is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

/// Does it, or says to whom it would be done.
pub(super) async fn change(
    world: &World,
    which: Selection,
    what: Deed,
    mode: Mode,
) -> Result<Answer, Failure> {
    let filter = Filter::new(which)?;
    let deed = checked(what)?;
    let (mut names, mut after, mut count) = (Vec::new(), None, 0);
    let (mut accounts, mut busy) = (BTreeSet::new(), Vec::new());
    loop {
        let page = page(world, &filter, after).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        let chosen: Vec<Queued> = page
            .into_iter()
            .filter_map(|message| choose(&filter, message))
            .collect();
        let hand = Hand::take(world, &deed, mode, chosen, &mut busy);
        let chosen = &hand.messages;
        for message in chosen {
            count += message.recipients.len();
            accounts.extend(message.account);
            let room = NAMED.saturating_sub(names.len());
            let name =
                |one: &QueuedRecipient| format!("{}.{} {}", message.id, one.index, one.address);
            names.extend(message.recipients.iter().take(room).map(name));
        }
        if mode == Mode::Do {
            carry_out(world, &deed, chosen.clone()).await?;
        }
        if filter.id.is_some() {
            break;
        }
    }
    if (deed == Deed::Release) && mode == Mode::Do {
        lift_holds(world, accounts).await?;
    }
    if let (0, Some(id), true) = (count, filter.id, busy.is_empty()) {
        return Err(missing(id));
    }
    if count > names.len() {
        names.push(format!("and {} more", count - names.len()));
    }
    Ok(Answer::Changed {
        what: deed.done().into(),
        recipients: names,
        busy,
        dry_run: mode == Mode::Pretend,
    })
}

/// Messages that a command is busy with. Who is returned or redirected is not tried meanwhile, and who is being tried now is left alone: somebody
/// would get the message twice, or the sender hear the wrong thing. Removing needs no such care.
struct Hand {
    running: Option<Arc<Running>>,
    messages: Vec<Queued>,
}

impl Hand {
    fn take(
        world: &World,
        deed: &Deed,
        mode: Mode,
        chosen: Vec<Queued>,
        busy: &mut Vec<String>,
    ) -> Hand {
        let takes_out = matches!(deed, Deed::Bounce { .. } | Deed::Redirect { .. });
        let running = world
            .running
            .clone()
            .filter(|_| takes_out && mode == Mode::Do);
        let mut messages = chosen;
        if let Some(running) = &running {
            for message in &mut messages {
                let id = message.id;
                message.recipients.retain(|one| {
                    let taken = running.services.in_flight.take(id, one.index);
                    if !taken && busy.len() < NAMED {
                        busy.push(format!("{id}.{} {}", one.index, one.address));
                    }
                    taken
                });
            }
            messages.retain(|message| !message.recipients.is_empty());
        }
        Hand { running, messages }
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            for message in &self.messages {
                let recipients = message.recipients.iter().map(|one| one.index);
                running.services.in_flight.free(message.id, recipients);
            }
        }
    }
}

/// V10: an account is not held any more once all of its mail was released.
async fn lift_holds(world: &World, accounts: BTreeSet<AccountId>) -> Result<(), Failure> {
    let now = world.now;
    for account in accounts {
        let write = move |tx: &mut Tx<'_>| match queue::any_held(tx, account)? {
            true => Ok(()),
            false => lift(tx, account, now),
        };
        world.store.write(write).await?;
    }
    Ok(())
}

fn checked(deed: Deed) -> Result<Deed, Failure> {
    if let Deed::Reroute { via: Some(via) } = &deed {
        let route: Result<Route, String> = format!("via {via}").parse();
        route.map_err(Failure::invalid)?;
    }
    if let Deed::Redirect { to } = &deed {
        let example = match to.strip_prefix('@') {
            Some(domain) => format!("x@{domain}"),
            None => to.clone(),
        };
        super::super::address(&example)?;
    }
    Ok(deed)
}

async fn page(
    world: &World,
    filter: &Filter,
    after: Option<QueueId>,
) -> Result<Vec<Queued>, Failure> {
    let id = filter.id;
    let read = world.store.read(move |tx| match id {
        Some(id) => Ok(queue::by_id(tx, id)?.into_iter().collect()),
        None => queue::list(tx, after, PAGE),
    });
    Ok(read.await?)
}

/// The message with the recipients that are meant, if there are any.
fn choose(filter: &Filter, mut message: Queued) -> Option<Queued> {
    message
        .recipients
        .retain(|recipient| filter.takes(recipient));
    (filter.takes_message(&message) && !message.recipients.is_empty()).then_some(message)
}

/// Recipients that are delivered meanwhile are left alone; what was prepared for them is prepared again for those that are left.
async fn carry_out(world: &World, deed: &Deed, mut messages: Vec<Queued>) -> Result<(), Failure> {
    while !messages.is_empty() {
        let mut steps = Vec::new();
        for message in messages {
            steps.push(Step::prepare(world, deed, message).await?);
        }
        messages = write(world, deed, steps).await?;
    }
    Ok(())
}

/// Returns what could not be done because less than all of it still waits: the part that does.
async fn write(world: &World, deed: &Deed, steps: Vec<Step>) -> Result<Vec<Queued>, Failure> {
    let (deed, now) = (deed.clone(), world.now);
    let write = move |tx: &mut Tx<'_>| {
        let mut again = Vec::new();
        for step in &steps {
            again.extend(step.write(tx, &deed, now)?);
        }
        Ok(again)
    };
    Ok(world.store.write(write).await?)
}

/// What is written for one message.
struct Step {
    message: Queued,
    notice: Option<Prepared>,
    other: Option<NewQueued>,
}

impl Step {
    async fn prepare(world: &World, deed: &Deed, message: Queued) -> Result<Step, Failure> {
        let (mut notice, mut other) = (None, None);
        match deed {
            Deed::Bounce { reason } => {
                notice = returned(world, &message, reason.as_deref()).await?;
            }
            Deed::Redirect { to } => other = Some(redirected(world, &message, to).await?),
            Deed::Hold | Deed::Release | Deed::Retry | Deed::Reroute { .. } | Deed::Remove => {}
        }
        Ok(Step {
            message,
            notice,
            other,
        })
    }

    fn write(&self, tx: &mut Tx<'_>, deed: &Deed, now: Timestamp) -> store::Result<Option<Queued>> {
        if self.notice.is_some() || self.other.is_some() {
            let left = self.left(tx)?;
            if left.recipients.len() < self.message.recipients.len() {
                return Ok((!left.recipients.is_empty()).then_some(left));
            }
        }
        if let Some(notice) = &self.notice {
            notice.write(tx)?;
        }
        if let Some(other) = &self.other {
            let id = queue::add(tx, other)?;
            if self.message.require_tls {
                queue::require_tls(tx, id)?;
            }
            if let Some(by) = &self.message.deliver_by {
                queue::set_deliver_by(tx, id, by)?;
            }
        }
        for recipient in &self.message.recipients {
            apply(tx, self.message.id, recipient, deed, now)?;
        }
        Ok(None)
    }

    /// The message with the recipients that still wait.
    fn left(&self, tx: &mut Tx<'_>) -> store::Result<Queued> {
        let waiting = queue::waiting(tx, self.message.id)?;
        let mut left = self.message.clone();
        left.recipients
            .retain(|recipient| waiting.contains(&recipient.index));
        Ok(left)
    }
}

/// A recipient that has been delivered meanwhile is left alone.
fn apply(
    tx: &mut Tx<'_>,
    id: QueueId,
    recipient: &QueuedRecipient,
    deed: &Deed,
    now: Timestamp,
) -> store::Result<()> {
    let update = match deed {
        Deed::Hold => Update::SetState(State::Held, None),
        Deed::Release => Update::SetState(State::Pending, Some(now)),
        Deed::Retry if recipient.state == State::Held => return Ok(()),
        Deed::Retry => Update::SetState(State::Pending, Some(now)),
        Deed::Reroute { via } => Update::Reroute(via.clone(), now),
        Deed::Remove | Deed::Bounce { .. } | Deed::Redirect { .. } => Update::Done,
    };
    match queue::update(tx, id, recipient.index, &update) {
        Err(store::Error::Missing(_)) => Ok(()),
        changed => changed,
    }
}

/// The notice that these recipients were given up by hand.
async fn returned(
    world: &World,
    message: &Queued,
    reason: Option<&str>,
) -> Result<Option<Prepared>, Failure> {
    let services = match &world.running {
        Some(running) => &running.services,
        None => {
            return Err(Failure::new(
                super::FailureKind::NotRunning,
                "only a running server can return mail to its sender",
            ));
        }
    };
    let told = |recipient: &QueuedRecipient| {
        let said = recipient.last_error.clone();
        let words = reason.map(String::from).or(said);
        Told {
            address: recipient.address.clone(),
            orcpt: recipient.orcpt.clone(),
            status: Enhanced(5, 4, 7),
            words: words.unwrap_or_else(|| "given up by the operator of this server".into()),
            said_by: Speaker::Us,
            remote: None,
            attempted: world.now,
            retry_until: None,
        }
    };
    let wants = |recipient: &&QueuedRecipient| {
        ::queue::Notify(recipient.notify).wants(::queue::Event::Failed)
    };
    let told: Vec<Told> = message.recipients.iter().filter(wants).map(told).collect();
    if told.is_empty() {
        return Ok(None);
    }
    let event = ::queue::Event::Failed;
    let original = Original::queued(services, message, event).await?;
    Ok(bounce::prepare(services, &original, &Notice { event, told }).await?)
}

/// The same message for other recipients; it begins its life in the queue afresh.
async fn redirected(world: &World, message: &Queued, to: &str) -> Result<NewQueued, Failure> {
    let mut staging = world.store.stage();
    let mut body = world.store.open_body(&message.body).await?;
    while let Some(octets) = body.next().await? {
        staging.write(&octets).await?;
    }
    let recipient = |old: &QueuedRecipient| {
        let local = old
            .address
            .rsplit_once('@')
            .map_or(old.address.as_str(), |(local, _)| local);
        NewQueuedRecipient {
            address: match to.starts_with('@') {
                true => format!("{local}{to}"),
                false => to.to_string(),
            },
            orcpt: old
                .orcpt
                .clone()
                .or_else(|| Some(format!("rfc822;{}", old.address))),
            notify: old.notify,
            next_attempt: world.now,
            state: State::Pending,
        }
    };
    let mut recipients: Vec<NewQueuedRecipient> =
        message.recipients.iter().map(recipient).collect();
    recipients.dedup_by(|a, b| a.address == b.address);
    Ok(NewQueued {
        reverse_path: message.reverse_path.clone(),
        envid: message.envid.clone(),
        ret_full: message.ret_full,
        smtputf8: message.smtputf8,
        eight_bit: message.eight_bit,
        account: message.account,
        created: world.now,
        body: staging.finish(&[]).await?,
        header_size: message.header_size,
        recipients,
    })
}

#[cfg(test)]
mod tests;

//! What an account may send (U7), and what follows when its mail is held (V10): show, limit, release, lock.

use super::{Answer, address, end_sessions, found, write};
use crate::control::{Failure, World};
use crate::journey::brake;
use ::queue::brake::{Limits, Span, approve, approve_places, sent};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::sync::Arc;
use store::account::Account;
use store::queue::{self, Queued, State, Update};
use store::sending::{self, OwnLimits, Sending, Submission, Usage};
use store::{AccountId, QueueId, Timestamp, Tx};

/// Before its mail was held, an account was in the wrong hands for so long at most.
const SUSPECTED: SignedDuration = SignedDuration::from_hours(24);
/// Submissions that are looked at.
const MOST_TAKEN_BACK: usize = 100_000;
/// Messages changed in one transaction.
const PAGE: usize = 200;

/// Changes of the limits of an account; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct LimitChange {
    pub messages_per_hour: Option<Limit>,
    pub messages_per_day: Option<Limit>,
    pub recipients_per_hour: Option<Limit>,
    pub recipients_per_day: Option<Limit>,
    pub new_recipients_per_hour: Option<Limit>,
    pub new_recipients_per_day: Option<Limit>,
    pub unusual: Option<UnusualMail>,
}

/// A limit of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// That of the settings.
    Default,
    /// None.
    Unlimited,
    /// So many.
    Most(u32),
}

impl Limit {
    fn stored(self) -> Option<u32> {
        match self {
            Limit::Default => None,
            Limit::Unlimited => Some(0),
            Limit::Most(most) => Some(most),
        }
    }
}

/// What is done with mail that is unusual for the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnusualMail {
    /// What the settings say.
    Default,
    /// It is held.
    Hold,
    /// It goes.
    Send,
}

impl UnusualMail {
    fn stored(self) -> Option<bool> {
        match self {
            UnusualMail::Default => None,
            UnusualMail::Hold => Some(true),
            UnusualMail::Send => Some(false),
        }
    }
}

impl LimitChange {
    fn apply(&self, limits: &mut OwnLimits) {
        let set = |place: &mut Option<u32>, change: Option<Limit>| {
            if let Some(change) = change {
                *place = change.stored();
            }
        };
        set(&mut limits.messages_per_hour, self.messages_per_hour);
        set(&mut limits.messages_per_day, self.messages_per_day);
        set(&mut limits.recipients_per_hour, self.recipients_per_hour);
        set(&mut limits.recipients_per_day, self.recipients_per_day);
        set(&mut limits.strangers_per_hour, self.new_recipients_per_hour);
        set(&mut limits.strangers_per_day, self.new_recipients_per_day);
        if let Some(unusual) = self.unusual {
            limits.hold_unusual = unusual.stored();
        }
    }
}

/// What an account sends, as people see it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct View {
    /// The account.
    pub address: String,
    /// Whether it may log in.
    pub active: bool,
    /// What was sent in the last hour and day, beside the limits; none: no limit.
    pub counts: Vec<Count>,
    /// Whether mail is held when it is unusual.
    pub holds_unusual: bool,
    /// Why its mail is held, if it is.
    pub held: Option<Held>,
    /// Recipients in the queue that are held.
    pub held_recipients: usize,
    /// What this command did, if it did something.
    pub done: Option<String>,
}

/// A count and its limit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Count {
    /// `messages`, `recipients`, `new recipients`.
    pub what: String,
    /// `hour` or `day`.
    pub span: String,
    /// So many in the last.
    pub sent: u32,
    /// The most.
    pub limit: Option<u32>,
    /// Whether that is its own limit or that of the settings.
    pub own_limit: bool,
    /// On the busiest day, or in the busiest hour, of the last weeks.
    pub usual: u32,
}

/// Why mail is held.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Held {
    /// RFC 3339.
    pub since: String,
    /// What was unusual.
    pub why: String,
    /// Which log-in and client sent it.
    pub by: String,
}

/// Shows, and changes limits.
pub(super) async fn limit(
    world: &World,
    text: &str,
    change: LimitChange,
) -> Result<Answer, Failure> {
    let done = (change != LimitChange::default()).then(|| "limits changed".to_string());
    on_account(world, text, done, move |tx, account| {
        if change == LimitChange::default() {
            return Ok(());
        }
        let mut sending = sending::to_change(tx, account.id)?;
        change.apply(&mut sending.limits);
        sending::put(tx, account.id, &sending)
    })
    .await
}

/// What it sent was all right: held mail goes, and as much is usual from now on.
pub(super) async fn release(world: &World, text: &str) -> Result<Answer, Failure> {
    let id = id_of(world, text).await?;
    // First the account, so that nothing is held between the two.
    let now = world.now;
    world.store.write(move |tx| lift(tx, id, now)).await?;
    let update = move |one: &queue::QueuedRecipient| {
        (one.state == State::Held).then_some(Update::SetState(State::Pending, Some(now)))
    };
    let released = each_recipient(world, id, update).await?;
    let done = format!("no longer held; {released} recipients in the queue released");
    on_account(world, text, Some(done), |_, _| Ok(())).await
}

/// The account is not held any more, and what it sent so far does not hold it again.
pub(in crate::control) fn lift(
    tx: &mut Tx<'_>,
    account: AccountId,
    now: Timestamp,
) -> store::Result<()> {
    let mut sending = sending::to_change(tx, account)?;
    if sending.hold.take().is_none() {
        return Ok(());
    }
    approve(&mut sending.tally, now);
    approve_places(&mut sending.places);
    sending::put(tx, account, &sending)
}

/// Somebody else uses it.
pub(super) async fn lock(world: &World, text: &str) -> Result<Answer, Failure> {
    let id = id_of(world, text).await?;
    let answer = super::activate(world, text, false).await?;
    end_sessions(world, answer)?;
    let update = |one: &queue::QueuedRecipient| {
        let why = "held, since the account was locked by an administrator";
        (one.state == State::Pending).then(|| Update::Hold(why.into()))
    };
    let held = each_recipient(world, id, update).await?;
    let done = format!(
        "locked: nobody can log in, its sessions end; {held} more recipients in the queue are held. `pennyblack account enable {text}` ends this"
    );
    on_account(world, text, Some(done), |_, _| Ok(())).await
}

/// The owner says that it was somebody else (V10): the account is locked, and what the culprit sent and has not left yet is taken back. What other
/// clients of the account have sent stays, held until the account is looked after.
pub(super) async fn not_me(world: &World, text: &str) -> Result<Answer, Failure> {
    let id = id_of(world, text).await?;
    let hold = world.store.read(move |tx| Ok(sending::of(tx, id)?.hold));
    let Some(hold) = hold.await? else {
        return Err(Failure::refused(format!(
            "mail of {text} is not held, so nobody is under suspicion: `pennyblack account lock {text}` lets nobody use it, and `account incident` says who did"
        )));
    };
    lock(world, text).await?;
    let all = world
        .store
        .read(move |tx| sending::submissions(tx, id, Timestamp::MIN, MOST_TAKEN_BACK));
    take_back(world, id, Arc::new(theirs(&all.await?, &hold))).await?;
    let hours = u32::try_from(SUSPECTED.as_hours()).unwrap_or(24);
    super::incident::incident(world, text, hours).await
}

/// What somebody else has submitted: all from the client that sent what was unusual, and what came in that time from clients that the account was not
/// used with before.
fn theirs(all: &[Submission], hold: &sending::Hold) -> HashSet<i64> {
    let since = hold.since - SUSPECTED.as_secs() * 1_000_000;
    let (before, lately): (Vec<_>, Vec<_>) = all.iter().partition(|one| one.at < since);
    let own: HashSet<&str> = before.iter().map(|one| client(&one.by)).collect();
    let culprit = client(&hold.by);
    let theirs = lately.into_iter().filter(|one| {
        let client = client(&one.by);
        client == culprit || !own.contains(client)
    });
    theirs.map(|one| one.at).collect()
}

/// The address in the words for a log-in and a client: what else they hold, a client may choose.
fn client(by: &str) -> &str {
    let address = by.split_once(" used from ").map_or(by, |(_, rest)| rest);
    address.split([' ', ',']).next().unwrap_or(address)
}

/// Removes what is left of these messages from the queue, and notes that. A recipient who is being written to at this moment may still get it.
async fn take_back(
    world: &World,
    account: AccountId,
    theirs: Arc<HashSet<i64>>,
) -> Result<(), Failure> {
    let mut after = None;
    loop {
        let theirs = Arc::clone(&theirs);
        let page = world.store.write(move |tx| {
            let messages = queue::of_account(tx, account, after, PAGE)?;
            for message in &messages {
                let at = message.created.as_microsecond();
                if !theirs.contains(&at) {
                    continue;
                }
                for recipient in &message.recipients {
                    queue::update(tx, message.id, recipient.index, &Update::Done)?;
                    sending::take_back(tx, account, at, &recipient.address)?;
                }
            }
            Ok(messages.last().map(|message| message.id))
        });
        match page.await? {
            Some(last) => after = Some(last),
            None => return Ok(()),
        }
    }
}

async fn id_of(world: &World, text: &str) -> Result<AccountId, Failure> {
    let key = address(text)?.key();
    let find = world.store.read(move |tx| found(tx, &key));
    Ok(find.await??.id)
}

/// Changes recipients of the account in the queue, page by page. How many there were.
async fn each_recipient(
    world: &World,
    account: AccountId,
    update: impl Fn(&queue::QueuedRecipient) -> Option<Update> + Clone + Send + 'static,
) -> Result<usize, Failure> {
    let (mut after, mut all) = (None, 0);
    loop {
        let update = update.clone();
        let page = world
            .store
            .write(move |tx| page(tx, account, after, &update));
        let (last, changed) = page.await?;
        all += changed;
        match last {
            Some(last) => after = Some(last),
            None => return Ok(all),
        }
    }
}

fn page(
    tx: &mut Tx<'_>,
    account: AccountId,
    after: Option<QueueId>,
    update: &dyn Fn(&queue::QueuedRecipient) -> Option<Update>,
) -> store::Result<(Option<QueueId>, usize)> {
    let messages: Vec<Queued> = queue::of_account(tx, account, after, PAGE)?;
    let mut changed = 0;
    for message in &messages {
        for recipient in &message.recipients {
            if let Some(update) = update(recipient) {
                queue::update(tx, message.id, recipient.index, &update)?;
                changed += 1;
            }
        }
    }
    Ok((messages.last().map(|message| message.id), changed))
}

/// Does something with an account, and shows what it sends.
async fn on_account<F>(
    world: &World,
    text: &str,
    done: Option<String>,
    work: F,
) -> Result<Answer, Failure>
where
    F: Fn(&mut Tx<'_>, &Account) -> store::Result<()> + Send + 'static,
{
    let (key, config, now) = (address(text)?.key(), world.config.clone(), world.now);
    write(&world.store, move |tx| {
        let before = match found(tx, &key)? {
            Ok(account) => account,
            Err(why) => return Ok(Err(why)),
        };
        work(tx, &before)?;
        let sending = sending::of(tx, before.id)?;
        let limits = brake::limits(&config.brake, &sending.limits);
        Ok(Ok(Answer::Sending(Box::new(View {
            counts: counts(&limits, &sending, now),
            holds_unusual: sending
                .limits
                .hold_unusual
                .unwrap_or(config.brake.hold_unusual),
            held: sending.hold.map(held),
            held_recipients: held_recipients(tx, before.id)?,
            done: done.clone(),
            address: before.address,
            active: before.active,
        }))))
    })
    .await
}

fn held_recipients(tx: &mut Tx<'_>, account: AccountId) -> store::Result<usize> {
    let (mut after, mut held) = (None, 0);
    loop {
        let messages = queue::of_account(tx, account, after, PAGE)?;
        let Some(last) = messages.last() else {
            return Ok(held);
        };
        after = Some(last.id);
        let recipients = messages.iter().flat_map(|message| &message.recipients);
        held += recipients.filter(|one| one.state == State::Held).count();
    }
}

fn held(hold: sending::Hold) -> Held {
    let since = Timestamp::from_microsecond(hold.since);
    Held {
        since: since.map(|since| since.to_string()).unwrap_or_default(),
        why: hold.why,
        by: hold.by,
    }
}

fn counts(limits: &Limits, sending: &Sending, now: Timestamp) -> Vec<Count> {
    let own = &sending.limits;
    let spans = [
        (
            Span::Hour,
            limits.hour,
            [
                own.messages_per_hour,
                own.recipients_per_hour,
                own.strangers_per_hour,
            ],
        ),
        (
            Span::Day,
            limits.day,
            [
                own.messages_per_day,
                own.recipients_per_day,
                own.strangers_per_day,
            ],
        ),
    ];
    let of_span = |(span, limits, own): (Span, Usage, [Option<u32>; 3])| {
        let sent = numbers(sent(&sending.tally, span, now));
        let usual = numbers(usual(sending, span));
        let limits = numbers(limits);
        ["messages", "recipients", "new recipients"]
            .into_iter()
            .enumerate()
            .map(move |(n, what)| Count {
                what: what.into(),
                span: span.to_string(),
                sent: sent[n],
                limit: Some(limits[n]).filter(|limit| *limit > 0),
                own_limit: own[n].is_some(),
                usual: usual[n],
            })
    };
    spans.into_iter().flat_map(of_span).collect()
}

fn usual(sending: &Sending, span: Span) -> Usage {
    let days = sending.tally.days.iter();
    let of = |day: &sending::Day| match span {
        Span::Hour => day.peak,
        Span::Day => day.total,
    };
    days.map(of).fold(Usage::default(), |most, one| Usage {
        messages: most.messages.max(one.messages),
        recipients: most.recipients.max(one.recipients),
        strangers: most.strangers.max(one.strangers),
    })
}

fn numbers(usage: Usage) -> [u32; 3] {
    [usage.messages, usage.recipients, usage.strangers]
}

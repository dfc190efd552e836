//! The note on an account in the wrong hands (V10): what was sent from it, with which log-ins and from where, to whom, and what of that has not
//! left yet. It says in which country a client was if the operator has a list of those.

use super::{Answer, address, found, write};
use crate::control::{Failure, World};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use store::account::Account;
use store::queue::{self, State};
use store::sending::{self, Submission};
use store::{AccountId, Timestamp, Tx};

/// Submissions that are looked at.
const MOST: usize = 100_000;
/// Messages of the queue that are read at once.
const PAGE: usize = 500;

/// What was sent from an account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct View {
    /// The account.
    pub address: String,
    /// Since when it was looked at, RFC 3339.
    pub since: String,
    /// Messages submitted.
    pub messages: usize,
    /// Who did it: log-ins and clients, those with the most messages first.
    pub clients: Vec<Client>,
    /// Each message for each recipient, the oldest first.
    pub recipients: Vec<Recipient>,
    /// The note, for people.
    pub note: String,
}

/// A log-in and a client.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Client {
    /// In words.
    pub by: String,
    /// Messages.
    pub messages: usize,
    /// RFC 3339.
    pub first: String,
    /// RFC 3339.
    pub last: String,
}

/// A recipient of a message.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Recipient {
    /// RFC 3339.
    pub at: String,
    /// To whom.
    pub address: String,
    /// `gone` (it left, was refused, was filed here, or was removed by hand), `held` or `waiting` in the queue, `taken-back` by `account not-me`.
    pub state: String,
}

/// Looks, and writes the note.
pub(super) async fn incident(world: &World, text: &str, hours: u32) -> Result<Answer, Failure> {
    let (key, now) = (address(text)?.key(), world.now);
    let hours = SignedDuration::from_hours(i64::from(hours));
    write(&world.store, move |tx| {
        let account = match found(tx, &key)? {
            Ok(account) => account,
            Err(why) => return Ok(Err(why)),
        };
        let view = view(tx, &account, now, hours)?;
        Ok(Ok(Answer::Incident(Box::new(view))))
    })
    .await
}

fn view(
    tx: &mut Tx<'_>,
    account: &Account,
    now: Timestamp,
    hours: SignedDuration,
) -> store::Result<View> {
    let hold = sending::of(tx, account.id)?.hold;
    let held = hold.as_ref().map(|hold| stamp(hold.since));
    let since = held.unwrap_or(now).saturating_sub(hours);
    let since = since.unwrap_or(Timestamp::MIN);
    let submissions = sending::submissions(tx, account.id, since, MOST)?;
    let queued = queued(tx, account.id)?;
    let mut view = View {
        address: account.address.clone(),
        since: since.to_string(),
        messages: submissions.len(),
        clients: clients(&submissions),
        recipients: recipients(&submissions, &queued),
        note: String::new(),
    };
    view.note = note(
        &view,
        account,
        hold.as_ref().map(|hold| hold.why.as_str()),
        since,
    );
    Ok(view)
}

fn stamp(microseconds: i64) -> Timestamp {
    Timestamp::from_microsecond(microseconds).unwrap_or_default()
}

/// Recipients of the account in the queue: when they were queued, and who they are.
type InQueue = HashMap<(i64, String), State>;

fn queued(tx: &mut Tx<'_>, account: AccountId) -> store::Result<InQueue> {
    let (mut after, mut found) = (None, InQueue::new());
    loop {
        let messages = queue::of_account(tx, account, after, PAGE)?;
        let Some(last) = messages.last() else {
            return Ok(found);
        };
        after = Some(last.id);
        for message in messages {
            let at = message.created.as_microsecond();
            let recipients = message.recipients.into_iter();
            found.extend(recipients.map(|one| ((at, one.address.to_lowercase()), one.state)));
        }
    }
}

fn clients(submissions: &[Submission]) -> Vec<Client> {
    let mut by: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for one in submissions {
        by.entry(&one.by).or_default().push(one.at);
    }
    let written = |time: Option<&i64>| time.copied().map(stamp).unwrap_or_default().to_string();
    let client = |(by, times): (&str, Vec<i64>)| Client {
        by: by.to_string(),
        messages: times.len(),
        first: written(times.first()),
        last: written(times.last()),
    };
    let mut clients: Vec<Client> = by.into_iter().map(client).collect();
    clients.sort_by_key(|client| std::cmp::Reverse(client.messages));
    clients
}

fn recipients(submissions: &[Submission], queued: &InQueue) -> Vec<Recipient> {
    let of = |one: &Submission| {
        let at = one.at;
        let taken_back = one.taken_back.clone();
        let recipient = move |address: String| Recipient {
            at: stamp(at).to_string(),
            state: match queued.get(&(at, address.to_lowercase())) {
                Some(State::Held) => "held",
                Some(State::Pending) => "waiting",
                None if taken_back
                    .iter()
                    .any(|one| one.eq_ignore_ascii_case(&address)) =>
                {
                    "taken-back"
                }
                None => "gone",
            }
            .to_string(),
            address,
        };
        one.to.clone().into_iter().map(recipient)
    };
    submissions.iter().flat_map(of).collect()
}

fn note(view: &View, account: &Account, held: Option<&str>, since: Timestamp) -> String {
    let mut text = summary(view, account, held, since);
    // Writing to a string cannot fail.
    let _ = writeln!(text, "\nSent with:");
    for client in &view.clients {
        let _ = writeln!(
            text,
            "  {}: {} messages from {} to {}",
            client.by, client.messages, client.first, client.last
        );
    }
    for (state, title) in [
        (
            "gone",
            "Not in the queue any more: they have it, or their server refused it",
        ),
        ("taken-back", "Do not have it: taken back from the queue"),
        ("held", "Do not have it: held in the queue"),
        ("waiting", "Do not have it yet: waiting in the queue"),
    ] {
        let mut there = in_state(view, state).peekable();
        if there.peek().is_some() {
            let _ = writeln!(text, "\n{title}:");
        }
        for one in there {
            let _ = writeln!(text, "  {}  {}", one.at, one.address);
        }
    }
    text
}

/// How much it is, and how the account stands.
fn summary(view: &View, account: &Account, held: Option<&str>, since: Timestamp) -> String {
    let mut text = format!(
        "Mail that was sent from the account {} since {}\n\n",
        view.address,
        message::date::write(since)
    );
    let _ = writeln!(
        text,
        "{} messages to {} recipients: {} are not in the queue any more (they have it, or their server refused it), {} were taken back, {} are held \
         there, {} wait there.",
        view.messages,
        view.recipients.len(),
        in_state(view, "gone").count(),
        in_state(view, "taken-back").count(),
        in_state(view, "held").count(),
        in_state(view, "waiting").count()
    );
    if let Some(why) = held {
        let _ = writeln!(
            text,
            "Its mail is held, since unusually much was sent: {why}."
        );
    }
    let _ = writeln!(
        text,
        "The account can {}be logged in to at present.",
        if account.active { "" } else { "not " }
    );
    text
}

fn in_state<'a>(view: &'a View, state: &'a str) -> impl Iterator<Item = &'a Recipient> {
    view.recipients.iter().filter(move |one| one.state == state)
}

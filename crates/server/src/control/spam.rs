//! The filter: teach it, ask what it thinks of a message and why, and how much it knows (I13, I14).

mod refused;
mod what_if;
mod wishes;

pub use refused::Refused;
pub use what_if::{Change, Flow, Moved, WhatIf};
pub use wishes::{Wish, WishChange, WishesOf};

use super::{Failure, World, address, moment};
use crate::learning::{Models, Said, lesson};
use ::spam::Mail;
use ::spam::features::{Compact, Features};
use ::spam::rules::{self, Circumstances};
use ::spam::verdict::{self, Reason};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use store::learn::{Class, Origin};
use store::lesson::{self as lessons, Counts, Period, Scope, Taught};
use store::mailbox::SpecialUse;
use store::{AccountId, account, entry, learn, mailbox};

/// What can be asked for. An account is named by its address; without one it is all accounts' filter.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Request {
    /// Learns messages.
    Teach {
        account: Option<String>,
        /// `None`: what was learned of them is taken back.
        class: Option<Judged>,
        messages: Vec<Seen>,
    },
    /// Takes back what was taught in a time, by an account, or by anybody (V19).
    Unlearn {
        account: Option<String>,
        /// A time (RFC 3339), a date, or so long ago (`2d`).
        since: String,
        /// The same; `None`: now.
        until: Option<String>,
    },
    /// Learns every message in Junk as spam, and every message in INBOX that was read as ham (I13).
    TeachAll {
        /// `None`: of all accounts.
        account: Option<String>,
    },
    /// What is thought of a message.
    Score {
        account: Option<String>,
        message: Excerpt,
    },
    /// How much is known.
    Stat { account: Option<String> },
    /// What other weights and thresholds would have made of the mail of the last days.
    WhatIf {
        account: Option<String>,
        days: u32,
        change: Change,
    },
    /// What was refused, by its id in the reply.
    Refused { id: String },
    /// Changes what an account wishes, and says what that is.
    Wishes { account: String, change: WishChange },
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Judged {
    Ham,
    Spam,
}

impl From<Judged> for Class {
    fn from(judged: Judged) -> Class {
        match judged {
            Judged::Ham => Class::Ham,
            Judged::Spam => Class::Spam,
        }
    }
}

/// What is learned of a message: its features, on their way through JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Seen(String);

impl Seen {
    /// Of a message as it is in a mailbox or a file.
    pub fn of(octets: &[u8]) -> Seen {
        let features = crate::learning::features(octets);
        Seen(BASE64_STANDARD.encode(Compact::pack(&features).octets()))
    }

    /// Octets in a request.
    pub fn size(&self) -> usize {
        self.0.len() + 3
    }

    fn features(&self) -> Result<Features, Failure> {
        let octets = BASE64_STANDARD.decode(&self.0).ok();
        let features = octets.and_then(|octets| Compact::from_octets(octets).unpack());
        features.ok_or_else(|| Failure::invalid("these are no features of this version"))
    }
}

/// The beginning of a message, on its way through JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Excerpt(String);

/// Octets of a message that are looked at by command.
const EXCERPT: usize = 512 * 1024;

impl Excerpt {
    /// Of a message.
    pub fn of(octets: &[u8]) -> Excerpt {
        Excerpt(BASE64_STANDARD.encode(&octets[..octets.len().min(EXCERPT)]))
    }

    fn octets(&self) -> Result<Vec<u8>, Failure> {
        let octets = BASE64_STANDARD.decode(&self.0);
        octets.map_err(|why| Failure::invalid(format!("the message is not in base64: {why}")))
    }
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Answer {
    Taught(Lessons),
    Scored(Scored),
    Stat(Stat),
    WhatIf(WhatIf),
    /// `None`: it is not known, or not any more.
    Refused(Option<Box<Refused>>),
    Wishes(WishesOf),
}

/// What became of the messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lessons {
    /// They were new.
    pub learned: usize,
    /// They were known as the opposite, or what was learned is taken back.
    pub corrected: usize,
    /// They were known already; or nothing was to be taken back.
    pub known: usize,
    /// They wait to be learned.
    pub waiting: u64,
}

impl Lessons {
    /// Both together.
    pub fn and(self, other: Lessons) -> Lessons {
        Lessons {
            learned: self.learned + other.learned,
            corrected: self.corrected + other.corrected,
            known: self.known + other.known,
            waiting: self.waiting + other.waiting,
        }
    }

    fn count(&mut self, taught: Taught) {
        match taught {
            Taught::New => self.learned += 1,
            Taught::Corrected => self.corrected += 1,
            Taught::Known => self.known += 1,
        }
    }
}

/// What is thought of a message, by what it says alone: no network, no envelope.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Scored {
    /// The sum of the weights.
    pub score: f32,
    /// From here on it is junk.
    pub junk: f32,
    /// `spam`, `ham`, or `unsure` if it is neither junk nor speaks anything against that.
    pub verdict: String,
    /// Why, the heaviest first.
    pub reasons: Vec<Reason>,
    /// What models say, before it is made points.
    pub models: Vec<ModelSays>,
}

/// What a model says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ModelSays {
    /// `server`, or the address of an account.
    pub model: String,
    /// Log odds of spam, by what was looked at.
    pub octets: f32,
    /// See `octets`.
    pub text: f32,
    /// See `octets`.
    pub words: f32,
    /// See `octets`.
    pub bayes: f32,
    /// Their sum.
    pub sum: f64,
    /// From this sum on it calls a message spam.
    pub threshold: f64,
    /// Wanted messages that it has learned.
    pub ham: f64,
    /// Unwanted ones.
    pub spam: f64,
}

/// How much is known.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stat {
    /// All that was learned: messages, where one that only looks wanted counts a fifth.
    pub ham: f64,
    /// See `ham`.
    pub spam: f64,
    /// Messages that wait to be learned.
    pub waiting: u64,
    /// From which sum on the model of all calls a message spam; none: it knows nothing.
    pub threshold: Option<f64>,
    /// Its octets of memory.
    pub memory: Option<usize>,
    /// Accounts that have taught anything.
    pub accounts: Vec<Counted>,
}

/// What an account has taught.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Counted {
    /// Its address.
    pub account: String,
    /// Wanted messages.
    pub ham: f64,
    /// Unwanted ones.
    pub spam: f64,
}

pub(super) async fn execute(world: &World, request: Request) -> Result<Answer, Failure> {
    match request {
        Request::Teach {
            account,
            class,
            messages,
        } => {
            let account = find(world, account).await?;
            teach(world, account, class, messages).await
        }
        Request::Unlearn {
            account,
            since,
            until,
        } => {
            let account = find(world, account).await?;
            let period = Period {
                account: account.map(|(id, _)| id),
                since: moment(world.now, &since)?,
                until: until.map_or(Ok(world.now), |until| moment(world.now, &until))?,
            };
            unlearn(world, period).await.map(Answer::Taught)
        }
        Request::TeachAll { account } => {
            let account = find(world, account).await?;
            teach_all(world, account).await
        }
        Request::Score { account, message } => {
            let account = find(world, account).await?;
            score(world, account, &message).await.map(Answer::Scored)
        }
        Request::Stat { account } => {
            let account = find(world, account).await?;
            stat(world, account).await.map(Answer::Stat)
        }
        Request::WhatIf {
            account,
            days,
            change,
        } => {
            let answer = what_if::what_if(world, account, days, &change);
            answer.await.map(Answer::WhatIf)
        }
        Request::Wishes { account, change } => {
            let missing = || Failure::missing(format!("there is no account {account}"));
            let named = find(world, Some(account.clone()))
                .await?
                .ok_or_else(missing)?;
            wishes::wishes(world, named, change)
                .await
                .map(Answer::Wishes)
        }
        Request::Refused { id } => {
            let found = refused::by_id(world, &id).await?;
            Ok(Answer::Refused(found.map(Box::new)))
        }
    }
}

type Named = (AccountId, String);

async fn find(world: &World, text: Option<String>) -> Result<Option<Named>, Failure> {
    let Some(text) = text else {
        return Ok(None);
    };
    let wanted = address(&text)?.to_string();
    let known = world.store.read(move |tx| account::by_address(tx, &wanted));
    let missing = || Failure::missing(format!("there is no account {text}"));
    let found = known.await?.ok_or_else(missing)?;
    Ok(Some((found.id, found.address)))
}

async fn teach(
    world: &World,
    account: Option<Named>,
    class: Option<Judged>,
    messages: Vec<Seen>,
) -> Result<Answer, Failure> {
    let id = account.map(|(id, _)| id);
    let features: Result<Vec<Features>, Failure> = messages.iter().map(Seen::features).collect();
    let features = features?;
    let from = match id {
        Some(_) => world.config.learn.from_accounts,
        None => crate::config::LearnFrom::All,
    };
    let work = move |tx: &mut store::Tx<'_>| match class {
        Some(class) => {
            let of = |seen| lesson::of(id, None, seen, class.into(), Origin::Command, from);
            let all: Vec<lessons::Lesson> = features.iter().map(of).collect();
            lesson::teach_all(tx, &all)
        }
        None => features
            .iter()
            .map(|seen| take_back(tx, id, seen))
            .collect(),
    };
    let mut counts = Lessons::default();
    for taught in world.store.write(work).await? {
        counts.count(taught);
    }
    if let Some(running) = &world.running {
        id.into_iter()
            .for_each(|id| running.services.models.has_learned(id));
    }
    Ok(Answer::Taught(counts))
}

fn take_back(
    tx: &mut store::Tx<'_>,
    account: Option<AccountId>,
    seen: &Features,
) -> store::Result<Taught> {
    store::near_copy::forget(tx, seen.digest())?;
    Ok(match lessons::unlearn(tx, account, seen.digest())? {
        Some(_) => Taught::Corrected,
        None => Taught::Known,
    })
}

/// Messages that are taken back in one transaction.
const TAKEN_BACK_AT_ONCE: usize = 500;

async fn unlearn(world: &World, period: Period) -> Result<Lessons, Failure> {
    let drop = move |tx: &mut store::Tx<'_>| learn::drop_period(tx, &period);
    let mut taken = Lessons {
        known: world.store.write(drop).await? as usize,
        ..Lessons::default()
    };
    loop {
        let work = move |tx: &mut store::Tx<'_>| {
            let digests = lessons::unlearn_period(tx, &period, TAKEN_BACK_AT_ONCE)?;
            for digest in &digests {
                store::near_copy::forget(tx, *digest)?;
            }
            Ok(digests.len())
        };
        let count = world.store.write(work).await?;
        taken.corrected += count;
        if count < TAKEN_BACK_AT_ONCE {
            return Ok(taken);
        }
    }
}

/// Messages of one account that are taught at once.
const MOST: usize = 2000;

async fn teach_all(world: &World, account: Option<Named>) -> Result<Answer, Failure> {
    let accounts = match account {
        Some((id, _)) => vec![id],
        None => {
            let all = world.store.read(account::list).await?;
            all.into_iter().map(|account| account.id).collect()
        }
    };
    for id in accounts {
        let junk = world.config.mail.junk.clone();
        world
            .store
            .write(move |tx| teach_mailboxes(tx, id, &junk))
            .await?;
    }
    let waiting = world.store.read(learn::waiting).await?;
    Ok(Answer::Taught(Lessons {
        waiting,
        ..Lessons::default()
    }))
}

fn teach_mailboxes(tx: &mut store::Tx<'_>, id: AccountId, junk: &str) -> store::Result<()> {
    let found = match mailbox::by_special_use(tx, id, SpecialUse::Junk)? {
        Some(found) => Some(found),
        None => mailbox::by_name(tx, id, junk)?,
    };
    if let Some(junk) = found {
        for message in entry::messages(tx, id, junk.id, &[1..=u32::MAX], MOST)? {
            learn::add(tx, id, message, Class::Spam, Origin::Command)?;
        }
    }
    if let Some(inbox) = mailbox::by_name(tx, id, mailbox::INBOX)? {
        for message in entry::messages(tx, id, inbox.id, &[1..=u32::MAX], MOST)? {
            learn::add(tx, id, message, Class::Ham, Origin::Command)?;
        }
    }
    Ok(())
}

/// The models of the running server, or those in the store, up to date.
async fn models(world: &World, account: Option<AccountId>) -> Result<Arc<Models>, Failure> {
    let models = match &world.running {
        Some(running) => running.services.models.clone(),
        None => Arc::default(),
    };
    models.catch_up(&world.store).await?;
    if let Some(account) = account {
        models.open(&world.store, account).await?;
    }
    Ok(models)
}

async fn score(
    world: &World,
    account: Option<Named>,
    message: &Excerpt,
) -> Result<Scored, Failure> {
    let octets = message.octets()?;
    let models = models(world, account.as_ref().map(|(id, _)| *id)).await?;
    let settings = world.config.spam.clone();
    let junk = settings.thresholds().junk_score();
    let scored = tokio::task::spawn_blocking(move || {
        let octets = crate::learning::as_arrived(&octets);
        let mail = Mail::open(&octets);
        let mut reasons = rules::apply(&mail, Circumstances::default());
        let features = Features::of(&mail);
        let mut says = Vec::new();
        let own = account.and_then(|(id, address)| Some((address, models.own(id, &features)?)));
        let shared = models
            .shared(&features)
            .map(|said| ("server".to_owned(), said));
        for (model, (said, reason)) in shared.into_iter().chain(own) {
            says.push(model_says(model, &said));
            reasons.push(reason);
        }
        settings.reweigh(&mut reasons);
        summed(reasons, says, junk)
    });
    scored
        .await
        .map_err(|why| Failure::new(super::FailureKind::Internal, why.to_string()))
}

fn summed(mut reasons: Vec<Reason>, models: Vec<ModelSays>, junk: f32) -> Scored {
    reasons.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()));
    let score = verdict::sum(&reasons);
    let verdict = match score {
        score if score >= junk => "spam",
        score if score > 0.0 => "unsure",
        _ => "ham",
    };
    Scored {
        score,
        junk,
        verdict: verdict.into(),
        reasons,
        models,
    }
}

fn model_says(model: String, said: &Said) -> ModelSays {
    let [octets, text, words] = said.opinion.views;
    ModelSays {
        model,
        octets,
        text,
        words,
        bayes: said.opinion.bayes,
        sum: said.opinion.sum(),
        threshold: said.threshold,
        ham: said.opinion.seen.ham,
        spam: said.opinion.seen.spam,
    }
}

async fn stat(world: &World, account: Option<Named>) -> Result<Stat, Failure> {
    let models = models(world, None).await?;
    let condition = models.condition();
    let only = account;
    let counted = world
        .store
        .read(move |tx| {
            let all = match &only {
                Some(named) => vec![named.clone()],
                None => {
                    let all = account::list(tx)?;
                    all.into_iter()
                        .map(|account| (account.id, account.address))
                        .collect()
                }
            };
            let mut counted = Vec::new();
            for (id, address) in all {
                counted.push((address, lessons::counts(tx, Scope::Account(id))?));
            }
            Ok((
                lessons::counts(tx, Scope::Server)?,
                counted,
                learn::waiting(tx)?,
            ))
        })
        .await?;
    let (all, accounts, waiting) = counted;
    let taught = |counts: &Counts| counts.ham != 0.0 || counts.spam != 0.0;
    Ok(Stat {
        ham: all.ham,
        spam: all.spam,
        waiting,
        threshold: condition.map(|condition| condition.threshold),
        memory: condition.map(|condition| condition.octets),
        accounts: accounts
            .into_iter()
            .filter(|(_, counts)| taught(counts))
            .map(|(account, counts)| Counted {
                account,
                ham: counts.ham,
                spam: counts.spam,
            })
            .collect(),
    })
}

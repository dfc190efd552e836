//! Runs scripts on what happened over IMAP (RFC 6785; G15, H26): takes events off the store's list, after the command that caused them has
//! its answer, and never on an async worker.
//!
//! Each account has its turn for a few messages, so that whoever copies a whole mailbox holds up nobody else. What cannot be run now is tried
//! again later; a script that fails leaves the message as it is (I12). Killed in the middle, scripts look at a few messages again.

use crate::Services;
use crate::journey::passed_on::Passing;
use crate::scripts::event::flags_of;
use crate::scripts::letters;
use crate::scripts::run::{self, Case, Happened, Letter, Occasion, Recipient};
use crate::scripts::settle::Settled;
use crate::scripts::{effects, effects::Answers, effects::Original};
use jiff::SignedDuration;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::entry::{self, Content, Entry};
use store::script::event::{self, Event, Pending};
use store::{AccountId, MessageId, Timestamp, account, judgement};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Accounts whose scripts run at once.
const LANES: usize = 2;
/// Accounts that are taken at once.
const ROUND: usize = 100;
/// Messages that an account has looked at in one turn, and how long that may take.
const TURN: usize = 32;
const TURN_TIME: Duration = Duration::from_secs(5);
/// An event of which nothing more is heard is taken again after this time.
const LEASE: SignedDuration = SignedDuration::from_mins(10);
/// The first retry of what cannot be run now comes after this time, the next ones after twice the time before.
const RETRY: SignedDuration = SignedDuration::from_mins(1);
/// After so many tries in vain an event is given up: a day.
const MOST_ATTEMPTS: u32 = 11;
/// Pause after a failure of the store, and how often to look for what other processes have put on the list.
const PAUSE: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_secs(60);

/// Runs until the server stops.
pub(super) async fn run(services: Arc<Services>) {
    let shutdown = services.shutdown.clone();
    shutdown.run_until_cancelled(keep_running(services)).await;
}

async fn keep_running(services: Arc<Services>) {
    let mut work = services.store.watch_events();
    loop {
        work.mark_unchanged();
        match round(&services).await {
            Ok(0) => until_due(&services, &mut work).await,
            Ok(_) => {}
            Err(error) => {
                tracing::error!(%error, "events for scripts cannot be read; trying again");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// A turn for each account that has something to do; returns how many these are.
async fn round(services: &Arc<Services>) -> store::Result<usize> {
    let now = services.clock.now();
    let due = services.store.read(move |tx| event::due(tx, now, ROUND));
    let accounts = due.await?;
    let count = accounts.len();
    let mut lanes = JoinSet::new();
    let mut outcomes = Vec::new();
    for account in accounts {
        if lanes.len() >= LANES {
            outcomes.extend(lanes.join_next().await);
        }
        lanes.spawn(turn(services.clone(), account));
    }
    outcomes.extend(lanes.join_all().await.into_iter().map(Ok));
    for outcome in outcomes {
        outcome
            .map_err(|error| store::Error::Bug(format!("a turn of scripts panicked: {error}")))??;
    }
    Ok(count)
}

/// Waits for new work, or until something is due.
async fn until_due(services: &Services, work: &mut watch::Receiver<u64>) {
    let next = services.store.read(event::next_due).await;
    let due = async {
        match next {
            Ok(Some(next)) => services.clock.reached(next).await,
            Ok(None) => std::future::pending().await,
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    };
    tokio::select! {
        changed = work.changed() => {
            if changed.is_err() {
                // The store is gone; so will we be soon.
                tokio::time::sleep(PAUSE).await;
            }
        }
        () = due => {}
        () = tokio::time::sleep(LOOK) => {}
    }
}

/// The oldest event of an account, or a part of it.
async fn turn(services: Arc<Services>, account: AccountId) -> store::Result<()> {
    let now = services.clock.now();
    let again = now.saturating_add(LEASE).unwrap_or(Timestamp::MAX);
    let begun = services
        .store
        .write(move |tx| event::begin(tx, account, now, again));
    let Some(pending) = begun.await? else {
        return Ok(());
    };
    let Some(messages) = messages(&services, &pending).await? else {
        return remove(&services, pending).await;
    };
    let turn = Turn {
        services: services.clone(),
        address: messages.address,
        pending: pending.clone(),
    };
    let left = behind(&pending.event.uids, messages.last);
    let looked_at = turn.look_at(messages.found).await;
    turn.settle(looked_at, left).await
}

async fn remove(services: &Services, pending: Pending) -> store::Result<()> {
    let removed = services.store.write(move |tx| event::remove(tx, &pending));
    removed.await
}

/// The messages of a turn.
struct Messages {
    /// The account's.
    address: String,
    found: Vec<(Entry, Content)>,
    /// The highest UID among those looked for.
    last: u32,
}

/// `None`: there are none (any more).
async fn messages(services: &Services, pending: &Pending) -> store::Result<Option<Messages>> {
    let (account, event) = (pending.account, pending.event.clone());
    let read = services.store.read(move |tx| {
        let Some(owner) = account::by_id(tx, account)? else {
            return Ok(None);
        };
        let found = entry::scan_contents(tx, account, event.mailbox, &event.uids, None, TURN)?;
        Ok(Some((owner.address, found)))
    });
    Ok(read.await?.and_then(|(address, found)| {
        let last = found.last()?.0.uid.0;
        Some(Messages {
            address,
            found,
            last,
        })
    }))
}

/// The UIDs behind this one.
fn behind(uids: &[RangeInclusive<u32>], last: u32) -> Vec<RangeInclusive<u32>> {
    uids.iter()
        .filter(|range| *range.end() > last)
        .map(|range| (*range.start()).max(last.saturating_add(1))..=*range.end())
        .collect()
}

/// Scripts of one account looking at some messages.
struct Turn {
    services: Arc<Services>,
    /// The account's.
    address: String,
    pending: Pending,
}

/// How far a turn came.
struct LookedAt {
    settled: Vec<Settled>,
    /// The first message that scripts have not looked at.
    stopped: Option<u32>,
    /// What could not be looked up for it.
    failure: Option<String>,
}

impl Turn {
    async fn look_at(&self, found: Vec<(Entry, Content)>) -> LookedAt {
        let (begun, mut settled) = (Instant::now(), Vec::new());
        for (entry, content) in found {
            let uid = entry.uid.0;
            if begun.elapsed() > TURN_TIME {
                return LookedAt {
                    settled,
                    stopped: Some(uid),
                    failure: None,
                };
            }
            match self.one(entry, content).await {
                Ok(one) => settled.extend(one),
                Err(why) => {
                    return LookedAt {
                        settled,
                        stopped: Some(uid),
                        failure: Some(why),
                    };
                }
            }
        }
        LookedAt {
            settled,
            stopped: None,
            failure: None,
        }
    }

    /// Runs the scripts on a message; `None`: it is gone. `Err`: something could not be looked up.
    async fn one(&self, entry: Entry, content: Content) -> Result<Option<Settled>, String> {
        let message = content.message.to_string();
        let Some(case) = self.case(&entry, content).await? else {
            return Ok(None);
        };
        let case = Arc::new(case);
        let ran = run::run(case.clone()).await?;
        if let Some(trouble) = &ran.trouble {
            tracing::warn!(
                account = self.address,
                script = trouble.script,
                reason = trouble.what,
                "a script on an IMAP event failed; the message stays as it is"
            );
        }
        let original = Original {
            id: &message,
            notify: effects::NEVER,
            recipient: &self.address,
            requires_tls: false,
            answers: Answers::Wanted,
        };
        let effects = effects::prepare(&case, ran, original).await;
        let mut effects = effects.map_err(|error| error.to_string())?;
        let (mut passing, mut passed) = (Passing::by(&case, &message), Vec::new());
        for passed_on in std::mem::take(&mut effects.passed_on) {
            passed.extend(passing.prepare(passed_on).await?);
        }
        Ok(Some(Settled {
            config: case.config.clone(),
            account: self.pending.account,
            mailbox: self.pending.event.mailbox,
            entry,
            effects,
            passed,
            time: self.services.clock.now(),
        }))
    }

    async fn case(&self, entry: &Entry, content: Content) -> Result<Option<Case>, String> {
        let size = u64::from(content.summary.header_size);
        let header = match self.services.store.read_body(&content.body, 0, size).await {
            Ok(header) => header,
            Err(store::Error::Missing(_)) => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        let happened = Happened {
            event: self.pending.event.clone(),
            flags: flags_of(entry),
        };
        Ok(Some(Case {
            services: self.services.clone(),
            config: self.services.config.load_full(),
            recipient: Recipient {
                account: self.pending.account,
                address: self.address.clone(),
            },
            // Nobody sends it now; scripts that ask are told so.
            envelope: sieve::Envelope::new("", self.address.clone()),
            message: Arc::new(Letter {
                header,
                body: letters::Octets::Stored(content.body),
                summary: content.summary,
            }),
            found: self.found(content.message).await?,
            occasion: Occasion::Event(Arc::new(happened)),
        }))
    }

    /// What was thought of the message when it came.
    async fn found(&self, message: MessageId) -> Result<run::Found, String> {
        let account = self.pending.account;
        let read = move |tx: &mut store::Tx<'_>| judgement::of(tx, account, message);
        let judged = self.services.store.read(read).await;
        let judged = judged.map_err(|error| error.to_string())?;
        Ok(run::Found {
            spam: judged.map(|judged| sieve::SpamScore {
                score: judged.score.into(),
                maximum: judged.limits.refuse.into(),
            }),
            virus: None,
        })
    }

    /// Writes what the scripts decided, and what is left to do.
    async fn settle(
        &self,
        looked_at: LookedAt,
        left: Vec<RangeInclusive<u32>>,
    ) -> store::Result<()> {
        let left = match looked_at.stopped {
            Some(uid) => behind(&self.pending.event.uids, uid.saturating_sub(1)),
            None => left,
        };
        if let (Some(why), true) = (&looked_at.failure, looked_at.settled.is_empty()) {
            return self.put_off(why).await;
        }
        let (pending, settled) = (self.pending.clone(), looked_at.settled);
        let now = self.services.clock.now();
        let written = self.services.store.write(move |tx| {
            for one in &settled {
                one.write(tx)?;
            }
            event::looked_at(tx, &pending, &left, now)
        });
        written.await
    }

    async fn put_off(&self, why: &str) -> store::Result<()> {
        let pending = self.pending.clone();
        let Event { cause, name, .. } = &pending.event;
        if pending.attempts >= MOST_ATTEMPTS {
            tracing::error!(
                account = self.address,
                cause = cause.word(),
                mailbox = name,
                reason = why,
                "scripts on an IMAP event are given up"
            );
            return remove(&self.services, pending).await;
        }
        tracing::warn!(
            account = self.address,
            cause = cause.word(),
            mailbox = name,
            reason = why,
            "scripts on an IMAP event cannot be run now; they are tried again"
        );
        let wait = RETRY * (1i32 << pending.attempts.min(20));
        let now = self.services.clock.now();
        let due = now.saturating_add(wait).unwrap_or(Timestamp::MAX);
        let put_off = self
            .services
            .store
            .write(move |tx| event::put_off(tx, &pending, due));
        put_off.await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_lies_behind() {
        let uids = [1..=3, 5..=5, 8..=20];
        assert_eq!(behind(&uids, 5), vec![8..=20]);
        assert_eq!(behind(&uids, 2), vec![3..=3, 5..=5, 8..=20]);
        assert_eq!(behind(&uids, 9), vec![10..=20]);
        assert!(behind(&uids, 20).is_empty());
    }
}

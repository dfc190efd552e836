//! Records what became of an attempt: queue rows and notices in one transaction, and a line in the log for each recipient
//! (catalogue C11–C15, C25, Q19, X31).

use super::lanes::Work;
use super::refused;
use crate::Services;
use crate::gate::greylist::{self, Guest};
use crate::journey::bounce::{self, Notice, Original, Prepared, Told};
use crate::journey::relay::{Attempt, Fate, Outcome, RampRow, Remote};
use queue::notices::is_due;
use queue::{AfterFailure, Event, Notify, Schedule};
use smtp::Enhanced;
use std::time::Duration;
use store::queue::{DeliverBy, QueuedRecipient, State, Tried, Update};
use store::{QueueId, Timestamp, Tx};

/// Pauses between tries to write an outcome, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The schedule by the settings in force (C23).
pub(super) fn schedule(services: &Services) -> Schedule {
    let settings = &services.config.load().queue;
    Schedule::new(settings.retry_base, settings.lifetime, &settings.warn_after)
}

/// Changes a recipient; one that was removed by hand meanwhile stays removed.
pub(super) fn change(
    tx: &mut Tx<'_>,
    id: QueueId,
    recipient: u32,
    update: &Update,
) -> store::Result<()> {
    match store::queue::update(tx, id, recipient, update) {
        Err(store::Error::Missing(_)) => Ok(()),
        changed => changed,
    }
}

/// Work that was never begun, because the server stops: due again at once.
pub(super) async fn put_back(services: &Services, work: &Work) {
    let now = services.clock.now();
    let id = work.message.id;
    let indices: Vec<u32> = work.recipients.iter().map(|one| one.index).collect();
    let write = move |tx: &mut Tx<'_>| {
        for index in &indices {
            change(tx, id, *index, &Update::SetState(State::Pending, Some(now)))?;
        }
        Ok(())
    };
    if let Err(error) = services.store.write(write).await {
        tracing::warn!(id = %id, error = %error, "a message keeps its schedule");
    }
}

/// Records an attempt. It is not given up when the store is away: what has been sent must not be sent again.
pub(super) async fn settle(services: &Services, work: &Work, attempt: Attempt) {
    let learnt = refused::learn(services, work, &attempt).await;
    let settlement = Settlement {
        learnt,
        ..Settlement::new(services, work, &attempt)
    };
    let mut pause = FIRST_PAUSE;
    while let Err(error) = settlement.write(services, work).await {
        tracing::error!(id = %work.message.id, error = %error, "an outcome cannot be recorded; trying again");
        let waiting = tokio::time::sleep(pause);
        if services
            .shutdown
            .run_until_cancelled(waiting)
            .await
            .is_none()
        {
            return;
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// What an attempt changes.
#[derive(Default)]
struct Settlement {
    updates: Vec<(u32, Update)>,
    /// Attempts to remember (C25).
    tried: Vec<(u32, Tried)>,
    failed: Vec<Told>,
    delayed: Vec<Told>,
    relayed: Vec<Told>,
    /// Servers that took it, which may answer without being asked to come again (J18).
    guests: Vec<Guest>,
    /// What providers have had today (V9).
    ramps: Vec<RampRow>,
    /// What refusals have taught (U37, V8).
    learnt: refused::Learnt,
}

/// What judging a recipient needs.
struct Case<'a> {
    work: &'a Work,
    recipient: &'a QueuedRecipient,
    outcome: &'a Outcome,
    schedule: Schedule,
    /// No host could be reached.
    unreachable: bool,
    now: Timestamp,
}

impl Settlement {
    fn new(services: &Services, work: &Work, attempt: &Attempt) -> Settlement {
        let (schedule, now) = (schedule(services), services.clock.now());
        let mut settlement = Settlement::default();
        for outcome in &attempt.outcomes {
            let recipient = work
                .recipients
                .iter()
                .find(|one| one.index == outcome.recipient);
            let Some(recipient) = recipient else { continue };
            let case = Case {
                work,
                recipient,
                outcome,
                schedule: schedule.of(&work.message),
                unreachable: attempt.unreachable,
                now,
            };
            settlement.judge(services, &case);
        }
        settlement.ramps = ramps(services, work, attempt);
        settlement
    }

    fn judge(&mut self, services: &Services, case: &Case<'_>) {
        match case.outcome.fate {
            Fate::Sent => self.sent(services, case),
            Fate::Failed => {
                case.log(services, "bounced", "PermFail");
                self.fail(case, case.outcome.status);
            }
            Fate::Deferred => self.deferred(services, case),
        }
    }

    fn sent(&mut self, services: &Services, case: &Case<'_>) {
        case.log(services, "sent", "Ok");
        services.metrics.delivered(case.age());
        self.updates.push((case.recipient.index, Update::Done));
        let met = case
            .outcome
            .remote
            .as_ref()
            .map(|remote| remote.address.ip());
        let domain = case.work.domain_of(case.recipient.index);
        self.guests.extend(
            met.zip(domain)
                .and_then(|(address, domain)| greylist::wrote_to(services, &domain, address)),
        );
        if case.is_to_be_told_of_relay() {
            self.relayed.push(case.told(case.outcome.status, None));
        }
    }

    fn fail(&mut self, case: &Case<'_>, status: Enhanced) {
        self.updates.push((case.recipient.index, Update::Done));
        if case.wants(Event::Failed) {
            self.failed.push(case.told(status, None));
        }
    }

    fn deferred(&mut self, services: &Services, case: &Case<'_>) {
        let (created, warnings) = (case.work.message.created, case.recipient.warnings);
        match case.schedule.after_failure(created, case.now, warnings) {
            AfterFailure::Expired => {
                case.log(services, "bounced", "Expired");
                self.fail(case, Enhanced(5, 4, 7));
            }
            AfterFailure::Retry { at, warn } => {
                case.log(services, "deferred", "TempFail");
                self.retry(case, at);
                if warn {
                    self.warn(case);
                }
            }
        }
    }

    fn retry(&mut self, case: &Case<'_>, next_attempt: Timestamp) {
        let update = Update::Retry {
            next_attempt,
            error: case.error(),
            stranded: case.unreachable,
        };
        self.updates.push((case.recipient.index, update));
        self.tried.push((case.recipient.index, case.tried()));
    }

    /// C13. All ages that have been reached count as warned of, whether or not the sender wants to hear it.
    fn warn(&mut self, case: &Case<'_>) {
        let reached = case
            .schedule
            .warnings_reached(case.work.message.created, case.now);
        for _ in case.recipient.warnings..reached {
            self.updates.push((case.recipient.index, Update::Warned));
        }
        if case.wants(Event::Delayed) {
            let until = case.schedule.expires(case.work.message.created);
            self.delayed
                .push(case.told(case.outcome.status, Some(until)));
        }
    }

    /// An outcome by itself needs no sync: a power cut that takes it away makes the message come twice at worst, and so would one just before.
    /// A notice may be in a mailbox where programs see it, and such a thing must not vanish again.
    async fn write(&self, services: &Services, work: &Work) -> store::Result<()> {
        let notices = self.notices(services, work).await?;
        let (id, updates, tried) = (work.message.id, self.updates.clone(), self.tried.clone());
        let (guests, ramps) = (self.guests.clone(), self.ramps.clone());
        let (learnt, has_notices) = (self.learnt.clone(), !notices.is_empty());
        let write = move |tx: &mut Tx<'_>| {
            guests.iter().try_for_each(|guest| guest.write(tx))?;
            ramps.iter().try_for_each(|ramp| ramp.write(tx))?;
            learnt.write(tx)?;
            for notice in &notices {
                notice.write(tx)?;
            }
            for (recipient, update) in &updates {
                change(tx, id, *recipient, update)?;
            }
            for (recipient, tried) in &tried {
                store::queue::remember(tx, id, *recipient, tried)?;
            }
            Ok(())
        };
        match has_notices {
            true => services.store.write(write).await,
            false => services.store.write_unsynced(write).await,
        }
    }

    async fn notices(&self, services: &Services, work: &Work) -> store::Result<Vec<Prepared>> {
        let kinds = [
            (Event::Failed, &self.failed),
            (Event::Delayed, &self.delayed),
            (Event::Relayed, &self.relayed),
        ];
        let mut prepared = Vec::new();
        for (event, told) in kinds.into_iter().filter(|(_, told)| !told.is_empty()) {
            let told = told.clone();
            let notice = Notice { event, told };
            let original = Original::queued(services, &work.message, event).await?;
            prepared.extend(bounce::prepare(services, &original, &notice).await?);
        }
        Ok(prepared)
    }
}

/// A row for each provider that was talked to.
fn ramps(services: &Services, work: &Work, attempt: &Attempt) -> Vec<RampRow> {
    let remotes = attempt
        .outcomes
        .iter()
        .filter_map(|one| one.remote.as_ref());
    let mut hosts: Vec<&str> = remotes.map(|remote| remote.host.as_str()).collect();
    hosts.dedup();
    let source = work.destination.route.source;
    let rows = hosts
        .into_iter()
        .filter_map(|host| services.governor.row(host, source));
    rows.collect()
}

impl Case<'_> {
    fn wants(&self, event: Event) -> bool {
        let reverse_path = self.work.message.reverse_path.as_deref();
        is_due(reverse_path, Notify(self.recipient.notify), event)
    }

    /// The other server does not tell of success though it is asked for; or the message has a deadline, and its sender wants to know of
    /// each server, or this one does not know of deadlines (RFC 2852 §4.1.4.2: unless he wants to hear nothing).
    fn is_to_be_told_of_relay(&self) -> bool {
        let Some(remote) = &self.outcome.remote else {
            return false;
        };
        let untracked = |by: &DeliverBy| by.trace || (!by.or_return && !remote.deliver_by);
        let by = self.work.message.deliver_by.as_ref().is_some_and(untracked);
        (!remote.dsn && self.wants(Event::Relayed)) || (by && self.wants_anything())
    }

    fn wants_anything(&self) -> bool {
        let all = [Event::Failed, Event::Delayed, Event::Relayed];
        all.into_iter().any(|event| self.wants(event))
    }

    fn told(&self, status: Enhanced, retry_until: Option<Timestamp>) -> Told {
        Told {
            address: self.recipient.address.clone(),
            orcpt: self.recipient.orcpt.clone(),
            status,
            words: self.outcome.words.clone(),
            said_by: self.outcome.said_by,
            remote: self.outcome.remote.clone(),
            attempted: self.now,
            retry_until,
        }
    }

    /// C25: what `queue show` shows of this attempt.
    fn tried(&self) -> Tried {
        let remote = self.outcome.remote.as_ref();
        Tried {
            attempt: self.recipient.attempts + 1,
            at: self.now.as_microsecond(),
            relay: remote.map(|remote| format!("{} [{}]", remote.host, remote.address.ip())),
            tls: remote.and_then(|remote| remote.tls).map(String::from),
            status: self.outcome.status.to_string(),
            words: self.outcome.words.clone(),
        }
    }

    /// C25: what `queue list` shows.
    fn error(&self) -> String {
        match &self.outcome.remote {
            Some(remote) => format!("{}: {}", remote.host, self.outcome.words),
            None => self.outcome.words.clone(),
        }
    }

    fn age(&self) -> Duration {
        self.now
            .duration_since(self.work.message.created)
            .unsigned_abs()
    }

    /// Q19, X31: one line for each attempt.
    fn log(&self, services: &Services, status: &'static str, result: &'static str) {
        services.metrics.queue_attempt(status, "other");
        let (message, outcome) = (&self.work.message, self.outcome);
        let remote = outcome.remote.as_ref();
        let tls = remote.and_then(|remote| remote.tls);
        let source = remote.and_then(|remote| remote.source);
        tracing::info!(
            event = "delivery",
            evpid = %format_args!("{}.{}", message.id, self.recipient.index),
            from = message.reverse_path.as_deref().unwrap_or_default(),
            to = self.recipient.address.as_str(),
            status,
            dsn = %outcome.status,
            source = source.map_or("none".to_string(), |address| address.to_string()),
            relay = relay_field(remote),
            tls = tls.unwrap_or("none"),
            delay = %format_args!("{}s", self.age().as_secs()),
            attempt = self.recipient.attempts + 1,
            result,
            stat = outcome.words.as_str(),
            "delivery"
        );
    }
}

/// `ip (name)`.
fn relay_field(remote: Option<&Remote>) -> String {
    match remote {
        Some(remote) => format!("{} ({})", remote.address, remote.host),
        None => "none".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::gate::greylist::network_key;
    use crate::journey::relay::{Destination, Speaker};
    use crate::run::{Parts, Server};
    use std::sync::Arc;
    use store::account::{Credentials, NewAccount};
    use store::gate::greylist;
    use store::queue::{NewQueued, NewQueuedRecipient};

    /// J18: the server that took our mail, and the domain that it was for, may answer at once; who refused it, and who is on our own network, may not.
    #[tokio::test]
    async fn j18_who_takes_our_mail_is_white() {
        let data = tempfile::tempdir().unwrap();
        let mut config = Config::with_defaults("mx1.example.com", "example.com", data.path());
        config.gate.greylist = crate::config::GreylistMode::Strangers;
        config.user = Some("root".into());
        config.local.spool = None;
        for listener in [&mut config.listen.smtp, &mut config.listen.submissions] {
            listener.addresses = vec!["127.0.0.1:0".parse().unwrap()];
        }
        for listener in [
            &mut config.listen.submission,
            &mut config.listen.imaps,
            &mut config.listen.managesieve,
        ] {
            listener.addresses.clear();
        }
        let server = Server::start(config, Parts::real()).await.unwrap();
        let services = server.services.clone();
        let white = async |who: String| {
            let read = services.store.read(move |tx| greylist::white(tx, &who));
            read.await.unwrap().is_some()
        };
        for (host, domain, fate, welcome) in [
            ("203.0.113.25:25", "took.example", Fate::Sent, true),
            ("198.51.100.25:25", "refused.example", Fate::Failed, false),
            ("198.51.101.25:25", "later.example", Fate::Deferred, false),
            ("10.0.0.25:25", "near.example", Fate::Sent, false),
        ] {
            let address: std::net::SocketAddr = host.parse().unwrap();
            let work = work(&services, &format!("friend@{domain}")).await;
            let outcome = Outcome {
                recipient: work.recipients[0].index,
                fate,
                status: Enhanced(2, 0, 0),
                words: "as you like".into(),
                remote: Some(Remote {
                    host: format!("mx.{domain}"),
                    address,
                    source: None,
                    tls: None,
                    dsn: false,
                    deliver_by: false,
                }),
                said_by: Speaker::Remote,
            };
            let attempt = Attempt {
                outcomes: vec![outcome],
                unreachable: false,
            };
            settle(&services, &work, attempt).await;
            assert_eq!(white(network_key(address.ip())).await, welcome, "{host}");
            assert_eq!(white(format!("dom:{domain}")).await, welcome, "{domain}");
        }
        server.stop().await;
    }

    async fn work(services: &Services, to: &str) -> Work {
        let alice = NewAccount {
            address: "alice@example.com".into(),
            name: String::new(),
            credentials: Credentials::default(),
            quota: None,
            mailboxes: Vec::new(),
        };
        let mut staging = services.store.stage();
        staging.write(b"Subject: s\r\n\r\nHello\r\n").await.unwrap();
        let now = services.clock.now();
        let new = NewQueued {
            reverse_path: Some("alice@example.com".into()),
            envid: None,
            ret_full: None,
            smtputf8: false,
            eight_bit: false,
            account: None,
            created: now,
            body: staging.finish(&[]).await.unwrap(),
            header_size: 14,
            recipients: vec![NewQueuedRecipient {
                address: to.into(),
                orcpt: None,
                notify: 0,
                next_attempt: now + jiff::SignedDuration::from_hours(1),
                state: State::Pending,
            }],
        };
        let write = services.store.write(move |tx| {
            if store::account::by_address(tx, &alice.address)?.is_none() {
                store::account::add(tx, &alice)?;
            }
            let id = store::queue::add(tx, &new)?;
            store::queue::by_id(tx, id)
        });
        let message = Arc::new(write.await.unwrap().unwrap());
        Work {
            recipients: message.recipients.clone(),
            destination: Destination::of(
                &services.config.load(),
                Some("alice@example.com"),
                &message.recipients[0],
            ),
            message,
        }
    }
}

//! Carries a queued message to the mail hosts of a destination (RFC 5321 §5.1): which hosts in which order ([`hosts`]), how far they are
//! trusted ([`trust`]), how to talk to one ([`connection`]), and what became of each recipient ([`outcome`]);
//! a host that takes ASCII only gets the message converted ([`seven_bit`]).
//!
//! One attempt tries host after host until one of them has decided. It writes nothing: the queue job records the outcome.

mod connection;
mod governor;
mod hosts;
mod outcome;
mod routes;
mod secrets;
mod seven_bit;
mod tls_results;
mod trust;

pub(crate) use connection::Connection;
pub use governor::Governor;
pub(crate) use governor::Row as RampRow;
pub(crate) use outcome::{Attempt, Fate, Outcome, Remote, Speaker};
pub use routes::{Routes, View as RouteView};
pub use tls_results::TlsResults;

use crate::Services;
use crate::config::{Config, Route};
use connection::{Manner, NotOpened, Target};
use governor::Place;
use hosts::Unroutable;
use message::seven_bit::Unconvertible;
use smtp::client::{Command, DeliverBy, Envelope, Failure, Incompatible, Recipient, Return};
use smtp::{Enhanced, Reply};
use std::sync::Arc;
use store::Timestamp;
use store::queue::{Queued, QueuedRecipient};

/// Hosts that one attempt tries at most.
const HOSTS: usize = 8;

/// Where a recipient's mail goes: by a route, and where that leaves it to MX, for a domain.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Destination {
    /// The route that fits; the empty one if none does.
    pub(crate) route: Arc<Route>,
    /// The recipient's domain, lower-case; empty if the route names the hosts, since all its mail may go together then.
    pub(crate) domain: String,
}

impl Destination {
    /// By the settings in force (C23).
    pub(crate) fn of(
        config: &Config,
        sender: Option<&str>,
        recipient: &QueuedRecipient,
    ) -> Destination {
        let address = recipient.address.as_str();
        let mut routes = config.relay.routes.iter();
        let by_hand = recipient.via.as_ref();
        let route = by_hand
            .and_then(|via| format!("via {via}").parse().ok())
            .or_else(|| routes.find(|route| route.fits(sender, address)).cloned())
            .unwrap_or_default();
        let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
        Destination {
            domain: match route.via.is_empty() {
                true => domain.to_ascii_lowercase(),
                false => String::new(),
            },
            route: Arc::new(route),
        }
    }

    /// V9: where mail goes that a provider may not have today.
    fn overflow(config: &Config) -> Option<Destination> {
        let hosts = &config.relay.ramp_up_overflow;
        let via = (!hosts.is_empty()).then(|| format!("via {}", hosts.join(",")));
        Some(Destination {
            route: Arc::new(via?.parse().ok()?),
            domain: String::new(),
        })
    }

    /// Our name among the exchangers of the domain (C26).
    fn backup_name(&self, config: &Config) -> String {
        let named = self
            .route
            .backup
            .as_ref()
            .and_then(|backup| backup.name.clone());
        named.unwrap_or_else(|| config.hostname.clone())
    }

    /// A route that forbids TLS means it.
    fn obeys_policies(&self) -> bool {
        self.route.tls != crate::config::RouteTls::Off
    }

    fn manner(&self, config: &Config) -> Manner {
        Manner {
            hello: self
                .route
                .helo
                .clone()
                .unwrap_or_else(|| config.hostname.clone()),
            sources: self.route.source,
        }
    }
}

/// Tries to deliver `message` to those of its recipients that go to `destination`. `held` is a connection there that an
/// earlier message has left open, and is left open for the next one.
pub(crate) async fn relay(
    services: &Services,
    message: &Queued,
    recipients: &[QueuedRecipient],
    destination: &Destination,
    held: &mut Option<Connection>,
) -> Attempt {
    let mut delivery = Delivery::new(services, message, recipients, destination).await;
    if delivery.is_too_late() {
        delivery.unroutable(&Unroutable {
            status: Enhanced(5, 4, 7),
            words: "the time within which the message was to be delivered is over".into(),
        });
        return delivery.attempt;
    }
    if let Some(mut open) = held.take() {
        let unfit = delivery.paused(&open.remote().host).is_some()
            || (message.require_tls && !open.protects());
        match !unfit && open.is_ready(services.config.load().relay.messages).await {
            true => delivery.over_held(open, held).await,
            false => open.close().await,
        }
        // A server may have closed a connection that was idle; that says nothing about it.
        delivery.last = None;
    }
    if delivery.is_over() {
        return delivery.attempt;
    }
    match hosts::targets(services, destination).await {
        Err(unroutable) => delivery.unroutable(&unroutable),
        Ok(targets) => delivery.over_any(targets, held).await,
    }
    if delivery.is_full && !delivery.is_over() {
        delivery.over_overflow().await;
    }
    if !delivery.is_over() {
        delivery.nobody_decided();
    }
    delivery.attempt
}

/// An attempt while it runs.
struct Delivery<'a> {
    services: &'a Services,
    message: &'a Queued,
    destination: &'a Destination,
    /// Those whose fate is open.
    open: Vec<&'a QueuedRecipient>,
    smtputf8: bool,
    /// All hosts that were tried said no for good.
    hopeless: bool,
    /// A provider may not have it today (V9).
    is_full: bool,
    /// Why the last host did not decide.
    last: Option<(Option<Remote>, NotOpened)>,
    attempt: Attempt,
}

impl<'a> Delivery<'a> {
    async fn new(
        services: &'a Services,
        message: &'a Queued,
        recipients: &'a [QueuedRecipient],
        destination: &'a Destination,
    ) -> Delivery<'a> {
        Delivery {
            services,
            message,
            destination,
            open: recipients.iter().collect(),
            smtputf8: needs_smtputf8(services, message, recipients).await,
            hopeless: true,
            is_full: false,
            last: None,
            attempt: Attempt::default(),
        }
    }

    fn is_over(&self) -> bool {
        self.open.is_empty()
    }

    /// RFC 2852 §4.1.4: after its deadline a message that is to be returned goes nowhere.
    fn is_too_late(&self) -> bool {
        let now = self.services.clock.now();
        let by = self.message.deliver_by;
        by.is_some_and(|by| by.or_return && by.time <= now)
    }

    /// Tries one target after the other until the fate of all is decided.
    async fn over_any(&mut self, targets: Vec<Target>, held: &mut Option<Connection>) {
        let manner = self.destination.manner(&self.services.config.load());
        // RFC 8689 §4.1: who requires TLS does not waive it.
        let waived = !self.message.require_tls && self.waives_policies(&targets).await;
        for mut target in targets.into_iter().take(HOSTS) {
            if waived {
                target.security = target.security.waived();
            }
            let remote = target.remote();
            match self.open(target, &manner).await {
                Ok((place, connection)) => self.counted(place, connection, held).await,
                Err(why) => self.last = Some((Some(remote), why)),
            }
            if self.is_over() {
                return;
            }
            self.hopeless &= self
                .last
                .as_ref()
                .is_some_and(|(_, why)| !why.is_temporary());
        }
    }

    /// V9: what a provider may not have today goes by the hosts for that.
    async fn over_overflow(&mut self) {
        let config = self.services.config.load_full();
        let Some(overflow) = Destination::overflow(&config) else {
            return;
        };
        let targets = match hosts::targets(self.services, &overflow).await {
            Ok(targets) => targets,
            Err(why) => {
                return tracing::warn!(
                    error = why.words,
                    "the hosts of relay.ramp_up_overflow cannot be used"
                );
            }
        };
        for target in targets {
            let (remote, mut left_open) = (target.remote(), None);
            let target = match self.message.require_tls {
                true => target.protecting(),
                false => Ok(target),
            };
            let opened = match target {
                Ok(target) => {
                    let manner = overflow.manner(&config);
                    Connection::open(self.services, &target, &manner).await
                }
                Err(why) => Err(why),
            };
            match opened {
                Ok(connection) => self.over(connection, &mut left_open).await,
                Err(why) => self.last = Some((Some(remote), why)),
            }
            if let Some(connection) = left_open {
                connection.close().await;
            }
            if self.is_over() {
                return;
            }
        }
        self.hopeless = false;
    }

    /// Over a connection that an earlier message has left open.
    async fn over_held(&mut self, open: Connection, held: &mut Option<Connection>) {
        match self.place(&open.remote().host.clone()).await {
            Ok(place) => self.counted(place, open, held).await,
            Err(_) => open.close().await,
        }
    }

    /// V9: a place among the messages that the provider may have today. Routes to hosts of our own choice have no ceiling.
    async fn place(&mut self, host: &str) -> Result<Option<Place>, NotOpened> {
        if !self.destination.route.via.is_empty() {
            return Ok(None);
        }
        let source = self.destination.route.source;
        let place = self.services.governor.place(self.services, host, source);
        place.await.map_err(|why| {
            self.is_full = true;
            NotOpened::Paused(why)
        })
    }

    /// Sends over a connection; the place is given back if nobody got the message.
    async fn counted(
        &mut self,
        place: Option<Place>,
        connection: Connection,
        held: &mut Option<Connection>,
    ) {
        let before = self.attempt.outcomes.len();
        self.over(connection, held).await;
        let new = &self.attempt.outcomes[before..];
        if !new.iter().any(|outcome| outcome.fate == Fate::Sent) {
            self.services.governor.give_back(place);
        }
    }

    /// Opens a connection to a target, if mail may go there now.
    async fn open(
        &mut self,
        target: Target,
        manner: &Manner,
    ) -> Result<(Option<Place>, Connection), NotOpened> {
        if let Some(why) = self.paused(&target.host) {
            return Err(NotOpened::Paused(why));
        }
        let target = match self.message.require_tls {
            true => target.protecting()?,
            false => target,
        };
        let place = self.place(&target.host).await?;
        match Connection::open(self.services, &target, manner).await {
            Ok(connection) => Ok((place, connection)),
            Err(why) => {
                self.services.governor.give_back(place);
                Err(why)
            }
        }
    }

    /// U37: why no mail goes to the provider of this host at present.
    fn paused(&self, host: &str) -> Option<String> {
        let now = self.services.clock.now();
        let source = self.destination.route.source;
        self.services.routes.paused(host, source, now)
    }

    /// RFC 8689 §5: does the message say `TLS-Required: No`? Its header section is read only if there is a policy to waive.
    async fn waives_policies(&self, targets: &[Target]) -> bool {
        if !targets.iter().any(|target| target.security.needs_tls()) {
            return false;
        }
        let length = u64::from(self.message.header_size);
        let header = self
            .services
            .store
            .read_body(&self.message.body, 0, length)
            .await;
        // If it cannot be read, sending will say so.
        header.is_ok_and(|header| says_no(&header))
    }

    /// Sends over an open connection, and keeps it in `held` if it is still good.
    async fn over(&mut self, mut connection: Connection, held: &mut Option<Connection>) {
        let remote = connection.remote().clone();
        match self.send(&mut connection).await {
            Ok(results) => self.take(&remote, results),
            Err(seven_bit::Trouble::Store(error)) => return self.store_failed(&error),
            Err(seven_bit::Trouble::Message(why)) => self.unconvertible(&remote, &why),
        }
        if connection.is_open() {
            *held = Some(connection);
        }
    }

    async fn send(
        &self,
        connection: &mut Connection,
    ) -> Result<Vec<Result<Reply, Failure>>, seven_bit::Trouble> {
        let mut envelope = self.envelope();
        let store = &self.services.store;
        // An international address cannot be converted; the session refuses that itself.
        let unfit = match envelope.smtputf8 {
            true => !connection.takes_utf8() && envelope.is_ascii(),
            false => envelope.eight_bit && !connection.takes_eight_bit(),
        };
        if !unfit {
            let body = match &self.message.staged {
                Some(staged) => store.open_staged(staged)?,
                None => store.open_body(&self.message.body).await?,
            };
            return Ok(connection.send(envelope, body).await?);
        }
        let converted = seven_bit::converted(self.services, self.message).await?;
        tracing::info!(id = %self.message.id, relay = connection.remote().host, "the host takes ASCII only: the message was converted");
        (envelope.eight_bit, envelope.smtputf8) = (false, false);
        envelope.size = converted.size();
        let body = store.open_staged(&converted)?;
        Ok(connection.send(envelope, body).await?)
    }

    /// Notes the results; recipients that the host has not decided on stay open for the next one.
    fn take(&mut self, remote: &Remote, results: Vec<Result<Reply, Failure>>) {
        for (recipient, result) in std::mem::take(&mut self.open).into_iter().zip(results) {
            match result {
                Err(failure) if is_undecided(&failure) => {
                    self.last = Some((Some(remote.clone()), NotOpened::Session(failure)));
                    self.open.push(recipient);
                }
                decided => self.attempt.outcomes.push(Outcome::decided(
                    recipient.index,
                    remote.clone(),
                    decided,
                )),
            }
        }
    }

    /// RFC 6152 §3: the host takes ASCII only, and the message cannot be written so.
    fn unconvertible(&mut self, remote: &Remote, why: &Unconvertible) {
        let words = format!(
            "{} takes only messages in ASCII, and this one cannot be converted: {why}",
            remote.host
        );
        let status = match self.smtputf8 {
            true => Enhanced(5, 6, 7),
            false => Enhanced(5, 6, 3),
        };
        for recipient in self.open.drain(..) {
            self.attempt.outcomes.push(Outcome {
                remote: Some(remote.clone()),
                ..Outcome::ours(recipient.index, status, words.clone())
            });
        }
    }

    fn unroutable(&mut self, why: &Unroutable) {
        for recipient in self.open.drain(..) {
            self.attempt.outcomes.push(Outcome::ours(
                recipient.index,
                why.status,
                why.words.clone(),
            ));
        }
    }

    /// A body that cannot be read is our trouble; the recipients' host is not to blame, and no other will do better.
    fn store_failed(&mut self, error: &store::Error) {
        let words = format!("the message cannot be read from the store: {error}");
        self.unroutable(&Unroutable {
            status: Enhanced(4, 3, 0),
            words,
        });
    }

    /// No host took the message or refused it. Only if all of them said no for good there is no use in trying again.
    fn nobody_decided(&mut self) {
        self.attempt.unreachable = true;
        let (remote, why) = self.last.take().unwrap_or_else(|| {
            let words = "no mail host could be tried".to_string();
            (None, NotOpened::Unreachable(words))
        });
        for recipient in self.open.drain(..) {
            let outcome = Outcome::undecided(recipient.index, remote.clone(), &why, self.hopeless);
            self.attempt.outcomes.push(outcome);
        }
    }

    /// C9: the route may want another sender; the null reverse-path stays what it is.
    fn reverse_path(&self) -> Option<String> {
        let sender = self.message.reverse_path.clone()?;
        Some(match &self.destination.route.mail_from {
            None => sender,
            Some(other) if !other.starts_with('@') => other.clone(),
            Some(domain) => {
                let local = sender
                    .rsplit_once('@')
                    .map_or(sender.as_str(), |(local, _)| local);
                format!("{local}{domain}")
            }
        })
    }

    fn envelope(&self) -> Envelope {
        let message = self.message;
        Envelope {
            reverse_path: self.reverse_path(),
            recipients: self.open.iter().map(|one| recipient(one)).collect(),
            size: message.body.size,
            eight_bit: message.eight_bit,
            smtputf8: self.smtputf8,
            requiretls: message.require_tls,
            by: message.deliver_by.map(|by| DeliverBy {
                seconds: seconds_left(self.services.clock.now(), by.time),
                or_return: by.or_return,
                trace: by.trace,
            }),
            ret: message.ret_full.map(|full| match full {
                true => Return::Full,
                false => Return::Headers,
            }),
            envid: message.envid.clone(),
        }
    }
}

/// Rounded up: what is left of the last second is a second, since a message that is to be returned needs one (RFC 2852 §4).
fn seconds_left(now: Timestamp, then: Timestamp) -> i64 {
    let left = then.duration_since(now).as_millis();
    i64::try_from(left.div_euclid(1000) + i128::from(left.rem_euclid(1000) > 0)).unwrap_or(i64::MAX)
}

fn recipient(queued: &QueuedRecipient) -> Recipient {
    Recipient {
        address: queued.address.clone(),
        orcpt: queued.orcpt.clone(),
        notify: queue::Notify(queued.notify).parameter(),
    }
}

fn says_no(header: &[u8]) -> bool {
    message::header::values(header, "TLS-Required").any(|value| {
        String::from_utf8_lossy(value)
            .trim()
            .eq_ignore_ascii_case("no")
    })
}

/// The session failed before the host had the whole message, or the host said that it shuts down: another one may do.
fn is_undecided(failure: &Failure) -> bool {
    match failure {
        Failure::Lost(command) | Failure::TimedOut(command) => *command != Command::Body,
        Failure::Refused(_, reply) => reply.code == 421,
        // RFC 8689 §4.2.1, RFC 2852 §4.1.4: another host may offer it.
        Failure::Incompatible(what) => {
            matches!(what, Incompatible::RequireTls | Incompatible::DeliverBy)
        }
        Failure::Misbehaved(_) => false,
    }
}

/// A client may have said SMTPUTF8 (RFC 6531) without need. If addresses and header section are ASCII, any host will do.
async fn needs_smtputf8(
    services: &Services,
    message: &Queued,
    recipients: &[QueuedRecipient],
) -> bool {
    let sender = message.reverse_path.as_deref().unwrap_or_default();
    let mut addresses = recipients.iter().map(|one| one.address.as_str());
    if !sender.is_ascii() || addresses.any(|address| !address.is_ascii()) {
        return true;
    }
    if !message.smtputf8 {
        return false;
    }
    let length = u64::from(message.header_size);
    let header = services.store.read_body(&message.body, 0, length).await;
    // If it cannot be read, sending will say so.
    header.is_ok_and(|header| !header.is_ascii())
}

//! Carries a queued message to the mail hosts of its recipients' domain (RFC 5321 §5.1): which hosts in which order ([`hosts`]),
//! how to talk to one ([`connection`]), and what became of each recipient ([`outcome`]).
//!
//! One attempt tries host after host until one of them has decided. It writes nothing: the queue job records the outcome.

mod connection;
mod hosts;
mod outcome;

pub(crate) use connection::Connection;
pub(crate) use outcome::{Attempt, Fate, Outcome, Remote, Speaker};

use crate::Services;
use connection::{NotOpened, Target, Trouble};
use hosts::Unroutable;
use smtp::client::{Command, Envelope, Failure, Recipient, Return};
use smtp::{Enhanced, Reply};
use store::queue::{Queued, QueuedRecipient};

/// Addresses that one attempt tries at most.
const ADDRESSES: usize = 10;

/// Tries to deliver `message` to those of its recipients that are in `domain`. `held` is a connection to that domain that an
/// earlier message has left open, and is left open for the next one.
pub(crate) async fn relay(
    services: &Services,
    message: &Queued,
    recipients: &[QueuedRecipient],
    domain: &str,
    held: &mut Option<Connection>,
) -> Attempt {
    let mut delivery = Delivery::new(services, message, recipients).await;
    if let Some(mut open) = held.take() {
        match open.is_ready().await {
            true => delivery.over(open, held).await,
            false => open.close().await,
        }
        // A server may have closed a connection that was idle; that says nothing about it.
        delivery.last = None;
    }
    if delivery.is_over() {
        return delivery.attempt;
    }
    match hosts::targets(services, domain).await {
        Err(unroutable) => delivery.unroutable(&unroutable),
        Ok(targets) => delivery.over_any(targets, held).await,
    }
    delivery.attempt
}

/// An attempt while it runs.
struct Delivery<'a> {
    services: &'a Services,
    message: &'a Queued,
    /// Those whose fate is open.
    open: Vec<&'a QueuedRecipient>,
    smtputf8: bool,
    /// Why the last host did not decide.
    last: Option<(Option<Remote>, NotOpened)>,
    attempt: Attempt,
}

impl<'a> Delivery<'a> {
    async fn new(
        services: &'a Services,
        message: &'a Queued,
        recipients: &'a [QueuedRecipient],
    ) -> Delivery<'a> {
        Delivery {
            services,
            message,
            open: recipients.iter().collect(),
            smtputf8: needs_smtputf8(services, message, recipients).await,
            last: None,
            attempt: Attempt::default(),
        }
    }

    fn is_over(&self) -> bool {
        self.open.is_empty()
    }

    /// Tries one target after the other until the fate of all is decided.
    async fn over_any(&mut self, targets: Vec<Target>, held: &mut Option<Connection>) {
        let mut hopeless = true;
        for target in targets.into_iter().take(ADDRESSES) {
            match Connection::open(self.services, &target).await {
                Ok(connection) => self.over(connection, held).await,
                Err(why) => self.last = Some((Some(target.remote()), why)),
            }
            if self.is_over() {
                return;
            }
            hopeless &= self
                .last
                .as_ref()
                .is_some_and(|(_, why)| !why.is_temporary());
        }
        self.nobody_decided(hopeless);
    }

    /// Sends over an open connection, and keeps it in `held` if it is still good.
    async fn over(&mut self, mut connection: Connection, held: &mut Option<Connection>) {
        let remote = connection.remote().clone();
        let body = self.services.store.open_body(&self.message.body).await;
        let sent = match body {
            Ok(body) => connection.send(self.envelope(), body).await,
            Err(error) => Err(Trouble::Store(error)),
        };
        match sent {
            Ok(results) => self.take(&remote, results),
            Err(Trouble::Store(error)) => return self.store_failed(&error),
        }
        if connection.is_open() {
            *held = Some(connection);
        }
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
    fn nobody_decided(&mut self, hopeless: bool) {
        self.attempt.unreachable = true;
        let (remote, why) = self.last.take().unwrap_or_else(|| {
            let words = "no mail host could be tried".to_string();
            (None, NotOpened::Unreachable(words))
        });
        for recipient in self.open.drain(..) {
            let outcome = Outcome::undecided(recipient.index, remote.clone(), &why, hopeless);
            self.attempt.outcomes.push(outcome);
        }
    }

    fn envelope(&self) -> Envelope {
        let message = self.message;
        Envelope {
            reverse_path: message.reverse_path.clone(),
            recipients: self.open.iter().map(|one| recipient(one)).collect(),
            size: message.body.size,
            eight_bit: message.eight_bit,
            smtputf8: self.smtputf8,
            ret: message.ret_full.map(|full| match full {
                true => Return::Full,
                false => Return::Headers,
            }),
            envid: message.envid.clone(),
        }
    }
}

fn recipient(queued: &QueuedRecipient) -> Recipient {
    Recipient {
        address: queued.address.clone(),
        orcpt: queued.orcpt.clone(),
        notify: queue::Notify(queued.notify).parameter(),
    }
}

/// The session failed before the host had the whole message, or the host said that it shuts down: another one may do.
fn is_undecided(failure: &Failure) -> bool {
    match failure {
        Failure::Lost(command) | Failure::TimedOut(command) => *command != Command::Body,
        Failure::Refused(_, reply) => reply.code == 421,
        Failure::Misbehaved(_) | Failure::Incompatible(_) => false,
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

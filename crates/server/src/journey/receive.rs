//! First stage: the envelope and the octets of one message arrive.
//!
//! A session (SMTP, submission, LMTP) makes a [`Transaction`] of MAIL, adds a recipient for each RCPT, and streams the octets into
//! [`Receiving`]. Nothing here knows the wire: dot-stuffing, BDAT and line rules are the session's business (RFC 5321, RFC 3030).
//!
//! Of the message, the header section is held (bounded), and changed as [`super::head`] says; the body goes straight on into the
//! store's staging and the scanner. Nothing is stored before [`super::commit`]; what is dropped on the way leaves nothing behind.

use super::authenticate::Checks;
use super::brake::Allowance;
use super::envelope::{ForwardPath, Mail, Rcpt, Refusal, Replies, Road, SessionFacts};
use super::head::{self, Head, HeadReader, Submitted};
use super::refusals;
use super::refused::{self, Arrival};
use super::route::{Recipient, Route, Rules};
use super::{authenticate, authorize, commit, file, judge, outsider, route, sign, strangers};
use crate::Services;
use crate::config::Config;
use crate::gate;
use jiff::Timestamp;
use mailauth::dkim::{Bodies, BodyHashes, BodyId, Canonicalization};
use message::{Scanner, Summary};
use smtp::Reply;
use std::fmt;
use std::sync::Arc;
use store::body::Staging;

/// Names one message in the reply, its `Received` field and the log. 64 random bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MailId(pub u64);

impl MailId {
    fn random() -> MailId {
        let mut octets = [0; 8];
        // Only a broken operating system has no randomness; the logs are then harder to read, and no mail is lost.
        let _ = getrandom::fill(&mut octets);
        MailId(u64::from_ne_bytes(octets))
    }
}

impl fmt::Display for MailId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A mail transaction between MAIL and DATA.
pub struct Transaction {
    services: Arc<Services>,
    /// The settings when it began: a reload does not change the rules in the middle.
    config: Arc<Config>,
    facts: Arc<SessionFacts>,
    mail: Mail,
    /// Of an account that has logged in: what it may still send.
    allowance: Option<Allowance>,
    recipients: Vec<Recipient>,
}

impl Transaction {
    /// Begins with MAIL: checks the size (A7) and, for a submission, the right to this sender (B13).
    pub async fn begin(
        services: Arc<Services>,
        facts: Arc<SessionFacts>,
        mail: Mail,
    ) -> Result<Transaction, Refusal> {
        let begun = Transaction::begun(services, facts, mail).await;
        begun.map_err(Refusal::named)
    }

    async fn begun(
        services: Arc<Services>,
        facts: Arc<SessionFacts>,
        mail: Mail,
    ) -> Result<Transaction, Refusal> {
        let config = services.config.load_full();
        if mail
            .size
            .is_some_and(|size| size > config.limits.message_size)
        {
            return Err(refusals::message_too_big(config.limits.message_size));
        }
        // S3: said before the message is sent.
        let room = services.store.room();
        room.map_err(|why| refusals::store_failed(&why))?;
        if let Road::Mx = facts.road {
            outsider::at_mail(&services, &config, &facts, mail.reverse_path.as_ref()).await?;
        }
        authorize::envelope_sender(
            &config,
            &services.store,
            &facts.road,
            mail.reverse_path.as_ref(),
        )
        .await?;
        let allowance = Allowance::at_mail(&services, &config, &facts).await?;
        Ok(Transaction {
            allowance,
            services,
            config,
            facts,
            mail,
            recipients: Vec::new(),
        })
    }

    /// Adds a recipient, if mail for it can be accepted now.
    pub async fn recipient(&mut self, rcpt: Rcpt) -> Result<(), Refusal> {
        self.add(rcpt).await.map_err(Refusal::named)
    }

    async fn add(&mut self, rcpt: Rcpt) -> Result<(), Refusal> {
        let limit = self.config.limits.recipients;
        if self.recipients.len() >= limit as usize {
            return Err(refusals::too_many_recipients(limit));
        }
        let rules = Rules {
            services: &self.services,
            config: &self.config,
            road: &self.facts.road,
            mail: &self.mail,
        };
        let named = rcpt.forward_path.clone();
        let recipient = match rules.recipient(rcpt).await {
            Ok(recipient) => recipient,
            Err(refusal) => {
                self.tried_to_relay(&named).await?;
                return Err(refusal);
            }
        };
        self.alone_if_it_may_refuse(&recipient)?;
        if let Some(allowance) = &mut self.allowance {
            allowance.recipient(&self.services, &recipient).await?;
        }
        if recipient.is_trap() {
            self.wrote_to_trap(&recipient.path).await?;
        }
        self.came_to_low_mx().await?;
        self.recipients.push(recipient);
        Ok(())
    }

    /// J16. Somebody who mistypes one of our addresses does not.
    async fn tried_to_relay(&self, named: &ForwardPath) -> Result<(), Refusal> {
        let (Road::Mx, ForwardPath::Address(path)) = (&self.facts.road, named) else {
            return Ok(());
        };
        let domain = path.domain().to_ascii_lowercase();
        let trapped = async {
            let find = move |tx: &mut store::Tx<'_>| store::domain::by_name(tx, &domain);
            if self.services.store.read(find).await?.is_none() {
                let client = self.facts.peer.remote.ip();
                gate::traps::tried_to_relay(&self.services, client, &path.to_string()).await?;
            }
            Ok(())
        };
        let trapped: store::Result<()> = trapped.await;
        trapped.map_err(|why| refusals::store_failed(&why))
    }

    /// J16.
    async fn came_to_low_mx(&self) -> Result<(), Refusal> {
        let Road::Mx = self.facts.road else {
            return Ok(());
        };
        let peer = &self.facts.peer;
        gate::traps::came_to_low_mx(&self.services, peer.remote.ip(), peer.local.ip())
            .await
            .map_err(|why| refusals::store_failed(&why))
    }

    /// J15: a stranger that does so is blocked from now on. It is told nothing.
    async fn wrote_to_trap(&self, trap: &str) -> Result<(), Refusal> {
        let address = self.facts.peer.remote.ip();
        gate::traps::caught(&self.services, address, trap)
            .await
            .map(|_| ())
            .map_err(|why| refusals::store_failed(&why))
    }

    /// Where all recipients share a reply, one whose own rules may refuse the message comes in a transaction of its own (H6).
    fn alone_if_it_may_refuse(&self, recipient: &Recipient) -> Result<(), Refusal> {
        let shared = Replies::of(&self.facts.road, &self.mail) == Replies::Common;
        let others = &self.recipients;
        match recipient.may_refuse() || others.iter().any(Recipient::may_refuse) {
            true if shared && !others.is_empty() => Err(refusals::own_transaction(&recipient.path)),
            _ => Ok(()),
        }
    }

    /// Recipients accepted so far.
    pub fn recipients(&self) -> usize {
        self.recipients.len()
    }

    /// DATA, or the first BDAT.
    pub fn data(self) -> Receiving {
        let leads =
            |wanted: fn(&Route) -> bool| self.recipients.iter().flat_map(|r| &r.routes).any(wanted);
        let id = MailId::random();
        let stage = |wanted: bool| wanted.then(|| self.services.store.stage().called(id.0));
        let mut bodies = Bodies::default();
        // Most mail that comes has a signature which wants this one too.
        let relaxed = bodies.want(Canonicalization::Relaxed, None);
        Receiving {
            id,
            time: self.services.clock.now(),
            copies: Copies {
                // What goes to a trap is looked at, and in no mailbox.
                filed: stage(leads(|route| matches!(route, Route::File(_) | Route::Trap))),
                relayed: stage(leads(|route| {
                    matches!(route, Route::Relay(_) | Route::HandOver(_))
                })),
            },
            reading: Reading::Head(HeadReader::default()),
            section: Vec::new(),
            scanner: Scanner::new(),
            checks: None,
            bodies,
            relaxed,
            size: 0,
            eight_bit: false,
            refused: None,
            transaction: self,
        }
    }
}

/// A mail transaction whose octets are arriving.
pub struct Receiving {
    transaction: Transaction,
    id: MailId,
    time: Timestamp,
    copies: Copies,
    reading: Reading,
    /// The header section as it is kept, once it has ended.
    section: Vec<u8>,
    scanner: Scanner,
    /// On the MX road, once the header section has ended.
    checks: Option<Checks>,
    /// Hashes of the body for signatures, found or to be made.
    bodies: Bodies,
    /// The one for our own.
    relaxed: BodyId,
    size: u64,
    eight_bit: bool,
    /// A refusal given while reading. The message is incomplete since, so nothing later may accept it.
    refused: Option<Refusal>,
}

/// Mailboxes and queue get the same body under different trace fields, so each has its own staging; most messages need one.
pub(super) struct Copies {
    pub(super) filed: Option<Staging>,
    pub(super) relayed: Option<Staging>,
}

enum Reading {
    Head(HeadReader),
    Body,
}

impl Receiving {
    /// Takes the next octets, dot-unstuffed. After an error the session swallows the rest of the data, then sends that refusal.
    pub async fn write(&mut self, octets: &[u8]) -> Result<(), Refusal> {
        if let Some(refusal) = &self.refused {
            return Err(refusal.clone());
        }
        let taken = self.take(octets).await.map_err(Refusal::named);
        self.refused = taken.as_ref().err().cloned();
        taken
    }

    async fn take(&mut self, octets: &[u8]) -> Result<(), Refusal> {
        self.size += octets.len() as u64;
        let limit = self.transaction.config.limits.message_size;
        if self.size > limit {
            return Err(refusals::message_too_big(limit));
        }
        self.eight_bit |= !octets.is_ascii();
        match &mut self.reading {
            Reading::Body => self.body(octets).await,
            Reading::Head(reader) => match reader.feed(octets) {
                Head::Ended { section, body } => self.head_ended(section, &body).await,
                Head::More => self.check_head_size(),
            },
        }
    }

    fn check_head_size(&self) -> Result<(), Refusal> {
        match &self.reading {
            Reading::Head(reader) => self.check_length(reader.len()),
            Reading::Body => Ok(()),
        }
    }

    fn check_length(&self, length: usize) -> Result<(), Refusal> {
        let limit = self.transaction.config.limits.header_size;
        if length > limit as usize {
            return Err(refusals::header_too_big(limit));
        }
        Ok(())
    }

    async fn head_ended(&mut self, section: Vec<u8>, body: &[u8]) -> Result<(), Refusal> {
        self.check_length(section.len())?;
        let hops = head::hops(&section);
        if hops > self.transaction.config.limits.hops as usize {
            return Err(refusals::mail_loop(hops));
        }
        if matches!(self.transaction.facts.road, Road::Mx) {
            self.checks = Some(Checks::begin(&section, &mut self.bodies));
        }
        self.section = self.kept(&section);
        self.section.extend_from_slice(b"\r\n");
        self.scanner.feed(&self.section);
        self.reading = Reading::Body;
        self.body(body).await
    }

    /// The header section as it is kept.
    fn kept(&self, section: &[u8]) -> Vec<u8> {
        let hostname = self.transaction.config.hostname.as_str();
        let own = match &self.transaction.facts.road {
            Road::Mx => return head::incoming(section, Some(hostname)),
            Road::Lmtp => return head::incoming(section, None),
            Road::Submission(login) => login.address.clone(),
            Road::Local(user) => format!("{}@{hostname}", user.name),
        };
        let reverse_path = self
            .transaction
            .mail
            .reverse_path
            .as_ref()
            .map(ToString::to_string);
        let sender = reverse_path.as_deref().unwrap_or(&own);
        let submitted = Submitted {
            sender,
            domain: sender
                .rsplit_once('@')
                .map_or(hostname, |(_, domain)| domain),
            date: message::date::write(self.time),
            id: format!("{:x}.{}", self.time.as_second(), self.id),
            hostname,
        };
        submitted.fixed(section)
    }

    async fn body(&mut self, octets: &[u8]) -> Result<(), Refusal> {
        if octets.is_empty() {
            return Ok(());
        }
        self.scanner.feed(octets);
        self.bodies.update(octets);
        for staging in [&mut self.copies.filed, &mut self.copies.relayed]
            .into_iter()
            .flatten()
        {
            staging
                .write(octets)
                .await
                .map_err(|error| refusals::store_failed(&error))?;
        }
        Ok(())
    }

    /// The octets are complete: the message goes through all stages. One result for SMTP; for LMTP, and for SMTP with PRDR, one for
    /// each accepted recipient, in their order (RFC 2033 §4.2).
    pub async fn finish(self) -> Vec<Result<Reply, Refusal>> {
        let transaction = &self.transaction;
        let replies = match Replies::of(&transaction.facts.road, &transaction.mail) {
            Replies::PerRecipient => transaction.recipients.len(),
            Replies::Common => 1,
        };
        match self.travel().await {
            Ok(replies) => replies,
            Err(refusal) => vec![Err(refusal); replies],
        }
    }

    /// The stages after this one, in order.
    async fn travel(self) -> Result<Vec<Result<Reply, Refusal>>, Refusal> {
        let (id, client) = (self.id, self.transaction.facts.peer.remote.ip());
        let received = match self.complete().await {
            Ok(received) => received,
            Err(refusal) => {
                refused::log_incomplete(id, client, &refusal);
                return Err(refusal.named());
            }
        };
        let arrival = Arrival::of(&received);
        match travelled(received).await {
            Ok(committed) => Ok(arrival.refused_by_some(committed.replies()).await),
            Err(refusal) => Err(arrival.refused(refusal).await),
        }
    }

    async fn complete(mut self) -> Result<Received, Refusal> {
        if let Some(refusal) = self.refused {
            return Err(refusal);
        }
        if let Reading::Head(reader) = std::mem::replace(&mut self.reading, Reading::Body) {
            let (section, body) = reader.finish();
            self.head_ended(section, &body).await?;
        }
        Ok(Received {
            services: self.transaction.services,
            config: self.transaction.config,
            facts: self.transaction.facts,
            mail: self.transaction.mail,
            recipients: self.transaction.recipients,
            id: self.id,
            time: self.time,
            section: self.section,
            summary: self.scanner.finish(),
            checks: self.checks,
            hashes: self.bodies.finish(),
            relaxed: self.relaxed,
            copies: self.copies,
            eight_bit: self.eight_bit,
        })
    }
}

/// What becomes of a message that is complete.
async fn travelled(received: Received) -> Result<commit::Committed, Refusal> {
    let services = received.services.clone();
    let mut authenticated = authenticate::authenticate(received).await?;
    let seen = authenticated.seen.take();
    let fate = decided(authenticated).await;
    // What is put off comes again, and counts then.
    let is_final = fate
        .as_ref()
        .err()
        .is_none_or(|refusal| refusal.reply.code >= 500);
    if let Some(seen) = seen.filter(|_| is_final) {
        services.dmarc_results.count(seen);
    }
    fate
}

/// What becomes of a message whose sender has been looked at.
async fn decided(authenticated: authenticate::Authenticated) -> Result<commit::Committed, Refusal> {
    let authorized = authorize::authorize(authenticated).await?;
    let judged = judge::judge(authorized).await?;
    let judged = strangers::greylist(judged).await?;
    let routed = route::route(judged);
    let filed = file::file(routed).await?;
    let signed = sign::sign(filed).await?;
    commit::commit(signed).await
}

/// A message that has arrived completely.
pub(crate) struct Received {
    pub(super) services: Arc<Services>,
    pub(super) config: Arc<Config>,
    pub(super) facts: Arc<SessionFacts>,
    pub(super) mail: Mail,
    pub(super) recipients: Vec<Recipient>,
    pub(super) id: MailId,
    pub(super) time: Timestamp,
    /// The header section with its empty line, without our trace fields.
    pub(super) section: Vec<u8>,
    /// Of section and body.
    pub(super) summary: Summary,
    /// On the MX road: what authentication will ask.
    pub(super) checks: Option<Checks>,
    pub(super) hashes: BodyHashes,
    /// The hash for signatures of our own.
    pub(super) relaxed: BodyId,
    pub(super) copies: Copies,
    pub(super) eight_bit: bool,
}

impl Received {
    pub(super) fn replies(&self) -> Replies {
        Replies::of(&self.facts.road, &self.mail)
    }
}

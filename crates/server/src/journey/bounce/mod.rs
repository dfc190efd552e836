//! Tells a sender what became of a message: failed, late, or handed over (RFC 3461, RFC 3464; catalogue C13–C15, A32).
//!
//! A notice is prepared first (its octets are staged, its addressee looked up) and then written in the same transaction that
//! changes the queue, so that there is one notice for one event, whatever happens in between. What it says is [`report`]'s. Of other
//! things than one message the people here are told by a [`Letter`].

mod letter;
mod report;

use super::lookup::{self, Found, Target};
use super::sign::Unsigned;
use super::srs::{self, Rewritten};
use crate::Services;
use mailauth::dkim::{Bodies, BodyId, Canonicalization};
use message::{Address, Scanner, Summary};
use report::Report;
use store::body::{BodyRef, Staged, Staging};
use store::entry::{Flags, NewEntry, QuotaRule};
use store::queue::{NewQueued, NewQueuedRecipient, Queued};
use store::{AccountId, Timestamp, Tx, mailbox};

pub(crate) use super::relay::Speaker;
pub(crate) use letter::Letter;
pub(crate) use report::Told;

/// Octets of a message that are sent back when its sender asked for all of it (RFC 3461 §4.3 leaves the limit to us).
const LARGEST_RETURN: u64 = 10 << 20;
/// NOTIFY=NEVER (RFC 3464 §2): nobody wants a notice about a notice.
const NEVER: u8 = 8;

/// What is to be told.
pub(crate) struct Notice {
    /// What happened.
    pub(crate) event: queue::Event,
    /// To whom it happened; at least one.
    pub(crate) told: Vec<Told>,
}

/// A notice that is ready to be written.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    body: Staged,
    summary: Summary,
    header_size: u32,
    ascii: bool,
    created: Timestamp,
    inboxes: Vec<AccountId>,
    elsewhere: Vec<String>,
}

/// The message that a notice is about.
pub(crate) struct Original<'a> {
    /// Names it in the ids of the notice.
    pub(crate) id: String,
    /// Its reverse-path.
    pub(crate) sender: Option<&'a str>,
    /// The account that submitted it, if one did.
    pub(crate) account: Option<AccountId>,
    /// ENVID, decoded.
    pub(crate) envid: Option<&'a str>,
    /// When it was accepted.
    pub(crate) created: Timestamp,
    /// When it was to be delivered at the latest (RFC 2852).
    pub(crate) deliver_by: Option<Timestamp>,
    /// Its header section.
    pub(crate) header: Vec<u8>,
    /// All of it, if all of it shall be returned.
    pub(crate) whole: Option<BodyRef>,
}

impl<'a> Original<'a> {
    /// A message in the queue, for a notice about this event.
    pub(crate) async fn queued(
        services: &Services,
        message: &'a Queued,
        event: queue::Event,
    ) -> store::Result<Original<'a>> {
        let length = u64::from(message.header_size);
        Ok(Original {
            id: message.id.to_string(),
            sender: message.reverse_path.as_deref(),
            account: message.account,
            envid: message.envid.as_deref(),
            created: message.created,
            deliver_by: message.deliver_by.map(|by| by.time),
            header: services.store.read_body(&message.body, 0, length).await?,
            whole: returns_all(message, event).then(|| message.body.clone()),
        })
    }
}

/// RFC 3461 §4.3: the whole message only if that was asked for, and only with a failure.
fn returns_all(message: &Queued, event: queue::Event) -> bool {
    // RFC 8689 §5: a notice does not promise the protection that the message asked for.
    event == queue::Event::Failed
        && !message.require_tls
        && message.ret_full == Some(true)
        && message.body.size <= LARGEST_RETURN
}

/// Prepares a notice for the sender of a message. `None`: there is nobody to tell (any more).
pub(crate) async fn prepare(
    services: &Services,
    original: &Original<'_>,
    notice: &Notice,
) -> store::Result<Option<Prepared>> {
    let Some(sender) = original.sender.filter(|path| !path.is_empty()) else {
        return Ok(None);
    };
    let (inboxes, elsewhere) = addressees(services, original.account, sender).await?;
    if inboxes.is_empty() && elsewhere.is_empty() {
        tracing::warn!(
            id = original.id,
            to = sender,
            "a notice has no addressee: that address is gone"
        );
        return Ok(None);
    }
    let config = services.config.load();
    let report = Report {
        hostname: &config.hostname,
        sender,
        now: services.clock.now(),
        event: notice.event,
        original,
        told: &notice.told,
        // RFC 5321 §4.4: whoever delivers at last writes Return-Path, and nobody else.
        last_stop: !inboxes.is_empty(),
        leaves: !elsewhere.is_empty(),
    };
    let written = written(services, &report).await?;
    Ok(Some(Prepared {
        body: written.body,
        header_size: written.header_size,
        summary: written.summary,
        ascii: written.ascii,
        created: report.now,
        inboxes,
        elsewhere,
    }))
}

/// Stages the octets of a notice.
async fn written(services: &Services, report: &Report<'_>) -> store::Result<Written> {
    let mut head = report.head();
    let rest = head.split_off(report.header_size() as usize);
    let mut writer = Writer::new(services, head);
    writer.write(&rest).await?;
    match &report.original.whole {
        Some(body) => writer.copy(services, body).await?,
        None => writer.write(&report.returned_header()).await?,
    }
    writer.write(&report.tail()).await?;
    writer.finish(services, report.now, report.leaves).await
}

/// Where the sender's mail goes: accounts of ours, addresses elsewhere.
async fn addressees(
    services: &Services,
    submitter: Option<AccountId>,
    sender: &str,
) -> store::Result<(Vec<AccountId>, Vec<String>)> {
    let Ok(address) = Address::parse(sender) else {
        return Ok((submitter.into_iter().collect(), Vec::new()));
    };
    // A forwarded message: its sender is behind the address that we made of it.
    let (sender, address) = match srs::original(services, &address).await? {
        Rewritten::From(original) => (original.to_string(), original),
        Rewritten::No => (sender.to_string(), address),
        Rewritten::Wrong(_) => return Ok((Vec::new(), Vec::new())),
    };
    let config = services.config.load_full();
    let found = services
        .store
        .read(move |tx| lookup::look_up(&config, tx, &address))
        .await?;
    Ok(match found {
        Found::Targets(targets) => split(targets),
        Found::NotOurs => (Vec::new(), vec![sender]),
        // Aliases may have changed since; who submitted the message is known all the same.
        _ => (submitter.into_iter().collect(), Vec::new()),
    })
}

fn split(targets: Vec<Target>) -> (Vec<AccountId>, Vec<String>) {
    let (mut inboxes, mut elsewhere) = (Vec::new(), Vec::new());
    for target in targets {
        match target {
            Target::Account(account) => inboxes.push(account.id),
            Target::Elsewhere(address) => elsewhere.push(address.to_string()),
        }
    }
    (inboxes, elsewhere)
}

impl Prepared {
    /// Files it, or queues it with the null reverse-path (C14, C15).
    pub(crate) fn write(&self, tx: &mut Tx<'_>) -> store::Result<()> {
        for account in &self.inboxes {
            self.file(tx, *account)?;
        }
        if !self.elsewhere.is_empty() {
            store::queue::add(tx, &self.queued())?;
        }
        Ok(())
    }

    /// A full mailbox takes notices all the same, far beyond its limit; its owner could not know otherwise.
    fn file(&self, tx: &mut Tx<'_>, account: AccountId) -> store::Result<()> {
        let Some(inbox) = mailbox::by_name(tx, account, "INBOX")? else {
            return Ok(());
        };
        let new = NewEntry {
            account,
            mailbox: inbox.id,
            flags: Flags::default(),
            keywords: Vec::new(),
            internal_date: self.created.into(),
            body: self.body.clone(),
            summary: self.summary.clone(),
            quota: QuotaRule::NOTICE,
        };
        match store::entry::add(tx, &new) {
            Err(store::Error::OverQuota { .. }) => {
                tracing::warn!(account = %account, "a notice does not fit into the mailbox, and is dropped");
                Ok(())
            }
            added => added.map(|_| ()),
        }
    }

    fn queued(&self) -> NewQueued {
        let recipient = |address: &String| NewQueuedRecipient {
            address: address.clone(),
            orcpt: None,
            notify: NEVER,
            next_attempt: self.created,
            state: store::queue::State::Pending,
        };
        NewQueued {
            reverse_path: None,
            envid: None,
            ret_full: None,
            smtputf8: !self.ascii,
            eight_bit: !self.ascii,
            account: None,
            created: self.created,
            body: self.body.clone(),
            header_size: self.header_size,
            recipients: self.elsewhere.iter().map(recipient).collect(),
        }
    }
}

/// The octets of a notice, staged.
struct Written {
    body: Staged,
    summary: Summary,
    /// Octets of its header section.
    header_size: u32,
    ascii: bool,
}

/// Stages the body of a notice, and reads and hashes it at the same time. The header section is put in front at the end, since the
/// signature stands in it.
struct Writer {
    staging: Staging,
    section: Vec<u8>,
    scanner: Scanner,
    bodies: Bodies,
    relaxed: BodyId,
    ascii: bool,
}

impl Writer {
    fn new(services: &Services, section: Vec<u8>) -> Writer {
        let mut scanner = Scanner::new();
        scanner.feed(&section);
        let mut bodies = Bodies::default();
        Writer {
            staging: services.store.stage(),
            ascii: section.is_ascii(),
            section,
            scanner,
            relaxed: bodies.want(Canonicalization::Relaxed, None),
            bodies,
        }
    }

    async fn write(&mut self, octets: &[u8]) -> store::Result<()> {
        self.scanner.feed(octets);
        self.bodies.update(octets);
        self.ascii &= octets.is_ascii();
        self.staging.write(octets).await
    }

    async fn copy(&mut self, services: &Services, body: &BodyRef) -> store::Result<()> {
        let mut body = services.store.open_body(body).await?;
        while let Some(octets) = body.next().await? {
            self.write(&octets).await?;
        }
        Ok(())
    }

    /// K2: notices are signed too.
    async fn finish(
        self,
        services: &Services,
        now: Timestamp,
        leaves: bool,
    ) -> store::Result<Written> {
        let unsigned = Unsigned {
            services,
            section: &self.section,
            bodies: &self.bodies.finish(),
            body: self.relaxed,
            now,
        };
        let signatures = match leaves {
            true => unsigned.signatures().await?,
            false => String::new(),
        };
        let head = [signatures.as_bytes(), &self.section].concat();
        let body = self.staging.finish(&head).await?;
        Ok(Written {
            body,
            summary: self.scanner.finish().prepended(signatures.len() as u32),
            header_size: u32::try_from(head.len()).unwrap_or(u32::MAX),
            ascii: self.ascii,
        })
    }
}

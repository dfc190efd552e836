//! Eighth stage: one transaction, synced; only then is there a reply of 250.
//!
//! All mailboxes and the queue get the message in one write of the store, or none does (A12, C1). Over SMTP there is one reply for
//! all recipients: when one mailbox has become full since its RCPT, the whole message is put off with 452, and on the retry that
//! recipient is refused at RCPT while the others are served. LMTP, and SMTP with PRDR, have a reply for each (A23): those that fit are
//! committed, the full one is told so.

use super::bounce::{self, Notice, Original, Prepared, Speaker, Told};
use super::brake::{self, Charge, Verdict};
use super::deliver::Part;
use super::envelope::{Notify, Refusal, Replies, Ret, Road};
use super::file::{Delivery, Filed};
use super::judge::Meetings;
use super::place::{Letter, Outcome};
use super::receive::{MailId, Received};
use super::refusals;
use super::reported;
use super::route::{self, Recipient, Relay, Route};
use super::sign::{Outbound, Signed};
use crate::Services;
use crate::jobs::Seat;
use crate::reports::Kept;
use smtp::{Enhanced, Reply};
use std::sync::Arc;
use store::body::{Staged, Staging};
use store::queue::{Begun, NewQueued, NewQueuedRecipient, Update};
use store::quota::{Occasion, Resource};
use store::{AccountId, QueueId, Tx, queue};

/// A message that is on disk for every recipient that is told so.
pub(crate) struct Committed {
    replies: Vec<Result<Reply, Refusal>>,
}

impl Committed {
    /// What the client is told.
    pub(super) fn replies(self) -> Vec<Result<Reply, Refusal>> {
        self.replies
    }
}

/// Commits.
pub(super) async fn commit(signed: Signed) -> Result<Committed, Refusal> {
    let score = signed.filed.score;
    let settled = Settled::new(signed).await?;
    let written = settled.write().await?;
    settled.allowed(&written).await?;
    settled.log(&written, score);
    for kind in &written.reports {
        settled.services.metrics.report(kind, "kept");
    }
    Ok(Committed {
        replies: settled.replies(&written),
    })
}

/// What goes to other servers.
struct Leaving {
    relays: Vec<Relay>,
    outbound: Outbound,
}

/// Everything the transaction writes, ready to be written more than once.
struct Settled {
    services: Arc<Services>,
    id: MailId,
    reverse_path: Option<String>,
    user: Option<String>,
    recipients: Vec<Recipient>,
    replies: Replies,
    plan: Arc<Plan>,
}

struct Plan {
    /// What the mailboxes get; `None` if nobody here gets it.
    letter: Option<Letter>,
    parts: Vec<Part>,
    queued: Option<NewQueued>,
    /// Of what is queued (RFC 8689).
    requires_tls: bool,
    /// Counts a submission.
    charge: Option<Charge>,
    /// To the sender, who wants to hear of success (A32).
    notice: Option<Prepared>,
    /// Reports about mail in our name that it brings (K15).
    reports: Vec<Kept>,
    meetings: Meetings,
    replies: Replies,
}

/// What the transaction did.
#[derive(Default)]
struct Written {
    /// Copies in mailboxes.
    filed: usize,
    /// Accounts whose mailbox was full; everybody else has the message.
    full: Vec<(AccountId, Full)>,
    queued: Option<QueueId>,
    /// The same, if it is tried at once.
    begun: Option<QueueId>,
    /// What the brake says; nothing was written if it refuses.
    verdict: Option<Verdict>,
    /// Kinds of the reports that are kept.
    reports: Vec<&'static str>,
}

#[derive(Clone, Copy)]
struct Full {
    /// The message would not even fit into an empty mailbox.
    never: bool,
}

impl Settled {
    /// Finishes what goes to other servers.
    async fn new(signed: Signed) -> Result<Settled, Refusal> {
        let Signed { filed, outbound } = signed;
        let Filed {
            authenticated,
            trace,
            letter,
            deliveries,
            relays,
            meetings,
            ..
        } = filed;
        let reports = reported::brought(&authenticated, letter.as_ref()).await;
        let mut received = authenticated.received;
        let requires_tls = received.mail.requiretls;
        let charge = Charge::of(&received, &relays);
        let leaving = Leaving { relays, outbound };
        let reverse_path = received.mail.reverse_path.as_ref().map(ToString::to_string);
        let notice = success_notice(&received, &deliveries, reverse_path.as_deref()).await?;
        let relayed_trace = format!("{trace}{}", leaving.outbound.fields);
        let relayed = received.copies.relayed.take();
        let relayed = staged(relayed, &relayed_trace, &received.section).await?;
        let queued = relayed.map(|body| new_queued(&received, body, relayed_trace.len(), &leaving));
        let quota = received.config.mail.quota_rule(Occasion::Delivery);
        let parts = deliveries
            .into_iter()
            .map(|delivery| Part::new(received.time, &quota, delivery))
            .collect();
        let replies = received.replies();
        Ok(Settled {
            services: received.services,
            id: received.id,
            reverse_path,
            user: received.facts.login().map(|login| login.address.clone()),
            recipients: received.recipients,
            replies,
            plan: Arc::new(Plan {
                letter,
                parts,
                queued,
                requires_tls,
                charge,
                notice,
                reports,
                meetings,
                replies,
            }),
        })
    }

    async fn write(&self) -> Result<Written, Refusal> {
        let (plan, new) = (self.plan.clone(), self.plan.queued.as_ref());
        let seat = new.and_then(|new| Seat::take(&self.services, new));
        let begun = seat.as_ref().map(Seat::begun);
        let store = &self.services.store;
        let written = store.write_together(move |tx| plan.write(tx, begun)).await;
        if let (
            Ok(Written {
                begun: Some(id), ..
            }),
            Some(new),
            Some(seat),
        ) = (&written, new, seat)
        {
            seat.go(new.queued(*id, self.plan.requires_tls));
        }
        written.map_err(|error| match &error {
            store::Error::OverQuota {
                resource: Resource::Bytes,
                limit,
                ..
            } => self.over_quota(*limit, &error),
            _ => {
                tracing::error!(mid = %self.id, error = %error, "could not commit a message");
                refusals::store_failed(&error)
            }
        })
    }

    /// Put off, so that the others are served on a retry; but a sole recipient it can never fit is told so for good.
    fn over_quota(&self, limit: u64, error: &store::Error) -> Refusal {
        match self.recipients.as_slice() {
            [only] if !route::fits_empty(limit, self.plan.size()) => {
                refusals::never_fits(&only.path)
            }
            _ => refusals::store_failed(error),
        }
    }

    fn replies(&self, written: &Written) -> Vec<Result<Reply, Refusal>> {
        let accepted = || {
            Ok(Reply::new(
                250,
                Enhanced(2, 0, 0),
                format!("Ok: id={}", self.id),
            ))
        };
        match self.replies {
            Replies::Common => vec![accepted()],
            Replies::PerRecipient => self
                .recipients
                .iter()
                .map(|recipient| match self.refusal_for(recipient, written) {
                    Some(refusal) => Err(refusal),
                    None => accepted(),
                })
                .collect(),
        }
    }
}

impl Settled {
    /// Of a recipient one of whose mailboxes was full, or whose accounts all refuse the message: where some take it, it is not
    /// the sender's business that others do not.
    fn refusal_for(&self, recipient: &Recipient, written: &Written) -> Option<Refusal> {
        let refusal = |route: &Route| match route {
            Route::File(inbox) => self.plan.refusal_of(inbox.account),
            Route::Relay(_) | Route::HandOver(_) | Route::Trap => None,
        };
        let all: Option<Vec<Refusal>> = recipient.routes.iter().map(refusal).collect();
        let rejected = all.and_then(|all| all.into_iter().next());
        rejected.or_else(|| written.full_for(recipient))
    }
}

impl Settled {
    /// Was it written? If the brake holds the account since this message, its owner and the postmaster are told.
    async fn allowed(&self, written: &Written) -> Result<(), Refusal> {
        let (Some(verdict), Some(charge)) = (&written.verdict, &self.plan.charge) else {
            return Ok(());
        };
        match verdict {
            Verdict::Go | Verdict::Held { begins: false, .. } => Ok(()),
            Verdict::TooMuch(excess) => {
                self.services.metrics.ratelimited("account-sending");
                let now = self.services.clock.now();
                Err(refusals::sent_too_much(excess, now))
            }
            Verdict::Locked => Err(refusals::locked(self.user.as_deref().unwrap_or_default())),
            Verdict::Held { begins: true, .. } => {
                self.services.metrics.account_held();
                if let Err(why) = brake::tell(&self.services, charge.account).await {
                    tracing::warn!(error = %why, "nobody could be told yet that mail is held; a job tries again");
                }
                Ok(())
            }
        }
    }
}

/// Nothing of it goes before somebody says so.
fn hold(tx: &mut Tx<'_>, id: QueueId, new: &NewQueued, why: &str) -> store::Result<()> {
    for index in 0..new.recipients.len() as u32 {
        queue::update(tx, id, index, &Update::Hold(why.to_string()))?;
    }
    Ok(())
}

impl Plan {
    /// By the scripts of this account.
    fn refusal_of(&self, account: AccountId) -> Option<Refusal> {
        let mut parts = self.parts.iter().map(|part| &part.delivery);
        let found = parts.find(|delivery| delivery.inbox.account == account)?;
        found.refusal.clone()
    }

    /// All or nothing; over LMTP, all but full mailboxes.
    fn write(&self, tx: &mut Tx<'_>, begun: Option<Begun>) -> store::Result<Written> {
        let mut written = Written::default();
        if let Some(charge) = &self.charge {
            let verdict = charge.write(tx)?;
            let refused = matches!(verdict, Verdict::TooMuch(_) | Verdict::Locked);
            written.verdict = Some(verdict);
            if refused {
                return Ok(written);
            }
        }
        if let Some(letter) = &self.letter {
            for part in &self.parts {
                self.deliver(tx, part, letter, &mut written)?;
            }
        }
        if let Some(new) = &self.queued {
            self.queue(tx, new, begun, &mut written)?;
        }
        if let Some(notice) = &self.notice {
            notice.write(tx)?;
        }
        for report in &self.reports {
            if report.write(tx)? {
                written.reports.push(report.kind());
            }
        }
        self.meetings.write(tx)?;
        Ok(written)
    }

    /// Into the queue: tried at once if it may go and there is a seat.
    fn queue(
        &self,
        tx: &mut Tx<'_>,
        new: &NewQueued,
        begun: Option<Begun>,
        written: &mut Written,
    ) -> store::Result<()> {
        let id = match (&written.verdict, begun) {
            (Some(Verdict::Held { why, .. }), _) => {
                let id = queue::add(tx, new)?;
                hold(tx, id, new, why)?;
                id
            }
            (_, Some(begun)) => {
                queue::add_begun(tx, new, &begun)?;
                written.begun = Some(begun.id);
                begun.id
            }
            (_, None) => queue::add(tx, new)?,
        };
        if self.requires_tls {
            queue::require_tls(tx, id)?;
        }
        written.queued = Some(id);
        Ok(())
    }

    fn deliver(
        &self,
        tx: &mut Tx<'_>,
        part: &Part,
        letter: &Letter,
        written: &mut Written,
    ) -> store::Result<()> {
        match part.write(tx, letter)? {
            Outcome::Filed(copies, _) => written.filed += copies,
            Outcome::Full {
                resource, limit, ..
            } if self.replies == Replies::PerRecipient => {
                let size = u64::from(letter.summary.size);
                let never = resource == Resource::Bytes && !route::fits_empty(limit, size);
                written
                    .full
                    .push((part.delivery.inbox.account, Full { never }));
            }
            Outcome::Full {
                resource,
                limit,
                used,
            } => {
                return Err(store::Error::OverQuota {
                    resource,
                    limit,
                    used,
                });
            }
        }
        Ok(())
    }
}

impl Written {
    /// The refusal for a recipient one of whose mailboxes was full.
    fn full_for(&self, recipient: &Recipient) -> Option<Refusal> {
        recipient.routes.iter().find_map(|route| match route {
            Route::Relay(_) | Route::HandOver(_) | Route::Trap => None,
            Route::File(inbox) => {
                let (_, full) = self
                    .full
                    .iter()
                    .find(|(account, _)| *account == inbox.account)?;
                Some(full.refusal(&inbox.address))
            }
        })
    }
}

impl Full {
    fn refusal(self, address: &str) -> Refusal {
        match self.never {
            true => refusals::never_fits(address),
            false => refusals::mailbox_full(address),
        }
    }
}

/// RFC 3461 §5.2.1: what the sender is told of recipients who have the message once this transaction is committed. Over LMTP the
/// server in front of us does that.
async fn success_notice(
    received: &Received,
    deliveries: &[Delivery],
    reverse_path: Option<&str>,
) -> Result<Option<Prepared>, Refusal> {
    let has_it = |route: &Route| match route {
        Route::File(inbox) => deliveries
            .iter()
            .any(|delivery| delivery.inbox.account == inbox.account && !delivery.copies.is_empty()),
        Route::Relay(_) | Route::HandOver(_) | Route::Trap => false,
    };
    let filed = |recipient: &&Recipient| {
        recipient.notify.has(Notify::SUCCESS)
            && !recipient.notify.has(Notify::NEVER)
            && recipient.routes.iter().all(has_it)
    };
    let told: Vec<Told> = received
        .recipients
        .iter()
        .filter(filed)
        .map(|recipient| told(recipient, received.time))
        .collect();
    if told.is_empty() || matches!(received.facts.road, Road::Lmtp) {
        return Ok(None);
    }
    let original = Original {
        id: received.id.to_string(),
        sender: reverse_path,
        account: received.facts.login().map(|login| login.account),
        envid: received.mail.envid.as_deref(),
        created: received.time,
        deliver_by: None,
        header: received.section.clone(),
        whole: None,
    };
    let event = ::queue::Event::Delivered;
    let prepared = bounce::prepare(&received.services, &original, &Notice { event, told }).await;
    prepared.map_err(|error| refusals::store_failed(&error))
}

fn told(recipient: &Recipient, time: jiff::Timestamp) -> Told {
    Told {
        address: recipient.path.clone(),
        orcpt: recipient.orcpt.clone(),
        status: Enhanced(2, 1, 5),
        words: "filed into the mailbox".to_string(),
        said_by: Speaker::Us,
        remote: None,
        attempted: time,
        retry_until: None,
    }
}

async fn staged(
    staging: Option<Staging>,
    trace: &str,
    section: &[u8],
) -> Result<Option<Staged>, Refusal> {
    let Some(staging) = staging else {
        return Ok(None);
    };
    let head = [trace.as_bytes(), section].concat();
    let staged = staging.finish(&head).await;
    staged
        .map(Some)
        .map_err(|error| refusals::store_failed(&error))
}

fn new_queued(received: &Received, body: Staged, extra: usize, leaving: &Leaving) -> NewQueued {
    let recipient = |relay: &Relay| NewQueuedRecipient {
        address: relay.address.to_string(),
        orcpt: relay.orcpt.clone(),
        notify: relay.notify.0,
        next_attempt: received.time,
        state: store::queue::State::Pending,
    };
    NewQueued {
        reverse_path: leaving
            .outbound
            .reverse_path
            .clone()
            .or_else(|| received.mail.reverse_path.as_ref().map(ToString::to_string)),
        envid: received.mail.envid.clone(),
        ret_full: received.mail.ret.map(|ret| ret == Ret::Full),
        smtputf8: received.mail.smtputf8,
        // What the client promised does not matter: any host takes a message that is ASCII.
        eight_bit: received.eight_bit,
        account: received.facts.login().map(|login| login.account),
        created: received.time,
        body,
        header_size: (received.section.len() + extra) as u32,
        recipients: leaving.relays.iter().map(recipient).collect(),
    }
}

impl Settled {
    /// The one line about an accepted message; the session's span adds who sent it. Refusals are logged by the session.
    fn log(&self, written: &Written, score: f32) {
        let paths: Vec<&str> = self
            .recipients
            .iter()
            .map(|recipient| recipient.path.as_str())
            .collect();
        tracing::info!(
            mid = %self.id,
            user = self.user.as_deref(),
            from = self.reverse_path.as_deref().unwrap_or(""),
            to = paths.join(","),
            size = self.plan.size(),
            filed = written.filed,
            full = written.full.len(),
            qid = written.queued.map(|id| id.to_string()),
            score,
            "message accepted"
        );
    }
}

impl Plan {
    /// Octets of the message as stored.
    fn size(&self) -> u64 {
        let queued = self.queued.as_ref().map(|queued| queued.body.body().size);
        let filed = self
            .letter
            .as_ref()
            .map(|letter| u64::from(letter.summary.size));
        filed.or(queued).unwrap_or(0)
    }
}

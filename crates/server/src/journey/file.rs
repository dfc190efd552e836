//! Sixth stage: where is each local copy filed, and with which flags? Who gets it besides, and who refuses it?
//!
//! For each account: its Sieve scripts decide, if there are any ([`crate::scripts`]), else the verdict of [`super::judge`]. All decisions
//! are taken before the commit and its 250, and nothing is written here: mailboxes are looked up, and made if they are missing, in the
//! transaction of [`super::commit`] (by [`super::place`] and [`super::deliver`]).

use super::authenticate::Authenticated;
use super::envelope::{ClientName, Refusal, Replies, Road};
use super::judge::{Judgements, Meetings};
use super::place::{Copy, Letter, Place};
use super::receive::Received;
use super::refusals;
use super::route::{self, Inbox, Recipient, Relay, Route, Routed};
use super::sign;
use super::trace;
use crate::scripts::effects::{self, Answers, Effects, Into, Original};
use crate::scripts::letters::Made;
use crate::scripts::run::{self, Case, Client};
use spam::verdict::Action;
use std::collections::HashSet;
use std::sync::Arc;
use store::entry::{Flags, QuotaRule};
use store::quota::Occasion;
use store::{AccountId, Timestamp};

/// A message of which everything is decided.
pub(crate) struct Filed {
    pub(super) authenticated: Authenticated,
    /// Our trace fields, for every copy.
    pub(super) trace: String,
    /// Over mail of our own, for every copy (B17).
    pub(super) signatures: String,
    /// What is to be remembered of its sender, or of whom it goes to.
    pub(super) meetings: Meetings,
    /// Of the message as a whole.
    pub(super) score: f32,
    /// What mailboxes get; `None` if nobody here gets it.
    pub(super) letter: Option<Letter>,
    /// One for each account, each once.
    pub(super) deliveries: Vec<Delivery>,
    /// Recipients on other servers, each once.
    pub(super) relays: Vec<Relay>,
}

/// What becomes of the message in one account.
pub(crate) struct Delivery {
    pub(super) inbox: Inbox,
    /// The account has the message if the first of them fits; the others come along if they fit too.
    pub(super) copies: Vec<Copy>,
    /// Its scripts refuse the message; then there are no copies.
    pub(super) refusal: Option<Refusal>,
    /// Who redirected it here: he keeps what cannot be filed here.
    pub(super) via: Option<Inbox>,
    pub(super) effects: Effects,
    /// What the account thought of it, if it was judged.
    pub(super) judgement: Option<store::judgement::Judgement>,
}

/// Files.
pub(super) async fn file(routed: Routed) -> Result<Filed, Refusal> {
    let Routed {
        judged,
        inboxes,
        relays,
    } = routed;
    let (authorized, judgements) = judged.into_parts();
    let mut authenticated = authorized.into_authenticated();
    let trace = format!(
        "{}{}",
        trace::received_field(&authenticated.received),
        authenticated.results
    );
    let results = match authenticated.received.config.spam.headers {
        true => judgements.shown().fields(),
        false => String::new(),
    };
    let signatures = sign::own(&authenticated.received).await?;
    let fields = format!("{trace}{results}{signatures}");
    let (letter, front) = letter(&mut authenticated.received, &fields).await?;
    let received = &authenticated.received;
    let mut filing = Filing {
        received,
        judgements: &judgements,
        deliveries: Vec::new(),
        seen: inboxes.iter().map(|inbox| inbox.account).collect(),
        waiting: inboxes.into_iter().map(Waiting::recipient).collect(),
    };
    if let Some(letter) = &letter {
        filing.decide(letter, front).await?;
    }
    let deliveries = filing.deliveries;
    refused_by_all(received, &deliveries, &relays)?;
    let accounts = deliveries.iter().map(|delivery| delivery.inbox.account);
    let meetings = match received.facts.road {
        Road::Submission(_) => Meetings::of_ours(received),
        Road::Mx | Road::Lmtp | Road::Local(_) => judgements.meetings(accounts),
    };
    Ok(Filed {
        meetings,
        trace,
        signatures,
        score: judgements.shown().verdict.score,
        letter,
        deliveries,
        relays,
        authenticated,
    })
}

/// What mailboxes get, and its header section.
async fn letter(
    received: &mut Received,
    trace: &str,
) -> Result<(Option<Letter>, Vec<u8>), Refusal> {
    let Some(staging) = received.copies.filed.take() else {
        return Ok((None, Vec::new()));
    };
    let reverse_path = received.mail.reverse_path.as_ref().map(ToString::to_string);
    let front = format!("{}{trace}", trace::return_path(reverse_path.as_deref()));
    let head = [front.as_bytes(), &received.section].concat();
    let body = staging.finish(&head).await;
    let body = body.map_err(|error| refusals::store_failed(&error))?;
    let letter = Letter {
        body,
        summary: std::mem::take(&mut received.summary).prepended(front.len() as u32),
        date: received.time,
        quota: received.config.mail.quota_rule(Occasion::Delivery),
    };
    Ok((Some(letter), head))
}

/// The decisions while they are taken.
struct Filing<'a> {
    received: &'a Received,
    judgements: &'a Judgements,
    deliveries: Vec<Delivery>,
    /// Accounts that get it, or are asked whether they want it: each once, so that redirects cannot go in circles.
    seen: HashSet<store::AccountId>,
    /// Accounts to be asked.
    waiting: Vec<Waiting>,
}

/// An account to be asked.
struct Waiting {
    inbox: Inbox,
    /// Who redirected it to them.
    via: Option<Inbox>,
    /// As it is for them, if who redirected it has changed it (RFC 5293 §7).
    edited: Option<Edited>,
}

/// A message that a script has changed.
#[derive(Clone)]
struct Edited {
    made: Made,
    /// As scripts see it.
    message: Arc<run::Letter>,
}

impl Waiting {
    fn recipient(inbox: Inbox) -> Waiting {
        Waiting {
            inbox,
            via: None,
            edited: None,
        }
    }
}

impl Edited {
    fn new((made, header): (Made, Vec<u8>)) -> Edited {
        let message = Arc::new(run::Letter {
            header,
            body: made.body.clone().into(),
            summary: made.summary.clone(),
        });
        Edited { made, message }
    }
}

impl Filing<'_> {
    async fn decide(&mut self, letter: &Letter, header: Vec<u8>) -> Result<(), Refusal> {
        let message = Arc::new(run::Letter {
            header,
            body: letter.body.clone().into(),
            summary: letter.summary.clone(),
        });
        let client = Arc::new(self.client());
        while !self.waiting.is_empty() {
            let next = self.waiting.remove(0);
            let edited = next.edited.clone();
            let mut delivery = match next.inbox.scripted() {
                true => self.by_scripts(next, &message, &client).await?,
                false => self.by_verdict(next.inbox, next.via),
            };
            if let Some(edited) = edited {
                self.file_edited(&mut delivery, &edited.made);
            }
            self.deliveries.push(delivery);
        }
        Ok(())
    }

    fn client(&self) -> Client {
        let facts = &self.received.facts;
        Client {
            address: Some(facts.peer.remote.ip()),
            host: match &facts.client {
                ClientName::Confirmed(name) => Some(name.clone()),
                _ => None,
            },
        }
    }

    fn by_verdict(&self, inbox: Inbox, via: Option<Inbox>) -> Delivery {
        Delivery {
            copies: vec![self.implicit_keep(inbox.account)],
            judgement: self.judgements.record(inbox.account),
            refusal: None,
            via,
            effects: Effects {
                decisions: self.verdict_decides(inbox.account),
                ..Effects::default()
            },
            inbox,
        }
    }

    fn action(&self, account: AccountId) -> Action {
        self.judgements.of(account).action()
    }

    fn implicit_keep(&self, account: AccountId) -> Copy {
        implicit_keep(self.action(account), &self.received.config.mail.junk)
    }

    /// For `explain message`, if the verdict chose the mailbox.
    fn verdict_decides(&self, account: AccountId) -> Vec<store::filing::Decision> {
        let flags = match self.action(account) {
            Action::Junk => "",
            Action::JunkSeen => " (\\Seen)",
            Action::Accept | Action::Mark | Action::Refuse => return Vec::new(),
        };
        vec![store::filing::Decision {
            action: format!("fileinto \"{}\"{flags}", self.received.config.mail.junk),
            by: "the verdict of the filter".into(),
            line: 0,
        }]
    }

    /// Who gets a changed message has no copy of what arrived.
    fn file_edited(&self, delivery: &mut Delivery, made: &Made) {
        let quota = self.received.config.mail.quota_rule(Occasion::Delivery);
        for copy in &mut delivery.copies {
            let edited = || letter_of(self.received.time, &quota, made.clone());
            copy.instead.get_or_insert_with(edited);
        }
    }

    async fn by_scripts(
        &mut self,
        next: Waiting,
        arrived: &Arc<run::Letter>,
        client: &Arc<Client>,
    ) -> Result<Delivery, Refusal> {
        let Waiting { inbox, via, edited } = next;
        let message = edited.as_ref().map_or(arrived, |edited| &edited.message);
        let recipient = self.recipient_of(&inbox, via.as_ref());
        let case = Case {
            services: self.received.services.clone(),
            config: self.received.config.clone(),
            recipient: run::Recipient {
                account: inbox.account,
                address: inbox.address.clone(),
            },
            envelope: self.envelope(&inbox, recipient, via.is_some()),
            message: message.clone(),
            found: self.judgements.found(inbox.account),
            occasion: run::Occasion::Delivery(client.clone()),
        };
        let case = Arc::new(case);
        let ran = run::run(case.clone())
            .await
            .map_err(|why| refusals::scripts_failed(&inbox.address).because(why))?;
        let id = self.received.id.to_string();
        let original = Original {
            id: &id,
            notify: recipient.map_or(0, |recipient| recipient.notify.0),
            recipient: recipient.map_or(&inbox.address, |recipient| &recipient.path),
            requires_tls: self.received.mail.requiretls,
            answers: match self.action(inbox.account).is_junk() {
                true => Answers::Unwanted,
                false => Answers::Wanted,
            },
        };
        let effects = effects::prepare(&case, ran, original)
            .await
            .map_err(|error| refusals::store_failed(&error))?;
        self.decided(inbox, via, edited, effects).await
    }

    /// The recipient whose address led to this account.
    fn recipient_of(&self, inbox: &Inbox, via: Option<&Inbox>) -> Option<&Recipient> {
        let account = via.unwrap_or(inbox).account;
        self.received.recipients.iter().find(|recipient| {
            recipient
                .routes
                .iter()
                .any(|route| matches!(route, Route::File(inbox) if inbox.account == account))
        })
    }

    /// H7: the real envelope.
    fn envelope(
        &self,
        inbox: &Inbox,
        recipient: Option<&Recipient>,
        redirected: bool,
    ) -> sieve::Envelope {
        let mail = &self.received.mail;
        let from = mail.reverse_path.as_ref().map(ToString::to_string);
        let to = recipient
            .filter(|_| !redirected)
            .map(|recipient| recipient.path.clone());
        let mut envelope = sieve::Envelope::new(
            from.unwrap_or_default(),
            to.unwrap_or_else(|| inbox.address.clone()),
        );
        envelope.auth = self
            .received
            .facts
            .login()
            .map(|login| login.address.clone());
        envelope.dsn = sieve::EnvelopeDsn {
            notify: recipient.map_or(Vec::new(), |recipient| recipient.notify.words()),
            orcpt: recipient.and_then(|recipient| recipient.orcpt.clone()),
            ret: mail.ret.map(|ret| ret.word().to_owned()),
            envid: mail.envid.clone(),
        };
        envelope
    }

    async fn decided(
        &mut self,
        inbox: Inbox,
        via: Option<Inbox>,
        edited: Option<Edited>,
        mut effects: Effects,
    ) -> Result<Delivery, Refusal> {
        let refusal = effects.refused.take().map(|reason| {
            refusals::refused_by_rule(&reason)
                .because(format!("{}: reject: {reason}", inbox.address))
        });
        for passed_on in std::mem::take(&mut effects.passed_on) {
            let account = passed_on.account;
            if self.seen.insert(account.id) {
                let next = route::inbox_of(&self.received.services, &self.received.config, account)
                    .await?;
                let edited = passed_on.made.map(Edited::new).or_else(|| edited.clone());
                self.waiting.push(Waiting {
                    inbox: next,
                    via: Some(inbox.clone()),
                    edited,
                });
            } else if self.has_passed_on(account.id, via.as_ref()) {
                effects.keep_instead("the message has come from there");
            }
        }
        let mut copies: Vec<Copy> = effects
            .copies
            .drain(..)
            .map(|filed| self.copy(inbox.account, filed))
            .collect();
        // What was redirected here and is refused here stays with whoever redirected it.
        if refusal.is_some() {
            copies.clear();
        }
        Ok(Delivery {
            judgement: self.judgements.record(inbox.account),
            inbox,
            copies,
            refusal,
            via,
            effects,
        })
    }

    /// Has this account, which keeps nothing of it, redirected the message to us, perhaps by others? Then it would go in a circle.
    fn has_passed_on(&self, account: AccountId, via: Option<&Inbox>) -> bool {
        let mut via = via.map(|inbox| inbox.account);
        while let Some(by) = via {
            let mut deliveries = self.deliveries.iter();
            let Some(delivery) = deliveries.find(|delivery| delivery.inbox.account == by) else {
                return false;
            };
            if by == account {
                return delivery.copies.is_empty();
            }
            via = delivery.via.as_ref().map(|inbox| inbox.account);
        }
        false
    }

    fn copy(&self, account: AccountId, filed: effects::Filed) -> Copy {
        let usual = self.implicit_keep(account);
        let (place, more) = match filed.into {
            Into::Usual => (usual.place, usual.flags),
            named => (Place::Named(named), Flags::default()),
        };
        Copy {
            place,
            flags: filed.flags.with(more),
            keywords: filed.keywords,
            instead: filed.instead.map(|made| {
                let quota = self.received.config.mail.quota_rule(Occasion::Delivery);
                letter_of(self.received.time, &quota, made)
            }),
        }
    }
}

/// A message of ours, or a changed one, as mailboxes get it.
pub(super) fn letter_of(date: Timestamp, quota: &QuotaRule, made: Made) -> Letter {
    Letter {
        body: made.body,
        summary: made.summary,
        date,
        quota: quota.clone(),
    }
}

/// Where a message goes about which nobody said anything else.
fn implicit_keep(action: Action, junk: &str) -> Copy {
    let flags = match action {
        Action::Accept | Action::Mark | Action::Refuse => return Copy::plain(),
        Action::Junk => Flags::default(),
        Action::JunkSeen => Flags::SEEN,
    };
    Copy {
        place: Place::Junk(junk.to_owned()),
        flags,
        ..Copy::plain()
    }
}

/// One reply for all: if nobody wants it, that is the reply. If some refuse it and others do not, although each such recipient was asked
/// to come alone, the rules have changed since: the client comes again, and is asked again.
fn refused_by_all(
    received: &Received,
    deliveries: &[Delivery],
    relays: &[Relay],
) -> Result<(), Refusal> {
    let mut refusals = deliveries.iter().filter(|delivery| delivery.via.is_none());
    let first = refusals
        .clone()
        .find_map(|delivery| delivery.refusal.as_ref());
    let Some(first) = first else {
        return Ok(());
    };
    let all = relays.is_empty() && refusals.all(|delivery| delivery.refusal.is_some());
    match received.replies() {
        Replies::Common if all => Err(first.clone()),
        Replies::Common if received.recipients.len() > 1 => Err(refusals::rules_differ()),
        // Each is told its own; or it is one address that leads to several, and those who want it have it.
        Replies::Common | Replies::PerRecipient => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(action: Action) -> (String, Flags) {
        let copy = implicit_keep(action, "Spam");
        (format!("{:?}", copy.place), copy.flags)
    }

    /// I5
    #[test]
    fn i05_the_verdict_chooses_the_mailbox() {
        let junk = || "Junk(\"Spam\")".to_owned();
        assert_eq!(kept(Action::Accept), ("Inbox".into(), Flags::default()));
        assert_eq!(kept(Action::Junk), (junk(), Flags::default()));
        assert_eq!(kept(Action::JunkSeen), (junk(), Flags::SEEN));
    }
}

//! The brake (U7, V10): what an account may send in an hour and a day, and whether what it sends is usual for it.
//!
//! Limits are asked at MAIL and RCPT, so that a program can say at once what is wrong, and again in the commit, which counts. Mail that
//! is unusual is accepted and held in the queue, together with what follows, until an administrator has looked at it. What is too much
//! is decided in [`queue::brake`].

use super::bounce::Letter;
use super::envelope::{ClientName, Refusal, SessionFacts};
use super::receive::Received;
use super::refusals;
use super::route::{Recipient, Relay, Route};
use crate::Services;
use crate::config::{BrakeSettings, Config};
use crate::session::login::Login;
use ::queue::brake::{self, Abroad, Excess, Habit, Limits, Origin};
use ::queue::countries::Country;
use jiff::Timestamp;
use std::fmt::Write as _;
use store::sending::{self, Hold, OwnLimits, Sending, Submission, Tally, Usage};
use store::{AccountId, QueueId, Tx, account};

/// Messages in the letters about a hold.
const LISTED: usize = 20;

/// The limits of an account: its own, and those of the settings where it has none.
pub(crate) fn limits(settings: &BrakeSettings, own: &OwnLimits) -> Limits {
    let mut limits = settings.limits;
    let set = |place: &mut u32, own: Option<u32>| *place = own.unwrap_or(*place);
    set(&mut limits.hour.messages, own.messages_per_hour);
    set(&mut limits.day.messages, own.messages_per_day);
    set(&mut limits.hour.recipients, own.recipients_per_hour);
    set(&mut limits.day.recipients, own.recipients_per_day);
    set(&mut limits.hour.strangers, own.strangers_per_hour);
    set(&mut limits.day.strangers, own.strangers_per_day);
    limits
}

fn habit(settings: &BrakeSettings, own: &OwnLimits) -> Option<(Habit, Abroad)> {
    let holds = own.hold_unusual.unwrap_or(settings.hold_unusual);
    holds.then_some((settings.habit, settings.abroad))
}

/// What a submission may still have, asked at MAIL.
pub(super) struct Allowance {
    account: AccountId,
    tally: Tally,
    limits: Limits,
    new: Usage,
}

impl Allowance {
    /// At MAIL. `None` on roads that are not limited.
    pub(super) async fn at_mail(
        services: &Services,
        config: &Config,
        facts: &SessionFacts,
    ) -> Result<Option<Allowance>, Refusal> {
        let Some(login) = facts.login() else {
            return Ok(None);
        };
        let account = login.account;
        let read = services.store.read(move |tx| {
            let active = account::by_id(tx, account)?.is_some_and(|account| account.active);
            Ok((active, sending::of(tx, account)?))
        });
        let (active, sending) = read.await.map_err(|why| refusals::store_failed(&why))?;
        if !active {
            return Err(refusals::locked(&login.address));
        }
        let mut allowance = Allowance {
            account,
            limits: limits(&config.brake, &sending.limits),
            tally: sending.tally,
            new: Usage::default(),
        };
        let message = Usage {
            messages: 1,
            ..Usage::default()
        };
        allowance.take(services, message)?;
        Ok(Some(allowance))
    }

    /// At RCPT, of a recipient that is accepted otherwise.
    pub(super) async fn recipient(
        &mut self,
        services: &Services,
        recipient: &Recipient,
    ) -> Result<(), Refusal> {
        let mut one = Usage {
            recipients: 1,
            ..Usage::default()
        };
        if self.limits.hour.strangers > 0 || self.limits.day.strangers > 0 {
            one.strangers = self.strangers(services, recipient).await?;
        }
        self.take(services, one)
    }

    async fn strangers(&self, services: &Services, recipient: &Recipient) -> Result<u32, Refusal> {
        let elsewhere = |route: &Route| match route {
            Route::Relay(address) => Some(address.key()),
            Route::File(_) | Route::HandOver(_) | Route::Trap => None,
        };
        let addresses: Vec<String> = recipient.routes.iter().filter_map(elsewhere).collect();
        if addresses.is_empty() {
            return Ok(0);
        }
        let account = self.account;
        let read = services
            .store
            .read(move |tx| strangers(tx, account, &addresses));
        read.await.map_err(|why| refusals::store_failed(&why))
    }

    fn take(&mut self, services: &Services, more: Usage) -> Result<(), Refusal> {
        let new = Usage {
            messages: self.new.messages + more.messages,
            recipients: self.new.recipients + more.recipients,
            strangers: self.new.strangers + more.strangers,
        };
        let now = services.clock.now();
        if let Some(excess) = brake::excess(&self.tally, &self.limits, new, now) {
            services.metrics.ratelimited("account-sending");
            return Err(refusals::sent_too_much(&excess, now));
        }
        self.new = new;
        Ok(())
    }
}

fn strangers(tx: &mut Tx<'_>, account: AccountId, addresses: &[String]) -> store::Result<u32> {
    let mut count = 0;
    for address in addresses {
        count += u32::from(!sending::knows(tx, account, address)?);
    }
    Ok(count)
}

/// What the commit counts of a submission.
pub(super) struct Charge {
    pub(super) account: AccountId,
    address: String,
    settings: BrakeSettings,
    recipients: u32,
    elsewhere: Vec<String>,
    submission: Submission,
    origin: Origin,
    now: Timestamp,
}

/// What counting comes to.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It may go.
    Go,
    /// It is held, for this reason; whether that begins with this message.
    Held { why: String, begins: bool },
    /// It is too much, and nothing was counted.
    TooMuch(Excess),
    /// The account may not send any more.
    Locked,
}

impl Charge {
    /// `None` on roads that are not limited.
    pub(super) fn of(received: &Received, relays: &[Relay]) -> Option<Charge> {
        let login = received.facts.login()?;
        let address = received.facts.peer.remote.ip();
        let country = received.services.countries.of(address);
        Some(Charge {
            account: login.account,
            address: login.address.clone(),
            settings: received.config.brake.clone(),
            recipients: u32::try_from(received.recipients.len()).unwrap_or(u32::MAX),
            elsewhere: relays.iter().map(|relay| relay.address.key()).collect(),
            submission: Submission {
                at: received.time.as_microsecond(),
                from: received
                    .mail
                    .reverse_path
                    .as_ref()
                    .map_or_else(String::new, ToString::to_string),
                to: received
                    .recipients
                    .iter()
                    .map(|one| one.path.clone())
                    .collect(),
                by: culprit(&received.facts, login, country),
                taken_back: Vec::new(),
            },
            origin: Origin::of(address, country),
            now: received.time,
        })
    }

    /// Counts the message in the transaction that writes it.
    pub(super) fn write(&self, tx: &mut Tx<'_>) -> store::Result<Verdict> {
        let mut sending = sending::to_change(tx, self.account)?;
        if !account::by_id(tx, self.account)?.is_some_and(|account| account.active) {
            return Ok(Verdict::Locked);
        }
        let new = Usage {
            messages: 1,
            recipients: self.recipients,
            strangers: strangers(tx, self.account, &self.elsewhere)?,
        };
        let limits = limits(&self.settings, &sending.limits);
        if let Some(excess) = brake::excess(&sending.tally, &limits, new, self.now) {
            return Ok(Verdict::TooMuch(excess));
        }
        let elsewhere = u32::try_from(self.elsewhere.len()).unwrap_or(u32::MAX);
        let begins = sending.hold.is_none();
        if begins && let Some(why) = self.unusual(&sending, new, elsewhere) {
            sending.hold = Some(self.hold(why));
        }
        brake::add(&mut sending.tally, new, self.now);
        brake::visit(&mut sending.places, &self.origin, elsewhere, self.now);
        sending::put(tx, self.account, &sending)?;
        sending::submitted(tx, self.account, &self.submission)?;
        for address in &self.elsewhere {
            sending::meet(tx, self.account, address, self.now)?;
        }
        Ok(match sending.hold {
            None => Verdict::Go,
            Some(hold) => Verdict::Held {
                why: held_because(&self.address, &hold.why),
                begins,
            },
        })
    }

    /// What is unusual about it, in words: how much it is, or where it comes from.
    fn unusual(&self, sending: &Sending, new: Usage, elsewhere: u32) -> Option<String> {
        let (habit, abroad) = habit(&self.settings, &sending.limits)?;
        let much = brake::unusual(&sending.tally, &habit, new, self.now);
        much.map(|much| much.to_string()).or_else(|| {
            let known = (&sending.tally, sending.places.as_slice());
            let strange = brake::strange(known, &abroad, &self.origin, elsewhere, self.now);
            strange.map(|strange| strange.to_string())
        })
    }

    fn hold(&self, why: String) -> Hold {
        Hold {
            since: self.now.as_microsecond(),
            why,
            by: self.submission.by.clone(),
            told: false,
        }
    }
}

/// What the queue shows of a recipient that is held.
fn held_because(address: &str, why: &str) -> String {
    format!(
        "held, since {address} sent unusually much: {why}. `pennyblack account release {address}` lets it go, `pennyblack account lock {address}` ends this"
    )
}

/// Which log-in and which client, in words.
fn culprit(facts: &SessionFacts, login: &Login, country: Option<Country>) -> String {
    let address = facts.peer.remote.ip();
    let name = match &facts.client {
        ClientName::Confirmed(name) => format!(" ({name})"),
        ClientName::Unconfirmed(_) | ClientName::None | ClientName::Unknown => String::new(),
    };
    let hello = match &facts.helo {
        Some(hello) => format!(", which calls itself {hello}"),
        None => String::new(),
    };
    let country = country.map_or_else(String::new, |country| format!(" in {country}"));
    format!(
        "the password of {} (log-in by {}) used from {address}{country}{name}{hello}",
        login.address, login.mechanism
    )
}

/// Tells the owner of an account and the postmaster that mail is held, if they have not been told yet. A failure is tried again by a job.
pub(crate) async fn tell(services: &Services, account: AccountId) -> store::Result<()> {
    let read = services.store.read(move |tx| {
        let hold = sending::of(tx, account)?.hold.filter(|hold| !hold.told);
        let owner = account::by_id(tx, account)?;
        let Some((hold, owner)) = hold.zip(owner) else {
            return Ok(None);
        };
        Ok(Some((hold, owner.address, listed(tx, account)?)))
    });
    let Some((hold, owner, messages)) = read.await? else {
        return Ok(());
    };
    tracing::warn!(
        user = owner,
        why = hold.why,
        by = hold.by,
        "mail of an account is held: it sends unusually much"
    );
    let postmaster = format!("postmaster@{}", services.config.load().domain);
    let id = format!("held.{account}");
    let subject = format!("Mail of {owner} is held: unusually much was sent");
    let what = what_happened(&owner, &hold, &messages);
    let letters = [
        Letter {
            to: &owner,
            id: format!("{id}.owner"),
            subject: subject.clone(),
            text: format!("{what}\n{}", to_owner(&postmaster)),
        },
        Letter {
            to: &postmaster,
            id: format!("{id}.admin"),
            subject,
            text: format!("{what}\n{}", to_admin(&owner)),
        },
    ];
    let mut prepared = Vec::new();
    for letter in &letters {
        prepared.extend(letter.prepare(services).await?);
    }
    let write = move |tx: &mut Tx<'_>| {
        let mut sending = sending::to_change(tx, account)?;
        let Some(hold) = sending.hold.as_mut().filter(|hold| !hold.told) else {
            return Ok(());
        };
        hold.told = true;
        sending::put(tx, account, &sending)?;
        prepared.iter().try_for_each(|letter| letter.write(tx))
    };
    services.store.write(write).await
}

/// Messages of the account that are held: the id, and to whom.
fn listed(tx: &mut Tx<'_>, account: AccountId) -> store::Result<Vec<(QueueId, Vec<String>)>> {
    let messages = store::queue::of_account(tx, account, None, LISTED)?;
    let of = |message: store::queue::Queued| {
        let held = message
            .recipients
            .into_iter()
            .filter(|one| one.state == store::queue::State::Held)
            .map(|one| one.address);
        (message.id, held.collect::<Vec<_>>())
    };
    let listed = messages.into_iter().map(of);
    Ok(listed.filter(|(_, to)| !to.is_empty()).collect())
}

fn what_happened(owner: &str, hold: &Hold, messages: &[(QueueId, Vec<String>)]) -> String {
    let since = Timestamp::from_microsecond(hold.since)
        .map_or_else(|_| String::new(), message::date::write);
    let mut text = format!(
        "Since {since}, mail of {owner} to other servers is kept here and not sent on, since unusually much was sent from this account: {}.\n\n\
         It was sent with {}.\n\nNothing is lost: what is held waits in the queue until the administrator decides about it. Mail between people here goes on.\n\nHeld so far:\n",
        hold.why, hold.by
    );
    for (id, to) in messages {
        let more = match to.len() {
            0 | 1 => String::new(),
            all => format!(" and {} more", all - 1),
        };
        let first = to.first().map_or("", String::as_str);
        let _ = writeln!(text, "    {id} to {first}{more}");
    }
    text
}

fn to_owner(postmaster: &str) -> String {
    format!(
        "If you sent this yourself, write to {postmaster}: your mail then goes at once, and you will not be stopped for as much again.\n\n\
         If you did not, somebody else knows your password. Change it now, on a device that you trust, and tell {postmaster}."
    )
}

fn to_admin(owner: &str) -> String {
    format!(
        "What the account sent, and its limits:\n    pennyblack account limit {owner}\n\
         What is held:\n    pennyblack queue list\n\
         It was all right: what is held goes, and as much counts as usual from now on:\n    pennyblack account release {owner}\n\
         Somebody else uses the account: its sessions end, nobody can log in, its mail stays held:\n    pennyblack account lock {owner}\n\
         What was sent, by whom, and to whom, as a note for those who have to know:\n    pennyblack account incident {owner}\n\
         The same, and what had not left yet is taken back:\n    pennyblack account not-me {owner}\n\
         Then a new password, and away with what the thief wrote:\n    pennyblack account password {owner}\n    pennyblack queue remove --from {owner}\n    pennyblack account enable {owner}"
    )
}

//! What a script's actions mean here: copies in mailboxes, mail to send, things to remember, or a refusal.
//!
//! Everything is prepared (octets staged, addressees looked up) before the commit and written inside it. Redirects to accounts of ours
//! are handed back: their own scripts decide further.

use super::host;
use super::letters::{self, About, Desk, Made, Unsealed};
use super::lists;
use super::run::{Case, Occasion, Ran, Trouble};
use crate::journey::judge;
use crate::journey::lookup::{self, Found, Target};
use crate::journey::srs;
use crate::listen::imap::object_id;
use jiff::{SignedDuration, Timestamp};
use message::Address;
use sieve::{Action, FileInto, Notify, NotifyMethod, Performed, Redirect, RedirectTo, Vacation};
use store::account::Account;
use store::entry::Flags;
use store::filing::Decision;
use store::learn::Class;
use store::mailbox::SpecialUse;
use store::queue::DeliverBy;
use store::script::memory::{self, Kind};
use store::{AccountId, MailboxId};

/// What the scripts of one account come to.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// Refused, with this text for the sender; then there is nothing else.
    pub(crate) refused: Option<String>,
    pub(crate) copies: Vec<Filed>,
    /// Mail to other servers and to accounts of ours.
    pub(crate) letters: Vec<Outgoing>,
    /// Redirected to these accounts of ours.
    pub(crate) passed_on: Vec<PassedOn>,
    pub(crate) remember: Vec<Memory>,
    /// The filter shall learn that the message is this.
    pub(crate) teaches: Option<Class>,
    /// To be logged, and told once.
    pub(crate) trouble: Option<(Trouble, Made)>,
    /// For the log alone.
    pub(crate) remarks: Vec<String>,
    /// For `explain message`.
    pub(crate) decisions: Vec<Decision>,
}

/// A copy in a mailbox.
#[derive(Clone, Debug)]
pub(crate) struct Filed {
    pub(crate) into: Into,
    pub(crate) flags: Flags,
    pub(crate) keywords: Vec<String>,
    /// Another message than the one that came: an edited one, or one of ours (`:fcc`).
    pub(crate) instead: Option<Made>,
}

/// Where a script wants it.
#[derive(Clone, Debug)]
pub(crate) enum Into {
    /// Where it would go anyway.
    Usual,
    Mailbox {
        name: String,
        create: bool,
        special_use: Option<SpecialUse>,
        id: Option<MailboxId>,
    },
}

/// Mail that a script sends.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) made: Made,
    /// `None` is the null reverse-path.
    pub(crate) reverse_path: Option<String>,
    /// To other servers.
    pub(crate) elsewhere: Vec<String>,
    /// Into the INBOX of these accounts.
    pub(crate) here: Vec<AccountId>,
    /// RFC 3461 bits.
    pub(crate) notify: u8,
    pub(crate) ret_full: Option<bool>,
    /// Only servers that protect it may have it (RFC 8689).
    pub(crate) requires_tls: bool,
    /// RFC 2852: when it shall be delivered at the latest.
    pub(crate) by: Option<DeliverBy>,
    /// Only if this is not remembered yet; then it is.
    pub(crate) unless: Option<Memory>,
    /// A copy for the sender's own mailboxes, if it is sent.
    pub(crate) fcc: Option<Filed>,
    /// A redirected message, which gets a seal before it leaves.
    pub(crate) unsealed: Option<Unsealed>,
}

/// An account of ours to which the message was redirected.
#[derive(Clone, Debug)]
pub(crate) struct PassedOn {
    pub(crate) account: Account,
    /// What it gets, with its header section; `None`: what arrived.
    pub(crate) made: Option<(Made, Vec<u8>)>,
}

/// Something to remember.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) kind: Kind,
    pub(crate) key: [u8; 32],
    pub(crate) expires: Timestamp,
}

impl Effects {
    /// Nothing is lost: what cannot be redirected at delivery stays, unless it is filed anyway, and the log says why.
    pub(crate) fn keep_instead(&mut self, why: &str) {
        if !self.copies.is_empty() {
            return;
        }
        self.remarks
            .push(format!("redirect: kept instead, since {why}"));
        self.copies.push(Filed {
            into: Into::Usual,
            flags: Flags::default(),
            keywords: Vec::new(),
            instead: None,
        });
    }
}

/// RFC 3464 §2: nobody wants a notice about a notice.
pub(crate) const NEVER: u8 = 8;
/// Keywords that a script may give a message; the store takes some more.
const MOST_KEYWORDS: usize = 50;
/// How long it is remembered that an owner knows of a failure.
const TOLD: SignedDuration = SignedDuration::from_hours(24 * 365);

/// What all actions of one run are carried out with.
struct Hands<'a> {
    case: &'a Case,
    now: Timestamp,
    /// RFC 5230 §4.6 and common sense: what is junk is not answered.
    answers: Answers,
    original: Original<'a>,
    effects: Effects,
}

/// Whether automatic answers are in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answers {
    Wanted,
    /// The message is junk.
    Unwanted,
}

/// What the envelope said that redirects pass on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Original<'a> {
    /// Names the message in ids and logs.
    pub(crate) id: &'a str,
    /// RFC 3461 bits of this recipient.
    pub(crate) notify: u8,
    /// The recipient as its sender named it (ORCPT, else RCPT).
    pub(crate) recipient: &'a str,
    /// Its sender requires protection all the way (RFC 8689).
    pub(crate) requires_tls: bool,
    pub(crate) answers: Answers,
}

/// Prepares what the scripts decided.
pub(crate) async fn prepare(
    case: &Case,
    ran: Ran,
    original: Original<'_>,
) -> store::Result<Effects> {
    let mut hands = Hands {
        case,
        now: case.services.clock.now(),
        answers: original.answers,
        original,
        effects: Effects {
            teaches: ran.teaches,
            ..Effects::default()
        },
    };
    for performed in &ran.outcome.actions {
        case.services.metrics.script_action(name(&performed.action));
        hands.decided(performed);
        hands.perform(performed).await?;
    }
    hands.remember(&ran.outcome);
    if ran.keep {
        hands.keep(&hands.untouched(), None).await?;
    }
    if let Some(trouble) = ran.trouble {
        let desk = hands.desk();
        let (head, body) = desk.trouble(&trouble, &case.occasion);
        let made = letters::made(&case.services, &head, &body).await?;
        hands.effects.trouble = Some((trouble, made));
    }
    Ok(hands.effects)
}

/// The label of an action in the counters.
fn name(action: &Action) -> &'static str {
    match action {
        Action::Keep(_) => "keep",
        Action::FileInto(_) => "fileinto",
        Action::Redirect(_) => "redirect",
        Action::Reject(_) => "reject",
        Action::Discard => "discard",
        Action::Vacation(_) => "vacation",
        Action::Notify(_) => "notify",
        Action::Pipe(_) => "pipe",
        Action::Report(_) => "report",
    }
}

impl Hands<'_> {
    fn desk(&self) -> Desk<'_> {
        Desk {
            config: &self.case.config,
            now: self.now,
            owner: &self.case.recipient.address,
            id: self.original.id,
        }
    }

    fn decided(&mut self, performed: &Performed) {
        let nothing = match (&performed.action, &self.case.occasion) {
            (Action::Keep(keep), Occasion::Delivery(_)) => keep.implicit && keep.flags.is_empty(),
            // Its flags are those that it had.
            (Action::Keep(keep), Occasion::Event(_)) => keep.implicit,
            _ => false,
        };
        if nothing {
            return;
        }
        let script = performed.script.as_deref().unwrap_or_default();
        let by = match &self.case.occasion {
            Occasion::Delivery(_) => script.to_owned(),
            Occasion::Event(happened) => {
                let event = &happened.event;
                format!("{script}, on {} in {}", event.cause.word(), event.name)
            }
        };
        self.effects.decisions.push(Decision {
            action: sieve::render::action(&performed.action),
            by,
            line: performed.place.line,
        });
    }

    async fn perform(&mut self, performed: &Performed) -> store::Result<()> {
        let version = performed.version.as_deref();
        match &performed.action {
            Action::Keep(keep) => self.keep(&keep.flags, version).await,
            Action::FileInto(file) => {
                let filed = self.filed(file, version).await?;
                self.effects.copies.push(filed);
                Ok(())
            }
            Action::Redirect(redirect) => self.redirect(redirect, version).await,
            Action::Reject(reject) => {
                self.effects.refused = Some(reject.reason.clone());
                Ok(())
            }
            Action::Vacation(vacation) => self.answer(vacation).await,
            Action::Notify(notify) => self.notify(notify).await,
            Action::Report(report) => self.report(report, version).await,
            // Programs have run, or are understood, before this.
            Action::Discard | Action::Pipe(_) => Ok(()),
        }
    }

    /// The flags of a message that no script gave any.
    fn untouched(&self) -> Vec<String> {
        match &self.case.occasion {
            Occasion::Delivery(_) => Vec::new(),
            Occasion::Event(happened) => happened.flags.clone(),
        }
    }

    async fn keep(
        &mut self,
        flags: &[String],
        version: Option<&sieve::Version>,
    ) -> store::Result<()> {
        let instead = self.instead(version).await?;
        let (flags, keywords) = flags_of(flags);
        self.effects.copies.push(Filed {
            into: Into::Usual,
            flags,
            keywords,
            instead,
        });
        Ok(())
    }

    async fn filed(
        &self,
        file: &FileInto,
        version: Option<&sieve::Version>,
    ) -> store::Result<Filed> {
        let instead = self.instead(version).await?;
        Ok(filed(file, instead))
    }

    /// The changed copy is a message of its own.
    async fn instead(&self, version: Option<&sieve::Version>) -> store::Result<Option<Made>> {
        let Some(version) = version else {
            return Ok(None);
        };
        let (services, message) = (&self.case.services, &self.case.message);
        letters::versioned(services, message, Some(version), b"")
            .await
            .map(Some)
    }

    /// RFC 5228 §4.2; K20, H33.
    async fn redirect(
        &mut self,
        redirect: &Redirect,
        version: Option<&sieve::Version>,
    ) -> store::Result<()> {
        if self.has_been_here() {
            return self
                .not_redirected("the message has come through this account before")
                .await;
        }
        match &redirect.to {
            RedirectTo::Address(address) => self.redirect_to(address, redirect, version).await,
            RedirectTo::List(list) if lists::is_address_book(list) => {
                // It keeps no addresses, only what they are recognised by.
                let why = "the address book is no list to send to";
                self.not_redirected(why).await
            }
            RedirectTo::List(list) => {
                let addresses = self.listed(list).await?;
                if addresses.is_empty() {
                    let why = format!("there is nobody on the list {list}");
                    return self.not_redirected(&why).await;
                }
                for address in &addresses {
                    self.redirect_to(address, redirect, version).await?;
                }
                Ok(())
            }
        }
    }

    /// RFC 6134 §2.3: the addresses on a list.
    async fn listed(&self, list: &str) -> store::Result<Vec<String>> {
        let (services, config) = (self.case.services.clone(), self.case.config.clone());
        let list = list.to_owned();
        let read =
            tokio::task::spawn_blocking(move || lists::entries(&services.scripts, &config, &list));
        let read = read
            .await
            .map_err(|error| store::Error::Bug(format!("reading a list panicked: {error}")))?;
        let mut addresses = read?;
        addresses.retain(|entry| entry.contains('@') && !entry.starts_with('@'));
        addresses.truncate(lists::MOST_ADDRESSES);
        Ok(addresses)
    }

    async fn redirect_to(
        &mut self,
        address: &str,
        redirect: &Redirect,
        version: Option<&sieve::Version>,
    ) -> store::Result<()> {
        let Ok(to) = Address::parse(address) else {
            return self.not_redirected("the address cannot be used").await;
        };
        match self.look_up(&to).await? {
            Found::Targets(targets) => self.pass_on(targets, redirect, version).await,
            Found::NotOurs => {
                let elsewhere = vec![to.to_string()];
                self.send_on(elsewhere, redirect, version).await
            }
            _ => {
                let why = format!("nobody here takes mail for {address}");
                self.not_redirected(&why).await
            }
        }
    }

    async fn pass_on(
        &mut self,
        targets: Vec<Target>,
        redirect: &Redirect,
        version: Option<&sieve::Version>,
    ) -> store::Result<()> {
        let mut elsewhere = Vec::new();
        for target in targets {
            match (target, &self.case.occasion) {
                (Target::Elsewhere(address), _) => elsewhere.push(address.to_string()),
                // To oneself: that is keeping it.
                (Target::Account(account), _) if account.id == self.case.recipient.account => {
                    self.keep(&self.untouched(), version).await?;
                }
                (Target::Account(account), occasion) => {
                    let made = match occasion {
                        Occasion::Delivery(_) => {
                            let edited = self.instead(version).await?;
                            edited.zip(version.map(|version| version.header.clone()))
                        }
                        Occasion::Event(_) => {
                            let (made, unsealed) = self.redirected(version).await?;
                            Some((made, unsealed.section))
                        }
                    };
                    self.effects.passed_on.push(PassedOn {
                        account: *account,
                        made,
                    });
                }
            }
        }
        match elsewhere.is_empty() {
            true => Ok(()),
            false => self.send_on(elsewhere, redirect, version).await,
        }
    }

    async fn send_on(
        &mut self,
        elsewhere: Vec<String>,
        redirect: &Redirect,
        version: Option<&sieve::Version>,
    ) -> store::Result<()> {
        let (made, unsealed) = self.redirected(version).await?;
        self.effects.letters.push(Outgoing {
            made,
            reverse_path: self.redirect_sender(redirect).await?,
            elsewhere,
            here: Vec::new(),
            notify: redirect
                .notify
                .as_deref()
                .map_or(self.original.notify, notify_bits),
            ret_full: redirect.ret.as_deref().map(|ret| ret == "FULL"),
            requires_tls: self.original.requires_tls,
            by: redirect.by.as_ref().map(|by| self.deadline(by)),
            unless: None,
            fcc: None,
            unsealed: Some(unsealed),
        });
        Ok(())
    }

    /// RFC 6009 §7.
    fn deadline(&self, by: &sieve::DeliverBy) -> DeliverBy {
        let time = self
            .now
            .checked_add(SignedDuration::from_secs(by.seconds))
            .unwrap_or(if by.seconds < 0 {
                Timestamp::MIN
            } else {
                Timestamp::MAX
            });
        DeliverBy {
            time,
            or_return: by.or_return,
            trace: by.trace,
        }
    }

    /// Without our `Return-Path` and what our filter found, which are for mailboxes, and with a mark that this account has had it (RFC 9228).
    async fn redirected(
        &self,
        version: Option<&sieve::Version>,
    ) -> store::Result<(Made, Unsealed)> {
        let message = &self.case.message;
        let header = version.map_or(&message.header, |version| &version.header);
        let mut head = format!("Delivered-To: {}\r\n", self.case.recipient.address).into_bytes();
        for field in message::header::fields(header) {
            if !field.is("Return-Path") && !judge::is_result_field(&field) {
                head.extend_from_slice(field.raw);
            }
        }
        head.extend_from_slice(b"\r\n");
        let body = version.and_then(|version| version.body.as_deref());
        letters::passed_on(&self.case.services, message, &head, body).await
    }

    /// Has this account redirected this message before?
    fn has_been_here(&self) -> bool {
        message::header::values(&self.case.message.header, "Delivered-To").any(|value| {
            let value = String::from_utf8_lossy(value);
            let value = value.trim().trim_start_matches('<').trim_end_matches('>');
            value.eq_ignore_ascii_case(&self.case.recipient.address)
        })
    }

    /// Nothing is lost: it stays here, and the log says why.
    async fn not_redirected(&mut self, why: &str) -> store::Result<()> {
        self.effects
            .remarks
            .push(format!("redirect: kept instead, since {why}"));
        self.keep(&self.untouched(), None).await
    }

    /// H33: who gets the notices about a redirected message. A notice itself stays one.
    async fn redirect_sender(&self, redirect: &Redirect) -> store::Result<Option<String>> {
        let from = &self.case.envelope.from;
        if from.is_empty() {
            return Ok(None);
        }
        // RFC 6009 §6.1, §7.1: who asks for notices gets them.
        if redirect.notify.is_some() || redirect.ret.is_some() || redirect.by.is_some() {
            return Ok(Some(self.case.recipient.address.clone()));
        }
        let (config, recipient) = (&self.case.config, &self.case.recipient);
        Ok(match config.sieve.redirect_sender.as_str() {
            "sender" => Some(self.sent_on(from).await?),
            "recipient" => Some(self.case.envelope.to.clone()),
            "orig_recipient" => Some(self.original.recipient.to_owned()),
            "user_email" => Some(recipient.address.clone()),
            "postmaster" => Some(format!("postmaster@{}", config.domain)),
            fixed => Some(fixed.to_owned()),
        })
    }

    /// K20: a sender by which notices come back, and that SPF lets us use. One that is no address stays as it is.
    async fn sent_on(&self, from: &str) -> store::Result<String> {
        let domain = self.case.recipient.address.rsplit_once('@');
        let (Ok(sender), Some((_, domain))) = (Address::parse(from), domain) else {
            return Ok(from.to_owned());
        };
        let rewritten = srs::rewritten(&self.case.services, &sender, domain).await?;
        Ok(rewritten.unwrap_or_else(|| from.to_owned()))
    }

    /// RFC 5230; that the message deserves an answer at all was checked by the interpreter.
    async fn answer(&mut self, vacation: &Vacation) -> store::Result<()> {
        if self.answers == Answers::Unwanted {
            self.effects
                .remarks
                .push("vacation: not answered, since the message is junk".into());
            return Ok(());
        }
        let (head, body) = self.desk().answer(vacation);
        let to = self.addressees(std::slice::from_ref(&vacation.to)).await?;
        let made = self.made(&to, &head, &body).await?;
        let unless = (vacation.period > 0).then(|| Memory {
            kind: Kind::Answered,
            key: memory::key(&[&vacation.to.to_lowercase(), &vacation.key]),
            expires: self.later(vacation.period),
        });
        let fcc = vacation
            .fcc
            .as_ref()
            .map(|file| filed(file, Some(made.clone())));
        let mut letter = letter(made, None, to);
        (letter.unless, letter.fcc) = (unless, fcc);
        self.effects.letters.push(letter);
        Ok(())
    }

    /// RFC 5436 §2.7.
    async fn notify(&mut self, notify: &Notify) -> store::Result<()> {
        let NotifyMethod::Mailto(to) = &notify.method else {
            return Ok(());
        };
        let header = &self.case.message.header;
        if is_automatic(header) {
            self.effects
                .remarks
                .push("notify: not sent, since the message was sent by a program itself".into());
            return Ok(());
        }
        let about = About::of(header);
        let (head, body) = self.desk().notification(notify, to, &about);
        let everybody = [to.to.as_slice(), &to.cc, &to.bcc].concat();
        let everybody = self.addressees(&everybody).await?;
        let made = self.made(&everybody, &head, &body).await?;
        let fcc = notify
            .fcc
            .as_ref()
            .map(|file| filed(file, Some(made.clone())));
        let from_nobody = self.case.envelope.from.is_empty();
        let sender = (!from_nobody).then(|| self.case.recipient.address.clone());
        let mut letter = letter(made, sender, everybody);
        letter.fcc = fcc;
        self.effects.letters.push(letter);
        Ok(())
    }

    async fn report(
        &mut self,
        report: &sieve::Report,
        version: Option<&sieve::Version>,
    ) -> store::Result<()> {
        let message = &self.case.message;
        let original = match report.headers_only {
            true => message.header.clone(),
            false => letters::version(&self.case.services, message, version).await?,
        };
        let (head, body) = self.desk().report(report, &original);
        let to = self
            .addressees(std::slice::from_ref(&report.address))
            .await?;
        let made = self.made(&to, &head, &body).await?;
        self.effects.letters.push(letter(made, None, to));
        Ok(())
    }

    /// Who these addresses are, each of which may be one of ours.
    async fn addressees(&self, to: &[String]) -> store::Result<Addressees> {
        let mut found = Addressees::default();
        for address in to.iter().filter_map(|to| Address::parse(to).ok()) {
            match self.look_up(&address).await? {
                Found::Targets(targets) => targets.into_iter().for_each(|target| match target {
                    Target::Account(account) => found.here.push(account.id),
                    Target::Elsewhere(address) => found.elsewhere.push(address.to_string()),
                }),
                Found::NotOurs => found.elsewhere.push(address.to_string()),
                _ => {}
            }
        }
        Ok(found)
    }

    /// A letter of ours, signed if it leaves.
    async fn made(&self, to: &Addressees, head: &[u8], body: &[u8]) -> store::Result<Made> {
        let services = &self.case.services;
        match to.elsewhere.is_empty() {
            true => letters::made(services, head, body).await,
            false => letters::signed(services, head, body, &self.desk()).await,
        }
    }

    async fn look_up(&self, address: &Address) -> store::Result<Found> {
        let (config, address) = (self.case.config.clone(), address.clone());
        let read = move |tx: &mut store::Tx<'_>| lookup::look_up(&config, tx, &address);
        self.case.services.store.read(read).await
    }

    fn remember(&mut self, outcome: &sieve::Outcome) {
        for remember in &outcome.remember {
            self.effects.remember.push(Memory {
                kind: Kind::Seen,
                key: memory::key(&[&remember.key.handle, &remember.key.id]),
                expires: self.later(remember.seconds),
            });
        }
    }

    fn later(&self, seconds: u64) -> Timestamp {
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        let later = self.now.checked_add(SignedDuration::from_secs(seconds));
        later.unwrap_or(Timestamp::MAX)
    }
}

/// Who gets a letter of ours.
#[derive(Debug, Default)]
struct Addressees {
    here: Vec<AccountId>,
    elsewhere: Vec<String>,
}

fn letter(made: Made, reverse_path: Option<String>, to: Addressees) -> Outgoing {
    Outgoing {
        made,
        reverse_path,
        elsewhere: to.elsewhere,
        here: to.here,
        notify: NEVER,
        ret_full: None,
        requires_tls: false,
        by: None,
        unless: None,
        fcc: None,
        unsealed: None,
    }
}

/// That the owner knows of this failure.
pub(crate) fn told(trouble: &Trouble, now: Timestamp) -> Memory {
    Memory {
        kind: Kind::Told,
        key: trouble.version,
        expires: now.checked_add(TOLD).unwrap_or(Timestamp::MAX),
    }
}

fn filed(file: &FileInto, instead: Option<Made>) -> Filed {
    let (flags, keywords) = flags_of(&file.flags);
    Filed {
        into: Into::Mailbox {
            name: file.mailbox.clone(),
            create: file.create,
            special_use: file.special_use.as_deref().and_then(host::special_use),
            id: file.mailbox_id.as_deref().and_then(object_id::mailbox_of),
        },
        flags,
        keywords,
        instead,
    }
}

/// Was it sent by a program by itself (RFC 3834 §5)?
fn is_automatic(header: &[u8]) -> bool {
    message::header::values(header, "Auto-Submitted").any(|value| {
        let word = message::content::token(value);
        !word.is_some_and(|word| word.eq_ignore_ascii_case("no"))
    })
}

/// IMAP flags as the store holds them; what can be none is left out.
pub(crate) fn flags_of(words: &[String]) -> (Flags, Vec<String>) {
    let (mut flags, mut keywords) = (Flags::default(), Vec::new());
    for word in words {
        match system_flag(word) {
            Some(flag) => flags = flags.with(flag),
            None if is_keyword(word) && keywords.len() < MOST_KEYWORDS => {
                keywords.push(word.clone());
            }
            None => {}
        }
    }
    (flags, keywords)
}

fn system_flag(word: &str) -> Option<Flags> {
    let known = [
        ("\\Seen", Flags::SEEN),
        ("\\Answered", Flags::ANSWERED),
        ("\\Flagged", Flags::FLAGGED),
        ("\\Deleted", Flags::DELETED),
        ("\\Draft", Flags::DRAFT),
    ];
    known
        .into_iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(word))
        .map(|(_, flag)| flag)
}

/// An atom (RFC 9051 §9), of a length that the store takes.
fn is_keyword(word: &str) -> bool {
    let is_atom = |c: u8| c.is_ascii_graphic() && !b"(){%*\"\\]".contains(&c);
    (1..=100).contains(&word.len()) && word.bytes().all(is_atom)
}

/// The NOTIFY parameter of RFC 3461 as bits.
fn notify_bits(words: &str) -> u8 {
    words
        .split(',')
        .map(|word| match word.trim().to_ascii_uppercase().as_str() {
            "SUCCESS" => 1,
            "FAILURE" => 2,
            "DELAY" => 4,
            "NEVER" => 8,
            _ => 0,
        })
        .fold(0, |bits, bit| bits | bit)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H14
    #[test]
    fn h14_flags_are_understood_in_any_case() {
        let words = ["\\seen", "$Work", "a b", "\\Recent", "\\FLAGGED", ""].map(str::to_owned);
        let (flags, keywords) = flags_of(&words);
        assert_eq!(flags, Flags::SEEN.with(Flags::FLAGGED));
        assert_eq!(keywords, ["$Work"]);
    }

    #[test]
    fn rfc3834_section_5_automatic_messages_are_known() {
        for (header, automatic) in [
            ("Subject: x\r\n\r\n", false),
            ("Auto-Submitted: no\r\n\r\n", false),
            ("Auto-Submitted: auto-replied (vacation)\r\n\r\n", true),
            (
                "auto-submitted: auto-notified; owner-email=\"a@b\"\r\n\r\n",
                true,
            ),
        ] {
            assert_eq!(is_automatic(header.as_bytes()), automatic, "{header}");
        }
    }
}

//! What is known of the sender: the ladder of [`spam::reputation`], with what the store remembers.
//!
//! An author is who stands in From, if DMARC, a signature or SPF of his domain proves it; all else could be anybody's name. What is known
//! is read in one go and written by the transaction that delivers ([`Meetings`]).

use super::super::authenticate::Proof;
use super::super::envelope::Road;
use super::super::receive::Received;
use super::super::route::{Recipient, Route};
use crate::config::LearnFrom;
use mailauth::dmarc::DmarcResult;
use message::{address_list, header};
use spam::gate::network::Network;
use spam::near;
use spam::registered_domain;
use spam::reputation::{General, History, Personal};
use spam::sender_list::Pattern;
use spam::verdict::Reason;
use store::acquaintance::{self, Kind, Known, Met, SERVER};
use store::entry;
use store::judgement;
use store::learn::{self, Class, Origin};
use store::near_copy;
use store::wish::{self, Wishes};
use store::{AccountId, Result, Timestamp, Tx};

/// Refused, whatever speaks for it but the opposite entry.
const DENIED: f32 = 100.0;
/// Welcome, unless it holds a virus.
const ALLOWED: f32 = -25.0;
/// Messages that one answers are looked for among so many of its references.
const REFERENCES: usize = 20;
/// Recipients of one message of ours that are remembered.
const WRITTEN_TO: usize = 50;

/// Who has sent a message, as far as it is proved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sender {
    /// The address in From, if it is proved.
    pub(super) author: Option<String>,
    /// Its domain.
    pub(super) domain: Option<String>,
    network: Option<String>,
    /// The address in From, whoever it is.
    written: Option<String>,
    /// The reverse-path, in small letters.
    envelope: Option<String>,
    /// Message-IDs that it answers.
    answers: Vec<String>,
}

/// What is known, as reasons.
#[derive(Default)]
pub(super) struct Reputation {
    pub(super) general: Vec<Reason>,
    pub(super) personal: Vec<(AccountId, Vec<Reason>)>,
    /// What accounts want besides.
    pub(super) wishes: Vec<(AccountId, Wishes)>,
}

impl Sender {
    pub(super) fn of(received: &Received, proof: Option<&Proof>) -> Sender {
        let domain = proof.and_then(proved);
        let address = received.facts.peer.remote.ip();
        let written = author(received);
        let envelope = received.mail.reverse_path.as_ref();
        Sender {
            author: domain.as_deref().and_then(|domain| {
                let of_domain = |address: &String| address.ends_with(&format!("@{domain}"));
                written.clone().filter(of_domain)
            }),
            network: (!crate::gate::is_ours(address))
                .then(|| Network::neighbourhood(address).to_string()),
            envelope: envelope.map(|path| path.to_string().to_lowercase()),
            answers: answers(&received.section),
            domain,
            written,
        }
    }

    /// What the store knows of him, and of near copies of what he sends: both in one go.
    pub(super) async fn reputation(
        &self,
        received: &Received,
        accounts: Vec<AccountId>,
        bands: Option<[u64; near::BANDS]>,
    ) -> Result<Reputation> {
        let (sender, now) = (self.clone(), received.time);
        let look_up = move |tx: &mut Tx<'_>| {
            let mut known = sender.look_up(tx, &accounts, now)?;
            if let Some(bands) = &bands {
                let copies = near_copy::find(tx, bands, near::ALIKE)?;
                known.general.extend(near::reason(copies.spam, copies.ham));
            }
            Ok(known)
        };
        received.services.store.read(look_up).await
    }

    fn look_up(
        &self,
        tx: &mut Tx<'_>,
        accounts: &[AccountId],
        now: Timestamp,
    ) -> Result<Reputation> {
        let of = |tx: &mut Tx<'_>, account, kind, name: &Option<String>| match name {
            Some(name) => acquaintance::of(tx, account, kind, name),
            None => Ok(None),
        };
        let general = General {
            domain: of(tx, SERVER, Kind::Domain, &self.domain)?.map(|known| history(&known, now)),
            network: of(tx, SERVER, Kind::Network, &self.network)?
                .map(|known| history(&known, now)),
        };
        let mut personal = Vec::with_capacity(accounts.len());
        let mut all_wishes = Vec::with_capacity(accounts.len());
        for account in accounts {
            let known = Personal {
                answers_us: self.answers_us(tx, *account)?,
                written_to: of(tx, *account, Kind::WrittenTo, &self.author)?.is_some(),
                author: of(tx, *account, Kind::Address, &self.author)?
                    .map(|known| history(&known, now)),
            };
            let wishes = wish::of(tx, *account)?;
            let mut reasons = self.wished(&wishes);
            reasons.extend(known.reasons());
            personal.push((*account, reasons));
            all_wishes.push((*account, wishes));
        }
        Ok(Reputation {
            general: general.reasons(),
            personal,
            wishes: all_wishes,
        })
    }

    fn answers_us(&self, tx: &mut Tx<'_>, account: AccountId) -> Result<bool> {
        for id in &self.answers {
            if acquaintance::of(tx, account, Kind::Sent, id)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What the settings say of him. A denied sender may be a forged one; an allowed one is proved.
    pub(super) fn listed(&self, received: &Received) -> Vec<Reason> {
        let (filter, settings) = (&received.services.filter, &received.config.spam);
        let denied = filter.denied(settings, &self.said());
        let allowed = filter.allowed(settings, &self.proved());
        let denied = denied.map(|entry| Reason::new("DENIED", DENIED, entry));
        let allowed = allowed.map(|entry| Reason::new("ALLOWED", ALLOWED, entry));
        denied.into_iter().chain(allowed).collect()
    }

    /// What an account says of him.
    fn wished(&self, wishes: &Wishes) -> Vec<Reason> {
        let find = |list: &[String], addresses: &[&str]| {
            let fits = |entry: &&String| {
                let pattern = Pattern::parse(entry).ok();
                pattern.is_some_and(|pattern| addresses.iter().any(|a| pattern.fits(a)))
            };
            list.iter().find(fits).cloned()
        };
        let denied = find(&wishes.deny, &self.said());
        let allowed = find(&wishes.allow, &self.proved());
        let denied = denied.map(|entry| Reason::new("DENIED_BY_ACCOUNT", DENIED, entry));
        let allowed = allowed.map(|entry| Reason::new("ALLOWED_BY_ACCOUNT", ALLOWED, entry));
        denied.into_iter().chain(allowed).collect()
    }

    /// Addresses that he says are his.
    fn said(&self) -> Vec<&str> {
        let both = self.written.iter().chain(&self.envelope);
        both.map(String::as_str).collect()
    }

    /// The one that is proved to be.
    fn proved(&self) -> Vec<&str> {
        self.author.iter().map(String::as_str).collect()
    }

    /// By what the sender is remembered for an account, for when its owner says what the message was.
    pub(super) fn names(&self) -> Vec<(u8, String)> {
        let names = [
            (Kind::Address, &self.author),
            (Kind::Domain, &self.domain),
            (Kind::Network, &self.network),
        ];
        let named = names
            .into_iter()
            .filter_map(|(kind, name)| Some((kind as u8, name.clone()?)));
        named.collect()
    }
}

fn history(known: &Known, now: Timestamp) -> History {
    let days = now.duration_since(known.first).as_hours() / 24;
    History {
        days: u32::try_from(days).unwrap_or(0),
        wanted: known.wanted,
        unwanted: known.unwanted,
        ham: known.ham,
        spam: known.spam,
    }
}

/// The author's domain, if it is proved: by DMARC, or by a signature or SPF of the same registered domain.
fn proved(proof: &Proof) -> Option<String> {
    let author = &proof.dmarc.author;
    let of_author = |domain: &&str| registered_domain(domain) == registered_domain(author);
    let proved = proof.dmarc.result == DmarcResult::Pass
        || proof.signers().iter().any(of_author)
        || proof.sending_domain().iter().any(of_author);
    (proved && !author.is_empty()).then(|| author.to_lowercase())
}

/// The only address in From, in small letters.
fn author(received: &Received) -> Option<String> {
    let mut values = header::values(&received.section, "From");
    let (value, None) = (values.next()?, values.next()) else {
        return None;
    };
    let mailboxes = address_list::mailboxes(value);
    let [only] = mailboxes.as_slice() else {
        return None;
    };
    let address = format!(
        "{}@{}",
        String::from_utf8_lossy(&only.local),
        String::from_utf8_lossy(&only.domain)
    );
    Some(address.to_lowercase())
}

/// The newest references, without their brackets.
fn answers(section: &[u8]) -> Vec<String> {
    let mut ids = Vec::new();
    for name in ["In-Reply-To", "References"] {
        for value in header::values(section, name).take(2) {
            let text = String::from_utf8_lossy(&header::unfold(value)).into_owned();
            let written = text.rsplit('<').filter_map(|id| id.split_once('>'));
            ids.extend(written.map(|(id, _)| id.to_owned()).take(REFERENCES));
        }
    }
    ids.dedup();
    ids.truncate(REFERENCES);
    ids
}

/// Who has met whom, to be written down with the message.
#[derive(Clone, Debug, Default)]
pub(in crate::journey) struct Meetings {
    met: Vec<(AccountId, Kind, String, Met)>,
    /// Message-IDs that a message of ours answers, and whose it is: an answer speaks for what it answers (I11).
    answered: Vec<(AccountId, String)>,
}

impl Meetings {
    /// Of a message from outside: what each account does with it.
    pub(in crate::journey) fn with(sender: &Sender, accounts: &[(AccountId, bool)]) -> Meetings {
        let met = |junk: bool| if junk { Met::Unwanted } else { Met::Wanted };
        let mut meetings = Vec::new();
        if let Some(author) = &sender.author {
            let own = accounts.iter();
            meetings.extend(
                own.map(|(account, junk)| (*account, Kind::Address, author.clone(), met(*junk))),
            );
        }
        let junk = accounts.iter().all(|(_, junk)| *junk);
        let general = [
            (Kind::Domain, &sender.domain),
            (Kind::Network, &sender.network),
        ];
        for (kind, name) in general {
            if let (Some(name), false) = (name, accounts.is_empty()) {
                meetings.push((SERVER, kind, name.clone(), met(junk)));
            }
        }
        Meetings {
            met: meetings,
            answered: Vec::new(),
        }
    }

    /// Of a message of ours: its author knows its recipients from now on, and answers to it are welcome.
    pub(in crate::journey) fn of_ours(received: &Received) -> Meetings {
        let Road::Submission(login) = &received.facts.road else {
            return Meetings::default();
        };
        let met = |kind, name: String| (login.account, kind, name, Met::Wanted);
        let foreign = |recipient: &&Recipient| {
            let mut routes = recipient.routes.iter();
            routes.any(|route| matches!(route, Route::Relay(_)))
        };
        let foreign = received.recipients.iter().filter(foreign);
        let written = foreign.take(WRITTEN_TO);
        let mut meetings: Vec<_> = written
            .map(|recipient| met(Kind::WrittenTo, recipient.path.clone()))
            .collect();
        let id = header::values(&received.section, "Message-ID").next();
        let id = id.map(|id| String::from_utf8_lossy(id.trim_ascii()).into_owned());
        let id = id
            .as_deref()
            .and_then(|id| id.strip_prefix('<')?.strip_suffix('>'));
        meetings.extend(id.map(|id| met(Kind::Sent, id.to_owned())));
        let answers = match received.config.learn.from_accounts {
            LearnFrom::Nobody => Vec::new(),
            LearnFrom::Own | LearnFrom::All => answers(&received.section),
        };
        // The first is what it answers; the others are what that answered.
        let answered = answers.into_iter().take(1);
        Meetings {
            met: meetings,
            answered: answered.map(|id| (login.account, id)).collect(),
        }
    }

    /// Writes them down.
    pub(in crate::journey) fn write(&self, tx: &mut Tx<'_>) -> Result<()> {
        for (account, kind, name, met) in &self.met {
            acquaintance::meet(tx, *account, *kind, name, *met)?;
        }
        for (account, id) in &self.answered {
            let newest = entry::by_message_id(tx, *account, id)?.pop();
            // What was not judged is of his own making, or came from his own.
            if let Some(message) = newest
                && judgement::of(tx, *account, message)?.is_some()
            {
                learn::add(tx, *account, message, Class::Ham, Origin::Answer)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let section = b"In-Reply-To: <a@x> (of yesterday)\r\nReferences: <b@x>\r\n <c@x>\r\n";
        assert_eq!(answers(section), ["a@x", "c@x", "b@x"]);
        assert!(answers(b"Subject: <a@x>\r\n").is_empty());
        let many = format!("References: {}\r\n", "<a@b> ".repeat(1000));
        assert!(answers(many.as_bytes()).len() <= REFERENCES);
    }

    #[test]
    fn meetings_are_of_the_proved_alone() {
        let sender = Sender {
            network: Some("192.0.2.0/24".into()),
            ..Sender::default()
        };
        let account = AccountId::from_u128(7);
        let met = Meetings::with(&sender, &[(account, false)]).met;
        assert_eq!(
            met,
            [(
                SERVER,
                Kind::Network,
                "192.0.2.0/24".to_owned(),
                Met::Wanted
            )]
        );
        assert!(Meetings::with(&sender, &[]).met.is_empty());
        let proved = Sender {
            author: Some("a@b.example".into()),
            ..sender
        };
        let met = Meetings::with(&proved, &[(account, true)]).met;
        assert_eq!(
            met[0],
            (
                account,
                Kind::Address,
                "a@b.example".to_owned(),
                Met::Unwanted
            )
        );
    }
}

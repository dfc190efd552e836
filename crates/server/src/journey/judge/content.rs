//! Looks at the content: rules and models, away from the workers that serve sessions.
//!
//! As many messages are looked at at once as there are processors; others wait their turn, in octets that are bounded for each. A look
//! that fails, or does not come in time, loses nothing: the message is judged by what else is known, or put off (I31).

use super::super::envelope::Refusal;
use super::super::receive::Received;
use super::super::refusals;
use super::super::route::Recipient;
use super::accounts;
use crate::config::Failure;
use crate::filter;
use spam::features::Features;
use spam::rules::Circumstances;
use spam::verdict::{Opinions, Reason};
use spam::{Mail, rules};
use tokio::time::timeout;

/// What was found.
#[derive(Default)]
pub(super) struct Looked {
    pub(super) reasons: Vec<Reason>,
    pub(super) opinions: Opinions,
    pub(super) names: Names,
    /// Of a message that goes to a trap: what is to be learned.
    pub(super) of_trap: Option<Features>,
}

/// What lists in DNS can be asked about.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    /// Registered domains that the message links to, each once.
    pub(super) domains: Vec<String>,
    /// Addresses that it comes from, or that answers go to, in small letters.
    pub(super) addresses: Vec<String>,
}

impl Names {
    /// Domains, and addresses, that are asked about: who links to more than that wants lists to be slow.
    const MOST: usize = 20;

    fn of(mail: &Mail<'_>, sender: Option<&str>) -> Names {
        let domains = mail.links.iter().filter_map(|link| link.domain());
        let answered = mail
            .mailboxes("from")
            .into_iter()
            .chain(mail.mailboxes("reply-to"));
        let answered = answered
            .filter(|mailbox| !mailbox.domain.is_empty())
            .map(|mailbox| {
                let octets = [&mailbox.local, b"@".as_slice(), &mailbox.domain].concat();
                String::from_utf8_lossy(&octets).to_lowercase()
            });
        let addresses = sender.map(str::to_lowercase).into_iter().chain(answered);
        Names {
            domains: first(domains, Names::MOST),
            addresses: first(addresses, Names::MOST),
        }
    }
}

/// So many of them, each once.
fn first(all: impl Iterator<Item = String>, most: usize) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for one in all {
        if kept.len() < most && !kept.contains(&one) {
            kept.push(one);
        }
    }
    kept
}

/// Looks.
pub(super) async fn look(received: &Received) -> Result<Looked, Refusal> {
    let settings = &received.config.spam;
    let Some(sample) = Sample::of(received).filter(|_| settings.filter) else {
        return Ok(Looked::default());
    };
    let services = received.services.clone();
    let work = filter::run(services, move |filter| sample.look(filter));
    let why = match timeout(settings.timeout, work).await {
        Ok(Ok(looked)) => return Ok(looked),
        Ok(Err(why)) => why,
        Err(_) => "it took too long".into(),
    };
    failed(received, "the content", &why)?;
    Ok(Looked::default())
}

/// What could not look, and why: by the settings that is borne, or the message comes again (I31).
pub(super) fn failed(received: &Received, what: &str, why: &str) -> Result<(), Refusal> {
    received.services.metrics.judged("failed");
    tracing::error!(mid = %received.id, what, error = why, "a message could not be looked at");
    match received.config.spam.failure {
        Failure::Accept => Ok(()),
        Failure::Defer => Err(refusals::not_judged().because(format!("{what}: {why}"))),
    }
}

/// What is looked at, on its own.
struct Sample {
    /// The header section, and the beginning of the body.
    octets: Vec<u8>,
    summary: message::Summary,
    arrived: jiff::Timestamp,
    sender: Option<String>,
    recipients: Vec<String>,
    accounts: Vec<u128>,
    to_trap: bool,
}

impl Sample {
    /// `None` if nobody gets the message.
    fn of(received: &Received) -> Option<Sample> {
        let copies = &received.copies;
        let body = copies.filed.as_ref().or(copies.relayed.as_ref())?;
        Some(Sample {
            octets: [&received.section, body.beginning()].concat(),
            summary: received.summary.clone(),
            arrived: received.time,
            sender: received.mail.reverse_path.as_ref().map(ToString::to_string),
            recipients: received.recipients.iter().map(|r| r.path.clone()).collect(),
            accounts: accounts(received).iter().map(|id| id.as_u128()).collect(),
            to_trap: received.recipients.iter().any(Recipient::is_trap),
        })
    }

    fn look(&self, filter: &filter::Filter) -> Looked {
        let mail = Mail::with_summary(&self.octets, &self.summary);
        let around = Circumstances {
            arrived: Some(self.arrived),
            null_sender: Some(self.sender.is_none()),
            recipients: &self.recipients,
        };
        let mut reasons = rules::apply(&mail, around);
        reasons.extend(filter.phished(&mail.links));
        Looked {
            reasons,
            opinions: filter.learned.opinions(&mail, &self.accounts),
            names: Names::of(&mail, self.sender.as_deref()),
            of_trap: self.to_trap.then(|| Features::of(&mail)),
        }
    }
}

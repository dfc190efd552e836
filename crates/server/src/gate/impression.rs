//! What the gate has to say of one client: reasons for the verdict on its mail, a delay, or a refusal before it is greeted.

use super::{dns_lists, rules::Rules};
use crate::Services;
use crate::config::{GateSettings, NameCheck};
use crate::journey::ClientName;
use spam::gate::client_name::{self, Fault, Name};
use spam::gate::sender_score::Verdict;
use spam::verdict::Reason;
use std::net::IpAddr;
use std::time::Duration;

/// What is known of a client when its first message begins.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Impression {
    /// For and against its mail.
    pub reasons: Vec<Reason>,
    /// How long each of its answers is held back (J4).
    pub delay: Duration,
    /// It is not served: what it is told, behind 550.
    pub refusal: Option<String>,
}

/// Asks all there is to ask, at the same time.
pub(crate) async fn of_client(
    services: &Services,
    address: IpAddr,
    name: impl Future<Output = ClientName>,
) -> (ClientName, Impression) {
    let rules = services.gate.rules.load_full();
    if super::is_ours(address) || rules.never.contains(address) {
        return (name.await, Impression::default());
    }
    let (name, listed, score) = tokio::join!(
        name,
        dns_lists::reasons(services, &rules, address),
        dns_lists::score(services, &rules, address)
    );
    let mut impression = Impression {
        reasons: listed,
        ..Impression::default()
    };
    if let Some(score) = score {
        impression.delay = score.delay;
        impression.reasons.extend(dns_lists::score_reason(score));
        if score.verdict == Verdict::Block {
            impression.refusal = Some(format!(
                "{} has a sender score of {} of 100, which is too low",
                address.to_canonical(),
                score.score
            ));
        }
    }
    impression.of_name(&services.config.load().gate, &rules, &name);
    (name, impression)
}

impl Impression {
    /// J1–J3
    fn of_name(&mut self, settings: &GateSettings, rules: &Rules, name: &ClientName) {
        let Some(fault) = client_name::fault(seen(name), &rules.dynamic) else {
            return;
        };
        let (check, text) = wanted(settings, fault);
        match check {
            NameCheck::Off => {}
            NameCheck::Score => {
                let reason = Reason::new(fault.name(), weight(fault), detail(name, fault));
                self.reasons.push(reason);
            }
            NameCheck::Refuse => self.refusal = Some(text.to_owned()),
        }
    }
}

fn seen(name: &ClientName) -> Name<'_> {
    match name {
        ClientName::Confirmed(name) => Name::Confirmed(name),
        ClientName::Unconfirmed(name) => Name::Unconfirmed(name),
        ClientName::None => Name::None,
        ClientName::Unknown => Name::Unknown,
    }
}

fn wanted(settings: &GateSettings, fault: Fault) -> (NameCheck, &str) {
    match fault {
        Fault::NoName => (settings.no_name, &settings.no_name_text),
        Fault::DoesNotLeadBack => (settings.unconfirmed_name, &settings.unconfirmed_name_text),
        Fault::Dynamic => (settings.dynamic_name, &settings.dynamic_name_text),
    }
}

/// What a fault adds: none alone makes mail junk, since small honest servers have them too.
fn weight(fault: Fault) -> f32 {
    match fault {
        Fault::NoName => 2.5,
        Fault::DoesNotLeadBack => 1.5,
        Fault::Dynamic => 2.0,
    }
}

fn detail(name: &ClientName, fault: Fault) -> String {
    match (fault, name) {
        (Fault::DoesNotLeadBack, ClientName::Unconfirmed(name)) => {
            format!("the name of its address, {name}, does not lead back to it")
        }
        (Fault::Dynamic, ClientName::Confirmed(name)) => {
            format!("{name} is a name that providers give to dial-in lines")
        }
        _ => "its address has no name in DNS".to_owned(),
    }
}

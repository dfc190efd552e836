//! What an outsider may say he is: senders that the administrator has banned (A19), and senders of the domains hosted here (A17, A18).
//!
//! Nobody outside has to use an address of ours as envelope sender, but for our own relays, servers that our SPF record names, and
//! forwarders that send our own mail home unaltered: its signature is ours. So by default the question waits for what
//! authentication finds; with `gate.own_domains = "refuse"` it is answered at MAIL.

use super::authenticate::Proof;
use super::envelope::{Refusal, SessionFacts};
use super::receive::Received;
use super::refusals;
use crate::Services;
use crate::config::{Config, OwnDomains};
use mailauth::dkim::DkimResult;
use mailauth::spf::SpfResult;
use message::Address;
use std::net::IpAddr;
use store::domain;

/// At MAIL on the MX road. The null reverse-path is everybody's.
pub(super) async fn at_mail(
    services: &Services,
    config: &Config,
    facts: &SessionFacts,
    sender: Option<&Address>,
) -> Result<(), Refusal> {
    let Some(sender) = sender else {
        return Ok(());
    };
    let client = facts.peer.remote.ip().to_canonical();
    if let Some(reason) = services.gate.banned_sender(services.clock.now(), sender) {
        return Err(refusals::banned_sender(sender, &reason)
            .because(format!("{sender} is banned, by {client}")));
    }
    let refuses = config.gate.own_domains == OwnDomains::Refuse;
    if refuses && !is_trusted(services, client) && is_hosted(services, sender).await? {
        return Err(refusals::own_sender(sender, client).because(forged(sender, client)));
    }
    Ok(())
}

/// When the message is complete, and it is known what is proved.
pub(super) async fn at_end(received: &Received, proof: &Proof) -> Result<(), Refusal> {
    let Some(sender) = &received.mail.reverse_path else {
        return Ok(());
    };
    let services = &received.services;
    let client = received.facts.peer.remote.ip().to_canonical();
    let asks = received.config.gate.own_domains == OwnDomains::Proved;
    if !asks || is_trusted(services, client) || !is_hosted(services, sender).await? {
        return Ok(());
    }
    match proved(proof, sender.domain()) {
        Proved::Yes => Ok(()),
        Proved::Unknown => Err(refusals::sender_not_checked(sender)),
        Proved::No => Err(refusals::forged_sender(sender, client).because(forged(sender, client))),
    }
}

fn forged(sender: &Address, client: IpAddr) -> String {
    format!("{client} uses {sender}, an address of ours")
}

/// Programs of this machine, and our relays.
fn is_trusted(services: &Services, client: IpAddr) -> bool {
    client.is_loopback() || services.gate.is_relay(client)
}

async fn is_hosted(services: &Services, sender: &Address) -> Result<bool, Refusal> {
    let name = sender.domain().to_owned();
    services
        .store
        .read(move |tx| Ok(domain::by_name(tx, &name)?.is_some()))
        .await
        .map_err(|why| refusals::store_failed(&why))
}

enum Proved {
    Yes,
    No,
    /// DNS did not answer.
    Unknown,
}

/// By SPF for the sender's domain, or by a signature of it.
fn proved(proof: &Proof, domain: &str) -> Proved {
    let signatures = proof
        .dkim
        .iter()
        .filter(|verified| verified.domain.eq_ignore_ascii_case(domain));
    let signed = signatures.map(|verified| match verified.result {
        DkimResult::Pass => Proved::Yes,
        DkimResult::TempError => Proved::Unknown,
        _ => Proved::No,
    });
    let spf = match proof.spf.result {
        SpfResult::Pass => Proved::Yes,
        SpfResult::TempError => Proved::Unknown,
        _ => Proved::No,
    };
    signed.fold(spf, |one, other| match (&one, &other) {
        (Proved::Yes, _) | (_, Proved::Yes) => Proved::Yes,
        (Proved::Unknown, _) | (_, Proved::Unknown) => Proved::Unknown,
        _ => Proved::No,
    })
}

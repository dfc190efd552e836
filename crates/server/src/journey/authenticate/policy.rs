//! What DMARC comes to here (K14): the policy of the author's domain, and who may be believed instead.
//!
//! Mailing lists and forwarders break what proves an author. Two kinds of them are believed all the same: sealers of ARC chains
//! that the settings name, if they saw DMARC pass themselves, and forwarders that the settings name, if they are proved (U38).

use super::super::envelope::{ClientName, Refusal};
use super::super::receive::Received;
use super::super::refusals;
use super::Proof;
use super::checks::Found;
use mailauth::arc::ArcResult;
use mailauth::dkim::DkimResult;
use mailauth::dmarc::{DmarcResult, Policy};
use mailauth::results;
use mailauth::spf::SpfResult;

/// What follows from DMARC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// Nothing: it passes, or there is no policy, or nobody knows.
    Deliver,
    /// The message is to be junk.
    Quarantine,
    /// The message is refused.
    Reject,
    /// A policy is not carried out.
    Overridden {
        /// What the domain wants.
        wanted: Policy,
        /// Why it does not get it.
        because: Override,
    },
}

/// Why a policy is not carried out (RFC 9990 §3.1.1.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Override {
    /// The last sealer of the chain is trusted and saw DMARC pass.
    TrustedSealer(String),
    /// A proved forwarder that the settings name.
    Forwarder(String),
    /// It comes by a relay of ours, which has seen the sender.
    Relay,
    /// The settings say that policies are only watched.
    Watching,
    /// SPF could not be asked, since the client's address is hidden from us (U35).
    Hidden,
}

/// What follows.
pub(super) fn disposition(received: &Received, found: &Found) -> Disposition {
    if found.dmarc.result != DmarcResult::Fail || found.dmarc.policy == Policy::None {
        return Disposition::Deliver;
    }
    let wanted = found.dmarc.policy;
    match reason_to_override(received, found) {
        Some(because) => Disposition::Overridden { wanted, because },
        None if wanted == Policy::Reject => Disposition::Reject,
        None => Disposition::Quarantine,
    }
}

fn reason_to_override(received: &Received, found: &Found) -> Option<Override> {
    let settings = &received.config.authentication;
    if !settings.enforce {
        return Some(Override::Watching);
    }
    if received
        .services
        .gate
        .is_relay(received.facts.peer.remote.ip())
    {
        return Some(Override::Relay);
    }
    if received
        .services
        .gate
        .hides(received.facts.peer.remote.ip())
    {
        return Some(Override::Hidden);
    }
    trusted_sealer(&settings.trusted_sealers, found)
        .map(Override::TrustedSealer)
        .or_else(|| forwarder(received, found).map(Override::Forwarder))
}

/// The sealer who handed the message to us, if he is trusted and saw DMARC pass for this author.
fn trusted_sealer(trusted: &[String], found: &Found) -> Option<String> {
    if found.arc.result != ArcResult::Pass {
        return None;
    }
    let sealer = found.arc.sealers.last()?;
    let (_, saw) = results::read(found.arc.results.as_deref()?);
    let passed = saw.iter().any(|result| {
        let author = result.property("header.from").unwrap_or_default();
        result.method == "dmarc"
            && result.result == "pass"
            && author.eq_ignore_ascii_case(&found.dmarc.author)
    });
    (passed && is_named(trusted, sealer)).then(|| sealer.clone())
}

/// A domain of the list that is proved to have sent this: by SPF, by a signature, or by the name of its server.
fn forwarder(received: &Received, found: &Found) -> Option<String> {
    let named = &received.config.authentication.forwarders;
    let spf = (found.spf.result == SpfResult::Pass).then_some(&found.spf.domain);
    let signed = found
        .dkim
        .iter()
        .filter(|verified| verified.result == DkimResult::Pass)
        .map(|verified| &verified.domain);
    let host = match &received.facts.client {
        ClientName::Confirmed(name) => Some(name),
        _ => None,
    };
    let mut proved = spf.into_iter().chain(signed).chain(host);
    proved.find(|domain| is_named(named, domain)).cloned()
}

/// Is the domain in the list, or below one that is?
fn is_named(list: &[String], domain: &str) -> bool {
    let domain = domain.to_ascii_lowercase();
    list.iter().any(|named| {
        let left = domain.strip_suffix(named.as_str());
        left.is_some_and(|left| left.is_empty() || left.ends_with('.'))
    })
}

/// The refusal that the author's domain asks for.
pub(super) fn refusal(received: &Received, proof: &Proof) -> Option<Refusal> {
    if proof.disposition != Disposition::Reject {
        return None;
    }
    let dkim = proof.dkim.first();
    let signatures = match dkim {
        None => "no DKIM signature".to_string(),
        Some(first) => format!("DKIM {} for {}", first.result, first.domain),
    };
    let found = format!(
        "SPF {} for {}, {signatures}",
        proof.spf.result, proof.spf.domain
    );
    let client = received.facts.peer.remote.ip();
    Some(
        refusals::dmarc_reject(&proof.dmarc.author, &found).because(format!(
            "DMARC p=reject of {} from {client}: {found}; {}",
            proof.dmarc.author, proof.dmarc.reason
        )),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_list_hold_for_what_is_below() {
        let list = ["example.com".to_string()];
        assert!(is_named(&list, "example.com"));
        assert!(is_named(&list, "Lists.example.com"));
        assert!(!is_named(&list, "badexample.com"));
        assert!(!is_named(&[], "example.com"));
    }
}

//! Between the verdict and the routes: is the sender a stranger that is asked to come again (J5–J12)?
//!
//! It stands behind the verdict, because by default only mail in doubt is put off, and because what SPF and DKIM prove is known here:
//! whoever proves who he is is not put off at all (U45). What is remembered is the gate's business.

use super::envelope::{Refusal, Road};
use super::judge::Judged;
use super::receive::Received;
use super::refusals;
use super::route::Recipient;
use crate::gate::greylist::{self, Candidate, Doubt};
use spam::gate::greylist::{Decision, Why};

/// Lets the message pass, or asks its sender to come again.
pub(super) async fn greylist(judged: Judged) -> Result<Judged, Refusal> {
    let received = judged.received();
    let only_traps = received.recipients.iter().all(Recipient::is_trap);
    if !matches!(received.facts.road, Road::Mx) || only_traps {
        return Ok(judged);
    }
    let candidate = candidate(received, proved(&judged), judged.is_doubtful());
    let decision = greylist::ask(&received.services, &candidate)
        .await
        .map_err(|why| refusals::store_failed(&why))?;
    match decision {
        Some(Decision::Wait(from)) => {
            received.services.metrics.greylisted("wait");
            let wait = greylist::come_again(received.services.clock.now(), from);
            Err(judged.told(refusals::come_again(&wait)))
        }
        Some(Decision::Pass(why)) => {
            received.services.metrics.greylisted(word(why));
            Ok(judged)
        }
        None => Ok(judged),
    }
}

/// Domains that the sender is proved to be, each once; lower-case.
fn proved(judged: &Judged) -> Vec<&str> {
    let Some(proof) = judged.proof() else {
        return Vec::new();
    };
    let mut domains = proof.signers();
    domains.extend(proof.sending_domain());
    domains.sort_unstable();
    domains.dedup();
    domains
}

fn candidate<'a>(received: &'a Received, proved: Vec<&'a str>, doubtful: bool) -> Candidate<'a> {
    Candidate {
        address: received.facts.peer.remote.ip(),
        helo: received.facts.helo.as_deref().unwrap_or_default(),
        sender: received
            .mail
            .reverse_path
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        recipients: received
            .recipients
            .iter()
            .filter(|recipient| !recipient.is_trap())
            .map(|recipient| recipient.path.to_lowercase())
            .collect(),
        proved,
        doubt: match doubtful {
            true => Doubt::Much,
            false => Doubt::Little,
        },
    }
}

fn word(why: Why) -> &'static str {
    match why {
        Why::White => "white",
        Why::CameAgain => "came_again",
    }
}

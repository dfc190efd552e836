//! Second stage: who sent this? (RFC 8601)
//!
//! On the MX road SPF, DKIM, ARC, DMARC and reverse DNS are asked, side by side and within a time budget, and a domain that wants
//! forged mail refused has its way (K14). On the submission road the log-in is the proof, and nothing else is (I29). What was
//! found goes on as a [`Proof`], for judging, and is written into an `Authentication-Results` field. Fields of earlier hops that
//! claim to be ours have been taken out with [`is_forged`].

mod checks;
mod policy;

pub(super) use checks::Checks;
pub use policy::{Disposition, Override};

use super::dmarc_results::{self, Seen};
use super::envelope::{ClientName, Refusal, Road};
use super::receive::Received;
use mailauth::results::Results;
use mailauth::{arc, dkim, dmarc, spf};
use message::header::Field;

/// What the checks found about a message from another server.
#[derive(Clone, Debug)]
pub struct Proof {
    /// Of the reverse-path, or of the HELO name if that is null.
    pub spf: spf::Outcome,
    /// Of each signature that was looked at, in the order of the fields.
    pub dkim: Vec<dkim::Verified>,
    /// Of the chain of forwarders.
    pub arc: arc::Validated,
    /// Of the author; of several, the one for whom it looks worst.
    pub dmarc: dmarc::Outcome,
    /// What DMARC comes to here.
    pub disposition: Disposition,
}

impl Proof {
    /// Domains that signed the message and are believed, each once.
    pub fn signers(&self) -> Vec<&str> {
        let mut signers: Vec<&str> = Vec::new();
        for verified in &self.dkim {
            if verified.result == dkim::DkimResult::Pass && !signers.contains(&&*verified.domain) {
                signers.push(&verified.domain);
            }
        }
        signers
    }

    /// The domain whose server sent the message, if SPF proves it.
    pub fn sending_domain(&self) -> Option<&str> {
        (self.spf.result == spf::SpfResult::Pass).then_some(self.spf.domain.as_str())
    }
}

/// A message with what is proved about its sender.
pub(crate) struct Authenticated {
    pub(super) received: Received,
    /// The field, with its line end; empty if nothing was asked.
    pub(super) results: String,
    /// On the MX road.
    pub(super) proof: Option<Proof>,
    /// What is counted for a report once the fate of the message is known.
    pub(super) seen: Option<Seen>,
}

impl Authenticated {
    /// The value of the field, for a seal.
    pub(super) fn results_value(&self) -> String {
        match self.results.split_once(':') {
            Some((_, value)) => value.trim().to_owned(),
            None => Results::of(&self.received.config.hostname).value(),
        }
    }
}

/// Authenticates; refuses what the author's domain wants refused.
pub(super) async fn authenticate(mut received: Received) -> Result<Authenticated, Refusal> {
    let mut results = Results::of(&received.config.hostname);
    let mut proof = None;
    match &received.facts.road {
        Road::Mx => proof = Some(ask(&mut received, &mut results).await?),
        Road::Submission(login) => {
            let shown = received.config.mail.received_auth;
            let name = if shown { login.address.as_str() } else { "" };
            results.add("auth", "pass", "", &[("smtp.auth", name)]);
        }
        // The server in front has the facts; a program on this machine is no stranger.
        Road::Lmtp | Road::Local(_) => {}
    }
    let results = match results.is_empty() {
        true => String::new(),
        false => results.field(),
    };
    Ok(Authenticated {
        seen: proof
            .as_ref()
            .and_then(|proof| dmarc_results::seen(&received, proof)),
        received,
        results,
        proof,
    })
}

async fn ask(received: &mut Received, results: &mut Results) -> Result<Proof, Refusal> {
    let checks = received.checks.take();
    let found = checks::run(received, checks).await;
    let disposition = policy::disposition(received, &found);
    let proof = Proof {
        spf: found.spf,
        dkim: found.dkim,
        arc: found.arc,
        dmarc: found.dmarc,
        disposition,
    };
    write(received, &proof, results);
    count(received, &proof);
    let Some(refusal) = policy::refusal(received, &proof) else {
        return Ok(proof);
    };
    if let Some(seen) = dmarc_results::seen(received, &proof) {
        received.services.dmarc_results.count(seen);
    }
    Err(refusal)
}

fn write(received: &Received, proof: &Proof, results: &mut Results) {
    let address = received.facts.peer.remote.ip().to_canonical().to_string();
    let iprev = iprev(&received.facts.client);
    results.add("iprev", iprev, "", &[("policy.iprev", &address)]);
    let sender = received.mail.reverse_path.as_ref().map(ToString::to_string);
    let helo = received.facts.helo.as_deref().unwrap_or_default();
    results.spf(&proof.spf, sender.as_deref(), helo);
    if proof.dkim.is_empty() {
        results.add("dkim", "none", "", &[]);
    }
    for verified in &proof.dkim {
        results.dkim(verified);
    }
    if proof.arc.result != arc::ArcResult::None {
        results.arc(&proof.arc);
    }
    results.dmarc(&proof.dmarc);
}

/// RFC 8601 §2.7.3.
fn iprev(client: &ClientName) -> &'static str {
    match client {
        ClientName::Confirmed(_) => "pass",
        ClientName::Unconfirmed(_) => "fail",
        ClientName::None => "permerror",
        ClientName::Unknown => "temperror",
    }
}

fn count(received: &Received, proof: &Proof) {
    let metrics = &received.services.metrics;
    metrics.checked("iprev", iprev(&received.facts.client));
    metrics.checked("spf", proof.spf.result.word());
    let signed = proof.dkim.first();
    metrics.checked("dkim", signed.map_or("none", |first| first.result.word()));
    metrics.checked("arc", proof.arc.result.word());
    metrics.checked("dmarc", proof.dmarc.result.word());
}

/// Does this field of an arriving message claim to be our own result (RFC 8601 §5)?
pub(super) fn is_forged(field: &Field<'_>, hostname: &str) -> bool {
    if !field.is("Authentication-Results") {
        return false;
    }
    message::content::token(field.value).is_some_and(|id| id.eq_ignore_ascii_case(hostname))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k17_rfc8601_section_5_forged_results_are_known() {
        for (field, forged) in [
            ("Authentication-Results: mx1.example.com; spf=pass", true),
            (
                "authentication-results:\r\n (x) \"MX1.example.com\" 1; spf=pass",
                true,
            ),
            ("Authentication-Results: mx1.example.com", true),
            (
                "Authentication-Results: mx1.example.com.evil.test; spf=pass",
                false,
            ),
            ("Authentication-Results: other.test; spf=pass", false),
            ("X-Authentication-Results: mx1.example.com; spf=pass", false),
        ] {
            let parsed = message::header::fields(field.as_bytes()).next().unwrap();
            assert_eq!(is_forged(&parsed, "mx1.example.com"), forged, "{field}");
        }
    }
}

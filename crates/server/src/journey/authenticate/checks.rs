//! The checks themselves: prepared when the header section has ended, fed while the body arrives, asked when it is complete.
//!
//! All wait for DNS at the same time and none longer than the budget; what has no answer by then is `temperror`.

use super::super::receive::Received;
use dns::Resolver;
use mailauth::dkim::{Bodies, Limits, Verified, Verifier};
use mailauth::dmarc::{self, DmarcResult, Evidence, Policy};
use mailauth::spf::{self, SpfResult};
use mailauth::{arc, dkim};
use std::net::IpAddr;
use tokio::time::{Instant, timeout_at};

/// What of a message must be known before its body comes.
pub(in crate::journey) struct Checks {
    dkim: Verifier,
    arc: arc::Validator,
    authors: Vec<String>,
}

impl Checks {
    /// With the header section as it arrived, nothing changed in it. The body hashes that are needed are ordered.
    pub(in crate::journey) fn begin(section: &[u8], bodies: &mut Bodies) -> Checks {
        Checks {
            dkim: Verifier::new(section, Limits::default(), bodies),
            arc: arc::Validator::new(section, bodies),
            authors: dmarc::author_domains(section),
        }
    }
}

/// What was found.
pub(super) struct Found {
    pub(super) spf: spf::Outcome,
    pub(super) dkim: Vec<Verified>,
    pub(super) arc: arc::Validated,
    pub(super) dmarc: dmarc::Outcome,
}

/// Asks.
pub(super) async fn run(received: &Received, checks: Option<Checks>) -> Found {
    let run = Run {
        received,
        resolver: received.services.dns.as_ref(),
        now: received.time.as_second(),
        deadline: Instant::now() + received.config.authentication.timeout,
    };
    let Some(checks) = checks else {
        // A message without a header section has nothing that could be proved but its envelope.
        return Found {
            spf: run.spf().await,
            dkim: Vec::new(),
            arc: arc::Validated::none(),
            dmarc: dmarc::Outcome::without_author(),
        };
    };
    let (spf, dkim, arc) = tokio::join!(run.spf(), run.dkim(&checks.dkim), run.arc(&checks.arc));
    let dmarc = run.dmarc(&checks.authors, &spf, &dkim).await;
    Found {
        spf,
        dkim,
        arc,
        dmarc,
    }
}

struct Run<'a> {
    received: &'a Received,
    resolver: &'a dyn Resolver,
    /// Seconds since 1970.
    now: i64,
    deadline: Instant,
}

impl Run<'_> {
    async fn spf(&self) -> spf::Outcome {
        let sender = self
            .received
            .mail
            .reverse_path
            .as_ref()
            .map(ToString::to_string);
        let helo = self.received.facts.helo.as_deref().unwrap_or_default();
        let ip: IpAddr = self.received.facts.peer.remote.ip();
        let domain = sender.as_deref().and_then(|s| s.rsplit_once('@'));
        let outcome = |result, reason: &str| spf::Outcome {
            result,
            domain: domain
                .map_or(helo, |(_, domain)| domain)
                .to_ascii_lowercase(),
            reason: reason.to_string(),
            explanation: None,
        };
        if self.received.services.gate.is_relay(ip) {
            return outcome(
                SpfResult::None,
                "it comes by a relay of ours, which has asked",
            );
        }
        if self.received.services.gate.hides(ip) {
            return outcome(
                SpfResult::None,
                "something in front of us hides the client's address",
            );
        }
        let query = spf::Query {
            ip,
            helo,
            sender: sender.as_deref(),
            receiver: &self.received.config.hostname,
            now: self.now,
        };
        let checked = timeout_at(self.deadline, spf::check(self.resolver, &query)).await;
        checked.unwrap_or_else(|_| outcome(SpfResult::TempError, "DNS did not answer in time"))
    }

    async fn dkim(&self, verifier: &Verifier) -> Vec<Verified> {
        let mut results = Vec::with_capacity(verifier.len());
        for index in 0..verifier.len() {
            let verified = verifier.one(index, self.resolver, &self.received.hashes, self.now);
            let verified = timeout_at(self.deadline, verified).await;
            results.extend(verified.unwrap_or_else(|_| verifier.late(index)));
        }
        results
    }

    async fn arc(&self, validator: &arc::Validator) -> arc::Validated {
        let validated = validator.finish(self.resolver, &self.received.hashes, self.now);
        timeout_at(self.deadline, validated)
            .await
            .unwrap_or_else(|_| validator.out_of_time())
    }

    /// Of all authors, the one for whom it looks worst (RFC 9989 §11.5: a second author is no way around a policy).
    async fn dmarc(
        &self,
        authors: &[String],
        spf: &spf::Outcome,
        dkim: &[Verified],
    ) -> dmarc::Outcome {
        let mut worst: Option<dmarc::Outcome> = None;
        for author in authors {
            let evidence = evidence(author, spf, dkim);
            let evaluated = dmarc::evaluate(self.resolver, &evidence);
            let outcome = timeout_at(self.deadline, evaluated)
                .await
                .unwrap_or_else(|_| dmarc::Outcome::out_of_time(author));
            if worst
                .as_ref()
                .is_none_or(|known| badness(known) < badness(&outcome))
            {
                worst = Some(outcome);
            }
        }
        worst.unwrap_or_else(dmarc::Outcome::without_author)
    }
}

fn evidence<'a>(author: &'a str, spf: &'a spf::Outcome, dkim: &'a [Verified]) -> Evidence<'a> {
    let of = |result: dkim::DkimResult| {
        let found = dkim
            .iter()
            .filter(move |verified| verified.result == result);
        found.map(|verified| verified.domain.as_str()).collect()
    };
    let spf_if = |result| (spf.result == result).then_some(spf.domain.as_str());
    Evidence {
        author,
        spf: spf_if(SpfResult::Pass),
        spf_unknown: spf_if(SpfResult::TempError),
        dkim: of(dkim::DkimResult::Pass),
        dkim_unknown: of(dkim::DkimResult::TempError),
    }
}

fn badness(outcome: &dmarc::Outcome) -> u8 {
    match (outcome.result, outcome.policy) {
        (DmarcResult::Pass, _) => 0,
        (DmarcResult::None, _) => 1,
        (DmarcResult::Fail, Policy::None) => 2,
        (DmarcResult::PermError, _) => 3,
        (DmarcResult::TempError, _) => 4,
        (DmarcResult::Fail, Policy::Quarantine) => 5,
        (DmarcResult::Fail, Policy::Reject) => 6,
    }
}

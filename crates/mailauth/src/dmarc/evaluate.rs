//! The evaluation (RFC 9989 §5.3): alignment, result, and the policy that holds.

use super::record::{AlignmentMode, Policy, Record};
use super::walk::{self, Walk};
use dns::{MxAnswer, Resolver};
use std::fmt;

/// What SPF and DKIM have proved. All domains lower-case.
#[derive(Clone, Debug, Default)]
pub struct Evidence<'a> {
    /// The author's domain.
    pub author: &'a str,
    /// The domain of an SPF pass.
    pub spf: Option<&'a str>,
    /// The domains of DKIM passes.
    pub dkim: Vec<&'a str>,
    /// Domains whose SPF could not be looked up.
    pub spf_unknown: Option<&'a str>,
    /// Domains whose keys could not be looked up.
    pub dkim_unknown: Vec<&'a str>,
}

/// RFC 8601, §2.7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DmarcResult {
    /// The domain has no policy.
    None,
    /// The author is proved.
    Pass,
    /// He is not.
    Fail,
    /// DNS could not be asked: nobody knows now.
    TempError,
    /// From names nobody whose policy could be found.
    PermError,
}

impl DmarcResult {
    /// The word of RFC 8601.
    pub fn word(self) -> &'static str {
        match self {
            DmarcResult::None => "none",
            DmarcResult::Pass => "pass",
            DmarcResult::Fail => "fail",
            DmarcResult::TempError => "temperror",
            DmarcResult::PermError => "permerror",
        }
    }
}

impl fmt::Display for DmarcResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A result and how it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The result.
    pub result: DmarcResult,
    /// The author's domain.
    pub author: String,
    /// One clause for people.
    pub reason: String,
    /// What the domain wants to be done now if the result is a fail: the policy for this domain, one level milder with `t=y`.
    pub policy: Policy,
    /// The record, and the domain it is of.
    pub record: Option<(String, Record)>,
    /// The organizational domain of the author.
    pub organization: String,
    /// SPF passes for an aligned domain.
    pub spf_aligned: bool,
    /// A signature of an aligned domain passes.
    pub dkim_aligned: bool,
}

impl Outcome {
    /// For a From that names nobody.
    pub fn without_author() -> Outcome {
        outcome("", DmarcResult::PermError, "From names no domain")
    }

    /// When time has run out.
    pub fn out_of_time(author: &str) -> Outcome {
        outcome(author, DmarcResult::TempError, "DNS did not answer in time")
    }
}

fn outcome(author: &str, result: DmarcResult, reason: impl Into<String>) -> Outcome {
    Outcome {
        result,
        author: author.to_string(),
        reason: reason.into(),
        policy: Policy::None,
        record: None,
        organization: author.to_string(),
        spf_aligned: false,
        dkim_aligned: false,
    }
}

/// Evaluates the mail of one author.
pub async fn evaluate(resolver: &dyn Resolver, evidence: &Evidence<'_>) -> Outcome {
    match evaluated(resolver, evidence).await {
        Ok(outcome) => outcome,
        Err(why) => outcome(evidence.author, DmarcResult::TempError, why.to_string()),
    }
}

async fn evaluated(
    resolver: &dyn Resolver,
    evidence: &Evidence<'_>,
) -> Result<Outcome, dns::Error> {
    let walk = walk::walk(resolver, evidence.author).await?;
    let Some((domain, record)) = walk.policy() else {
        let reason = format!("{} has no DMARC policy", evidence.author);
        return Ok(outcome(evidence.author, DmarcResult::None, reason));
    };
    let author = Author {
        resolver,
        domain: evidence.author,
        organization: walk.organizational_domain(),
    };
    let mut found = Outcome {
        policy: applicable(resolver, &walk, domain, record).await?,
        record: Some((domain.to_string(), record.clone())),
        organization: author.organization.clone(),
        ..outcome(evidence.author, DmarcResult::Fail, "")
    };
    let mut unknown = false;
    found.dkim_aligned = author
        .aligned(evidence.dkim.iter().copied(), record.dkim, &mut unknown)
        .await;
    found.spf_aligned = author
        .aligned(evidence.spf.into_iter(), record.spf, &mut unknown)
        .await;
    if found.dkim_aligned || found.spf_aligned {
        found.result = DmarcResult::Pass;
        found.reason = proved(&found);
        return Ok(found);
    }
    // Nobody is called a forger because DNS was away.
    unknown |= author
        .aligned(
            evidence.dkim_unknown.iter().copied(),
            record.dkim,
            &mut false,
        )
        .await;
    unknown |= author
        .aligned(evidence.spf_unknown.into_iter(), record.spf, &mut false)
        .await;
    if unknown {
        found.result = DmarcResult::TempError;
        found.reason = format!("whether {} is proved could not be looked up", found.author);
    } else {
        found.reason = format!("neither SPF nor DKIM proves {}", found.author);
    }
    Ok(found)
}

fn proved(found: &Outcome) -> String {
    let by = match (found.dkim_aligned, found.spf_aligned) {
        (true, true) => "DKIM and SPF prove",
        (true, false) => "DKIM proves",
        _ => "SPF proves",
    };
    format!("{by} {}", found.author)
}

/// §4.10.1: `p` for the domain itself, `sp` or `np` below.
async fn applicable(
    resolver: &dyn Resolver,
    walk: &Walk,
    domain: &str,
    record: &Record,
) -> Result<Policy, dns::Error> {
    let policy = if domain == walk.start() {
        record.policy
    } else {
        let subdomains = record.subdomains.unwrap_or(record.policy);
        match record.nonexistent {
            Some(policy) if policy != subdomains && !exists(resolver, walk.start()).await? => {
                policy
            }
            _ => subdomains,
        }
    };
    Ok(match record.testing {
        true => policy.milder(),
        false => policy,
    })
}

/// Does the name exist (RFC 8020)?
async fn exists(resolver: &dyn Resolver, domain: &str) -> Result<bool, dns::Error> {
    Ok(resolver.mx(domain).await? != MxAnswer::NoDomain)
}

struct Author<'a> {
    resolver: &'a dyn Resolver,
    domain: &'a str,
    organization: String,
}

impl Author<'_> {
    /// Is one of these identifiers aligned? Look-ups that fail set the flag.
    async fn aligned<'i>(
        &self,
        identifiers: impl Iterator<Item = &'i str>,
        mode: AlignmentMode,
        unknown: &mut bool,
    ) -> bool {
        for identifier in identifiers {
            if identifier == self.domain {
                return true;
            }
            if mode == AlignmentMode::Strict || !self.may_share(identifier) {
                continue;
            }
            match walk::organizational_domain(self.resolver, identifier).await {
                Ok(organization) if organization == self.organization => return true,
                Ok(_) => {}
                Err(_) => *unknown = true,
            }
        }
        false
    }

    /// Only a domain at or below the author's organization can belong to it.
    fn may_share(&self, identifier: &str) -> bool {
        let above = identifier.strip_suffix(self.organization.as_str());
        above.is_some_and(|left| left.is_empty() || left.ends_with('.'))
    }
}

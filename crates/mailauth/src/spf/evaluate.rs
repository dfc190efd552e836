//! `check_host()`: the evaluation of records, with its limits (RFC 7208 §4.6).

use super::macros::{MacroString, Place, Values};
use super::record::{self, Directive, Mechanism, Prefixes, Qualifier, Record};
use super::{EXPLANATION, Outcome, Query, SpfResult, name};
use dns::{Family, MxAnswer, Resolver};
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;

/// Terms that cause look-ups, in all records together (§4.6.4).
const TERMS: u32 = 10;
/// Look-ups that find nothing (§4.6.4).
const VOIDS: u32 = 2;
/// Mail hosts of one `mx`, names of one address (§4.6.4).
const HOSTS: usize = 10;

/// Why there is no answer.
enum Trouble {
    Temporary(String),
    Permanent(String),
}

type Checked<T> = Result<T, Trouble>;

/// What a record says.
struct Verdict {
    result: SpfResult,
    reason: String,
    /// Where the explanation of a fail is, and the domain whose record says so.
    explanation: Option<(MacroString, String)>,
}

pub(super) struct Evaluation<'a> {
    resolver: &'a dyn Resolver,
    query: &'a Query<'a>,
    ip: IpAddr,
    sender_local: String,
    sender_domain: String,
    terms: u32,
    voids: u32,
    /// Names of the client that lead back to it, once asked.
    validated: Option<Vec<String>>,
}

impl<'a> Evaluation<'a> {
    pub(super) fn new(resolver: &'a dyn Resolver, query: &'a Query<'a>) -> Self {
        let sender = query.sender.filter(|sender| !sender.is_empty());
        let (local, domain) = match sender {
            None => ("postmaster", query.helo),
            Some(sender) => sender.rsplit_once('@').unwrap_or(("", sender)),
        };
        let local = if local.is_empty() {
            "postmaster"
        } else {
            local
        };
        Evaluation {
            resolver,
            query,
            ip: query.ip.to_canonical(),
            sender_local: local.to_string(),
            sender_domain: domain.to_string(),
            terms: 0,
            voids: 0,
            validated: None,
        }
    }

    pub(super) async fn run(mut self) -> Outcome {
        let Some(domain) = name::sending(&self.sender_domain) else {
            return self.outcome(
                SpfResult::None,
                "there is no domain that could have a record",
            );
        };
        self.sender_domain = domain.clone();
        match self.check_host(domain).await {
            Err(Trouble::Temporary(why)) => self.outcome(SpfResult::TempError, &why),
            Err(Trouble::Permanent(why)) => self.outcome(SpfResult::PermError, &why),
            Ok(verdict) => {
                let explanation = self.explanation(&verdict).await;
                Outcome {
                    explanation,
                    ..self.outcome(verdict.result, &verdict.reason)
                }
            }
        }
    }

    fn outcome(&self, result: SpfResult, reason: &str) -> Outcome {
        Outcome {
            result,
            domain: self.sender_domain.to_ascii_lowercase(),
            reason: reason.to_string(),
            explanation: None,
        }
    }

    /// Boxed, because `include` and `redirect` come back here.
    fn check_host<'s>(
        &'s mut self,
        domain: String,
    ) -> Pin<Box<dyn Future<Output = Checked<Verdict>> + Send + 's>> {
        Box::pin(async move {
            let Some(record) = self.record(&domain).await? else {
                return Ok(Verdict {
                    result: SpfResult::None,
                    reason: format!("{domain} has no SPF record"),
                    explanation: None,
                });
            };
            for directive in &record.directives {
                if self.matches(directive, &domain).await? {
                    return Ok(verdict(&record, directive, domain));
                }
            }
            match &record.redirect {
                Some(target) => self.redirect(target, &domain).await,
                None => Ok(Verdict {
                    result: SpfResult::Neutral,
                    reason: format!("nothing in the record of {domain} matches {}", self.ip),
                    explanation: None,
                }),
            }
        })
    }

    /// §4.4, §4.5.
    async fn record(&mut self, domain: &str) -> Checked<Option<Record>> {
        let texts = self.resolver.txt(domain).await.map_err(away)?;
        let mut found = texts.iter().filter(|text| record::is_spf(text));
        match (found.next(), found.next()) {
            (None, _) => Ok(None),
            (Some(_), Some(_)) => Err(Trouble::Permanent(format!(
                "{domain} has more than one SPF record"
            ))),
            (Some(text), None) => Record::parse(text).map(Some).map_err(|why| {
                Trouble::Permanent(format!("the SPF record of {domain} is wrong: {why}"))
            }),
        }
    }

    async fn matches(&mut self, directive: &Directive, domain: &str) -> Checked<bool> {
        match &directive.mechanism {
            Mechanism::All => Ok(true),
            Mechanism::Network(network, length) => Ok(record::agree(*network, self.ip, *length)),
            Mechanism::Include(target) => self.include(target, domain).await,
            Mechanism::A(target, prefixes) => self.a(target.as_ref(), *prefixes, domain).await,
            Mechanism::Mx(target, prefixes) => self.mx(target.as_ref(), *prefixes, domain).await,
            Mechanism::Ptr(target) => self.ptr(target.as_ref(), domain).await,
            Mechanism::Exists(target) => self.exists(target, domain).await,
        }
    }

    /// §5.2.
    async fn include(&mut self, target: &MacroString, domain: &str) -> Checked<bool> {
        self.count_term()?;
        let Some(target) = self.target(Some(target), domain).await? else {
            return Err(Trouble::Permanent("an include leads to no domain".into()));
        };
        match self.check_host(target.clone()).await?.result {
            SpfResult::Pass => Ok(true),
            SpfResult::None => Err(Trouble::Permanent(format!(
                "{domain} includes {target}, which has no SPF record"
            ))),
            _ => Ok(false),
        }
    }

    /// §6.1.
    async fn redirect(&mut self, target: &MacroString, domain: &str) -> Checked<Verdict> {
        self.count_term()?;
        let wrong = |target: &str| {
            Trouble::Permanent(format!(
                "{domain} redirects to {target}, which has no SPF record"
            ))
        };
        let Some(target) = self.target(Some(target), domain).await? else {
            return Err(wrong("a malformed name"));
        };
        let verdict = self.check_host(target.clone()).await?;
        match verdict.result {
            SpfResult::None => Err(wrong(&target)),
            _ => Ok(verdict),
        }
    }

    /// §5.3.
    async fn a(
        &mut self,
        target: Option<&MacroString>,
        prefixes: Prefixes,
        domain: &str,
    ) -> Checked<bool> {
        self.count_term()?;
        let Some(target) = self.target(target, domain).await? else {
            return self.void().map(|()| false);
        };
        let addresses = self.addresses(&target).await?;
        Ok(addresses
            .iter()
            .any(|&address| prefixes.agree(self.ip, address)))
    }

    /// §5.4.
    async fn mx(
        &mut self,
        target: Option<&MacroString>,
        prefixes: Prefixes,
        domain: &str,
    ) -> Checked<bool> {
        self.count_term()?;
        let Some(target) = self.target(target, domain).await? else {
            return self.void().map(|()| false);
        };
        let hosts = match self.resolver.mx(&target).await.map_err(away)? {
            MxAnswer::Hosts(hosts) => hosts,
            MxAnswer::Null => return Ok(false),
            MxAnswer::NoDomain | MxAnswer::NoRecord => return self.void().map(|()| false),
        };
        if hosts.len() > HOSTS {
            return Err(Trouble::Permanent(format!(
                "{target} has more than {HOSTS} mail hosts"
            )));
        }
        for (_, host) in hosts {
            let addresses = self.addresses(&host).await?;
            if addresses
                .iter()
                .any(|&address| prefixes.agree(self.ip, address))
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// §5.5. What cannot be looked up does not match.
    async fn ptr(&mut self, target: Option<&MacroString>, domain: &str) -> Checked<bool> {
        self.count_term()?;
        let Some(target) = self.target(target, domain).await? else {
            return Ok(false);
        };
        let names = self.validated_names().await?;
        Ok(names.iter().any(|found| name::is_within(found, &target)))
    }

    /// §5.7: an A record, whatever family the client has.
    async fn exists(&mut self, target: &MacroString, domain: &str) -> Checked<bool> {
        self.count_term()?;
        let Some(target) = self.target(Some(target), domain).await? else {
            return self.void().map(|()| false);
        };
        let found = self.resolver.family(&target, Family::V4);
        match found.await.map_err(away)?.is_empty() {
            true => self.void().map(|()| false),
            false => Ok(true),
        }
    }

    /// Addresses of the client's family.
    async fn addresses(&mut self, host: &str) -> Checked<Vec<IpAddr>> {
        let family = match self.ip {
            IpAddr::V4(_) => Family::V4,
            IpAddr::V6(_) => Family::V6,
        };
        let found = self.resolver.family(host, family).await.map_err(away)?;
        if found.is_empty() {
            self.void()?;
        }
        Ok(found)
    }

    fn count_term(&mut self) -> Checked<()> {
        self.terms += 1;
        if self.terms > TERMS {
            return Err(Trouble::Permanent(format!(
                "the records need more than {TERMS} look-ups"
            )));
        }
        Ok(())
    }

    fn void(&mut self) -> Checked<()> {
        self.voids += 1;
        if self.voids > VOIDS {
            return Err(Trouble::Permanent(format!(
                "more than {VOIDS} look-ups find nothing"
            )));
        }
        Ok(())
    }

    /// The name a mechanism speaks of; `None` if DNS cannot have it.
    async fn target(
        &mut self,
        spec: Option<&MacroString>,
        domain: &str,
    ) -> Checked<Option<String>> {
        match spec {
            None => Ok(Some(domain.to_string())),
            Some(spec) => {
                let expanded = self.expand(spec, domain).await?;
                Ok(name::queryable(name::shortened(&expanded)))
            }
        }
    }

    async fn expand(&mut self, text: &MacroString, domain: &str) -> Checked<String> {
        let validated = match text.needs_validated_name() {
            true => self.best_name(domain).await?,
            false => String::new(),
        };
        Ok(text.expand(&Values {
            sender_local: &self.sender_local,
            sender_domain: &self.sender_domain,
            domain,
            helo: self.query.helo,
            ip: self.ip,
            receiver: self.query.receiver,
            now: self.query.now,
            validated: &validated,
        }))
    }

    /// `%{p}` (§7.3): the domain itself, else a name in it, else any.
    async fn best_name(&mut self, domain: &str) -> Checked<String> {
        let names = self.validated_names().await?;
        let exact = names
            .iter()
            .find(|found| found.eq_ignore_ascii_case(domain));
        let within = names.iter().find(|found| name::is_within(found, domain));
        let best = exact.or(within).or(names.first());
        Ok(best.cloned().unwrap_or_else(|| "unknown".to_string()))
    }

    /// Names of the client whose addresses lead back to it.
    async fn validated_names(&mut self) -> Checked<Vec<String>> {
        if let Some(known) = &self.validated {
            return Ok(known.clone());
        }
        let names = match self.resolver.names(self.ip).await {
            Ok(names) if names.is_empty() => self.void().map(|()| names)?,
            Ok(names) => names,
            Err(_) => Vec::new(),
        };
        let mut validated = Vec::new();
        for name in names.into_iter().take(HOSTS) {
            let addresses = self.resolver.addresses(&name).await.unwrap_or_default();
            if addresses.contains(&self.ip) {
                validated.push(name);
            }
        }
        self.validated = Some(validated.clone());
        Ok(validated)
    }

    /// §6.2. Any trouble means: no explanation.
    async fn explanation(&mut self, verdict: &Verdict) -> Option<String> {
        let (spec, domain) = verdict.explanation.as_ref()?;
        let target = self.target(Some(spec), domain).await.ok()??;
        let texts = self.resolver.txt(&target).await.ok()?;
        let [text] = texts.as_slice() else {
            return None;
        };
        let parsed = MacroString::parse(text, Place::Explanation).ok()?;
        let mut expanded = self.expand(&parsed, domain).await.ok()?;
        let is_printable = |o: u8| o == b' ' || o.is_ascii_graphic();
        if !expanded.bytes().all(is_printable) {
            return None;
        }
        expanded.truncate(EXPLANATION);
        Some(expanded)
    }
}

fn away(error: dns::Error) -> Trouble {
    Trouble::Temporary(error.to_string())
}

fn verdict(record: &Record, directive: &Directive, domain: String) -> Verdict {
    let result = match directive.qualifier {
        Qualifier::Pass => SpfResult::Pass,
        Qualifier::Fail => SpfResult::Fail,
        Qualifier::SoftFail => SpfResult::SoftFail,
        Qualifier::Neutral => SpfResult::Neutral,
    };
    let spec = record.explanation.as_ref();
    Verdict {
        result,
        reason: format!("{} in the record of {domain} matches", directive.text),
        explanation: spec
            .filter(|_| result == SpfResult::Fail)
            .map(|spec| (spec.clone(), domain)),
    }
}

//! Asks lists and scores in DNS about a client, within a time budget, and watches the health of the lists (I19).
//!
//! A list that does not answer in time says nothing, and holds nothing up for longer than [`BUDGET`]. A list whose test entries are
//! wrong, or that refuses to answer us, is not asked until the next check finds it well again; that is logged and counted.

use super::rules::Rules;
use crate::Services;
use spam::gate::dns_list::{DnsList, Health, Meaning};
use spam::gate::sender_score::{self, Finding, Verdict};
use spam::verdict::Reason;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// All questions about one client together.
const BUDGET: Duration = Duration::from_secs(1);
/// One test question of the health check; nobody waits for it.
const TEST: Duration = Duration::from_secs(10);

/// Lists that are not asked, and why.
#[derive(Default)]
pub(super) struct DnsHealth(Mutex<HashMap<String, Health>>);

impl DnsHealth {
    fn is_well(&self, zone: &str) -> bool {
        !self.lock().contains_key(zone)
    }

    /// Remembers it; true if that changes something.
    fn set(&self, zone: &str, health: Health) -> bool {
        let mut ill = self.lock();
        match health {
            Health::Good => ill.remove(zone).is_some(),
            other => ill.insert(zone.to_owned(), other) != Some(other),
        }
    }

    /// Nothing panics under the lock.
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Health>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the lists say of an address.
pub(super) async fn reasons(services: &Services, rules: &Rules, address: IpAddr) -> Vec<Reason> {
    let mut questions = JoinSet::new();
    for list in &rules.dns_lists {
        let Some(question) = list.question(address) else {
            continue;
        };
        if services.gate.dns.is_well(&list.zone) {
            let (dns, list) = (services.dns.clone(), list.clone());
            questions.spawn(async move {
                let answers = answers(dns.as_ref(), &question).await.ok()?;
                Some((list, answers))
            });
        }
    }
    let mut reasons = Vec::new();
    let collecting = async {
        while let Some(answered) = questions.join_next().await {
            if let Ok(Some((list, answers))) = answered {
                reasons.extend(reason(services, &list, &answers));
            }
        }
    };
    // Who is late says nothing; the set ends its questions when it is dropped.
    let _ = timeout(BUDGET, collecting).await;
    reasons
}

/// What lists say of names: the domains that a message links to (I20), or hashes of addresses in it (I21). `names`: each with how people
/// know it. Of each list, what weighs most counts once.
pub(crate) async fn of_names(
    services: &Services,
    lists: &[DnsList],
    names: &[(String, String)],
    reason_name: &str,
) -> Vec<Reason> {
    let mut questions = JoinSet::new();
    for list in lists
        .iter()
        .filter(|list| services.gate.dns.is_well(&list.zone))
    {
        for (name, about) in names {
            let (dns, list, about) = (services.dns.clone(), list.clone(), about.clone());
            let question = list.question_of(name);
            questions.spawn(async move {
                let answers = answers(dns.as_ref(), &question).await.ok()?;
                Some((list, answers, about))
            });
        }
    }
    let mut heaviest: HashMap<String, Reason> = HashMap::new();
    let collecting = async {
        while let Some(answered) = questions.join_next().await {
            let Ok(Some((list, answers, about))) = answered else {
                continue;
            };
            let Some(found) = reason(services, &list, &answers) else {
                continue;
            };
            let detail = format!("{about}: {}", found.detail);
            let found = Reason::new(reason_name, found.weight, detail);
            let known = heaviest.get(&list.zone);
            if known.is_none_or(|known| known.weight < found.weight) {
                heaviest.insert(list.zone.clone(), found);
            }
        }
    };
    // Who is late says nothing.
    let _ = timeout(BUDGET, collecting).await;
    heaviest.into_values().collect()
}

/// Lists answer with addresses of one family alone (RFC 5782 §2.1).
async fn answers(dns: &dyn dns::Resolver, name: &str) -> Result<Vec<Ipv4Addr>, dns::Error> {
    let found = dns.family(name, dns::Family::V4).await?;
    let four = found.into_iter().filter_map(|address| match address {
        IpAddr::V4(four) => Some(four),
        IpAddr::V6(_) => None,
    });
    Ok(four.collect())
}

fn reason(services: &Services, list: &DnsList, answers: &[Ipv4Addr]) -> Option<Reason> {
    match list.meaning(answers) {
        Meaning::NotListed => None,
        Meaning::Listed(code) => {
            let name = match code.weight < 0.0 {
                true => "DNS_LIST_GOOD",
                false => "DNS_LIST_BAD",
            };
            let detail = format!("{}: {}", list.zone, code.means);
            Some(Reason::new(name, code.weight, detail))
        }
        Meaning::RefusesUs => {
            note(services, &list.zone, Health::RefusesUs);
            None
        }
        Meaning::Unknown(answer) => {
            tracing::debug!(zone = %list.zone, %answer, "a code that the list does not document");
            None
        }
    }
}

fn note(services: &Services, zone: &str, health: Health) {
    if !services.gate.dns.set(zone, health) {
        return;
    }
    match health {
        Health::Good => tracing::info!(zone, "the list answers rightly again and is asked"),
        ill => tracing::warn!(zone, reason = %ill, "the list is not asked until it is well again"),
    }
}

/// What the score of an address leads to (J4).
pub(super) async fn score(services: &Services, rules: &Rules, address: IpAddr) -> Option<Finding> {
    let (zone, thresholds) = rules.score.as_ref()?;
    let question = sender_score::question(address, zone)?;
    let asked = timeout(BUDGET, answers(services.dns.as_ref(), &question)).await;
    sender_score::finding(&asked.ok()?.ok()?, thresholds)
}

/// The score as a reason, where it is one.
pub(super) fn score_reason(finding: Finding) -> Option<Reason> {
    /// Reaches the threshold of junk alone.
    const JUNK: f32 = 7.5;
    (finding.verdict == Verdict::Junk).then(|| {
        let detail = format!("the address has a score of {} of 100", finding.score);
        Reason::new("SENDER_SCORE", JUNK, detail)
    })
}

/// Asks each list for its test entries (RFC 5782 §5). A resolver that does not answer says nothing about a list.
pub(crate) async fn check_health(services: &Services) {
    let rules = services.gate.rules.load_full();
    for list in &rules.dns_lists {
        let [(_, present), (_, absent)] = list.test_questions();
        let ask = async |name: &str| {
            let asked = timeout(TEST, answers(services.dns.as_ref(), name)).await;
            asked.ok().and_then(Result::ok)
        };
        if let (Some(present), Some(absent)) = (ask(&present).await, ask(&absent).await) {
            note(services, &list.zone, list.health(&present, &absent));
        }
    }
    let ill = services.gate.dns.lock().len();
    services.metrics.dns_lists_off(ill);
}

/// The lists of the settings, and whether each is asked.
pub(crate) fn view(services: &Services) -> Vec<(String, String)> {
    let rules = services.gate.rules.load_full();
    let ill = services.gate.dns.lock();
    let state = |list: &DnsList| {
        let health = ill.get(&list.zone).copied().unwrap_or(Health::Good);
        (list.zone.clone(), health.to_string())
    };
    rules.dns_lists.iter().map(state).collect()
}

//! What other servers report about mail in our name (K15): which reports there are, what they say, and, over all of them, which
//! addresses send in a domain's name and whether that is proved.

use super::{Failure, World, domain_name};
use crate::reports::word;
use jiff::{SignedDuration, Timestamp};
use mailauth::report::{Report, Row};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::Store;
use store::report::{self, Head};

/// Reports that one answer lists, or sums up.
const MOST: usize = 2000;
/// Sources that one answer lists.
const SOURCES: usize = 1000;
/// Sources that are told apart while summing up.
const TOLD_APART: usize = 100_000;

/// What can be asked for. Days: reports that came in the last so many.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Request {
    List { domain: Option<String>, days: u32 },
    Show { id: String },
    Sources { domain: Option<String>, days: u32 },
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Reports, the newest first.
    List(Vec<View>),
    /// One, with what it says.
    Show(View, Box<Report>),
    /// Sources, those with most failures first.
    Sources(Vec<Source>),
}

/// A report as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Names it.
    pub id: String,
    /// `dmarc` or `tls`.
    pub kind: String,
    /// Whose mail it is about.
    pub domain: String,
    /// The domain that is proved to have sent it; for our own findings, our name.
    pub reporter: String,
    /// When it came, RFC 3339.
    pub received: String,
    /// The time it is about, RFC 3339.
    pub begin: String,
    /// The time it is about, RFC 3339.
    pub end: String,
    /// Messages whose author was proved; sessions that were secured.
    pub passed: u64,
    /// The others.
    pub failed: u64,
}

/// An address that sent mail in the name of a domain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The domain whose policy held.
    pub domain: String,
    /// The address.
    pub source: String,
    /// Messages whose author was proved.
    pub passed: u64,
    /// The others.
    pub failed: u64,
    /// How many reporters have seen it.
    pub reporters: usize,
    /// Domains that signed, or that SPF was asked about, with the result.
    pub evidence: Vec<String>,
    /// The end of the last time a report is about, RFC 3339.
    pub last: String,
}

pub(super) async fn execute(world: &World, request: Request) -> Result<Answer, Failure> {
    match request {
        Request::List { domain, days } => {
            let heads = heads(world, domain, days).await?;
            Ok(Answer::List(heads.into_iter().map(view).collect()))
        }
        Request::Show { id } => {
            let (head, report) = one(&world.store, &id).await?.ok_or_else(|| {
                Failure::missing(format!(
                    "there is no report {}; `pennyblack report list` shows them",
                    id.escape_debug()
                ))
            })?;
            Ok(Answer::Show(view(head), Box::new(report)))
        }
        Request::Sources { domain, days } => {
            let heads = heads(world, domain, days).await?;
            Ok(Answer::Sources(sources(&world.store, &heads).await?))
        }
    }
}

async fn heads(world: &World, domain: Option<String>, days: u32) -> Result<Vec<Head>, Failure> {
    let domain = domain.map(|name| domain_name(&name)).transpose()?;
    let age = SignedDuration::from_hours(i64::from(days) * 24);
    let since = world
        .now
        .saturating_sub(age)
        .unwrap_or(Timestamp::UNIX_EPOCH);
    let list = world
        .store
        .read(move |tx| report::list(tx, domain.as_deref(), since, MOST));
    Ok(list.await?)
}

async fn one(store: &Store, id: &str) -> Result<Option<(Head, Report)>, Failure> {
    let id = id.to_string();
    let Some((head, json)) = store.read(move |tx| report::by_id(tx, &id)).await? else {
        return Ok(None);
    };
    let report = serde_json::from_slice(&json)
        .map_err(|why| store::Error::Corrupt(format!("the report {}: {why}", head.id)))?;
    Ok(Some((head, report)))
}

/// Report by report, so that no read of the store lasts and not all of them are in memory.
async fn sources(store: &Store, heads: &[Head]) -> Result<Vec<Source>, Failure> {
    let mut found: BTreeMap<(String, String), (Source, Vec<String>)> = BTreeMap::new();
    for head in heads {
        // One that was forgotten meanwhile is no fault.
        let Some((head, Report::Dmarc(report))) = one(store, &head.id).await? else {
            continue;
        };
        for row in &report.rows {
            let key = (head.domain.clone(), row.source.clone());
            if found.len() == TOLD_APART && !found.contains_key(&key) {
                continue;
            }
            let (source, reporters) = found.entry(key).or_default();
            add(source, row, &head);
            if !reporters.contains(&head.reporter) {
                reporters.push(head.reporter.clone());
            }
        }
    }
    let mut sources: Vec<Source> = found
        .into_iter()
        .map(|((domain, address), (source, reporters))| Source {
            domain,
            source: address,
            reporters: reporters.len(),
            ..source
        })
        .collect();
    sources.sort_by_key(|source| std::cmp::Reverse((source.failed, source.passed)));
    sources.truncate(SOURCES);
    Ok(sources)
}

fn add(source: &mut Source, row: &Row, head: &Head) {
    let sum = match row.passes() {
        true => &mut source.passed,
        false => &mut source.failed,
    };
    *sum = sum.saturating_add(row.count);
    let dkim = row
        .dkim
        .iter()
        .map(|one| ("dkim", &one.result, &one.domain));
    let spf = row.spf.iter().map(|one| ("spf", &one.result, &one.domain));
    for (method, result, domain) in dkim.chain(spf) {
        let text = format!("{method}={result} {domain}");
        if source.evidence.len() < 4 && !result.is_empty() && !source.evidence.contains(&text) {
            source.evidence.push(text);
        }
    }
    source.last = source.last.clone().max(head.ends.to_string());
}

fn view(head: Head) -> View {
    View {
        id: head.id,
        kind: word(head.kind).into(),
        domain: head.domain,
        reporter: head.reporter,
        received: head.received.to_string(),
        begin: head.starts.to_string(),
        end: head.ends.to_string(),
        passed: head.passed,
        failed: head.failed,
    }
}

//! Reports about mail in our name, taken from the messages that bring them (K15), to be kept in the same transaction.
//!
//! Taken is only what somebody asked for and somebody vouches for: the report is about a domain hosted here, it comes to an address
//! that the domain's own record names, and SPF, a signature or DMARC proves who sent it. Everything else is a message like any other; so is
//! one whose report cannot be read, or for which DNS does not answer.

use super::authenticate::{Authenticated, Proof};
use super::dmarc_results::is_report_subject;
use super::envelope::Road;
use super::place::Letter;
use super::receive::Received;
use crate::Services;
use crate::jobs::tls_report;
use crate::reports::Kept;
use mailauth::dmarc::{DmarcResult, author_domains, record_at};
use mailauth::report::{self, LARGEST, Report, Unreadable};
use message::{Address, header};
use store::body::Staged;
use store::domain;
use tokio::time::timeout;

/// The reports that a message brings.
pub(super) async fn brought(authenticated: &Authenticated, letter: Option<&Letter>) -> Vec<Kept> {
    let received = &authenticated.received;
    let Some(letter) = letter.filter(|letter| may_be(received, letter)) else {
        return Vec::new();
    };
    let Some(reporter) = reporter(authenticated) else {
        tracing::info!(mid = %received.id, "a report is not kept: nothing proves who sent it");
        return Vec::new();
    };
    let reading = async {
        // One at a time: unpacking takes memory.
        let _turn = received.services.report_turn.lock().await;
        wanted(received, letter, &reporter).await
    };
    match timeout(received.config.authentication.timeout, reading).await {
        Ok(Ok(reports)) => reports,
        Ok(Err(why)) => {
            tracing::info!(mid = %received.id, reporter, why, "a report is not kept");
            Vec::new()
        }
        Err(_) => {
            tracing::info!(mid = %received.id, reporter, "a report is not kept: it took too long");
            Vec::new()
        }
    }
}

/// By what is known without reading it: subject, media types, size.
fn may_be(received: &Received, letter: &Letter) -> bool {
    let section = received.section.as_slice();
    let named = || {
        header::values(section, "Subject").any(is_report_subject)
            || header::values(section, "TLS-Report-Domain")
                .next()
                .is_some()
    };
    let summary = &letter.summary;
    matches!(received.facts.road, Road::Mx | Road::Lmtp)
        && summary.size as usize <= LARGEST
        && summary.root.as_ref().is_some_and(report::may_hold_reports)
        && named()
}

/// The domain that is proved to have sent it. Over LMTP the server in front has looked.
fn reporter(authenticated: &Authenticated) -> Option<String> {
    let Some(proof) = &authenticated.proof else {
        let authors = author_domains(&authenticated.received.section);
        return authors.into_iter().next();
    };
    author(proof)
        .or_else(|| proof.signers().into_iter().next())
        .or_else(|| proof.sending_domain())
        .map(str::to_string)
}

fn author(proof: &Proof) -> Option<&str> {
    (proof.dmarc.result == DmarcResult::Pass).then_some(proof.dmarc.author.as_str())
}

async fn wanted(received: &Received, letter: &Letter, reporter: &str) -> Result<Vec<Kept>, String> {
    let octets = octets(&received.services, &letter.body).await;
    let octets = octets.map_err(|why| why.to_string())?;
    let reports = tokio::task::spawn_blocking(move || report::read(&octets)).await;
    let reports: Result<Vec<Report>, Unreadable> = reports.map_err(|why| why.to_string())?;
    let mut kept = Vec::new();
    for report in reports.map_err(|why| why.to_string())? {
        let addresses = addresses(&received.services, &report).await?;
        let asked = received.recipients.iter().any(|recipient| {
            let path = Address::parse(&recipient.path);
            path.is_ok_and(|path| addresses.iter().any(|named| named.key() == path.key()))
        });
        match asked {
            true => kept.push(Kept::new(report, reporter, received.time)),
            false => tracing::info!(
                mid = %received.id, reporter, domain = subject(&report),
                "a report is not kept: no record of that domain sends reports to this recipient"
            ),
        }
    }
    Ok(kept)
}

async fn octets(services: &Services, body: &Staged) -> store::Result<Vec<u8>> {
    let (store, body) = (services.store.clone(), body.clone());
    let opened = tokio::task::spawn_blocking(move || store.open_staged(&body)).await;
    let mut reader = opened.map_err(|why| store::Error::Bug(why.to_string()))??;
    let mut octets = Vec::new();
    while let Some(piece) = reader.next().await? {
        octets.extend_from_slice(&piece);
    }
    Ok(octets)
}

/// The domain that a report is about.
fn subject(report: &Report) -> &str {
    match report {
        Report::Dmarc(report) => &report.policy.domain,
        Report::Tls(report) => report.domain(),
    }
}

/// Where the domain, if it is ours, wants such reports.
async fn addresses(services: &Services, report: &Report) -> Result<Vec<Address>, String> {
    let name = subject(report).to_string();
    if !is_hosted(services, &name)
        .await
        .map_err(|why| why.to_string())?
    {
        return Ok(Vec::new());
    }
    let resolver = services.dns.as_ref();
    match report {
        Report::Dmarc(_) => {
            let record = record_at(resolver, &name).await;
            let record = record.map_err(|why| why.to_string())?;
            Ok(record.as_ref().map(report::addresses).unwrap_or_default())
        }
        Report::Tls(_) => {
            let texts = resolver.txt(&format!("_smtp._tls.{name}")).await;
            let named = tls_report::addresses(&texts.map_err(|why| why.to_string())?);
            let mail = named.iter().filter_map(|uri| uri.strip_prefix("mailto:"));
            Ok(mail.filter_map(|to| Address::parse(to).ok()).collect())
        }
    }
}

/// A domain of ours, or one below it.
async fn is_hosted(services: &Services, name: &str) -> store::Result<bool> {
    let name = name.to_string();
    let find = move |tx: &mut store::Tx<'_>| {
        let mut rest = Some(name.as_str());
        while let Some(domain) = rest.filter(|domain| domain.contains('.')) {
            if domain::by_name(tx, domain)?.is_some() {
                return Ok(true);
            }
            rest = domain.split_once('.').map(|(_, above)| above);
        }
        Ok(false)
    };
    services.store.read(find).await
}

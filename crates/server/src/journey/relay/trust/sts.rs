//! The MTA-STS policy of a domain: from the store while it holds, else fetched (RFC 8461 §3.3, §5.1). A policy that is held stays in
//! force when a newer one cannot be had.

use crate::Services;
use crate::fetch::{Answer, Bounds, Fetched, Method, Network, Redirects, Request, Url, fetch};
use jiff::SignedDuration;
use mailauth::mta_sts::{self, Mode, Policy};
use std::time::Duration;
use store::Timestamp;
use store::policy::{self as kept, StoredPolicy};

/// Fetching may take this long (§3.3 suggests a minute).
const PATIENCE: Duration = Duration::from_secs(30);
/// After a failure the domain is not fetched from again for so long (§3.3).
const PAUSE: SignedDuration = SignedDuration::from_mins(5);

/// What MTA-STS says of a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sts {
    /// There is no policy, or none that asks for anything.
    None,
    /// Only hosts that fit.
    Enforce(Policy),
    /// As if there was none; what would have failed is reported.
    Testing(Policy),
    /// The record says that there is a policy, and it cannot be had: as if there was none (§5.1).
    Unavailable(String),
}

/// The policy of `domain`.
pub(crate) async fn policy(services: &Services, domain: &str) -> Sts {
    let record = services.dns.txt(&format!("_mta-sts.{domain}")).await;
    let id = record.map(|texts| mta_sts::id(&texts)).unwrap_or_default();
    let held = held(services, domain).await;
    match (id, held) {
        (Some(id), Some(held)) if held.id == id => understood(&held.text),
        (Some(_), Some(held)) if held.id.is_empty() => Sts::Unavailable(held.text),
        (Some(id), held) => renewed(services, domain, &id, held).await,
        // A policy that was fetched holds until it ends, even if its record is gone or cannot be looked up.
        (None, Some(held)) if !held.id.is_empty() => understood(&held.text),
        (None, _) => Sts::None,
    }
}

/// What the store has, if it still holds. A store that is away has nothing, and delivery fails for that reason soon enough.
async fn held(services: &Services, domain: &str) -> Option<StoredPolicy> {
    let (domain, now) = (domain.to_string(), services.clock.now());
    let read = services.store.read(move |tx| kept::by_domain(tx, &domain));
    read.await.ok().flatten().filter(|held| held.expires > now)
}

fn understood(text: &str) -> Sts {
    match Policy::parse(text) {
        Ok(policy) => match policy.mode {
            Mode::Enforce => Sts::Enforce(policy),
            Mode::Testing => Sts::Testing(policy),
            Mode::None => Sts::None,
        },
        Err(why) => Sts::Unavailable(why.to_string()),
    }
}

async fn renewed(services: &Services, domain: &str, id: &str, held: Option<StoredPolicy>) -> Sts {
    let now = services.clock.now();
    let fetched = fetched(services, domain).await;
    let keep = |id: &str, text: &str, lasts: SignedDuration| StoredPolicy {
        domain: domain.to_string(),
        id: id.to_string(),
        text: text.to_string(),
        expires: now.saturating_add(lasts).unwrap_or(Timestamp::MAX),
    };
    match (fetched, held) {
        (Ok((text, policy)), _) => {
            let lasts = SignedDuration::try_from(policy.max_age).unwrap_or(PAUSE);
            put(services, keep(id, &text, lasts)).await;
            understood(&text)
        }
        (Err(_), Some(held)) => understood(&held.text),
        (Err(why), None) => {
            tracing::info!(domain, error = %why, "the MTA-STS policy cannot be had");
            put(services, keep("", &why, PAUSE)).await;
            Sts::Unavailable(why)
        }
    }
}

/// A policy that cannot be kept is fetched again for the next message.
async fn put(services: &Services, policy: StoredPolicy) {
    let now = services.clock.now();
    let write = move |tx: &mut store::Tx<'_>| kept::put(tx, &policy, now);
    if let Err(error) = services.store.write(write).await {
        tracing::warn!(error = %error, "an MTA-STS policy cannot be kept");
    }
}

/// The policy's text, if it is one.
async fn fetched(services: &Services, domain: &str) -> Result<(String, Policy), String> {
    let request = Request {
        url: Url::https(&format!("mta-sts.{domain}"), "/.well-known/mta-sts.txt"),
        method: Method::Get,
        fields: Vec::new(),
        known: None,
        bounds: Bounds {
            size: mta_sts::LARGEST,
            time: PATIENCE,
            redirects: Redirects::Forbidden,
            network: Network::Internet,
        },
    };
    match fetch(services, &request).await {
        Err(why) => Err(why.to_string()),
        Ok(Fetched::Unchanged) => Err("304 to a question without a condition".into()),
        Ok(Fetched::Answer(answer)) => read(&answer),
    }
}

fn read(answer: &Answer) -> Result<(String, Policy), String> {
    if answer.status != 200 {
        return Err(format!(
            "the server of the policy answers {}",
            answer.status
        ));
    }
    if answer.essence() != "text/plain" {
        return Err(format!(
            "the policy is {:?}, not text/plain",
            answer.media_type
        ));
    }
    let text = String::from_utf8_lossy(&answer.octets).into_owned();
    let policy = Policy::parse(&text).map_err(|why| why.to_string())?;
    Ok((text, policy))
}

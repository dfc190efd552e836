//! Keys that sign mail: make, list, show what DNS needs, rotate, retire (K4 to K7).

use super::{Failure, FailureKind, Mode, World, domain_name, write};
use crate::config::Config;
use crate::run;
use crate::signing::{self, NewKey};
use jiff::{SignedDuration, Timestamp};
use mailauth::dkim::{PrivateKey, PublicKeyRecord};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use store::dkim::{self, DkimKey, KeyState, Kind};
use store::domain;

/// A record stays in DNS for so long after its key was replaced, at least: mail that it signed is still under way (U40).
const REPLACED: Duration = Duration::from_secs(7 * 86_400);

/// What can be asked for.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Request {
    /// One key, made here or brought along as the text of a key file (K5).
    Keygen {
        domain: String,
        selector: Option<String>,
        kind: KeyKind,
        private: Option<String>,
    },
    /// All keys, or those of a domain.
    List { domain: Option<String> },
    /// Those of a domain, and whether DNS shows them.
    Show { domain: String },
    /// New keys that wait for DNS.
    Rotate { domain: String },
    /// Forgets a key.
    Retire {
        domain: String,
        selector: String,
        mode: Mode,
    },
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("dkim request")
    }
}

/// With what a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum KeyKind {
    Rsa,
    Ed25519,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Keys that are there.
    Keys(Vec<View>),
    /// Keys that were made: DNS needs their records.
    Made(Vec<View>),
    /// A key is gone, or would be.
    Retired {
        /// Its name in DNS.
        name: String,
        /// Whether this is what would be done.
        dry_run: bool,
    },
}

/// A key as people see it. The private half is never shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct View {
    /// The domain that signs.
    pub domain: String,
    /// `s=`.
    pub selector: String,
    /// `a=`.
    pub algorithm: String,
    /// `waiting`, `active` or `replaced`.
    pub state: String,
    /// When it came into its state, RFC 3339.
    pub since: String,
    /// Where its record belongs.
    pub name: String,
    /// The text of the record.
    pub record: String,
    /// What happens next, or what to do.
    pub advice: String,
    /// What DNS shows, if that was asked: `yes`, `no`, `another key` or `unknown`.
    pub published: Option<String>,
}

pub(super) async fn execute(world: &World, request: Request) -> Result<Answer, Failure> {
    let answer = match request {
        Request::List { domain } => return list(world, domain.as_deref()).await,
        Request::Show { domain } => return show(world, &domain).await,
        Request::Keygen {
            domain,
            selector,
            kind,
            private,
        } => keygen(world, &domain, selector, kind, private).await,
        Request::Rotate { domain } => rotate(world, &domain).await,
        Request::Retire {
            domain,
            selector,
            mode,
        } => retire(world, &domain, &selector, mode).await,
    };
    if let Some(running) = &world.running {
        running.services.keys.forget();
    }
    answer
}

async fn list(world: &World, domain: Option<&str>) -> Result<Answer, Failure> {
    let keys = match domain {
        Some(domain) => hosted(world, domain).await?.1,
        None => world.store.read(dkim::list).await?,
    };
    Ok(Answer::Keys(views(world, &keys)))
}

pub(super) fn views(world: &World, keys: &[DkimKey]) -> Vec<View> {
    keys.iter()
        .map(|key| view(key, &world.config, world.now))
        .collect()
}

/// The name of a hosted domain, and its keys.
async fn hosted(world: &World, name: &str) -> Result<(String, Vec<DkimKey>), Failure> {
    let name = domain_name(name)?;
    let asked = name.clone();
    let found = world.store.read(move |tx| {
        let hosted = domain::by_name(tx, &asked)?.is_some();
        Ok((hosted, dkim::of_domain(tx, &asked)?))
    });
    match found.await? {
        (true, keys) => Ok((name, keys)),
        (false, _) => Err(Failure::missing(format!(
            "domain {name} is not hosted here; `pennyblack domain add {name}` adds it"
        ))),
    }
}

async fn show(world: &World, domain: &str) -> Result<Answer, Failure> {
    let (domain, mut keys) = hosted(world, domain).await?;
    if keys.is_empty() {
        keys = signing::make_first(&world.store, &domain, world.now).await?;
    }
    let unavailable = |why: String| Failure::new(FailureKind::Unavailable, why);
    let resolver: Arc<dyn dns::Resolver> = match &world.running {
        Some(running) => running.services.dns.clone(),
        None => run::resolver(&world.config).map_err(|why| unavailable(why.to_string()))?,
    };
    let mut shown = views(world, &keys);
    for view in &mut shown {
        view.published = Some(published(resolver.as_ref(), view).await.to_string());
    }
    Ok(Answer::Keys(shown))
}

async fn published(resolver: &dyn dns::Resolver, view: &View) -> &'static str {
    match shows(resolver, &view.name, &view.record).await {
        Err(_) => "unknown",
        Ok(Shown::Ours) => "yes",
        Ok(Shown::Another) => "another key",
        Ok(Shown::Nothing) => "no",
    }
}

/// What DNS says at the name of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// The key.
    Ours,
    /// Something else.
    Another,
    /// No record.
    Nothing,
}

/// Does DNS show this record? Compared as keys, so that blanks, order and flags do not matter.
pub(crate) async fn shows(
    resolver: &dyn dns::Resolver,
    name: &str,
    record: &str,
) -> Result<Shown, dns::Error> {
    let texts = resolver.txt(name).await?;
    let ours = PublicKeyRecord::parse(record).map(|record| record.key);
    let same = |text: &String| {
        let key = PublicKeyRecord::parse(text).map(|record| record.key);
        key.is_ok() && key == ours
    };
    Ok(match texts.as_slice() {
        [] => Shown::Nothing,
        texts if texts.iter().any(same) => Shown::Ours,
        _ => Shown::Another,
    })
}

async fn keygen(
    world: &World,
    domain: &str,
    selector: Option<String>,
    kind: KeyKind,
    private: Option<String>,
) -> Result<Answer, Failure> {
    let (domain, keys) = hosted(world, domain).await?;
    let mut kind = match kind {
        KeyKind::Rsa => Kind::Rsa,
        KeyKind::Ed25519 => Kind::Ed25519,
    };
    let private = private.as_deref().map(PrivateKey::from_text).transpose();
    let private = private.map_err(|why| Failure::invalid(why.to_string()))?;
    if let Some(private) = &private {
        kind = signing::kind_of(private);
    }
    let taken: Vec<String> = keys.iter().map(|key| key.selector.clone()).collect();
    let selector = match selector {
        Some(selector) => checked_selector(&selector)?,
        None => signing::selector(kind, world.now, &taken),
    };
    let replaces = |key: &DkimKey| key.kind == kind && key.state == KeyState::Active;
    let new = NewKey {
        domain,
        selector,
        kind,
        state: match keys.iter().any(replaces) {
            true => KeyState::Waiting,
            false => KeyState::Active,
        },
        now: world.now,
    };
    let key = match &private {
        Some(private) => new
            .with(private)
            .map_err(|why| Failure::invalid(why.to_string()))?,
        None => signing::new_key(new).await?,
    };
    add(world, vec![key]).await
}

/// Labels of a domain name.
fn checked_selector(selector: &str) -> Result<String, Failure> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|o| o.is_ascii_alphanumeric() || o == b'-' || o == b'_')
    };
    match selector.len() <= 120 && selector.split('.').all(label) {
        true => Ok(selector.to_ascii_lowercase()),
        false => Err(Failure::invalid(format!(
            "\"{}\" is no selector: letters, digits and hyphens, as in a domain name",
            selector.escape_debug()
        ))),
    }
}

async fn rotate(world: &World, domain: &str) -> Result<Answer, Failure> {
    let (domain, keys) = hosted(world, domain).await?;
    if let Some(key) = keys.iter().find(|key| key.state == KeyState::Waiting) {
        return Err(Failure::refused(format!(
            "the key {} still waits for DNS: publish its record (`pennyblack dkim show {domain}`), or retire it first",
            key.selector
        )));
    }
    let taken: Vec<String> = keys.iter().map(|key| key.selector.clone()).collect();
    let new = match keys.is_empty() {
        true => signing::first_keys(&domain, world.now).await?,
        false => signing::rotated_keys(&domain, world.now, &taken).await?,
    };
    add(world, new).await
}

async fn add(world: &World, keys: Vec<DkimKey>) -> Result<Answer, Failure> {
    let shown = views(world, &keys);
    write(&world.store, move |tx| {
        keys.iter().try_for_each(|key| dkim::add(tx, key))?;
        Ok(Ok(()))
    })
    .await?;
    Ok(Answer::Made(shown))
}

async fn retire(
    world: &World,
    domain: &str,
    selector: &str,
    mode: Mode,
) -> Result<Answer, Failure> {
    let (domain, keys) = hosted(world, domain).await?;
    let selector = selector.to_ascii_lowercase();
    let Some(key) = keys.iter().find(|key| key.selector == selector) else {
        return Err(Failure::missing(format!(
            "{domain} has no key {selector}; `pennyblack dkim list {domain}` lists them"
        )));
    };
    if let Some(why) = against_retiring(key, &keys, &world.config, world.now) {
        return Err(Failure::refused(why));
    }
    let name = key_name(key);
    if mode == Mode::Do {
        write(&world.store, move |tx| {
            dkim::remove(tx, &domain, &selector)?;
            Ok(Ok(()))
        })
        .await?;
    }
    Ok(Answer::Retired {
        name,
        dry_run: mode == Mode::Pretend,
    })
}

fn against_retiring(
    key: &DkimKey,
    keys: &[DkimKey],
    config: &Config,
    now: Timestamp,
) -> Option<String> {
    // Not every receiver knows ed25519.
    let is_enough = |other: &DkimKey| {
        let signs = other.state == KeyState::Active && other.selector != key.selector;
        signs && other.kind == Kind::Rsa
    };
    match key.state {
        KeyState::Active if !keys.iter().any(is_enough) => Some(format!(
            "without {} no RSA key signs mail of {}; `pennyblack dkim rotate {}` makes the next ones",
            key.selector, key.domain, key.domain
        )),
        KeyState::Replaced if now < may_go(key, config) => Some(format!(
            "mail that {} has signed is still under way: its record must stay until {}",
            key.selector,
            day(may_go(key, config))
        )),
        _ => None,
    }
}

/// From when on the record of a replaced key may be taken out of DNS.
fn may_go(key: &DkimKey, config: &Config) -> Timestamp {
    let stay = SignedDuration::try_from(REPLACED.max(config.queue.lifetime)).unwrap_or_default();
    key.since.saturating_add(stay).unwrap_or(Timestamp::MAX)
}

fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

pub(crate) fn key_name(key: &DkimKey) -> String {
    format!("{}._domainkey.{}", key.selector, key.domain)
}

fn view(key: &DkimKey, config: &Config, now: Timestamp) -> View {
    let (state, advice) = match key.state {
        KeyState::Active => ("active", "signs mail".to_string()),
        KeyState::Waiting => ("waiting", waiting(key)),
        KeyState::Replaced if now < may_go(key, config) => (
            "replaced",
            format!("keep its record until {}", day(may_go(key, config))),
        ),
        KeyState::Replaced => (
            "replaced",
            format!(
                "its record may go: take it out of DNS, then `pennyblack dkim retire {} {}`",
                key.domain, key.selector
            ),
        ),
    };
    View {
        domain: key.domain.clone(),
        selector: key.selector.clone(),
        algorithm: signing::kind_word(key.kind).to_string(),
        state: state.to_string(),
        since: key.since.to_string(),
        name: key_name(key),
        record: key.record.clone(),
        advice,
        published: None,
    }
}

fn waiting(key: &DkimKey) -> String {
    match key.seen {
        None => "publish its record; it signs once DNS has shown it for an hour".to_string(),
        Some(seen) => format!("DNS shows it since {seen}; it signs after an hour of that"),
    }
}

//! Accounts: add, list, show, password, quota and counting it anew, language, enable and disable, rename the person, remove; what they may send is in
//! [`sending`].

pub mod incident;
pub mod sending;

use super::import;
use super::{Failure, FailureKind, Mode, Password, World, address, write};
use crate::config::{Config, Language};
use crate::session::login::hash_password;
pub use sending::LimitChange;
use serde::{Deserialize, Serialize};
use store::account::{Account, Credentials, NewAccount};
use store::domain::Domain;
use store::quota::Recount;
use store::{Tx, account, alias, domain, quota};

/// The quota that stands for "no limit": the largest that the store can hold.
const UNLIMITED: u64 = i64::MAX as u64;

/// What can be asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Request {
    Add(New),
    List,
    Show {
        address: String,
    },
    Password {
        address: String,
        password: Password,
    },
    Quota {
        address: String,
        /// Octets; none: as it is.
        quota: Option<Quota>,
        /// Messages; none: as it is.
        messages: Option<Quota>,
    },
    /// Counts anew what accounts hold (P12); none named: all.
    Recount {
        addresses: Vec<String>,
    },
    Language {
        address: String,
        /// None: the one of the settings.
        language: Option<String>,
    },
    Activate {
        address: String,
        active: bool,
    },
    RenamePerson {
        address: String,
        name: String,
    },
    Remove {
        address: String,
        mode: Mode,
    },
    Import {
        entry: import::Entry,
        mode: Mode,
    },
    /// What it sends, and its limits, with changes.
    Limit {
        address: String,
        change: LimitChange,
    },
    /// Its mail is no longer held.
    Release {
        address: String,
    },
    /// Nobody can use it, its sessions end, its queued mail is held.
    Lock {
        address: String,
    },
    /// Its owner says that somebody else sent what is held: as `Lock`, and what has not left yet is taken back (V10).
    NotMe {
        address: String,
    },
    /// What was sent from it lately, as a note for those who have to know (V10).
    Incident {
        address: String,
        /// So many hours before it was held, or before now.
        hours: u32,
    },
}

/// An account to make (E30: one step).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct New {
    /// Its address.
    pub address: String,
    /// The person's name; may be empty.
    pub name: String,
    /// Its password.
    pub password: Password,
    /// What it may hold.
    pub quota: Quota,
    /// Host the domain too if it is not hosted yet.
    pub add_domain: bool,
}

/// What an account may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quota {
    /// What the settings say.
    Default,
    /// Anything.
    Unlimited,
    /// So many octets, or messages.
    Octets(u64),
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The account as it is now, and what is worth knowing.
    Account(Box<View>, Vec<String>),
    /// All accounts, by address.
    List(Vec<View>),
    /// The account is gone, or would be.
    Removed(Removed),
    /// What an account sends.
    Sending(Box<sending::View>),
    /// What was sent from an account.
    Incident(Box<incident::View>),
    /// What came of a line of a credentials file.
    Imported(import::Imported),
    /// What accounts hold, counted anew.
    Recounted(Vec<Recounted>),
}

/// An account as people see it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct View {
    /// Stays when everything else changes.
    pub id: String,
    /// Primary address.
    pub address: String,
    /// The person's name.
    pub name: String,
    /// Whether it may log in.
    pub active: bool,
    /// Whether a password is set.
    pub has_password: bool,
    /// Octets it may hold; none: no limit.
    pub quota: Option<u64>,
    /// Whether that is its own quota or the default of the settings.
    pub own_quota: bool,
    /// Octets it holds.
    pub used_bytes: u64,
    /// Messages it holds.
    pub used_messages: u64,
    /// Messages it may hold; none: no limit.
    pub quota_messages: Option<u64>,
    /// Whether that is its own quota or the default of the settings.
    pub own_quota_messages: bool,
    /// How full it is: per cent of the quota that is nearer to being reached.
    pub percent: u64,
    /// The language its owner is written to in; none: the one of the settings.
    pub language: Option<String>,
    /// When it was made, RFC 3339.
    pub created: String,
    /// Aliases that lead straight to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
}

/// What counting anew came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Recounted {
    /// The account.
    pub address: String,
    #[allow(missing_docs)]
    #[serde(flatten)]
    pub count: Recount,
}

/// What a removal takes away.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Removed {
    /// The account.
    pub address: String,
    /// Its messages.
    pub messages: u64,
    /// Their octets.
    pub bytes: u64,
    /// Aliases that lead to it.
    pub aliases: Vec<String>,
    /// Whether this is what would be done.
    pub dry_run: bool,
}

pub(super) async fn execute(world: &World, request: Request) -> Result<Answer, Failure> {
    match request {
        Request::Add(new) => add(world, new).await,
        Request::Import { entry, mode } => import::execute(world, entry, mode).await,
        Request::List => list(world).await,
        Request::Show { address } => change(world, &address, |_, _| Ok(())).await,
        Request::Password { address, password } => set_password(world, &address, &password).await,
        Request::Quota {
            address,
            quota,
            messages,
        } => set_quota(world, &address, quota, messages).await,
        Request::Recount { addresses } => recount(world, addresses).await,
        Request::Language { address, language } => {
            let language = language.map(|tag| known_language(&tag)).transpose()?;
            change(world, &address, move |tx, found| {
                account::set_language(tx, found.id, language.as_deref())
            })
            .await
        }
        Request::Activate { address, active } => activate(world, &address, active).await,
        Request::RenamePerson { address, name } => {
            let name = person(&name)?;
            change(world, &address, move |tx, found| {
                account::set_name(tx, found.id, &name)
            })
            .await
        }
        Request::Remove { address, mode } => remove(world, &address, mode).await,
        Request::Limit { address, change } => sending::limit(world, &address, change).await,
        Request::Release { address } => sending::release(world, &address).await,
        Request::NotMe { address } => sending::not_me(world, &address).await,
        Request::Lock { address } => sending::lock(world, &address).await,
        Request::Incident { address, hours } => incident::incident(world, &address, hours).await,
    }
}

async fn add(world: &World, new: New) -> Result<Answer, Failure> {
    let address = address(&new.address)?;
    let prepared = NewAccount {
        address: address.key(),
        name: person(&new.name)?,
        credentials: credentials(&world.config, &new.password).await?,
        quota: stored(new.quota)?,
        mailboxes: world.config.mail.default_mailboxes(),
    };
    let (config, add_domain) = (world.config.clone(), new.add_domain);
    write(&world.store, move |tx| {
        if let Err(why) = host(tx, address.domain(), &prepared.address, add_domain)? {
            return Ok(Err(why));
        }
        if account::by_address(tx, &prepared.address)?.is_some() {
            return Ok(Err(Failure::new(
                FailureKind::Exists,
                format!("account {} exists already", prepared.address),
            )));
        }
        account::add(tx, &prepared)?;
        let notes = shadowing(tx, &prepared.address)?;
        Ok(found(tx, &prepared.address)?
            .and_then(|account| view(tx, &config, &account))
            .map(|view| Answer::Account(Box::new(view), notes)))
    })
    .await
}

/// Sees to it that the domain is hosted under its own name.
pub(super) fn host(
    tx: &mut Tx<'_>,
    name: &str,
    account: &str,
    add: bool,
) -> store::Result<Result<(), Failure>> {
    Ok(match domain::by_name(tx, name)? {
        Some(Domain {
            alias_of: Some(of), ..
        }) => {
            let local = account.rsplit_once('@').map_or(account, |(local, _)| local);
            Err(Failure::refused(format!(
                "{name} is another name of {of}: add {local}@{of}, and {account} is his too"
            )))
        }
        Some(_) => Ok(()),
        None if add => Ok(domain::add(
            tx,
            &Domain {
                name: name.into(),
                alias_of: None,
                active: true,
            },
        )?),
        None => Err(Failure::new(
            FailureKind::UnhostedDomain,
            format!("domain {name} is not hosted here: `pennyblack domain add {name}` adds it"),
        )),
    })
}

/// An alias of the same name comes first (E14): its mail does not reach the account.
fn shadowing(tx: &mut Tx<'_>, address: &str) -> store::Result<Vec<String>> {
    let targets = alias::targets(tx, address)?;
    let shadowed = !targets.is_empty() && !targets.iter().any(|target| target == address);
    let note = format!(
        "mail to {address} goes to {} because of an alias; `pennyblack alias remove {address}` ends that",
        targets.join(", ")
    );
    Ok(if shadowed { vec![note] } else { Vec::new() })
}

async fn list(world: &World) -> Result<Answer, Failure> {
    let config = world.config.clone();
    let all = world
        .store
        .read(move |tx| {
            Ok(account::list(tx)?
                .iter()
                .map(|account| plain_view(&config, account))
                .collect())
        })
        .await?;
    Ok(Answer::List(all))
}

async fn set_password(
    world: &World,
    address: &str,
    password: &Password,
) -> Result<Answer, Failure> {
    let new = credentials(&world.config, password).await?;
    let changed = change(world, address, move |tx, found| {
        account::set_credentials(tx, found.id, &new)
    });
    end_sessions(world, changed.await?)
}

async fn activate(world: &World, address: &str, active: bool) -> Result<Answer, Failure> {
    let changed = change(world, address, move |tx, found| {
        account::set_active(tx, found.id, active)
    });
    match active {
        true => changed.await,
        false => end_sessions(world, changed.await?),
    }
}

/// Whoever uses the account now has to log in again (U4).
fn end_sessions(world: &World, answer: Answer) -> Result<Answer, Failure> {
    if let (Some(running), Answer::Account(view, _)) = (&world.running, &answer)
        && let Ok(id) = view.id.parse()
    {
        running.services.sessions.end(id);
    }
    Ok(answer)
}

async fn set_quota(
    world: &World,
    address: &str,
    quota: Option<Quota>,
    messages: Option<Quota>,
) -> Result<Answer, Failure> {
    let (quota, messages) = (
        quota.map(stored).transpose()?,
        messages.map(stored).transpose()?,
    );
    change(world, address, move |tx, found| {
        if let Some(quota) = quota {
            account::set_quota(tx, found.id, quota)?;
        }
        match messages {
            Some(messages) => account::set_message_quota(tx, found.id, messages),
            None => Ok(()),
        }
    })
    .await
}

/// Each account in a transaction of its own, so that deliveries to the others do not wait.
async fn recount(world: &World, addresses: Vec<String>) -> Result<Answer, Failure> {
    let wanted = match addresses.is_empty() {
        true => {
            let all = world.store.read(account::list).await?;
            all.into_iter().map(|account| account.address).collect()
        }
        false => addresses,
    };
    let mut all = Vec::with_capacity(wanted.len());
    for text in wanted {
        let key = address(&text)?.key();
        let counted = write(&world.store, move |tx| {
            Ok(match found(tx, &key)? {
                Ok(account) => Ok((account.address, quota::recount(tx, account.id)?)),
                Err(why) => Err(why),
            })
        });
        let (address, count) = counted.await?;
        all.push(Recounted { address, count });
    }
    Ok(Answer::Recounted(all))
}

fn known_language(tag: &str) -> Result<String, Failure> {
    match Language::of(tag) {
        Some(_) => Ok(tag.to_owned()),
        None => Err(Failure::invalid(format!(
            "\"{}\" is no language that this server writes: there are {}",
            tag.escape_debug(),
            Language::TAGS.join(", ")
        ))),
    }
}

/// Does something with an account and shows what it is then.
async fn change<F>(world: &World, text: &str, work: F) -> Result<Answer, Failure>
where
    F: Fn(&mut Tx<'_>, &Account) -> store::Result<()> + Send + 'static,
{
    let (key, config) = (address(text)?.key(), world.config.clone());
    write(&world.store, move |tx| {
        let before = match found(tx, &key)? {
            Ok(account) => account,
            Err(why) => return Ok(Err(why)),
        };
        work(tx, &before)?;
        Ok(found(tx, &key)?
            .and_then(|account| view(tx, &config, &account))
            .map(|view| Answer::Account(Box::new(view), Vec::new())))
    })
    .await
}

async fn remove(world: &World, text: &str, mode: Mode) -> Result<Answer, Failure> {
    let key = address(text)?.key();
    let running = world.running.clone();
    write(&world.store, move |tx| {
        let account = match found(tx, &key)? {
            Ok(account) => account,
            Err(why) => return Ok(Err(why)),
        };
        let removed = Removed {
            address: account.address.clone(),
            messages: account.used_messages,
            bytes: account.used_bytes,
            aliases: alias::sources(tx, &account.address)?,
            dry_run: mode == Mode::Pretend,
        };
        if mode == Mode::Do {
            account::remove(tx, account.id)?;
            if let Some(running) = &running {
                running.services.sessions.end(account.id);
            }
            for source in &removed.aliases {
                alias::remove(tx, source, Some(&account.address))?;
            }
        }
        Ok(Ok(Answer::Removed(removed)))
    })
    .await
}

fn found(tx: &mut Tx<'_>, key: &str) -> store::Result<Result<Account, Failure>> {
    Ok(account::by_address(tx, key)?.ok_or_else(|| {
        Failure::missing(format!(
            "there is no account {key}: `pennyblack account list` shows all"
        ))
    }))
}

fn view(tx: &mut Tx<'_>, config: &Config, account: &Account) -> Result<View, Failure> {
    let aliases = alias::sources(tx, &account.address)?;
    Ok(View {
        aliases,
        ..plain_view(config, account)
    })
}

fn plain_view(config: &Config, account: &Account) -> View {
    let limits = account.limits().or(config.mail.quota_limits());
    View {
        id: account.id.to_string(),
        address: account.address.clone(),
        name: account.name.clone(),
        active: account.active,
        has_password: account.credentials.hash.is_some(),
        quota: limits.bytes.filter(|quota| *quota < UNLIMITED),
        own_quota: account.quota.is_some(),
        used_bytes: account.used_bytes,
        used_messages: account.used_messages,
        quota_messages: limits.messages.filter(|quota| *quota < UNLIMITED),
        own_quota_messages: account.quota_messages.is_some(),
        percent: crate::quota::percent(account.used(), limits),
        language: account.language.clone(),
        created: account.created.to_string(),
        aliases: Vec::new(),
    }
}

pub(super) fn stored(quota: Quota) -> Result<Option<u64>, Failure> {
    match quota {
        Quota::Default => Ok(None),
        Quota::Unlimited => Ok(Some(UNLIMITED)),
        Quota::Octets(octets) if octets < UNLIMITED => Ok(Some(octets)),
        Quota::Octets(_) => Err(Failure::invalid(
            "the quota is too large: write `unlimited`",
        )),
    }
}

fn person(name: &str) -> Result<String, Failure> {
    if name.chars().any(char::is_control) || name.len() > 255 {
        return Err(Failure::invalid(
            "a person's name has at most 255 octets and no control characters",
        ));
    }
    Ok(name.trim().to_owned())
}

pub(super) async fn credentials(
    config: &Config,
    password: &Password,
) -> Result<Credentials, Failure> {
    let made = hash_password(&config.auth, password.text()).await;
    match made.hash {
        Some(_) => Ok(made),
        None => Err(Failure::new(
            FailureKind::Unavailable,
            "the password could not be hashed: the system gives no randomness or memory",
        )),
    }
}

//! Domains: add, list, make one another name of a second (E27), remove.

use super::{Failure, FailureKind, Mode, World, dkim, domain_name, write};
use crate::signing;
use serde::{Deserialize, Serialize};
use store::domain::Domain;
use store::{Tx, account, alias, domain};

/// What can be asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Request {
    Add {
        name: String,
    },
    List,
    /// All addresses of `name` become those of `of`; `None` ends that.
    Alias {
        name: String,
        of: Option<String>,
    },
    Remove {
        name: String,
        mode: Mode,
    },
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The domain as it is now.
    Domain(View),
    /// All domains, by name.
    List(Vec<View>),
    /// The domain is gone, or would be.
    Removed {
        /// Its name.
        name: String,
        /// Whether this is what would be done.
        dry_run: bool,
    },
}

/// A domain as people see it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct View {
    /// Its name, lower-case A-labels.
    pub name: String,
    /// The domain whose addresses it has.
    pub alias_of: Option<String>,
    /// Whether its mail is taken.
    pub active: bool,
    /// Accounts in it.
    pub accounts: u64,
    /// Keys that were made for it: DNS needs their records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<dkim::View>,
}

pub(super) async fn execute(world: &World, request: Request) -> Result<Answer, Failure> {
    match request {
        Request::Add { name } => add(world, &name).await,
        Request::List => list(world).await,
        Request::Alias { name, of } => set_alias(world, &name, of.as_deref()).await,
        Request::Remove { name, mode } => remove(world, &name, mode).await,
    }
}

async fn add(world: &World, name: &str) -> Result<Answer, Failure> {
    let name = domain_name(name)?;
    let keys = signing::first_keys(&name, world.now).await?;
    let keys_shown = dkim::views(world, &keys);
    write(&world.store, move |tx| {
        if domain::by_name(tx, &name)?.is_some() {
            return Ok(Err(Failure::new(
                FailureKind::Exists,
                format!("domain {name} is hosted already"),
            )));
        }
        let new = Domain {
            name: name.clone(),
            alias_of: None,
            active: true,
        };
        domain::add(tx, &new)?;
        keys.iter().try_for_each(|key| store::dkim::add(tx, key))?;
        Ok(Ok(Answer::Domain(View {
            keys: keys_shown.clone(),
            ..view(&new, 0)
        })))
    })
    .await
}

async fn list(world: &World) -> Result<Answer, Failure> {
    let all = world.store.read(|tx| {
        let accounts = account::list(tx)?;
        let count = |name: &str| {
            accounts
                .iter()
                .filter(|account| is_in(&account.address, name))
                .count() as u64
        };
        Ok(domain::list(tx)?
            .iter()
            .map(|domain| view(domain, count(&domain.name)))
            .collect())
    });
    Ok(Answer::List(all.await?))
}

async fn set_alias(world: &World, name: &str, of: Option<&str>) -> Result<Answer, Failure> {
    let name = domain_name(name)?;
    let of = of.map(domain_name).transpose()?;
    write(&world.store, move |tx| {
        if let Some(why) = against_alias(tx, &name, of.as_deref())? {
            return Ok(Err(why));
        }
        let new = Domain {
            name: name.clone(),
            alias_of: of.clone(),
            active: true,
        };
        match domain::by_name(tx, &name)? {
            Some(_) => domain::update(tx, &new)?,
            None => domain::add(tx, &new)?,
        }
        Ok(Ok(Answer::Domain(view(&new, 0))))
    })
    .await
}

/// What speaks against making `name` another name of `of`.
fn against_alias(tx: &mut Tx<'_>, name: &str, of: Option<&str>) -> store::Result<Option<Failure>> {
    let Some(of) = of else {
        let hosted = domain::by_name(tx, name)?.is_some();
        return Ok((!hosted).then(|| not_hosted(name)));
    };
    let target = domain::by_name(tx, of)?;
    let inside = contents(tx, name)?;
    Ok(match target {
        None => Some(not_hosted(of)),
        _ if of == name => Some(Failure::invalid(format!(
            "{name} cannot be another name of itself"
        ))),
        Some(Domain {
            alias_of: Some(second),
            ..
        }) => Some(Failure::refused(format!(
            "{of} is itself another name of {second}: use {second}"
        ))),
        Some(_) if !inside.is_empty() => Some(Failure::refused(format!(
            "{name} has addresses of its own: {}; remove them first",
            listed(&inside)
        ))),
        Some(_) => None,
    })
}

async fn remove(world: &World, name: &str, mode: Mode) -> Result<Answer, Failure> {
    let name = domain_name(name)?;
    if name == world.config.domain {
        let why = format!(
            "{name} is the `domain` of the configuration, and the next start would make it again: name another there first"
        );
        return Err(Failure::refused(why));
    }
    write(&world.store, move |tx| {
        if domain::by_name(tx, &name)?.is_none() {
            return Ok(Err(not_hosted(&name)));
        }
        let inside = contents(tx, &name)?;
        if !inside.is_empty() {
            let why = format!(
                "domain {name} is in use by {}: remove these first",
                listed(&inside)
            );
            return Ok(Err(Failure::refused(why)));
        }
        if mode == Mode::Do {
            domain::remove(tx, &name)?;
            store::dkim::remove_all(tx, &name)?;
        }
        Ok(Ok(Answer::Removed {
            name: name.clone(),
            dry_run: mode == Mode::Pretend,
        }))
    })
    .await
}

/// What needs the domain: accounts, aliases and other names of it.
fn contents(tx: &mut Tx<'_>, name: &str) -> store::Result<Vec<String>> {
    let mut inside = Vec::new();
    inside.extend(
        account::list(tx)?
            .into_iter()
            .filter(|a| is_in(&a.address, name))
            .map(|a| format!("account {}", a.address)),
    );
    inside.extend(
        alias::list(tx)?
            .into_iter()
            .filter(|a| is_in(&a.source, name))
            .map(|a| format!("alias {}", a.source)),
    );
    let others = domain::list(tx)?
        .into_iter()
        .filter(|d| d.alias_of.as_deref() == Some(name));
    inside.extend(others.map(|d| format!("its other name {}", d.name)));
    inside.dedup();
    Ok(inside)
}

fn is_in(address: &str, domain: &str) -> bool {
    address.rsplit_once('@').is_some_and(|(_, of)| of == domain)
}

/// The first few, and how many more there are.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let mut text = names[..names.len().min(SHOWN)].join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    text
}

fn not_hosted(name: &str) -> Failure {
    Failure::missing(format!(
        "domain {name} is not hosted here: `pennyblack domain list` shows all"
    ))
}

fn view(domain: &Domain, accounts: u64) -> View {
    View {
        name: domain.name.clone(),
        alias_of: domain.alias_of.clone(),
        active: domain.active,
        accounts,
        keys: Vec::new(),
    }
}

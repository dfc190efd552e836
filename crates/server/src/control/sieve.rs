//! Sieve scripts of accounts: put, list, read, activate, rename, delete, as ManageSieve does them (H34, H36), and what went wrong in them (H32).

use super::{Failure, World, address};
use crate::scripts::personal::{self, NotStored, Source};
use managesieve::ScriptName;
use serde::{Deserialize, Serialize};
use store::account::{self, Account};
use store::script::{self, journal};

/// What is to be done, and for which account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Request {
    /// The address of the account.
    pub account: String,
    /// What is to be done.
    pub act: Act,
}

/// What can be done.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Act {
    List,
    Get {
        name: String,
    },
    /// A script of the same name is replaced.
    Put {
        name: String,
        text: String,
        activate: bool,
    },
    /// `None`: no script is active from now on.
    Activate {
        name: Option<String>,
    },
    /// The active one stays active.
    Rename {
        name: String,
        to: String,
    },
    Delete {
        name: String,
    },
    /// What went wrong.
    Log,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The scripts as they are now, and what is worth a look in the one that was put.
    Scripts {
        /// All of them.
        scripts: Vec<View>,
        /// A line each.
        warnings: Vec<String>,
    },
    /// The text of one.
    Text(String),
    /// What went wrong, oldest first.
    Log(Vec<Entry>),
}

/// Something that went wrong in a script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When, by RFC 3339.
    pub happened: String,
    /// The script, and what.
    pub line: String,
}

/// A script as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Its name.
    pub name: String,
    /// Whether it decides about arriving mail.
    pub active: bool,
}

pub(super) async fn execute(world: &World, request: Request) -> Result<Answer, Failure> {
    let account = find(world, &request.account).await?;
    let source = Source::of(&world.config, &account.address);
    let mut warnings = Vec::new();
    match request.act {
        Act::List => {}
        Act::Get { name } => return text(world, &account, &source, &name).await,
        Act::Log => return log(world, &account).await,
        change => {
            changeable(&source)?;
            warnings = carry_out(world, &account, change).await?;
        }
    }
    let all = source.list(&world.store, account.id).await?;
    let view = |(name, active)| View { name, active };
    let scripts = all.into_iter().map(view).collect();
    Ok(Answer::Scripts { scripts, warnings })
}

async fn find(world: &World, text: &str) -> Result<Account, Failure> {
    let wanted = address(text)?.to_string();
    let known = world.store.read(move |tx| account::by_address(tx, &wanted));
    known.await?.ok_or_else(|| {
        Failure::missing(format!(
            "there is no account {text}: `pennyblack account list` shows all"
        ))
    })
}

/// H2: files are the administrator's.
fn changeable(source: &Source) -> Result<(), Failure> {
    match source {
        Source::Store => Ok(()),
        Source::Files { folder, .. } => Err(Failure::refused(format!(
            "scripts of this account are files, since `sieve.personal` is set: change them in {}",
            folder.display()
        ))),
    }
}

async fn text(
    world: &World,
    account: &Account,
    source: &Source,
    name: &str,
) -> Result<Answer, Failure> {
    let found = source.content(&world.store, account.id, name).await?;
    let octets = found.ok_or_else(|| {
        Failure::missing(format!(
            "there is no script {name}: `pennyblack sieve list {}` shows all",
            account.address
        ))
    })?;
    Ok(Answer::Text(String::from_utf8_lossy(&octets).into_owned()))
}

async fn log(world: &World, account: &Account) -> Result<Answer, Failure> {
    let id = account.id;
    let entries = world.store.read(move |tx| journal::list(tx, id)).await?;
    let entry = |entry: journal::Entry| Entry {
        happened: entry.happened.to_string(),
        line: entry.line,
    };
    Ok(Answer::Log(entries.into_iter().map(entry).collect()))
}

/// The warnings about a script that was put.
async fn carry_out(world: &World, account: &Account, change: Act) -> Result<Vec<String>, Failure> {
    let id = account.id;
    match change {
        Act::List | Act::Get { .. } | Act::Log => {}
        Act::Put {
            name,
            text,
            activate,
        } => {
            let name = parse_name(&name)?;
            let warnings = put(world, account, &name, text).await?;
            if activate {
                set_active(world, account, Some(name)).await?;
            }
            return Ok(warnings);
        }
        Act::Activate { name } => {
            let name = name.as_deref().map(parse_name).transpose()?;
            set_active(world, account, name).await?;
        }
        Act::Rename { name, to } => {
            let to = parse_name(&to)?;
            let renamed = world
                .store
                .write(move |tx| script::rename(tx, id, &name, &to));
            renamed.await?;
        }
        Act::Delete { name } => {
            let deleted = world.store.write(move |tx| script::delete(tx, id, &name));
            deleted.await?;
        }
    }
    Ok(Vec::new())
}

async fn put(
    world: &World,
    account: &Account,
    name: &str,
    text: String,
) -> Result<Vec<String>, Failure> {
    let scripts = match &world.running {
        Some(running) => running.services.scripts.clone(),
        None => Default::default(),
    };
    let (name, text) = (name.to_owned(), text.into_bytes());
    let stored = personal::put(
        &scripts,
        &world.config,
        &world.store,
        account.id,
        name,
        text,
    );
    let script = stored.await.map_err(|why| match why {
        NotStored::Store(error) => error.into(),
        NotStored::Broken(errors) => Failure::invalid(errors.to_string()),
        NotStored::Empty | NotStored::NoRoom(_) => Failure::refused(why.to_string()),
    })?;
    Ok(script.warnings().iter().map(ToString::to_string).collect())
}

async fn set_active(world: &World, account: &Account, name: Option<String>) -> Result<(), Failure> {
    let id = account.id;
    let set = world
        .store
        .write(move |tx| script::set_active(tx, id, name.as_deref()));
    Ok(set.await?)
}

fn parse_name(text: &str) -> Result<String, Failure> {
    match ScriptName::parse(text) {
        Ok(name) => Ok(name.as_str().to_owned()),
        Err(why) => Err(Failure::invalid(format!("{text:?}: {why}"))),
    }
}

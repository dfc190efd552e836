//! Aliases: add (loops are refused with their chain, E16), list, remove.

use super::{Failure, FailureKind, Mode, World, address, domain_name, write};
use crate::config::Config;
use crate::journey::lookup::{Found, look_up};
use serde::{Deserialize, Serialize};
use store::alias::Alias;
use store::{Tx, account, alias, domain};

/// What can be asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Request {
    Add {
        source: String,
        targets: Vec<String>,
    },
    List,
    /// One target, or all of the source.
    Remove {
        source: String,
        target: Option<String>,
        mode: Mode,
    },
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The alias as it is now, and what is worth knowing.
    Alias(View, Vec<String>),
    /// All aliases, by source.
    List(Vec<View>),
    /// These targets are gone, or would be.
    Removed {
        /// From which alias.
        source: String,
        /// Which.
        targets: Vec<String>,
        /// Whether this is what would be done.
        dry_run: bool,
    },
}

/// An alias as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// `user@domain`, `user` (in every domain), `@domain` (the rest of a domain) or `@` (the rest).
    pub source: String,
    /// Where its mail goes.
    pub targets: Vec<String>,
}

pub(super) async fn execute(world: &World, request: Request) -> Result<Answer, Failure> {
    match request {
        Request::Add { source, targets } => add(world, &source, &targets).await,
        Request::List => {
            let rows = world.store.read(alias::list).await?;
            Ok(Answer::List(grouped(rows)))
        }
        Request::Remove {
            source,
            target,
            mode,
        } => remove(world, &source, target.as_deref(), mode).await,
    }
}

async fn add(world: &World, source: &str, targets: &[String]) -> Result<Answer, Failure> {
    let source = parse_source(source)?;
    let targets = targets
        .iter()
        .map(|target| parse_target(target))
        .collect::<Result<Vec<_>, _>>()?;
    if targets.is_empty() {
        return Err(Failure::invalid(format!(
            "say where mail to {source} shall go"
        )));
    }
    let config = world.config.clone();
    write(&world.store, move |tx| {
        if let Some(why) = against(tx, &source, &targets)? {
            return Ok(Err(why));
        }
        let known = alias::targets(tx, &source)?;
        for target in targets.iter().filter(|target| !known.contains(target)) {
            alias::add(
                tx,
                &Alias {
                    source: source.clone(),
                    target: target.clone(),
                    active: true,
                },
            )?;
        }
        if let Some(chain) = loop_from(&config, tx, &source)? {
            // An error takes the rows back.
            return Err(store::Error::Refused(format!(
                "that would make a loop: {chain}"
            )));
        }
        let notes = notes(tx, &source, &targets)?;
        let view = View {
            source: source.clone(),
            targets: alias::targets(tx, &source)?,
        };
        Ok(Ok(Answer::Alias(view, notes)))
    })
    .await
}

/// Makes these the targets of an alias, and no others.
pub(super) async fn replace(
    world: &World,
    source: &str,
    targets: &[String],
) -> Result<(), Failure> {
    let (source, targets, config) = (source.to_owned(), targets.to_vec(), world.config.clone());
    write(&world.store, move |tx| {
        if let Some(why) = not_hosted(tx, &source)? {
            return Ok(Err(why));
        }
        alias::remove(tx, &source, None)?;
        for target in &targets {
            let (source, target) = (source.clone(), target.clone());
            alias::add(
                tx,
                &Alias {
                    source,
                    target,
                    active: true,
                },
            )?;
        }
        match loop_from(&config, tx, &source)? {
            // An error takes the rows back.
            Some(chain) => Err(store::Error::Refused(format!(
                "that would make a loop: {chain}"
            ))),
            None => Ok(Ok(())),
        }
    })
    .await
}

/// What speaks against these rows.
fn against(tx: &mut Tx<'_>, source: &str, targets: &[String]) -> store::Result<Option<Failure>> {
    if let Some(why) = not_hosted(tx, source)? {
        return Ok(Some(why));
    }
    let known = alias::targets(tx, source)?;
    if targets.iter().all(|target| known.contains(target)) {
        return Ok(Some(Failure::new(
            FailureKind::Exists,
            format!("alias {source} leads to {} already", targets.join(", ")),
        )));
    }
    Ok(None)
}

/// An alias belongs to a domain of ours, and not to another name of one.
fn not_hosted(tx: &mut Tx<'_>, source: &str) -> store::Result<Option<Failure>> {
    if let Some((_, name)) = source.rsplit_once('@').filter(|(_, name)| !name.is_empty()) {
        match domain::by_name(tx, name)? {
            None => {
                return Ok(Some(Failure::missing(format!(
                    "domain {name} is not hosted here: `pennyblack domain add {name}` adds it"
                ))));
            }
            Some(domain) => {
                if let Some(of) = domain.alias_of {
                    return Ok(Some(Failure::refused(format!(
                        "{name} is another name of {of}: add the alias there"
                    ))));
                }
            }
        }
    }
    Ok(None)
}

/// E16: the chain of a loop that mail to `source` would run in, found as a delivery would find it.
fn loop_from(config: &Config, tx: &mut Tx<'_>, source: &str) -> store::Result<Option<String>> {
    for probe in probes(config, tx, source)? {
        let Ok(address) = message::Address::parse(&probe) else {
            continue;
        };
        if let Found::Loop(mut chain) = look_up(config, tx, &address)? {
            if let Some(first) = chain.first_mut() {
                source.clone_into(first);
            }
            return Ok(Some(chain.join(" → ")));
        }
    }
    Ok(None)
}

/// Addresses that the source answers to.
fn probes(config: &Config, tx: &mut Tx<'_>, source: &str) -> store::Result<Vec<String>> {
    /// Nobody's name, so that a catch-all takes it.
    const NOBODY: &str = "nobody.has.this.name";
    Ok(match source.split_once('@') {
        Some(("", "")) => vec![format!("{NOBODY}@{}", config.domain)],
        Some(("", domain)) => vec![format!("{NOBODY}@{domain}")],
        Some(_) => vec![source.into()],
        None => {
            let domains = domain::list(tx)?
                .into_iter()
                .filter(|domain| domain.alias_of.is_none());
            domains
                .map(|domain| format!("{source}@{}", domain.name))
                .collect()
        }
    })
}

/// What is right but may surprise.
fn notes(tx: &mut Tx<'_>, source: &str, targets: &[String]) -> store::Result<Vec<String>> {
    let mut notes = Vec::new();
    if account::by_address(tx, source)?.is_some()
        && !alias::targets(tx, source)?
            .iter()
            .any(|target| target == source)
    {
        notes.push(format!("{source} is an account too, which gets no mail now; `pennyblack alias add {source} {source}` keeps a copy in it"));
    }
    for target in targets {
        let Some((_, name)) = target.rsplit_once('@') else {
            continue;
        };
        let unknown = domain::by_name(tx, name)?.is_some()
            && account::by_address(tx, target)?.is_none()
            && alias::targets(tx, target)?.is_empty();
        if unknown {
            notes.push(format!("there is no account or alias {target} yet"));
        }
    }
    Ok(notes)
}

async fn remove(
    world: &World,
    source: &str,
    target: Option<&str>,
    mode: Mode,
) -> Result<Answer, Failure> {
    let source = parse_source(source)?;
    let target = target.map(parse_target).transpose()?;
    write(&world.store, move |tx| {
        let all = alias::list(tx)?
            .into_iter()
            .filter(|row| row.source == source);
        let targets: Vec<String> = all
            .map(|row| row.target)
            .filter(|t| target.as_ref().is_none_or(|wanted| wanted == t))
            .collect();
        if targets.is_empty() {
            let what = target
                .as_ref()
                .map_or_else(|| source.clone(), |target| format!("{source} to {target}"));
            return Ok(Err(Failure::missing(format!(
                "there is no alias {what}: `pennyblack alias list` shows all"
            ))));
        }
        if mode == Mode::Do {
            alias::remove(tx, &source, target.as_deref())?;
        }
        Ok(Ok(Answer::Removed {
            source: source.clone(),
            targets,
            dry_run: mode == Mode::Pretend,
        }))
    })
    .await
}

fn grouped(rows: Vec<Alias>) -> Vec<View> {
    let mut views: Vec<View> = Vec::new();
    for row in rows {
        match views.last_mut().filter(|view| view.source == row.source) {
            Some(view) => view.targets.push(row.target),
            None => views.push(View {
                source: row.source,
                targets: vec![row.target],
            }),
        }
    }
    views
}

/// `user@domain`, `user`, `@domain` or `@`.
pub(super) fn parse_source(text: &str) -> Result<String, Failure> {
    match text.split_once('@') {
        Some(("", "")) => Ok("@".into()),
        Some(("", domain)) => Ok(format!("@{}", domain_name(domain)?)),
        Some(_) => Ok(address(text)?.key()),
        None => bare(text),
    }
}

pub(super) fn parse_target(text: &str) -> Result<String, Failure> {
    if text.contains('@') {
        Ok(address(text)?.key())
    } else {
        bare(text)
    }
}

/// A local part alone. A name with a dot is more often an address whose @ was forgotten (E17), but may be one.
fn bare(text: &str) -> Result<String, Failure> {
    let local = address(&format!("{text}@localhost.invalid")).map_err(|_| {
        Failure::invalid(format!(
            "\"{}\" is neither an address nor the local part of one",
            text.escape_debug()
        ))
    })?;
    Ok(local.local().to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_grouped_by_source() {
        let row = |source: &str, target: &str| Alias {
            source: source.into(),
            target: target.into(),
            active: true,
        };
        let views = grouped(vec![row("a", "b"), row("a", "c"), row("d", "e")]);
        assert_eq!(views.len(), 2);
        assert_eq!(views[0].targets, ["b", "c"]);
    }
}

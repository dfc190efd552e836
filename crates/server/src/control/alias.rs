//! Aliases: add (loops are refused with their chain, E16), list, remove.

use super::{Failure, FailureKind, Mode, World, address, domain_name, write};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
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
            let rows = world.store.read(|tx| alias::list(tx)).await?;
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
        let notes = notes(tx, &source, &targets)?;
        let view = View {
            source: source.clone(),
            targets: alias::targets(tx, &source)?,
        };
        Ok(Ok(Answer::Alias(view, notes)))
    })
    .await
}

/// What speaks against these rows.
fn against(tx: &mut Tx<'_>, source: &str, targets: &[String]) -> store::Result<Option<Failure>> {
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
    let known = alias::targets(tx, source)?;
    if targets.iter().all(|target| known.contains(target)) {
        return Ok(Some(Failure::new(
            FailureKind::Exists,
            format!("alias {source} leads to {} already", targets.join(", ")),
        )));
    }
    let mut rows = alias::list(tx)?;
    rows.retain(|row| row.active);
    rows.extend(targets.iter().map(|target| Alias {
        source: source.into(),
        target: target.clone(),
        active: true,
    }));
    let accounts = account::list(tx)?
        .into_iter()
        .map(|account| account.address)
        .collect();
    let others = domain::list(tx)?
        .into_iter()
        .filter_map(|domain| Some((domain.name, domain.alias_of?)))
        .collect();
    let chain = Chains {
        rows: &rows,
        accounts,
        others,
    }
    .loop_from(source);
    Ok(chain
        .map(|chain| Failure::refused(format!("that would make a loop: {}", chain.join(" → ")))))
}

/// Aliases as a graph.
struct Chains<'a> {
    rows: &'a [Alias],
    accounts: Vec<String>,
    /// Other names of domains.
    others: HashMap<String, String>,
}

impl Chains<'_> {
    /// The way back to `source`, if there is one.
    fn loop_from(&self, source: &str) -> Option<Vec<String>> {
        let mut way = vec![source.to_owned()];
        let mut seen = Vec::new();
        self.search(source, source, &mut way, &mut seen)
            .then_some(way)
    }

    fn search(&self, at: &str, goal: &str, way: &mut Vec<String>, seen: &mut Vec<String>) -> bool {
        for row in self.rows.iter().filter(|row| row.source == at) {
            // An address that names itself keeps a copy in its own mailbox.
            if row.target == at && self.accounts.contains(&row.target) {
                continue;
            }
            let Some(next) = self.leads_to(&row.target) else {
                continue;
            };
            way.push(row.target.clone());
            if next == goal {
                return true;
            }
            if !seen.contains(&next) {
                seen.push(next.clone());
                if self.search(&next, goal, way, seen) {
                    return true;
                }
            }
            way.pop();
        }
        false
    }

    /// The row that a target is looked up in (E14): its address, its bare local part, the catch-all of its domain or of all.
    fn leads_to(&self, target: &str) -> Option<String> {
        let (local, domain) = target.rsplit_once('@').unwrap_or((target, ""));
        let domain = self.others.get(domain).map_or(domain, String::as_str);
        let exact = if domain.is_empty() {
            local.to_owned()
        } else {
            format!("{local}@{domain}")
        };
        let is_source = |name: &str| self.rows.iter().any(|row| row.source == name);
        if is_source(&exact) {
            return Some(exact);
        }
        if self.accounts.contains(&exact) || !(domain.is_empty() || self.is_ours(domain)) {
            return None;
        }
        [local.to_owned(), format!("@{domain}"), "@".to_owned()]
            .into_iter()
            .find(|name| is_source(name))
    }

    /// Whether mail to the domain is looked up here at all. (Domains without accounts and aliases have nothing that could loop.)
    fn is_ours(&self, domain: &str) -> bool {
        let inside = |address: &str| address.rsplit_once('@').is_some_and(|(_, of)| of == domain);
        self.accounts.iter().any(|account| inside(account))
            || self.rows.iter().any(|row| inside(&row.source))
    }
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
fn parse_source(text: &str) -> Result<String, Failure> {
    match text.split_once('@') {
        Some(("", "")) => Ok("@".into()),
        Some(("", domain)) => Ok(format!("@{}", domain_name(domain)?)),
        Some(_) => Ok(address(text)?.key()),
        None => bare(text),
    }
}

fn parse_target(text: &str) -> Result<String, Failure> {
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

    fn chain(rows: &[(&str, &str)], accounts: &[&str], from: &str) -> Option<String> {
        let row = |(source, target): &(&str, &str)| Alias {
            source: (*source).into(),
            target: (*target).into(),
            active: true,
        };
        let rows: Vec<Alias> = rows.iter().map(row).collect();
        let accounts = accounts.iter().map(|a| (*a).to_owned()).collect();
        let others = HashMap::from([("example.net".to_owned(), "example.com".to_owned())]);
        Chains {
            rows: &rows,
            accounts,
            others,
        }
        .loop_from(from)
        .map(|way| way.join(" "))
    }

    /// E16: a loop is found with its chain; a chain that ends is none.
    #[test]
    fn e16_loops_are_found_with_their_chain() {
        let rows = [
            ("a@example.com", "b@example.com"),
            ("b@example.com", "c@example.com"),
            ("c@example.com", "a@example.com"),
        ];
        assert_eq!(
            chain(&rows, &[], "c@example.com").as_deref(),
            Some("c@example.com a@example.com b@example.com c@example.com")
        );
        assert_eq!(chain(&rows[..2], &["c@example.com"], "b@example.com"), None);
    }

    #[test]
    fn e16_loops_through_other_names_and_bare_local_parts() {
        let by_name = [("a@example.com", "a@example.net")];
        assert_eq!(
            chain(&by_name, &[], "a@example.com").as_deref(),
            Some("a@example.com a@example.net")
        );
        let bare = [
            ("abuse", "root@example.com"),
            ("root", "abuse"),
            ("x@example.com", "y@elsewhere.example"),
        ];
        assert_eq!(
            chain(&bare, &[], "root").as_deref(),
            Some("root abuse root@example.com")
        );
        let catch_all = [("@example.com", "nobody@example.com")];
        assert_eq!(
            chain(&catch_all, &["alice@example.com"], "@example.com").as_deref(),
            Some("@example.com nobody@example.com")
        );
        assert_eq!(
            chain(&catch_all, &["nobody@example.com"], "@example.com"),
            None
        );
    }

    #[test]
    fn an_account_may_keep_a_copy() {
        let rows = [
            ("a@example.com", "a@example.com"),
            ("a@example.com", "b@elsewhere.example"),
        ];
        assert_eq!(chain(&rows, &["a@example.com"], "a@example.com"), None);
        assert!(chain(&rows, &[], "a@example.com").is_some());
    }

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

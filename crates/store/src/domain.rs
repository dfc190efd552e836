//! Hosted domains.

use crate::engine::{Row, params};
use crate::tx::Tx;
use crate::{Error, Result};

/// A domain whose mail is ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// Lower-case A-label form.
    pub name: String,
    /// All its addresses are those of this other domain (catalogue E27).
    pub alias_of: Option<String>,
    /// False: its mail is refused.
    pub active: bool,
}

/// Adds a domain. [`crate::Error::Exists`] if it is hosted already.
pub fn add(tx: &mut Tx<'_>, domain: &Domain) -> Result<()> {
    let name = checked_name(&domain.name)?;
    let alias_of = target(tx, &name, domain)?;
    let added = tx.execute(
        "INSERT INTO domain (name, alias_of, active) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        params![&name, alias_of.as_ref(), domain.active],
    )?;
    if added == 0 {
        return Err(Error::Exists(format!("domain {name}")));
    }
    Ok(())
}

/// The domain of this name.
pub fn by_name(tx: &mut Tx<'_>, name: &str) -> Result<Option<Domain>> {
    tx.one(
        "SELECT name, alias_of, active FROM domain WHERE name = $1",
        params![&name.to_lowercase()],
        read,
    )
}

/// All hosted domains, by name.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<Domain>> {
    tx.all(
        "SELECT name, alias_of, active FROM domain ORDER BY name",
        &[],
        read,
    )
}

fn read(row: &Row<'_>) -> Result<Domain> {
    Ok(Domain {
        name: row.string(0)?,
        alias_of: row.opt_text(1)?.map(str::to_owned),
        active: row.flag(2)?,
    })
}

/// Removes a domain. [`crate::Error::Refused`] while accounts or aliases are in it.
pub fn remove(tx: &mut Tx<'_>, name: &str) -> Result<()> {
    let name = name.to_lowercase();
    let ending = format!("@{name}");
    let users = tx.all("SELECT address FROM account", &[], |row| row.string(0))?;
    if let Some(address) = users.iter().find(|address| address.ends_with(&ending)) {
        return Err(Error::Refused(format!(
            "domain {name} still has the account {address}"
        )));
    }
    let aliases = tx.all("SELECT source FROM alias", &[], |row| row.string(0))?;
    if let Some(source) = aliases.iter().find(|source| source.ends_with(&ending)) {
        return Err(Error::Refused(format!(
            "domain {name} still has the alias {source}"
        )));
    }
    let follower = tx.one(
        "SELECT MIN(name) FROM domain WHERE alias_of = $1",
        params![&name],
        |row| Ok(row.opt_text(0)?.map(str::to_owned)),
    )?;
    if let Some(follower) = follower.flatten() {
        return Err(Error::Refused(format!(
            "domain {follower} is an alias of {name}"
        )));
    }
    if tx.execute("DELETE FROM domain WHERE name = $1", params![&name])? == 0 {
        return Err(Error::Missing(format!("domain {name}")));
    }
    Ok(())
}

/// Replaces a domain's settings.
pub fn update(tx: &mut Tx<'_>, domain: &Domain) -> Result<()> {
    let name = checked_name(&domain.name)?;
    let alias_of = target(tx, &name, domain)?;
    let changed = tx.execute(
        "UPDATE domain SET alias_of = $2, active = $3 WHERE name = $1",
        params![&name, alias_of.as_ref(), domain.active],
    )?;
    if changed == 0 {
        return Err(Error::Missing(format!("domain {name}")));
    }
    Ok(())
}

/// The domain that this one stands for. It must be hosted, and must not itself stand for another: look-ups take one step.
fn target(tx: &mut Tx<'_>, name: &str, domain: &Domain) -> Result<Option<String>> {
    let Some(target) = domain.alias_of.as_ref().map(|target| target.to_lowercase()) else {
        return Ok(None);
    };
    if target == name {
        return Err(Error::Refused(format!(
            "domain {name} cannot be an alias of itself"
        )));
    }
    match by_name(tx, &target)? {
        None => Err(Error::Missing(format!("domain {target}"))),
        Some(Domain {
            alias_of: Some(further),
            ..
        }) => Err(Error::Refused(format!(
            "domain {target} is itself an alias, of {further}: name that one"
        ))),
        Some(_) => Ok(Some(target)),
    }
}

/// Letters, digits, hyphens and dots, as DNS wants them; at most 253 octets.
fn checked_name(name: &str) -> Result<String> {
    let name = name.to_lowercase();
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if name.len() > 253 || !name.split('.').all(label) {
        return Err(Error::Refused(format!(
            "“{name}” is not a domain name (use the xn-- form for other scripts)"
        )));
    }
    Ok(name)
}

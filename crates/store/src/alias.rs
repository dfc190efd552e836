//! Aliases: addresses that lead to other addresses. The look-up order (catalogue E14) is the caller's.

use crate::engine::params;
use crate::tx::Tx;
use crate::{Error, Result};

/// One row: mail to `source` also goes to `target`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// `user@domain`, `user` (every domain), `@domain` (catch-all) or `@` (global catch-all); lower-case.
    pub source: String,
    /// An address `user@domain`, or a bare local part that is looked up again.
    pub target: String,
    /// False: as if the row did not exist.
    pub active: bool,
}

/// Adds a row. [`crate::Error::Exists`] if it is there already.
pub fn add(tx: &mut Tx<'_>, alias: &Alias) -> Result<()> {
    let (source, target) = (checked(&alias.source)?, checked(&alias.target)?);
    if target.starts_with('@') {
        return Err(Error::Refused(format!(
            "the target “{target}” of an alias must name somebody"
        )));
    }
    let added = tx.execute(
        "INSERT INTO alias (source, target, active) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        params![&source, &target, alias.active],
    )?;
    if added == 0 {
        return Err(Error::Exists(format!("alias {source} to {target}")));
    }
    Ok(())
}

/// Removes one target, or all targets of the source. Returns how many rows went.
pub fn remove(tx: &mut Tx<'_>, source: &str, target: Option<&str>) -> Result<u64> {
    let source = source.to_lowercase();
    match target {
        None => tx.execute("DELETE FROM alias WHERE source = $1", params![&source]),
        Some(target) => tx.execute(
            "DELETE FROM alias WHERE source = $1 AND target = $2",
            params![&source, &target.to_lowercase()],
        ),
    }
}

/// All rows, by source.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<Alias>> {
    tx.all(
        "SELECT source, target, active FROM alias ORDER BY source, target",
        &[],
        |row| {
            Ok(Alias {
                source: row.string(0)?,
                target: row.string(1)?,
                active: row.flag(2)?,
            })
        },
    )
}

/// The active targets of exactly this source.
pub fn targets(tx: &mut Tx<'_>, source: &str) -> Result<Vec<String>> {
    tx.all(
        "SELECT target FROM alias WHERE source = $1 AND active = 1 ORDER BY target",
        params![&source.to_lowercase()],
        |row| row.string(0),
    )
}

/// The active sources that have exactly this target.
pub fn sources(tx: &mut Tx<'_>, target: &str) -> Result<Vec<String>> {
    tx.all(
        "SELECT source FROM alias WHERE target = $1 AND active = 1 ORDER BY source",
        params![&target.to_lowercase()],
        |row| row.string(0),
    )
}

fn checked(address: &str) -> Result<String> {
    let sane = !address.is_empty()
        && address.len() <= 512
        && !address.chars().any(|c| c.is_control() || c.is_whitespace());
    if sane {
        Ok(address.to_lowercase())
    } else {
        Err(Error::Refused(format!(
            "“{}” is not an address",
            address.escape_debug()
        )))
    }
}

//! Removes what a crash left: body files that no row names, and temporary files that nobody writes any more.

use crate::engine::params;
use crate::tx::Tx;
use crate::{Result, Store};

/// What [`Store::sweep`] removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Swept {
    /// Body files that nothing refers to.
    pub bodies: u64,
    /// Temporary files older than a week (catalogue F13).
    pub temporary: u64,
}

impl Store {
    /// Removes leftovers while the store is in use. Opening a store does it too.
    pub async fn sweep(&self) -> Result<Swept> {
        let files = self.context().files.clone();
        let temporary =
            crate::body::off_the_workers(move || files.sweep_tmp(std::time::SystemTime::now()))
                .await?;
        let bodies = self.read(orphans).await?;
        Ok(Swept { bodies, temporary })
    }
}

/// Removes body files that no row names; says how many.
pub(crate) fn orphans(tx: &mut Tx<'_>) -> Result<u64> {
    let mut orphans = Vec::new();
    for name in idle_files(tx)? {
        if !is_named(tx, &name)? {
            orphans.push(name);
        }
    }
    let count = orphans.len() as u64;
    tx.context.files.remove_later(orphans);
    Ok(count)
}

/// Body files that no running delivery is about to commit. Must come before the transaction's first statement: then what was committed
/// since is in its snapshot.
pub(crate) fn idle_files(tx: &Tx<'_>) -> Result<Vec<String>> {
    let files = &tx.context.files;
    let mut names = files.names()?;
    names.retain(|name| !files.is_in_flight(name));
    Ok(names)
}

/// Does a row of a body name this file?
pub(crate) fn is_named(tx: &mut Tx<'_>, name: &str) -> Result<bool> {
    let hash = hash_of(name).unwrap_or_default();
    let row = tx.one(
        "SELECT file FROM body WHERE hash = $1",
        params![hash.as_slice()],
        |row| Ok(row.opt_text(0)? == Some(name)),
    )?;
    Ok(row == Some(true))
}

/// The hash in the name of a body file: `ab/cdef…-id`.
fn hash_of(name: &str) -> Option<[u8; 32]> {
    let (hex, _) = name.split_once('-')?;
    let hash = blake3::Hash::from_hex(hex.replace('/', "")).ok()?;
    Some(*hash.as_bytes())
}

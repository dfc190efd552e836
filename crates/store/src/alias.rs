//! Aliases: addresses that lead to other addresses. The look-up order (catalogue E14) is the caller's.

use crate::{Result, Tx};

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
pub fn add(_tx: &mut Tx<'_>, _alias: &Alias) -> Result<()> {
    todo!()
}
/// Removes one target, or all targets of the source. Returns how many rows went.
pub fn remove(_tx: &mut Tx<'_>, _source: &str, _target: Option<&str>) -> Result<u64> {
    todo!()
}
/// All rows, by source.
pub fn list(_tx: &mut Tx<'_>) -> Result<Vec<Alias>> {
    todo!()
}
/// The active targets of exactly this source.
pub fn targets(_tx: &mut Tx<'_>, _source: &str) -> Result<Vec<String>> {
    todo!()
}
/// The active sources that have exactly this target.
pub fn sources(_tx: &mut Tx<'_>, _target: &str) -> Result<Vec<String>> {
    todo!()
}

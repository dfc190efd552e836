//! Hosted domains.

use crate::{Result, Tx};

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
pub fn add(_tx: &mut Tx<'_>, _domain: &Domain) -> Result<()> {
    todo!()
}
/// The domain of this name.
pub fn by_name(_tx: &mut Tx<'_>, _name: &str) -> Result<Option<Domain>> {
    todo!()
}
/// All hosted domains, by name.
pub fn list(_tx: &mut Tx<'_>) -> Result<Vec<Domain>> {
    todo!()
}
/// Removes a domain. [`crate::Error::Refused`] while accounts or aliases are in it.
pub fn remove(_tx: &mut Tx<'_>, _name: &str) -> Result<()> {
    todo!()
}
/// Replaces a domain's settings.
pub fn update(_tx: &mut Tx<'_>, _domain: &Domain) -> Result<()> {
    todo!()
}

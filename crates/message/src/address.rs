//! Mail addresses as this program compares and stores them.

use std::fmt;

/// A mail address `local@domain` with its domain normalised (lower-case A-labels) and its local part as written.
/// Only [`Address::parse`] builds one, so an `Address` is always well-formed (RFC 5321 §4.1.2, RFC 6531).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    local: String,
    domain: String,
}

/// Why a text is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AddressError(pub &'static str);

impl Address {
    /// Parses `local@domain`; the local part may be quoted (it is kept unquoted when quoting is not needed).
    pub fn parse(_text: &str) -> Result<Address, AddressError> {
        todo!()
    }
    /// The local part, unquoted, as written.
    pub fn local(&self) -> &str {
        &self.local
    }
    /// The domain: lower-case A-labels, or an address literal with its brackets.
    pub fn domain(&self) -> &str {
        &self.domain
    }
    /// How it is compared and stored: `local@domain`, all lower-case (catalogue A27).
    pub fn key(&self) -> String {
        format!("{}@{}", self.local.to_lowercase(), self.domain)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{self}>")
    }
}

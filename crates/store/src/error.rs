//! What can go wrong in the store, by whose fault it is.

use crate::quota::Resource;
use std::fmt;

/// The result of a store operation.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a store operation failed. Absence is never an error here: look-ups return `Option`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The database or the disk below it cannot be reached or is too busy now. Try again later.
    Unavailable(String),
    /// No space left (disk full, or below the configured floor). Try again later.
    Full(String),
    /// The account has no room for what was to be stored (catalogue P1, P4).
    OverQuota {
        /// What there is too much of.
        resource: Resource,
        /// How much of it the account may hold.
        limit: u64,
        /// How much it holds now.
        used: u64,
    },
    /// Something of this name exists already.
    Exists(String),
    /// What the operation names does not exist (any more).
    Missing(String),
    /// The caller asked for something the rules forbid, such as renaming a mailbox into its own child.
    Refused(String),
    /// Stored data contradicts itself, or a body does not match its hash.
    Corrupt(String),
    /// A fault of ours: wrong SQL, a value that does not fit.
    Bug(String),
}

impl Error {
    /// True if the same operation may succeed later with nothing changed by the caller.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Error::Unavailable(_) | Error::Full(_))
    }
}

impl std::error::Error for Error {}

impl From<std::io::Error> for Error {
    /// A failure of the disk: no room, or something that may pass.
    fn from(error: std::io::Error) -> Error {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        match error.kind() {
            StorageFull | QuotaExceeded => Error::Full(error.to_string()),
            _ => Error::Unavailable(error.to_string()),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Unavailable(why) => write!(f, "the store is not available: {why}"),
            Error::Full(why) => write!(f, "no space left in the store: {why}"),
            Error::OverQuota {
                resource,
                limit,
                used,
            } => write!(f, "over quota: {used} of {limit} {resource} used"),
            Error::Exists(what) => write!(f, "{what} exists already"),
            Error::Missing(what) => write!(f, "{what} does not exist"),
            Error::Refused(why) => f.write_str(why),
            Error::Corrupt(what) => write!(f, "the store is damaged: {what}"),
            Error::Bug(what) => write!(f, "internal error in the store: {what}"),
        }
    }
}

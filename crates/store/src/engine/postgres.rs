//! PostgreSQL.

use crate::Error;

/// A column that does not hold what the statement's author expects.
pub(super) fn broken_row(error: postgres::Error) -> Error {
    Error::Corrupt(format!("unexpected value in the database: {error}"))
}

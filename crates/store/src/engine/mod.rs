//! What both database engines look like from above: statements with `$1, $2`, parameters, rows, and jobs that run in a transaction.
//!
//! One statement text serves SQLite and PostgreSQL. Nothing here knows what the tables mean.

pub(crate) mod jobs;
pub(crate) mod postgres;

pub(crate) mod sqlite;

use std::ops::ControlFlow;
use std::thread::JoinHandle;

use crate::{AccountId, Error, MailboxId, MessageId, ModSeq, QueueId, Result, Uid, UidValidity};
/// Starts a thread of the store.
pub(crate) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    let thread = std::thread::Builder::new().name(name.into()).spawn(work);
    thread.map_err(|e| Error::Unavailable(format!("cannot start a thread: {e}")))
}

/// A value bound to a `$n`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Param<'a> {
    Null,
    Int(i64),
    Text(&'a str),
    Blob(&'a [u8]),
    Id([u8; 16]),
}

/// What a connection inside a transaction can do.
pub(crate) trait Sql {
    /// Runs a statement that returns no rows; says how many rows it changed.
    fn execute(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<u64>;
    /// Runs a statement and hands over its rows until `each` breaks.
    fn query(
        &mut self,
        sql: &'static str,
        params: &[Param<'_>],
        each: &mut dyn FnMut(&Row<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<()>;
    /// Runs several statements without parameters (schema changes).
    fn batch(&mut self, sql: &str) -> Result<()>;
    /// Keeps other transactions from changing this account until ours ends. Where there is only one writer this does nothing.
    fn lock_account(&mut self, account: AccountId) -> Result<()>;
}

/// One row of a result; columns are read by position.
pub(crate) enum Row<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r ::postgres::Row),
}

impl Row<'_> {
    pub(crate) fn int(&self, column: usize) -> Result<i64> {
        match self {
            Row::Sqlite(row) => row
                .get_ref(column)
                .and_then(|v| Ok(v.as_i64()?))
                .map_err(sqlite::broken_row),
            Row::Postgres(row) => row.try_get(column).map_err(postgres::broken_row),
        }
    }

    pub(crate) fn opt_int(&self, column: usize) -> Result<Option<i64>> {
        match self {
            Row::Sqlite(row) => row
                .get_ref(column)
                .and_then(|v| Ok(v.as_i64_or_null()?))
                .map_err(sqlite::broken_row),
            Row::Postgres(row) => row.try_get(column).map_err(postgres::broken_row),
        }
    }

    pub(crate) fn opt_text(&self, column: usize) -> Result<Option<&str>> {
        match self {
            Row::Sqlite(row) => row
                .get_ref(column)
                .and_then(|v| Ok(v.as_str_or_null()?))
                .map_err(sqlite::broken_row),
            Row::Postgres(row) => row.try_get(column).map_err(postgres::broken_row),
        }
    }

    pub(crate) fn opt_blob(&self, column: usize) -> Result<Option<&[u8]>> {
        match self {
            Row::Sqlite(row) => row
                .get_ref(column)
                .and_then(|v| Ok(v.as_blob_or_null()?))
                .map_err(sqlite::broken_row),
            Row::Postgres(row) => row.try_get(column).map_err(postgres::broken_row),
        }
    }

    pub(crate) fn text(&self, column: usize) -> Result<&str> {
        self.opt_text(column)?.ok_or_else(|| absent(column))
    }

    pub(crate) fn string(&self, column: usize) -> Result<String> {
        self.text(column).map(str::to_owned)
    }

    pub(crate) fn blob(&self, column: usize) -> Result<&[u8]> {
        self.opt_blob(column)?.ok_or_else(|| absent(column))
    }

    /// A number that must fit the smaller type it was made from.
    pub(crate) fn number<N: TryFrom<i64>>(&self, column: usize) -> Result<N> {
        let value = self.int(column)?;
        N::try_from(value).map_err(|_| {
            Error::Corrupt(format!(
                "column {column} holds the impossible number {value}"
            ))
        })
    }

    pub(crate) fn flag(&self, column: usize) -> Result<bool> {
        self.int(column).map(|n| n != 0)
    }

    pub(crate) fn array<const N: usize>(&self, column: usize) -> Result<[u8; N]> {
        let blob = self.blob(column)?;
        blob.try_into().map_err(|_| {
            Error::Corrupt(format!(
                "column {column} holds {} octets, not {N}",
                blob.len()
            ))
        })
    }

    /// A 128-bit id.
    pub(crate) fn id(&self, column: usize) -> Result<u128> {
        self.array(column).map(u128::from_be_bytes)
    }
}

fn absent(column: usize) -> Error {
    Error::Corrupt(format!(
        "column {column} holds nothing where something must be"
    ))
}

macro_rules! param_from {
    ($($from:ty => |$value:ident| $param:expr;)*) => {$(
        impl<'a> From<$from> for Param<'a> {
            fn from($value: $from) -> Self { $param }
        }
    )*};
}

param_from! {
    i64 => |n| Param::Int(n);
    u32 => |n| Param::Int(n.into());
    u8 => |n| Param::Int(n.into());
    bool => |b| Param::Int(b.into());
    // Sizes, counters and MODSEQs stay below 2^63 by construction.
    u64 => |n| Param::Int(i64::try_from(n).unwrap_or(i64::MAX));
    usize => |n| Param::Int(i64::try_from(n).unwrap_or(i64::MAX));
    &'a str => |s| Param::Text(s);
    &'a String => |s| Param::Text(s);
    &'a [u8] => |b| Param::Blob(b);
    &'a Vec<u8> => |b| Param::Blob(b);
    &'a [u8; 32] => |b| Param::Blob(b);
    Uid => |uid| Param::Int(uid.0.into());
    UidValidity => |v| Param::Int(v.0.into());
    ModSeq => |m| m.0.into();
    AccountId => |id| Param::Id(id.as_u128().to_be_bytes());
    MailboxId => |id| Param::Id(id.as_u128().to_be_bytes());
    MessageId => |id| Param::Id(id.as_u128().to_be_bytes());
    QueueId => |id| Param::Id(id.as_u128().to_be_bytes());
}

impl<'a, T: Into<Param<'a>>> From<Option<T>> for Param<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Param::Null, Into::into)
    }
}

/// Makes a parameter list.
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$($crate::engine::Param::from($value)),*] };
}
pub(crate) use params;

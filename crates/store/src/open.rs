//! Opening a store and running transactions on it.

use crate::{AccountId, ModSeq, Result};
use std::path::PathBuf;

/// Where the tables are.
#[derive(Clone, Debug)]
pub enum Engine {
    /// A SQLite file `mail.db` in the data directory.
    Sqlite,
    /// A PostgreSQL database, by its connection string (`host=/run/postgresql dbname=mail`).
    Postgres(String),
}

/// How to open a store.
#[derive(Clone, Debug)]
pub struct Options {
    /// The data directory: SQLite file, large bodies, temporary files. Created if it does not exist (mode 0750).
    pub data: PathBuf,
    /// The engine that holds the tables.
    pub engine: Engine,
    /// Key of the encryption at rest (32 bytes), if it is on (catalogue C20, C21, F15).
    pub key: Option<[u8; 32]>,
    /// Bytes that must stay free on the disk; below it nothing is accepted ([`crate::Error::Full`], catalogue S3).
    pub free_floor: u64,
}

/// An open store. Clones share it.
#[derive(Clone)]
pub struct Store {
    _todo: (),
}

/// A running transaction. Functions of this crate's modules take it; nobody else runs SQL.
pub struct Tx<'a> {
    _todo: &'a (),
}

impl Store {
    /// Opens the store, makes or migrates its schema, and recovers what a crash left. Blocks.
    pub fn open(_options: &Options) -> Result<Store> {
        todo!()
    }

    /// Runs `work` in a read-write transaction; returns when its effects are committed and synced.
    /// `work` may run more than once (a conflict on PostgreSQL), so it must have no effects of its own.
    pub async fn write<T, F>(&self, _work: F) -> Result<T>
    where
        F: Fn(&mut Tx<'_>) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        todo!()
    }

    /// Runs `work` over a consistent snapshot. Writes in it fail.
    pub async fn read<T, F>(&self, _work: F) -> Result<T>
    where
        F: Fn(&mut Tx<'_>) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        todo!()
    }

    /// The account's latest committed MODSEQ, and every later one as it is committed (by this process, or by another on PostgreSQL).
    pub fn watch(&self, _account: AccountId) -> tokio::sync::watch::Receiver<ModSeq> {
        todo!()
    }

    /// Changes each time the queue has new work.
    pub fn watch_queue(&self) -> tokio::sync::watch::Receiver<u64> {
        todo!()
    }
}

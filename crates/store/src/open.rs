//! Opening a store and running transactions on it.

use crate::body::files::{Files, make_folder};
use crate::context::Context;
use crate::engine::Sql;
use crate::engine::jobs::{Promise, Queue, job, unattended};
use crate::engine::postgres::{self, Postgres};
use crate::engine::sqlite::{self, Sqlite};
use crate::lock::DataLock;
use crate::schema::{self, Dialect};
use crate::tx::Tx;
use crate::vault::Vault;
use crate::{AccountId, Error, ModSeq, Result, Timestamp};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

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

/// An open store. Clones share it; when the last one goes, what was asked for is finished and the store is closed.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    context: Arc<Context>,
    engine: Running,
    threads: Vec<JoinHandle<()>>,
    /// Given back last.
    _lock: DataLock,
}

enum Running {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// A connection for what comes before the threads start.
enum Setup {
    Sqlite(sqlite::Setup),
    Postgres(Box<postgres::Setup>),
}

impl Setup {
    fn connect(options: &Options) -> Result<Setup> {
        match &options.engine {
            Engine::Sqlite => sqlite::Setup::connect(&options.database()).map(Setup::Sqlite),
            Engine::Postgres(text) => {
                let setup = postgres::Setup::connect(&postgres::config(text)?)?;
                Ok(Setup::Postgres(Box::new(setup)))
            }
        }
    }

    fn dialect(&self) -> Dialect {
        match self {
            Setup::Sqlite(_) => Dialect::Sqlite,
            Setup::Postgres(_) => Dialect::Postgres,
        }
    }

    fn transaction<T>(&mut self, work: impl FnOnce(&mut dyn Sql) -> Result<T>) -> Result<T> {
        match self {
            Setup::Sqlite(setup) => setup.transaction(work),
            Setup::Postgres(setup) => setup.transaction(work),
        }
    }
}

impl Options {
    fn database(&self) -> PathBuf {
        self.data.join("mail.db")
    }
}

impl Store {
    /// Opens the store, makes or migrates its schema, and recovers what a crash left. Blocks.
    ///
    /// [`Error::Unavailable`] if another process has it open, [`Error::Refused`] if the key is not its own or a newer program made it.
    pub fn open(options: &Options) -> Result<Store> {
        // On a thread of its own: PostgreSQL's client must not run where an async runtime does.
        let opened = std::thread::scope(|scope| scope.spawn(|| Store::open_here(options)).join());
        opened.unwrap_or_else(|_| Err(Error::Bug("opening the store panicked".into())))
    }

    fn open_here(options: &Options) -> Result<Store> {
        make_folder(&options.data)?;
        let lock = DataLock::take(&options.data)?;
        let vault = Vault::new(options.key.as_ref());
        let mut setup = Setup::connect(options)?;
        let dialect = setup.dialect();
        setup.transaction(|sql| schema::prepare(sql, dialect, &vault.key_check()))?;
        let files = Arc::new(Files::open(&options.data, options.free_floor)?);
        let search = crate::search::open(&options.data);
        let context = Arc::new(Context::new(vault, files, search));
        setup.transaction(|sql| crate::sweep::orphans(&mut Tx::new(sql, &context)))?;
        drop(setup);
        let mut threads = vec![context.files.start()?];
        let engine = Running::start(options, &context, &mut threads)?;
        let inner = Inner {
            context,
            engine,
            threads,
            _lock: lock,
        };
        Ok(Store(Arc::new(inner)))
    }

    pub(crate) fn context(&self) -> &Arc<Context> {
        &self.0.context
    }

    /// Are the tables in a file of our own?
    pub(crate) fn is_embedded(&self) -> bool {
        matches!(self.0.engine, Running::Sqlite(_))
    }

    /// Are bodies encrypted at rest?
    pub fn is_encrypted(&self) -> bool {
        self.context().vault.is_on()
    }

    /// From now on the store takes the time from `clock` (SAVEDATE and the like). Without this, the machine's.
    pub fn use_clock(&self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) {
        self.context().use_clock(Arc::new(clock));
    }

    /// From now on `observer` hears, for each writing transaction, how long after it was asked for it was committed and synced.
    pub fn observe_commits(&self, observer: impl Fn(Duration) + Send + Sync + 'static) {
        self.context().observe_commits(Arc::new(observer));
    }

    /// From now on `observer` hears of each sync of SQLite's log; PostgreSQL counts its own. It must not wait for anything.
    pub fn observe_syncs(&self, observer: impl Fn() + Send + Sync + 'static) {
        self.context().observe_syncs(Arc::new(observer));
    }

    /// From now on messages that are removed can be put back ([`crate::removed`]), for each account so many octets of them; 0: none.
    pub fn keep_removed(&self, octets: u64) {
        self.context().keep_removed(octets);
    }

    /// From now on `observer` hears, after each commit, what it made of the use of accounts. It must not wait for anything.
    pub fn observe_usage(&self, observer: impl Fn(&crate::quota::Usage) + Send + Sync + 'static) {
        self.context().observe_usage(Arc::new(observer));
    }

    /// [`Error::Full`] if the disk has less room than the floor, so that a message can be refused before it is sent.
    pub fn room(&self) -> Result<()> {
        self.context().files.room()
    }

    /// Runs `work` in a read-write transaction; returns when its effects are committed and synced.
    /// `work` may run more than once (a conflict on PostgreSQL), so it must have no effects of its own.
    ///
    /// A caller that stops waiting leaves it done as a whole or not at all.
    pub async fn write<T, F>(&self, work: F) -> Result<T>
    where
        F: Fn(&mut Tx<'_>) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        self.write_as(Promise::Now, work).await
    }

    /// The same for what many callers do at the same time, such as taking in messages: while more of them are likely to come, they wait
    /// for each other for some milliseconds and share a sync. One that comes alone does not wait.
    pub async fn write_together<T, F>(&self, work: F) -> Result<T>
    where
        F: Fn(&mut Tx<'_>) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        self.write_as(Promise::Together, work).await
    }

    /// The same, but returns before the sync: the effects outlive this process, and a power cut may undo them if it comes within a fraction
    /// of a second. For notes whose loss only means that something is done again. [`Error::Bug`] if it changes an account, since
    /// UIDs that a program has seen must not be used again.
    pub async fn write_unsynced<T, F>(&self, work: F) -> Result<T>
    where
        F: Fn(&mut Tx<'_>) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        self.write_as(Promise::Unsynced, work).await
    }

    async fn write_as<T, F>(&self, promise: Promise, work: F) -> Result<T>
    where
        F: Fn(&mut Tx<'_>) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let begun = Instant::now();
        let outcome = run(self.0.engine.writes(), promise, work).await;
        if outcome.is_ok() && promise != Promise::Unsynced {
            self.context().committed(begun.elapsed());
        }
        outcome
    }

    /// Runs `work` over a consistent snapshot. Writes in it fail.
    pub async fn read<T, F>(&self, work: F) -> Result<T>
    where
        F: Fn(&mut Tx<'_>) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        run(self.0.engine.reads(), Promise::Now, work).await
    }

    /// The account's latest committed MODSEQ, and every later one as it is committed (by this process, or by another on PostgreSQL).
    /// The first value may be 0 until the account's MODSEQ has been looked up.
    pub fn watch(&self, account: AccountId) -> tokio::sync::watch::Receiver<ModSeq> {
        let (receiver, new) = self.context().watchers.watch(account);
        if new {
            let look = unattended(move |tx: &mut Tx<'_>| {
                if let Some(account) = crate::account::by_id(tx, account)? {
                    tx.context.watchers.tell(account.id, account.modseq);
                }
                Ok(())
            });
            self.0.engine.reads().push(look);
        }
        receiver
    }

    /// Changes each time it was changed who may use whose mailboxes (by this process; another's changes show at the next look).
    pub fn watch_access(&self) -> tokio::sync::watch::Receiver<u64> {
        self.context().watchers.watch_access()
    }

    /// Changes each time the queue has new work.
    pub fn watch_queue(&self) -> tokio::sync::watch::Receiver<u64> {
        self.context().watchers.watch_queue()
    }

    /// Changes each time the list of events that scripts look at does ([`crate::script::event`]).
    pub fn watch_events(&self) -> tokio::sync::watch::Receiver<u64> {
        self.context().watchers.watch_events()
    }

    /// Changes when messages are to be learned, or were learned by a command: in this process; others are found by looking.
    pub fn watch_lessons(&self) -> tokio::sync::watch::Receiver<u64> {
        self.context().watchers.watch_lessons()
    }
}

async fn run<T, F>(queue: &Queue, promise: Promise, work: F) -> Result<T>
where
    F: Fn(&mut Tx<'_>) -> Result<T> + Send + 'static,
    T: Send + 'static,
{
    let (job, answer) = job(promise, work);
    queue.push(job);
    answer
        .await
        .unwrap_or_else(|_| Err(Error::Unavailable("the store has been closed".into())))
}

/// Threads that read: two at least, so that one long listing does not keep look-ups waiting.
fn readers() -> usize {
    std::thread::available_parallelism().map_or(2, |n| n.get().clamp(2, 8))
}

impl Running {
    fn start(
        options: &Options,
        context: &Arc<Context>,
        threads: &mut Vec<JoinHandle<()>>,
    ) -> Result<Running> {
        match &options.engine {
            Engine::Sqlite => {
                Sqlite::start(&options.database(), readers(), context, threads).map(Running::Sqlite)
            }
            Engine::Postgres(text) => {
                Postgres::start(&postgres::config(text)?, context, threads).map(Running::Postgres)
            }
        }
    }

    fn writes(&self) -> &Queue {
        match self {
            Running::Sqlite(engine) => &engine.writes,
            Running::Postgres(engine) => &engine.writes,
        }
    }

    fn reads(&self) -> &Queue {
        match self {
            Running::Sqlite(engine) => &engine.reads,
            Running::Postgres(engine) => &engine.reads,
        }
    }

    fn close(&self) {
        match self {
            Running::Sqlite(engine) => engine.close(),
            Running::Postgres(engine) => engine.close(),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.engine.close();
        self.context.files.close();
        for thread in self.threads.drain(..) {
            // The last handle may be held by a job; its thread cannot wait for itself.
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

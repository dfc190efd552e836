//! SQLite: one writer thread with group commit, reader threads with their own connections, and checkpoints beside the writer.
//!
//! The writer takes every job that waits, runs each in a savepoint of one transaction, commits once (which syncs the log once),
//! and then answers all of them. So one sender pays one sync a message, and fifty share one. A job that fails undoes its savepoint only.
//!
//! Jobs that go together ([`Promise::Together`]) are waited for as long as more of them are likely to come: as many as came last time, and no
//! longer than [`GATHER`]. One alone never waits. Jobs that need no sync ([`Promise::Unsynced`]) ride along, or are committed without one;
//! the log is synced soon after.

use super::jobs::{Job, Promise, Queue, Waited};
use super::{Param, Row, Sql, spawn};
use crate::context::Context;
use crate::tx::{Effects, Tx};
use crate::{AccountId, Error, Result};
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, Statement, ToSql};
use std::cell::Cell;
use std::collections::HashMap;
use std::fs::File;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Most jobs in one transaction: bounds how long the first of them waits.
const BATCH: usize = 256;
/// Most that a job waits for others that it goes together with.
const GATHER: Duration = Duration::from_millis(50);
/// What was committed without a sync is synced so much later, unless something needs a sync before.
const UNSYNCED: Duration = Duration::from_millis(200);
/// Pages in the write-ahead log from which a checkpoint begins (16 MiB).
const CHECKPOINT_PAGES: u32 = 4096;
/// Pages left over from a checkpoint that the writer may copy itself without keeping senders waiting.
const TAIL_PAGES: i64 = 256;
/// Rounds the checkpointer chases a busy writer before the writer finishes the job.
const CHECKPOINT_ROUNDS: usize = 3;
const WRITER_CACHE_KIB: i32 = 4096;
const READER_CACHE_KIB: i32 = 1024;

thread_local! {
    /// Pages in the write-ahead log after this thread's last commit. SQLite's hook is a plain function, so it has to be told here.
    static LOG_PAGES: Cell<u32> = const { Cell::new(0) };
    /// Whether a commit of this thread has written to it. One that changes nothing writes nothing, and syncs nothing.
    static LOG_GREW: Cell<bool> = const { Cell::new(false) };
}

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Writer,
    Reader,
    Checkpointer,
}

fn connect(file: &Path, role: Role) -> Result<Connection> {
    let connection = Connection::open(file).map_err(failed)?;
    let cache = if role == Role::Writer {
        WRITER_CACHE_KIB
    } else {
        READER_CACHE_KIB
    };
    connection
        .busy_timeout(Duration::from_secs(10))
        .map_err(failed)?;
    // `synchronous=FULL` syncs the log at every commit. No mapped file: a disk error would be a SIGBUS instead of a reply. What a
    // savepoint may have to take back is held in memory: a file for it would be made and removed with every second batch.
    let pragmas = format!(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA mmap_size=0; \
         PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=67108864; PRAGMA cache_size=-{cache}; PRAGMA query_only={};",
        i32::from(role == Role::Reader)
    );
    connection.execute_batch(&pragmas).map_err(failed)?;
    keep_plans(&connection).map_err(failed)?;
    if role == Role::Writer {
        connection.wal_hook(Some(|_, pages| {
            LOG_PAGES.set(u32::try_from(pages).unwrap_or(0));
            LOG_GREW.set(true);
            Ok(())
        }));
    }
    Ok(connection)
}

/// A prepared statement stays as it is. Otherwise SQLite prepares each one with a parameter in LIMIT anew whenever that is bound, which
/// costs more than what such a statement does here.
pub(crate) fn keep_plans(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map(|_| ())
}

/// A connection for opening the store: schema and recovery, before the threads start.
pub(crate) struct Setup(Connection);

impl Setup {
    pub(crate) fn connect(file: &Path) -> Result<Setup> {
        connect(file, Role::Writer).map(Setup)
    }

    /// Runs `work` in one transaction.
    pub(crate) fn transaction<T>(&self, work: impl FnOnce(&mut dyn Sql) -> Result<T>) -> Result<T> {
        let mut sql = Statements::new(&self.0);
        sql.control("BEGIN IMMEDIATE")?;
        let outcome = work(&mut sql).and_then(|value| sql.control("COMMIT").map(|()| value));
        if outcome.is_err() {
            sql.undo();
        }
        outcome
    }
}

/// The running threads' work queues.
pub(crate) struct Sqlite {
    pub(crate) writes: Arc<Queue>,
    pub(crate) reads: Arc<Queue>,
    checkpoints: Arc<Checkpoints>,
}

impl Sqlite {
    /// Starts the threads; `threads` receives their handles.
    pub(crate) fn start(
        file: &Path,
        readers: usize,
        context: &Arc<Context>,
        threads: &mut Vec<std::thread::JoinHandle<()>>,
    ) -> Result<Sqlite> {
        let engine = Sqlite {
            writes: Arc::default(),
            reads: Arc::default(),
            checkpoints: Arc::default(),
        };
        let writer = connect(file, Role::Writer)?;
        let (queue, checkpoints, shared) = (
            engine.writes.clone(),
            engine.checkpoints.clone(),
            context.clone(),
        );
        let mut log = file.as_os_str().to_owned();
        log.push("-wal");
        threads.push(spawn("store-writer", move || {
            write_loop(&writer, log.into(), &queue, &checkpoints, &shared)
        })?);
        for _ in 0..readers {
            let reader = connect(file, Role::Reader)?;
            let (queue, shared) = (engine.reads.clone(), context.clone());
            threads.push(spawn("store-reader", move || {
                read_loop(&reader, &queue, &shared)
            })?);
        }
        let checkpointer = connect(file, Role::Checkpointer)?;
        let checkpoints = engine.checkpoints.clone();
        threads.push(spawn("store-checkpoint", move || {
            checkpoint_loop(&checkpointer, &checkpoints)
        })?);
        Ok(engine)
    }

    /// Tells the threads to end once their queues are empty.
    pub(crate) fn close(&self) {
        self.writes.close();
        self.reads.close();
        self.checkpoints.set(Phase::Closed);
    }
}

fn write_loop(
    connection: &Connection,
    log: PathBuf,
    queue: &Queue,
    checkpoints: &Checkpoints,
    context: &Context,
) {
    let mut writer = Writer {
        sql: Statements::new(connection),
        log,
        syncs: true,
        crowd: 1,
        unsynced: None,
        context,
    };
    loop {
        match queue.wait_until(writer.sync_is_due()) {
            Waited::Jobs => {
                writer.batch(queue);
                checkpoints.after_commit(connection, LOG_PAGES.get());
            }
            Waited::InVain => writer.sync(checkpoints),
            Waited::Closed => return writer.sync(checkpoints),
        }
    }
}

/// The writing thread's state.
struct Writer<'c> {
    sql: Statements<'c>,
    /// The write-ahead log.
    log: PathBuf,
    /// Commits sync, at present.
    syncs: bool,
    /// Jobs that go together and are likely to come at the same time.
    crowd: usize,
    unsynced: Option<Unsynced>,
    context: &'c Context,
}

/// What was committed and may not be on the disk yet.
struct Unsynced {
    /// The first of it.
    since: Instant,
    /// Files whose bodies nothing refers to any more. After a power cut something might again, so they stay until the sync.
    dropped: Vec<String>,
}

impl Writer<'_> {
    fn sync_is_due(&self) -> Option<Instant> {
        let unsynced = self.unsynced.as_ref()?;
        Some(unsynced.since + UNSYNCED)
    }

    /// Runs what waits in one transaction, commits, and answers.
    fn batch(&mut self, queue: &Queue) {
        let synced = queue.gather(self.crowd, GATHER);
        let mut together = 0;
        let mut done: Vec<(Box<dyn Job>, Effects)> = Vec::new();
        let begun = self.begin(synced);
        while let Some(mut job) = queue.try_next(synced) {
            if let Err(e) = &begun {
                return job.reply(Err(e.clone()));
            }
            together += usize::from(job.promise() == Promise::Together);
            match run_in_savepoint(&mut self.sql, job.as_mut(), self.context) {
                Ok(Some(effects)) => done.push((job, effects)),
                Ok(None) => job.reply(Ok(())),
                Err(e) => {
                    job.reply(Err(e.clone()));
                    self.sql.undo();
                    return self.answer(done, &Err(e), synced);
                }
            }
            if done.len() == BATCH {
                break;
            }
        }
        LOG_GREW.set(false);
        let committed = self.sql.control("COMMIT");
        if committed.is_err() {
            self.sql.undo();
        }
        if together > 0 {
            // Those who came meanwhile are likely to come again at the same time as these.
            self.crowd = (together + queue.together()).min(BATCH);
        }
        self.answer(done, &committed, synced);
    }

    /// Begins a transaction whose commit syncs, or does not.
    fn begin(&mut self, synced: bool) -> Result<()> {
        if self.syncs != synced {
            // Carried out while it is prepared, so it must not be prepared once and for all.
            let level = if synced { "FULL" } else { "NORMAL" };
            self.sql.batch(&format!("PRAGMA synchronous={level}"))?;
            self.syncs = synced;
        }
        self.sql.control("BEGIN IMMEDIATE")
    }

    fn answer(&mut self, jobs: Vec<(Box<dyn Job>, Effects)>, committed: &Result<()>, synced: bool) {
        if committed.is_ok() && synced && LOG_GREW.get() {
            self.synced();
        }
        for (job, mut effects) in jobs {
            match committed {
                Ok(()) => {
                    if !synced {
                        self.keep_until_synced(std::mem::take(&mut effects.dropped));
                    }
                    effects.apply(self.context);
                }
                Err(_) => effects.abandon(),
            }
            job.reply(committed.clone());
        }
    }

    fn keep_until_synced(&mut self, dropped: Vec<String>) {
        self.context.files.will_be_removed(&dropped);
        let unsynced = self.unsynced.get_or_insert_with(|| Unsynced {
            since: Instant::now(),
            dropped: Vec::new(),
        });
        unsynced.dropped.extend(dropped);
    }

    /// Syncs what was committed without.
    fn sync(&mut self, checkpoints: &Checkpoints) {
        if self.unsynced.is_none() {
            return;
        }
        match File::open(&self.log).and_then(|log| log.sync_data()) {
            Ok(()) => self.synced(),
            Err(e) => {
                tracing::error!("the log of the database cannot be synced: {e}");
                // What could not be written is still in memory; copied into the database it is synced there.
                checkpoints.set(Phase::Wanted);
                if let Some(unsynced) = &mut self.unsynced {
                    unsynced.since = Instant::now();
                }
            }
        }
    }

    /// All that was committed is on the disk.
    fn synced(&mut self) {
        self.context.synced();
        if let Some(unsynced) = self.unsynced.take() {
            self.context.files.remove_later(unsynced.dropped);
        }
    }
}

/// `Ok(Some)`: done; `Ok(None)`: it failed and is undone; `Err`: the whole transaction is lost.
fn run_in_savepoint(
    sql: &mut Statements<'_>,
    job: &mut dyn Job,
    context: &Context,
) -> Result<Option<Effects>> {
    if job.abandoned() {
        return Ok(None);
    }
    sql.control("SAVEPOINT job")?;
    let mut tx = Tx::new(sql, context);
    let done = job.attempt(&mut tx);
    let effects = tx.into_effects();
    // Some failures, such as a full disk, make SQLite undo everything and not only this statement.
    if sql.connection.is_autocommit() {
        return Err(sql
            .lost
            .take()
            .unwrap_or_else(|| Error::Unavailable("SQLite gave up the transaction".into())));
    }
    if !done {
        sql.control("ROLLBACK TO job")?;
    }
    sql.control("RELEASE job")?;
    Ok(done.then_some(effects))
}

fn read_loop(connection: &Connection, queue: &Queue, context: &Context) {
    let mut sql = Statements::new(connection);
    while let Some(mut job) = queue.next() {
        if job.abandoned() {
            continue;
        }
        if let Err(e) = sql.control("BEGIN") {
            job.reply(Err(e));
            continue;
        }
        let mut tx = Tx::new(&mut sql, context);
        job.attempt(&mut tx);
        sql.undo();
        job.reply(Ok(()));
    }
}

/// Where checkpointing stands.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    #[default]
    Idle,
    /// The log is long; the checkpointer is to copy it into the database file.
    Wanted,
    /// All but the newest pages are copied; the writer copies the rest between two transactions, so that the log can start over.
    Tail,
    Closed,
}

/// Keeps the write-ahead log short without making senders wait for it.
#[derive(Default)]
struct Checkpoints {
    phase: Mutex<Phase>,
    wake: Condvar,
}

impl Checkpoints {
    fn set(&self, phase: Phase) {
        let mut now = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        if *now != Phase::Closed {
            *now = phase;
        }
        drop(now);
        self.wake.notify_all();
    }

    fn phase(&self) -> Phase {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a checkpoint is wanted; false when there will be none any more.
    fn wait(&self) -> bool {
        let mut phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match *phase {
                Phase::Wanted => return true,
                Phase::Closed => return false,
                Phase::Idle | Phase::Tail => {
                    phase = self
                        .wake
                        .wait(phase)
                        .unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }

    /// The writer's part, between two transactions.
    fn after_commit(&self, writer: &Connection, log_pages: u32) {
        match self.phase() {
            Phase::Tail => {
                pages_left(writer);
                self.set(Phase::Idle);
            }
            Phase::Idle if log_pages > CHECKPOINT_PAGES => self.set(Phase::Wanted),
            _ => {}
        }
    }
}

fn checkpoint_loop(connection: &Connection, checkpoints: &Checkpoints) {
    while checkpoints.wait() {
        let left = (0..CHECKPOINT_ROUNDS)
            .map(|_| pages_left(connection))
            .find(|left| *left <= TAIL_PAGES);
        checkpoints.set(if left == Some(0) {
            Phase::Idle
        } else {
            Phase::Tail
        });
    }
}

/// Copies what can be copied now; says how many pages of the log are not in the database file yet.
fn pages_left(connection: &Connection) -> i64 {
    let outcome = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
        Ok(row.get::<_, i64>(1)? - row.get::<_, i64>(2)?)
    });
    outcome.unwrap_or_else(|e| {
        tracing::warn!("checkpoint failed, will be tried again: {e}");
        i64::MAX
    })
}

/// A connection with its prepared statements, found by the address of their text.
struct Statements<'c> {
    connection: &'c Connection,
    prepared: HashMap<(usize, usize), Prepared<'c>>,
    /// The last failure, in case SQLite gave up the transaction because of it.
    lost: Option<Error>,
}

struct Prepared<'c> {
    statement: Statement<'c>,
    /// Where `$1`, `$2`, … are: SQLite numbers named parameters by first appearance, whatever their names say.
    positions: Vec<usize>,
}

impl<'c> Statements<'c> {
    fn new(connection: &'c Connection) -> Self {
        Statements {
            connection,
            prepared: HashMap::new(),
            lost: None,
        }
    }

    /// Runs one of the statements that steer the transaction.
    fn control(&mut self, sql: &'static str) -> Result<()> {
        self.execute(sql, &[]).map(|_| ())
    }

    fn undo(&mut self) {
        if !self.connection.is_autocommit()
            && let Err(e) = self.control("ROLLBACK")
        {
            tracing::error!("cannot roll back: {e}");
        }
    }

    fn bound(
        &mut self,
        sql: &'static str,
        params: &[Param<'_>],
    ) -> rusqlite::Result<&mut Statement<'c>> {
        let key = (sql.as_ptr() as usize, sql.len());
        let prepared = match self.prepared.entry(key) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(new) => {
                new.insert(prepare(self.connection, sql)?)
            }
        };
        for (position, param) in prepared.positions.iter().zip(params) {
            prepared.statement.raw_bind_parameter(*position, param)?;
        }
        Ok(&mut prepared.statement)
    }

    fn fail(&mut self, error: rusqlite::Error) -> Error {
        let error = failed(error);
        self.lost = Some(error.clone());
        error
    }
}

fn prepare<'c>(connection: &'c Connection, sql: &'static str) -> rusqlite::Result<Prepared<'c>> {
    let statement = connection.prepare(sql)?;
    let positions = (1..=statement.parameter_count())
        .map(|n| {
            let name = format!("${n}");
            statement
                .parameter_index(&name)?
                .ok_or(rusqlite::Error::InvalidParameterName(name))
        })
        .collect::<rusqlite::Result<_>>()?;
    Ok(Prepared {
        statement,
        positions,
    })
}

impl Sql for Statements<'_> {
    fn execute(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<u64> {
        let changed = self.bound(sql, params).and_then(Statement::raw_execute);
        changed.map(|n| n as u64).map_err(|e| self.fail(e))
    }

    fn query(
        &mut self,
        sql: &'static str,
        params: &[Param<'_>],
        each: &mut dyn FnMut(&Row<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let failure = match self.bound(sql, params) {
            Err(e) => e,
            Ok(statement) => {
                let mut rows = statement.raw_query();
                loop {
                    match rows.next() {
                        Ok(None) => return Ok(()),
                        Ok(Some(row)) => {
                            if each(&Row::Sqlite(row))?.is_break() {
                                return Ok(());
                            }
                        }
                        Err(e) => break e,
                    }
                }
            }
        };
        Err(self.fail(failure))
    }

    fn batch(&mut self, sql: &str) -> Result<()> {
        self.connection.execute_batch(sql).map_err(failed)
    }

    fn lock_account(&mut self, _account: AccountId) -> Result<()> {
        Ok(())
    }
}

impl ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Param::Null => ValueRef::Null,
            Param::Int(n) => ValueRef::Integer(*n),
            Param::Text(text) => ValueRef::Text(text.as_bytes()),
            Param::Blob(octets) => ValueRef::Blob(octets),
            Param::Id(id) => ValueRef::Blob(id),
        }))
    }
}

/// A column that does not hold what the statement's author expects.
pub(super) fn broken_row(error: rusqlite::Error) -> Error {
    Error::Corrupt(format!("unexpected value in the database: {error}"))
}

/// Whose fault an error of SQLite is.
pub(crate) fn failed(error: rusqlite::Error) -> Error {
    let said = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Error::Full(said),
        Some(
            ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::OutOfMemory
            | ErrorCode::OperationInterrupted
            | ErrorCode::PermissionDenied
            | ErrorCode::FileLockingProtocolFailed,
        ) => Error::Unavailable(said),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Error::Corrupt(said),
        _ => Error::Bug(said),
    }
}

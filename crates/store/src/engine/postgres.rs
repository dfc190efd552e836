//! PostgreSQL: a few threads with a connection each, which take jobs from one queue.
//!
//! **Isolation.** Reads run in REPEATABLE READ (a snapshot). Writes run in READ COMMITTED with row locks, not SERIALIZABLE: all that
//! belongs to an account is guarded by the account's row, which every change updates first ([`crate::tx::Tx::charge`]) or locks
//! before it reads what it will change ([`Sql::lock_account`]); bodies, which accounts share, are counted by single statements that
//! lock their row. So conflicting transactions wait for each other for the length of one commit, where SERIALIZABLE would abort
//! and repeat them, and with many senders to one mailbox do so again and again. Two messages to the same accounts in different order may
//! deadlock; PostgreSQL ends one of them, and it is repeated with the accounts locked in order.
//!
//! A lost connection fails what ran on it ([`Error::Unavailable`]), and the next job connects anew.

use super::jobs::{Job, Promise, Queue};
use super::{Param, Row, Sql, spawn};
use crate::context::Context;
use crate::tx::Tx;
use crate::{AccountId, Error, ModSeq, Result};
use bytes::BytesMut;
use postgres::error::SqlState;
use postgres::types::{IsNull, ToSql, Type};
use postgres::{Client, Config, IsolationLevel, NoTls, Statement, Transaction};
use std::collections::{BTreeSet, HashMap};
use std::error::Error as _;
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Threads that write, each with a connection: as many commits can share one sync of the server.
const WRITERS: usize = 8;
/// Threads that read.
const READERS: usize = 4;
/// How often a transaction is repeated after a conflict with others.
const ATTEMPTS: usize = 20;
/// How long making a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// After a failed connection nobody tries again for so long: jobs fail at once instead of each waiting for the network.
const PAUSE: Duration = Duration::from_millis(500);
/// How often changes by other processes are looked for.
const POLL: Duration = Duration::from_secs(1);

/// The running threads' work queues.
pub(crate) struct Postgres {
    pub(crate) writes: Arc<Queue>,
    pub(crate) reads: Arc<Queue>,
    /// Dropped to end the poller.
    poller: Mutex<Option<Sender<()>>>,
}

/// Reads a connection string.
pub(crate) fn config(text: &str) -> Result<Config> {
    let mut config: Config = text.parse().map_err(|e| {
        Error::Refused(format!(
            "the PostgreSQL connection string cannot be read: {e}"
        ))
    })?;
    config
        .application_name("pennyblack")
        .connect_timeout(CONNECT);
    Ok(config)
}

/// A connection for opening the store: schema and recovery, before the threads start.
pub(crate) struct Setup(Connection);

impl Setup {
    pub(crate) fn connect(config: &Config) -> Result<Setup> {
        let mut connection = Connection::new(config.clone(), Outage::default());
        connection.client()?;
        Ok(Setup(connection))
    }

    /// Runs `work` in one transaction; processes that open a store at the same time do it one after the other.
    pub(crate) fn transaction<T>(
        &mut self,
        work: impl FnOnce(&mut dyn Sql) -> Result<T>,
    ) -> Result<T> {
        let mut running = self.0.begin(Mode::Write)?;
        // The number is arbitrary; it only has to be the same for all.
        running.batch("SELECT pg_advisory_xact_lock(7240116)")?;
        let value = work(&mut running)?;
        running.commit()?;
        Ok(value)
    }
}

impl Postgres {
    /// Starts the threads; `threads` receives their handles.
    pub(crate) fn start(
        config: &Config,
        context: &Arc<Context>,
        threads: &mut Vec<std::thread::JoinHandle<()>>,
    ) -> Result<Postgres> {
        let (poller, stop) = channel();
        let engine = Postgres {
            writes: Arc::default(),
            reads: Arc::default(),
            poller: Mutex::new(Some(poller)),
        };
        let outage = Outage::default();
        let lanes = [
            ("store-writer", Mode::Write, WRITERS, &engine.writes),
            ("store-reader", Mode::Read, READERS, &engine.reads),
        ];
        for (name, mode, count, queue) in lanes {
            for _ in 0..count {
                let (connection, queue, shared) = (
                    Connection::new(config.clone(), outage.clone()),
                    queue.clone(),
                    context.clone(),
                );
                threads.push(spawn(name, move || {
                    work_loop(connection, mode, &queue, &shared)
                })?);
            }
        }
        let (connection, shared) = (Connection::new(config.clone(), outage), context.clone());
        threads.push(spawn("store-poller", move || {
            poll_loop(connection, &stop, &shared)
        })?);
        Ok(engine)
    }

    /// Tells the threads to end once their queues are empty.
    pub(crate) fn close(&self) {
        self.writes.close();
        self.reads.close();
        self.poller
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Read,
    Write,
}

fn work_loop(mut connection: Connection, mode: Mode, queue: &Queue, context: &Context) {
    while let Some(job) = queue.next() {
        if !job.abandoned() {
            run(&mut connection, mode, job, context);
        }
    }
}

/// What became of one attempt.
enum Outcome {
    /// The caller can be told: done, or failed by the job's own fault or the server's.
    Finished(Result<()>),
    /// It came to nothing and may be tried again.
    Again(Error),
}

fn run(connection: &mut Connection, mode: Mode, mut job: Box<dyn Job>, context: &Context) {
    let mut last = Error::Unavailable("PostgreSQL".into());
    let mut wanted = BTreeSet::new();
    for _ in 0..ATTEMPTS {
        match attempt(connection, mode, job.as_mut(), context, &mut wanted) {
            Outcome::Finished(outcome) => return job.reply(outcome),
            Outcome::Again(error) => last = error,
        }
    }
    job.reply(Err(Error::Unavailable(format!(
        "too many conflicts: {last}"
    ))));
}

/// `wanted` are the accounts that earlier attempts came to: they are locked first, in the order of their ids, so that transactions
/// that were in each other's way once stand in line now.
fn attempt(
    connection: &mut Connection,
    mode: Mode,
    job: &mut dyn Job,
    context: &Context,
    wanted: &mut BTreeSet<AccountId>,
) -> Outcome {
    // A connection that was idle may have been closed long ago; finding that out harms nothing, because nothing was done on it yet.
    let idle = connection.client.is_some();
    let mut running = match connection.begin(mode) {
        Ok(running) => running,
        Err(error) if idle && error.is_temporary() => return Outcome::Again(error),
        Err(error) => return Outcome::Finished(Err(error)),
    };
    if let Err(error) = wanted
        .iter()
        .try_for_each(|account| running.lock_account(*account))
    {
        return running
            .conflict
            .take()
            .map_or(Outcome::Finished(Err(error)), Outcome::Again);
    }
    let mut tx = Tx::new(&mut running, context);
    let done = job.attempt(&mut tx);
    let effects = tx.into_effects();
    if let Some(error) = running.conflict.take() {
        wanted.extend(effects.wanted);
        return Outcome::Again(error);
    }
    if !done {
        return Outcome::Finished(Ok(()));
    }
    // A file that goes must not be missed after an outage of the server.
    if job.promise() == Promise::Unsynced
        && effects.dropped.is_empty()
        && let Err(error) = running.batch("SET LOCAL synchronous_commit = off")
    {
        return Outcome::Finished(Err(error));
    }
    match running.commit() {
        Ok(()) => {
            effects.apply(context);
            Outcome::Finished(Ok(()))
        }
        Err(Commit::Conflict(error)) => Outcome::Again(error),
        Err(Commit::Failed(error)) => {
            effects.abandon();
            Outcome::Finished(Err(error))
        }
    }
}

/// A connection that is made when it is needed and made again when it was lost.
struct Connection {
    config: Config,
    client: Option<Client>,
    statements: HashMap<(usize, usize), Statement>,
    outage: Outage,
}

/// What all connections know of the server being away. It is not asked again in vain many times a second, and the first that gets
/// through ends the outage for all.
#[derive(Clone, Default)]
struct Outage(Arc<Mutex<Option<(Instant, Error)>>>);

impl Outage {
    /// How connecting failed a moment ago.
    fn recent(&self) -> Option<Error> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (then, error) = last.as_ref()?;
        (then.elapsed() < PAUSE).then(|| error.clone())
    }

    fn began(&self, error: &Error) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((Instant::now(), error.clone()));
    }

    fn over(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Connection {
    fn new(config: Config, outage: Outage) -> Connection {
        Connection {
            config,
            client: None,
            statements: HashMap::new(),
            outage,
        }
    }

    fn client(&mut self) -> Result<&mut Client> {
        if self.client.as_ref().is_some_and(Client::is_closed) {
            self.client = None;
        }
        if self.client.is_none() {
            self.connect()?;
        }
        self.client
            .as_mut()
            .ok_or_else(|| Error::Bug("a connection is gone".into()))
    }

    fn connect(&mut self) -> Result<()> {
        if let Some(error) = self.outage.recent() {
            return Err(error);
        }
        self.statements.clear();
        let made = self.config.connect(NoTls).and_then(|mut client| {
            // A commit that was answered is on the disk, whatever the server's default says.
            client.batch_execute("SET synchronous_commit = on")?;
            Ok(client)
        });
        match made {
            Ok(client) => {
                self.client = Some(client);
                self.outage.over();
                Ok(())
            }
            Err(e) => {
                let error =
                    Error::Unavailable(format!("cannot connect to PostgreSQL: {}", words(&e)));
                self.outage.began(&error);
                Err(error)
            }
        }
    }

    fn begin(&mut self, mode: Mode) -> Result<Running<'_>> {
        self.client()?;
        let Some(client) = self.client.as_mut() else {
            return Err(Error::Bug("a connection is gone".into()));
        };
        let begun = match mode {
            Mode::Write => client
                .build_transaction()
                .isolation_level(IsolationLevel::ReadCommitted)
                .start(),
            Mode::Read => client
                .build_transaction()
                .isolation_level(IsolationLevel::RepeatableRead)
                .read_only(true)
                .start(),
        };
        Ok(Running {
            transaction: begun.map_err(|e| failed(&e))?,
            statements: &mut self.statements,
            conflict: None,
        })
    }
}

/// A transaction in progress. Dropped without [`Running::commit`] it is rolled back.
struct Running<'c> {
    transaction: Transaction<'c>,
    statements: &'c mut HashMap<(usize, usize), Statement>,
    /// The last conflict with another transaction: this one is void and may be tried again.
    conflict: Option<Error>,
}

/// Why a commit failed.
enum Commit {
    /// Certainly not done: another transaction was in the way.
    Conflict(Error),
    /// Failed, or nobody knows.
    Failed(Error),
}

impl From<Commit> for Error {
    fn from(commit: Commit) -> Error {
        match commit {
            Commit::Conflict(error) | Commit::Failed(error) => error,
        }
    }
}

impl Running<'_> {
    fn commit(self) -> std::result::Result<(), Commit> {
        self.transaction.commit().map_err(|e| {
            let error = failed(&e);
            if is_conflict(&e) {
                Commit::Conflict(error)
            } else {
                Commit::Failed(error)
            }
        })
    }

    fn statement(&mut self, sql: &'static str) -> std::result::Result<Statement, postgres::Error> {
        let key = (sql.as_ptr() as usize, sql.len());
        if let Some(known) = self.statements.get(&key) {
            return Ok(known.clone());
        }
        let statement = self.transaction.prepare(sql)?;
        self.statements.insert(key, statement.clone());
        Ok(statement)
    }

    fn fail(&mut self, error: &postgres::Error) -> Error {
        let failure = failed(error);
        if is_conflict(error) {
            self.conflict = Some(failure.clone());
        }
        failure
    }
}

impl Sql for Running<'_> {
    fn execute(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<u64> {
        let bound = bind(params);
        let statement = self.statement(sql);
        let changed = statement.and_then(|statement| self.transaction.execute(&statement, &bound));
        changed.map_err(|e| self.fail(&e))
    }

    fn query(
        &mut self,
        sql: &'static str,
        params: &[Param<'_>],
        each: &mut dyn FnMut(&Row<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let bound = bind(params);
        let statement = self.statement(sql);
        let rows = statement.and_then(|statement| self.transaction.query(&statement, &bound));
        for row in rows.map_err(|e| self.fail(&e))? {
            if each(&Row::Postgres(&row))?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn batch(&mut self, sql: &str) -> Result<()> {
        self.transaction
            .batch_execute(sql)
            .map_err(|e| self.fail(&e))
    }

    fn lock_account(&mut self, account: AccountId) -> Result<()> {
        let id = Param::from(account);
        self.query(
            "SELECT 1 FROM account WHERE id = $1 FOR UPDATE",
            &[id],
            &mut |_| Ok(ControlFlow::Break(())),
        )
    }
}

fn bind<'p>(params: &'p [Param<'_>]) -> Vec<&'p (dyn ToSql + Sync)> {
    params
        .iter()
        .map(|param| param as &(dyn ToSql + Sync))
        .collect()
}

impl ToSql for Param<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Param::Null => Ok(IsNull::Yes),
            Param::Int(n) => n.to_sql(ty, out),
            Param::Text(text) => text.to_sql(ty, out),
            Param::Blob(octets) => octets.to_sql(ty, out),
            Param::Id(id) => id.as_slice().to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT8 | Type::TEXT | Type::BYTEA)
    }

    postgres::types::to_sql_checked!();
}

/// Tells watchers what other processes commit. Only accounts that somebody watches are asked for, in one statement; NOTIFY would instead
/// make all commits of all processes wait for each other.
fn poll_loop(mut connection: Connection, stop: &Receiver<()>, context: &Context) {
    let mut newest = None;
    while stop.recv_timeout(POLL) == Err(RecvTimeoutError::Timeout) {
        let watched = context.watchers.watched();
        if watched.is_empty() && !context.watchers.queue_is_watched() {
            continue;
        }
        match poll(&mut connection, &watched, context) {
            Ok(queued) => {
                if newest.as_ref().is_some_and(|known| *known != queued) {
                    context.watchers.tell_queue();
                }
                newest = Some(queued);
            }
            Err(e) => tracing::debug!("cannot look for changes by other processes: {e}"),
        }
    }
}

/// The newest id in the queue.
type Newest = Option<Vec<u8>>;

fn poll(connection: &mut Connection, watched: &[AccountId], context: &Context) -> Result<Newest> {
    let client = connection.client()?;
    let ids: Vec<Vec<u8>> = watched
        .iter()
        .map(|id| id.as_u128().to_be_bytes().to_vec())
        .collect();
    let rows = client
        .query("SELECT id, modseq FROM account WHERE id = ANY($1)", &[&ids])
        .map_err(|e| failed(&e))?;
    for row in &rows {
        let row = Row::Postgres(row);
        context
            .watchers
            .tell(AccountId::from_u128(row.id(0)?), ModSeq(row.number(1)?));
    }
    let newest = client
        .query_opt("SELECT id FROM queue ORDER BY id DESC LIMIT 1", &[])
        .map_err(|e| failed(&e))?;
    Ok(newest.map(|row| row.get(0)))
}

/// A column that does not hold what the statement's author expects.
pub(super) fn broken_row(error: postgres::Error) -> Error {
    Error::Corrupt(format!(
        "unexpected value in the database: {}",
        words(&error)
    ))
}

/// Whose fault an error of PostgreSQL is.
fn failed(error: &postgres::Error) -> Error {
    let said = words(error);
    let Some(state) = error.code() else {
        return Error::Unavailable(said);
    };
    // Classes: 08 connection, 40 conflict, 53 resources, 57 operator intervention, 58 system error, XX internal.
    match (state, &state.code()[..2]) {
        (&SqlState::DISK_FULL, _) => Error::Full(said),
        (_, "08" | "40" | "53" | "57" | "58") => Error::Unavailable(said),
        (&SqlState::READ_ONLY_SQL_TRANSACTION, _) => Error::Bug(said),
        (_, "XX") => Error::Corrupt(said),
        _ => Error::Bug(said),
    }
}

fn is_conflict(error: &postgres::Error) -> bool {
    matches!(
        error.code(),
        Some(&SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED)
    )
}

/// The error with its cause: the crate's own text leaves the server's words out.
fn words(error: &postgres::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

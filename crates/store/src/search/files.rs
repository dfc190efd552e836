//! The index of each account as a SQLite file with an FTS5 table, beside the database. A file that is damaged or of another format counts as
//! none and is removed by the next who writes.

use super::{Batch, Candidates, FORMAT, Question, State, Text, trigram};
use crate::engine::sqlite::{failed, keep_plans};
use crate::{AccountId, Error, MailboxId, MessageId, ModSeq, Result};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Files kept open for searching.
const OPEN: usize = 32;
/// Page cache of each, in KiB.
const CACHE_KIB: i32 = 512;

const SCHEMA: &str = "
    CREATE TABLE mailbox (n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, complete INTEGER NOT NULL);
    -- open: its text is too long to be in the index, so it may hold anything.
    CREATE TABLE doc (n INTEGER PRIMARY KEY, message BLOB NOT NULL UNIQUE, open INTEGER NOT NULL);
    CREATE INDEX doc_open ON doc (n) WHERE open = 1;
    CREATE TABLE place (doc INTEGER NOT NULL, mailbox INTEGER NOT NULL, uid INTEGER NOT NULL,
        PRIMARY KEY (doc, mailbox, uid)) WITHOUT ROWID;
    -- modseq: what happened up to it has been looked at. newest: where the account stood when the latest messages were read.
    CREATE TABLE progress (modseq INTEGER NOT NULL, newest INTEGER NOT NULL);
    INSERT INTO progress (modseq, newest) VALUES (0, 0);
    CREATE VIRTUAL TABLE texts USING fts5(t, content='', detail=none, columnsize=0, tokenize='trigram case_sensitive 1');
";

type Shared = Arc<Mutex<Connection>>;

/// The files of all accounts.
pub(crate) struct Files {
    folder: PathBuf,
    open: Mutex<HashMap<AccountId, Shared>>,
    /// One writes at a time, so that no file is removed under another's hands.
    writing: Mutex<()>,
    /// Up to where each index has been filled, once that was looked up: a folder of ten thousand is not read every minute.
    progress: Mutex<Option<BTreeMap<AccountId, ModSeq>>>,
}

impl Files {
    pub(super) fn new(folder: PathBuf) -> Files {
        Files {
            folder,
            open: Mutex::default(),
            writing: Mutex::default(),
            progress: Mutex::default(),
        }
    }

    pub(super) fn state(&self, account: AccountId) -> Result<Option<State>> {
        self.reading(account, |index| {
            let modseq: i64 =
                index.query_row("SELECT modseq FROM progress", [], |row| row.get(0))?;
            let messages: i64 =
                index.query_row("SELECT COUNT(*) FROM doc", [], |row| row.get(0))?;
            Ok(State {
                modseq: ModSeq(modseq.unsigned_abs()),
                messages: messages.unsigned_abs(),
                bytes: std::fs::metadata(self.path(account)).map_or(0, |file| file.len()),
            })
        })
    }

    pub(super) fn complete(&self, account: AccountId, mailbox: MailboxId) -> Result<u32> {
        let complete = self.reading(account, |index| complete(index, mailbox))?;
        Ok(complete.flatten().map_or(0, |(_, uid)| uid))
    }

    pub(super) fn known(
        &self,
        account: AccountId,
        messages: &[MessageId],
    ) -> Result<HashSet<MessageId>> {
        let known = self.reading(account, |index| {
            let mut known = HashSet::new();
            let mut look = index.prepare_cached("SELECT 1 FROM doc WHERE message = ?1")?;
            for message in messages {
                if look.exists(params![octets(message.as_u128())])? {
                    known.insert(*message);
                }
            }
            Ok(known)
        })?;
        Ok(known.unwrap_or_default())
    }

    pub(super) fn candidates(&self, question: &Question) -> Result<Option<Vec<Candidates>>> {
        let found = self.reading(question.account, |index| {
            let newest: u64 =
                index.query_row("SELECT newest FROM progress", [], |row| row.get(0))?;
            if newest > question.now.0 {
                return Ok(None);
            }
            let Some((number, complete)) = complete(index, question.mailbox)? else {
                return Ok(Some(vec![Candidates::default(); question.texts.len()]));
            };
            let texts = question.texts.iter();
            texts
                .map(|text| holding(index, (number, complete), text, question.most))
                .collect::<rusqlite::Result<_>>()
                .map(Some)
        })?;
        Ok(found.flatten())
    }

    pub(super) fn accounts(&self) -> Result<Vec<(AccountId, ModSeq)>> {
        let known = self.progress().clone();
        let known = match known {
            Some(known) => known,
            None => {
                let found = self.look()?;
                self.progress().get_or_insert(found).clone()
            }
        };
        Ok(known.into_iter().collect())
    }

    /// Which indexes there are, by their files.
    fn look(&self) -> Result<BTreeMap<AccountId, ModSeq>> {
        let mut found = BTreeMap::new();
        let files = match std::fs::read_dir(&self.folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(found),
            files => files?,
        };
        for file in files {
            let name = file?.file_name();
            let account = name.to_str().and_then(|name| name.strip_suffix(".db"));
            if let Some(account) = account.and_then(|account| account.parse().ok()) {
                // One that cannot be used counts as empty, and is made anew.
                let state = self.state(account)?.unwrap_or_default();
                found.insert(account, state.modseq);
            }
        }
        Ok(found)
    }

    pub(super) fn begin(&self, account: AccountId) -> Result<()> {
        self.writing(account, |_| Ok(()))?;
        self.note(account, ModSeq(0));
        Ok(())
    }

    pub(super) fn add(&self, account: AccountId, batch: &Batch) -> Result<bool> {
        let added = self.writing(account, |index| {
            let (mailbox, complete) = numbered(index, batch.mailbox)?;
            if complete < batch.after {
                return Ok(false);
            }
            for message in &batch.messages {
                let doc = document(index, message.message, &message.text)?;
                index
                    .prepare_cached(
                        "INSERT OR IGNORE INTO place (doc, mailbox, uid) VALUES (?1, ?2, ?3)",
                    )?
                    .execute(params![doc, mailbox, message.uid.0])?;
            }
            index.execute(
                "UPDATE mailbox SET complete = ?2 WHERE n = ?1 AND complete < ?2",
                params![mailbox, batch.complete],
            )?;
            index.execute(
                "UPDATE progress SET newest = MAX(newest, ?1)",
                params![number(batch.as_of)],
            )?;
            Ok(true)
        })?;
        self.note(account, ModSeq(0));
        Ok(added)
    }

    pub(super) fn caught_up(&self, account: AccountId, modseq: ModSeq) -> Result<()> {
        self.writing(account, |index| {
            index.execute(
                "UPDATE progress SET modseq = ?1, newest = MAX(newest, ?1)",
                params![number(modseq)],
            )?;
            Ok(())
        })?;
        if let Some(known) = self.progress().as_mut() {
            known.insert(account, modseq);
        }
        Ok(())
    }

    /// The account has an index now.
    fn note(&self, account: AccountId, modseq: ModSeq) {
        if let Some(known) = self.progress().as_mut() {
            known.entry(account).or_insert(modseq);
        }
    }

    fn progress(&self) -> MutexGuard<'_, Option<BTreeMap<AccountId, ModSeq>>> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn remove(&self, account: AccountId) -> Result<()> {
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.unlink(account)
    }

    fn unlink(&self, account: AccountId) -> Result<()> {
        self.open().remove(&account);
        if let Some(known) = self.progress().as_mut() {
            known.remove(&account);
        }
        let path = self.path(account);
        for suffix in ["", "-wal", "-shm"] {
            let mut file = path.clone().into_os_string();
            file.push(suffix);
            match std::fs::remove_file(file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error.into());
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The account is gone; so may its index be, now or with the next `reindex`.
    pub(crate) fn forget(&self, account: AccountId) {
        if let Err(error) = self.remove(account) {
            tracing::warn!(%account, %error, "the search index of a removed account stays");
        }
    }

    fn path(&self, account: AccountId) -> PathBuf {
        self.folder.join(format!("{account}.db"))
    }

    fn open(&self) -> MutexGuard<'_, HashMap<AccountId, Shared>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` on the account's file; `None` if there is none that can be used.
    fn reading<T>(
        &self,
        account: AccountId,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        let Some(index) = self.reader(account)? else {
            return Ok(None);
        };
        let connection = index.lock().unwrap_or_else(PoisonError::into_inner);
        match work(&connection) {
            Ok(value) => Ok(Some(value)),
            Err(error) => match failed(error) {
                Error::Corrupt(why) => {
                    tracing::warn!(%account, %why, "the search index is damaged and not used");
                    self.open().remove(&account);
                    Ok(None)
                }
                other => Err(other),
            },
        }
    }

    fn reader(&self, account: AccountId) -> Result<Option<Shared>> {
        if let Some(known) = self.open().get(&account) {
            return Ok(Some(known.clone()));
        }
        let path = self.path(account);
        if !path.exists() {
            return Ok(None);
        }
        let Some(connection) = usable(&path)? else {
            return Ok(None);
        };
        let shared = Arc::new(Mutex::new(connection));
        let mut open = self.open();
        if open.len() >= OPEN {
            open.clear();
        }
        open.insert(account, shared.clone());
        Ok(Some(shared))
    }

    /// Runs `work` in a transaction on the account's file, which is made if there is none that can be used.
    fn writing<T>(
        &self,
        account: AccountId,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut connection = self.writer(account)?;
        let written = connection.transaction().and_then(|transaction| {
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        });
        written.map_err(failed)
    }

    fn writer(&self, account: AccountId) -> Result<Connection> {
        crate::body::files::make_folder(&self.folder)?;
        let path = self.path(account);
        if path.exists() {
            if let Some(connection) = usable(&path)? {
                return Ok(connection);
            }
            self.unlink(account)?;
        }
        let connection = connect(&path).map_err(failed)?;
        let made = connection
            .execute_batch(SCHEMA)
            .and_then(|()| connection.pragma_update(None, "user_version", FORMAT));
        made.map_err(failed)?;
        Ok(connection)
    }
}

/// Derived data need not survive a power cut, only be whole after one: the log is not synced at each commit.
fn connect(path: &std::path::Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    keep_plans(&connection)?;
    connection.execute_batch(&format!(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA mmap_size=0; PRAGMA cache_size=-{CACHE_KIB};"
    ))?;
    Ok(connection)
}

/// A file of today's format; `None` if it is of another, or damaged.
fn usable(path: &std::path::Path) -> Result<Option<Connection>> {
    let opened = connect(path).and_then(|connection| {
        let format =
            connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))?;
        Ok((format == FORMAT).then_some(connection))
    });
    match opened.map_err(failed) {
        Err(Error::Corrupt(_)) => Ok(None),
        opened => opened,
    }
}

fn number(modseq: ModSeq) -> i64 {
    i64::try_from(modseq.0).unwrap_or(i64::MAX)
}

fn octets(id: u128) -> [u8; 16] {
    id.to_be_bytes()
}

/// A mailbox's number in the file, and up to which UID it is complete.
fn complete(index: &Connection, mailbox: MailboxId) -> rusqlite::Result<Option<(i64, u32)>> {
    index
        .prepare_cached("SELECT n, complete FROM mailbox WHERE id = ?1")?
        .query_row(params![octets(mailbox.as_u128())], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()
}

/// The same, with a number for a mailbox that has none yet.
fn numbered(index: &Connection, mailbox: MailboxId) -> rusqlite::Result<(i64, u32)> {
    if let Some(known) = complete(index, mailbox)? {
        return Ok(known);
    }
    index.execute(
        "INSERT INTO mailbox (id, complete) VALUES (?1, 0)",
        params![octets(mailbox.as_u128())],
    )?;
    Ok((index.last_insert_rowid(), 0))
}

/// The number of a message in the file; it is put in if it is new.
fn document(index: &Connection, message: MessageId, text: &Text) -> rusqlite::Result<i64> {
    let known = index
        .prepare_cached("SELECT n FROM doc WHERE message = ?1")?
        .query_row(params![octets(message.as_u128())], |row| row.get(0))
        .optional()?;
    if let Some(number) = known {
        return Ok(number);
    }
    // Whoever believed it known was wrong: then it may hold anything.
    let folded = match text {
        Text::Folded(folded) => Some(folded),
        Text::Known | Text::TooLong => None,
    };
    index
        .prepare_cached("INSERT INTO doc (message, open) VALUES (?1, ?2)")?
        .execute(params![octets(message.as_u128()), folded.is_none()])?;
    let number = index.last_insert_rowid();
    if let Some(folded) = folded {
        // FTS5 reads up to a NUL; nobody can search for one.
        let folded = folded.replace('\0', " ");
        index
            .prepare_cached("INSERT INTO texts (rowid, t) VALUES (?1, ?2)")?
            .execute(params![number, folded])?;
    }
    Ok(number)
}

/// Messages of a mailbox, known by its number and up to which UID it is complete, that may hold a text.
fn holding(
    index: &Connection,
    (mailbox, complete): (i64, u32),
    text: &str,
    most: usize,
) -> rusqlite::Result<Candidates> {
    if !trigram::is_searchable(text) {
        return Ok(Candidates::default());
    }
    let mut found = index.prepare_cached(
        "SELECT p.uid FROM texts CROSS JOIN place p ON p.doc = texts.rowid AND p.mailbox = ?2 WHERE texts MATCH ?1 \
         UNION ALL SELECT p.uid FROM doc d CROSS JOIN place p ON p.doc = d.n AND p.mailbox = ?2 WHERE d.open = 1 LIMIT ?3",
    )?;
    let limit = i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1);
    let rows = found.query_map(params![trigram::all_of(text), mailbox, limit], |row| {
        row.get(0)
    })?;
    let uids: Vec<u32> = rows.collect::<rusqlite::Result<_>>()?;
    Ok(Candidates::new(complete, uids, most))
}

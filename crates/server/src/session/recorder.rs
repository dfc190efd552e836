//! Writes down what the mail programs of one account and the server say to each other, for a while, so that somebody who knows can see what goes
//! wrong (catalogue W18). What people wrote is not in it: [`imap::redact`] says what is shown.
//!
//! A session joins with its next command. Lines go through a channel to one task for each record, so that no session waits for the disk; what
//! the task cannot keep up with is left out, and the record says so.

use crate::services::Clock;
use imap::redact::{self, Redactor};
use jiff::Timestamp;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::AccountId;
use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Lines that wait to be written.
const WAITING: usize = 1024;
/// Octets of a record; there it ends.
const LARGEST: usize = 16 * 1024 * 1024;

/// The records that are being made. Clones share them.
#[derive(Clone, Default)]
pub struct Recorder(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// Whether there is any: all that a command costs when there is none.
    any: AtomicBool,
    open: Mutex<HashMap<AccountId, Record>>,
}

struct Record {
    until: Timestamp,
    lines: Sender<String>,
    sessions: Arc<AtomicUsize>,
    /// Ends it when the record is dropped.
    _ends: DropGuard,
}

/// A session's part in a record.
pub struct Tape {
    until: Timestamp,
    lines: Sender<String>,
    number: usize,
    /// Lines that found no room.
    lost: usize,
    clock: Arc<dyn Clock>,
    redactor: Redactor,
    /// What the server said since its last whole line.
    line: String,
}

impl Recorder {
    /// Begins a record of the account in a new file in this folder, until then. One that is being made of it ends.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub async fn begin(
        &self,
        account: AccountId,
        until: Timestamp,
        folder: &Path,
        clock: &Arc<dyn Clock>,
    ) -> std::io::Result<PathBuf> {
        let begun = clock.now();
        let (path, file) = create(folder, begun).await?;
        let (lines, waiting) = mpsc::channel(WAITING);
        let ended = CancellationToken::new();
        let _ = lines.try_send(format!(
            "What a mail program (C) and Pennyblack {} (S) said to each other, from {begun} to {until} at most.\n\
             Texts that people wrote are left out: <5> is a word of five octets.\n\n",
            env!("CARGO_PKG_VERSION")
        ));
        let record = Record {
            until,
            lines,
            sessions: Arc::default(),
            _ends: ended.clone().drop_guard(),
        };
        self.records().insert(account, record);
        self.0.any.store(true, Ordering::Relaxed);
        let (recorder, clock) = (self.clone(), clock.clone());
        tokio::spawn(async move {
            let over = async {
                tokio::select! {
                    () = ended.cancelled() => {}
                    () = clock.reached(until) => {}
                }
            };
            write(file, waiting, over).await;
            recorder.forget(account, until);
        });
        Ok(path)
    }

    /// Ends the record of an account; whether there was one.
    pub fn end(&self, account: AccountId) -> bool {
        let mut records = self.records();
        let ended = records.remove(&account).is_some();
        self.0.any.store(!records.is_empty(), Ordering::Relaxed);
        ended
    }

    /// A session of the account takes part, if there is a record. `program`: what it calls itself.
    pub fn join(
        &self,
        account: AccountId,
        program: Option<&str>,
        clock: &Arc<dyn Clock>,
    ) -> Option<Tape> {
        if !self.0.any.load(Ordering::Relaxed) {
            return None;
        }
        let records = self.records();
        let record = records.get(&account)?;
        let mut tape = Tape {
            until: record.until,
            lines: record.lines.clone(),
            number: record.sessions.fetch_add(1, Ordering::Relaxed) + 1,
            lost: 0,
            clock: clock.clone(),
            redactor: Redactor::new(),
            line: String::new(),
        };
        drop(records);
        let program = program.unwrap_or("a program without a name");
        tape.tell(&format!("this is {}", program.escape_debug()));
        Some(tape)
    }

    fn forget(&self, account: AccountId, until: Timestamp) {
        let mut records = self.records();
        if records.get(&account).is_some_and(|own| own.until == until) {
            records.remove(&account);
        }
        self.0.any.store(!records.is_empty(), Ordering::Relaxed);
    }

    fn records(&self) -> MutexGuard<'_, HashMap<AccountId, Record>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tape {
    /// Whether there is still somebody who writes.
    pub fn runs(&self) -> bool {
        !self.lines.is_closed() && self.clock.now() < self.until
    }

    /// The client sent this command.
    pub fn client(&mut self, command: &[u8]) {
        let shown = redact::command(command);
        if let Some((tag, _)) = shown.split_once(' ').filter(|_| !shown.starts_with('<')) {
            self.redactor.expects(tag);
        }
        self.tell(&format!("C: {shown}"));
    }

    /// The client begins to send a message by APPEND or REPLACE.
    pub fn append(&mut self, tag: &imap::Tag) {
        let tag = tag.to_string();
        self.redactor.expects(&tag);
        self.tell(&format!("C: {tag} APPEND …"));
    }

    /// Octets that the server sends.
    pub fn server(&mut self, octets: &[u8]) {
        self.redactor.feed(octets, &mut self.line);
        let Some(end) = self.line.rfind('\n') else {
            return;
        };
        let rest = self.line.split_off(end + 1);
        for line in std::mem::replace(&mut self.line, rest).lines() {
            self.tell(&format!("S: {line}"));
        }
    }

    /// A line of the record.
    pub fn tell(&mut self, what: &str) {
        let time = self.clock.now().strftime("%H:%M:%S%.3f").to_string();
        let mut line = String::new();
        if self.lost > 0 {
            let _ = writeln!(
                line,
                "{time} [{}] {} lines are missing",
                self.number, self.lost
            );
        }
        let _ = writeln!(line, "{time} [{}] {what}", self.number);
        match self.lines.try_send(line) {
            Ok(()) => self.lost = 0,
            Err(_) => self.lost += 1,
        }
    }
}

/// A file that nobody else can read.
async fn create(folder: &Path, now: Timestamp) -> std::io::Result<(PathBuf, File)> {
    tokio::fs::create_dir_all(folder).await?;
    let path = folder.join(format!("record-{}.txt", now.strftime("%Y%m%dT%H%M%S%.3f")));
    let mut options = File::options();
    let file = options.write(true).create_new(true).mode(0o600).open(&path);
    Ok((path.clone(), file.await?))
}

/// Writes what comes until it is over, or enough; what was said before is written still.
async fn write(mut file: File, mut waiting: Receiver<String>, over: impl Future<Output = ()>) {
    let mut over = std::pin::pin!(over);
    let mut left = LARGEST;
    loop {
        let line = tokio::select! {
            line = waiting.recv() => line,
            () = &mut over, if !waiting.is_closed() => {
                waiting.close();
                continue;
            }
        };
        let Some(line) = line else { return };
        let written = async {
            file.write_all(line.as_bytes()).await?;
            file.flush().await
        };
        if let Err(error) = written.await {
            tracing::warn!(%error, "a record of a conversation cannot be written");
            return;
        }
        match left.checked_sub(line.len()) {
            Some(less) => left = less,
            None => return,
        }
    }
}

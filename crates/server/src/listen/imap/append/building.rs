//! Messages on their way into a mailbox: from the steps of an APPEND to what the store takes in.

use super::catenate;
use crate::listen::imap::connection::{Connection, Ended};
use crate::listen::imap::failure::Failure;
use crate::listen::imap::flags;
use crate::listen::imap::internal_date;
use crate::listen::imap::state::Account;
use crate::listen::imap::view::View;
use ::message::{Scanner, Summary};
use ::store::body::{Staged, Staging};
use ::store::entry::{Flags, InternalDate, NewEntry, Place, QuotaRule};
use imap::append::{Announced, Form, Step};
use imap::date::DateTime;
use imap::response::{Code, Status};

/// Messages in one command.
const MAX_MESSAGES: usize = 1000;
/// Octets that complete messages of one command may hold in memory until they are committed; larger ones are in files.
const MAX_HELD: u64 = 16 * 1024 * 1024;
/// What of a message stays in memory at most.
const IN_MEMORY: u64 = 64 * 1024;

/// Why a command stopped.
pub(super) enum Stopped {
    /// Its answer; octets that were announced have not been taken.
    Before(Failure),
    /// The session ended.
    Ended(Ended),
}

impl<T: Into<Failure>> From<T> for Stopped {
    fn from(failed: T) -> Stopped {
        match failed.into() {
            Failure::End(ended) => Stopped::Ended(ended),
            answer => Stopped::Before(answer),
        }
    }
}

/// A message that is complete.
pub(super) struct Built {
    flags: Flags,
    keywords: Vec<String>,
    internal_date: InternalDate,
    body: Staged,
    summary: Summary,
}

impl Built {
    pub(super) fn into_entry(self, place: Place, quota: QuotaRule) -> NewEntry {
        NewEntry {
            account: place.account,
            mailbox: place.mailbox.mailbox,
            flags: self.flags,
            keywords: self.keywords,
            internal_date: self.internal_date,
            body: self.body,
            summary: self.summary,
            quota,
        }
    }
}

/// A message that is being put together.
pub(super) struct Message {
    flags: Flags,
    keywords: Vec<String>,
    internal_date: InternalDate,
    staging: Staging,
    scanner: Scanner,
}

impl Message {
    /// Adds octets.
    pub(super) async fn write(&mut self, octets: &[u8], limit: u64) -> Result<(), Failure> {
        if self.staging.len() + octets.len() as u64 > limit {
            return Err(too_big(limit).into());
        }
        self.scanner.feed(octets);
        Ok(self.staging.write(octets).await?)
    }
}

pub(super) fn too_big(limit: u64) -> Status {
    let text = format!("The message is too big; the limit is {limit} octets.");
    Status::no(text).code(Code::TooBig)
}

/// The messages of one command.
pub(super) struct Building {
    done: Vec<Built>,
    held: u64,
    now: Option<Message>,
    /// Octets of one message.
    limit: u64,
    /// Something went wrong while octets came: the rest of the command is read, and then this is its answer.
    failed: Option<Failure>,
}

impl Building {
    pub(super) fn new(connection: &Connection) -> Building {
        Building {
            done: Vec::new(),
            held: 0,
            now: None,
            limit: connection.services.config.load().limits.message_size,
            failed: None,
        }
    }

    /// Takes steps; the octets that the last one may announce, too.
    pub(super) async fn take(
        &mut self,
        connection: &mut Connection,
        account: &Account,
        view: Option<&View>,
        steps: Vec<Step>,
    ) -> Result<(), Stopped> {
        if let Some(failed) = self.failed.take() {
            return Err(failed.into());
        }
        for step in steps {
            match step {
                Step::Begin(flags, date) => self.begin(connection, &flags, date)?,
                Step::Url(url) => self.url(connection, account, view, &url).await?,
                Step::Octets(announced) => self.octets(connection, announced).await?,
                Step::End => self.end().await?,
            }
        }
        Ok(())
    }

    /// All messages, or why there are none.
    pub(super) fn finish(self) -> Result<Vec<Built>, Failure> {
        match self.failed {
            Some(failed) => Err(failed),
            None => Ok(self.done),
        }
    }

    fn begin(
        &mut self,
        connection: &Connection,
        flags: &[imap::Flag],
        date: Option<DateTime>,
    ) -> Result<(), Failure> {
        if self.done.len() >= MAX_MESSAGES || self.held >= MAX_HELD {
            let status = Status::no("That are too many messages for one command.");
            return Err(status.code(Code::Limit).into());
        }
        let internal_date = match date {
            Some(date) => internal_date::to_store(date)?,
            None => connection.services.clock.now().into(),
        };
        let (flags, keywords) = flags::to_store(flags);
        self.now = Some(Message {
            flags,
            keywords,
            internal_date,
            staging: connection.services.store.stage(),
            scanner: Scanner::new(),
        });
        Ok(())
    }

    async fn url(
        &mut self,
        connection: &Connection,
        account: &Account,
        view: Option<&View>,
        url: &str,
    ) -> Result<(), Failure> {
        match &mut self.now {
            Some(message) => {
                catenate::copy(connection, account, view, url, message, self.limit).await
            }
            None => Ok(()),
        }
    }

    /// Takes octets that the client sends. Only what is wrong before they come stops here.
    async fn octets(
        &mut self,
        connection: &mut Connection,
        announced: Announced,
    ) -> Result<(), Stopped> {
        let Some(mut message) = self.now.take() else {
            return Ok(());
        };
        if message.staging.len().saturating_add(announced.size) > self.limit {
            return Err(too_big(self.limit).into());
        }
        if announced.form == Form::Utf8 && !connection.enabled.utf8 {
            return Err(Status::bad("UTF8=ACCEPT is to be enabled first.").into());
        }
        connection.accept_message(announced.literal);
        while let Some(octets) = connection.next_of_message().await? {
            if self.failed.is_some() {
                continue;
            }
            self.failed = match octets.contains(&0) {
                true => Some(holds_nul(announced.form).into()),
                false => message.write(&octets, self.limit).await.err(),
            };
        }
        self.now = Some(message);
        Ok(())
    }

    async fn end(&mut self) -> Result<(), Failure> {
        let Some(message) = self.now.take().filter(|_| self.failed.is_none()) else {
            return Ok(());
        };
        if message.staging.is_empty() {
            return Err(Status::no("An empty message is not kept.").into());
        }
        self.held += message.staging.len().min(IN_MEMORY);
        let body = message.staging.finish(&[]).await?;
        self.done.push(Built {
            flags: message.flags,
            keywords: message.keywords,
            internal_date: message.internal_date,
            body,
            summary: message.scanner.finish(),
        });
        Ok(())
    }
}

/// RFC 3501 §9: a literal holds no NUL. To store one would be to send one later; RFC 3516 §4.4 lets a server say so.
fn holds_nul(form: Form) -> Status {
    match form {
        Form::Binary => Status::no("A message with NUL octets is not kept; encode that part.")
            .code(Code::UnknownCte),
        _ => Status::bad("The message holds a NUL octet."),
    }
}

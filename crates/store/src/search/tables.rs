//! The index in tables of PostgreSQL, with the trigrams of `pg_trgm`. The tables are made when they are first needed; where the extension
//! cannot be had, the first who writes is told so.

use super::{Batch, Candidates, FORMAT, Indexed, Question, State, Text, trigram};
use crate::engine::params;
use crate::tx::Tx;
use crate::{AccountId, MailboxId, MessageId, ModSeq, Result};
use std::collections::HashSet;

const SCHEMA: &str = "
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE TABLE IF NOT EXISTS search_progress (account BYTEA PRIMARY KEY, format BIGINT NOT NULL, modseq BIGINT NOT NULL,
        newest BIGINT NOT NULL);
    CREATE TABLE IF NOT EXISTS search_mailbox (account BYTEA NOT NULL, mailbox BYTEA NOT NULL, complete BIGINT NOT NULL,
        PRIMARY KEY (account, mailbox));
    CREATE TABLE IF NOT EXISTS search_text (account BYTEA NOT NULL, message BYTEA NOT NULL, t TEXT,
        PRIMARY KEY (account, message));
    CREATE TABLE IF NOT EXISTS search_place (account BYTEA NOT NULL, message BYTEA NOT NULL, mailbox BYTEA NOT NULL, uid BIGINT NOT NULL,
        PRIMARY KEY (account, message, mailbox, uid));
    CREATE INDEX IF NOT EXISTS search_text_trigrams ON search_text USING gin (t gin_trgm_ops);
";

/// Are the tables there?
fn exist(tx: &mut Tx<'_>) -> Result<bool> {
    let found = tx.one(
        "SELECT COUNT(*) FROM pg_class WHERE relname = 'search_progress' AND pg_table_is_visible(oid)",
        &[],
        |row| row.int(0),
    )?;
    Ok(found.unwrap_or(0) > 0)
}

/// How far an index of today's format is: what was looked at, and what it knows of.
fn progress(tx: &mut Tx<'_>, account: AccountId) -> Result<Option<(ModSeq, ModSeq)>> {
    if !exist(tx)? {
        return Ok(None);
    }
    tx.one(
        "SELECT modseq, newest FROM search_progress WHERE account = $1 AND format = $2",
        params![account, FORMAT],
        |row| Ok((ModSeq(row.number(0)?), ModSeq(row.number(1)?))),
    )
}

pub(super) fn state(tx: &mut Tx<'_>, account: AccountId) -> Result<Option<State>> {
    let Some((modseq, _)) = progress(tx, account)? else {
        return Ok(None);
    };
    let messages = tx.one(
        "SELECT COUNT(*) FROM search_text WHERE account = $1",
        params![account],
        |row| row.number(0),
    )?;
    Ok(Some(State {
        modseq,
        messages: messages.unwrap_or(0),
        bytes: 0,
    }))
}

pub(super) fn complete(tx: &mut Tx<'_>, account: AccountId, mailbox: MailboxId) -> Result<u32> {
    match progress(tx, account)? {
        None => Ok(0),
        Some(_) => complete_in(tx, account, mailbox),
    }
}

fn complete_in(tx: &mut Tx<'_>, account: AccountId, mailbox: MailboxId) -> Result<u32> {
    let complete = tx.one(
        "SELECT complete FROM search_mailbox WHERE account = $1 AND mailbox = $2",
        params![account, mailbox],
        |row| row.number(0),
    )?;
    Ok(complete.unwrap_or(0))
}

pub(super) fn known(
    tx: &mut Tx<'_>,
    account: AccountId,
    messages: &[MessageId],
) -> Result<HashSet<MessageId>> {
    let mut known = HashSet::new();
    if progress(tx, account)?.is_none() {
        return Ok(known);
    }
    for message in messages {
        let found = tx.one(
            "SELECT 1 FROM search_text WHERE account = $1 AND message = $2",
            params![account, *message],
            |_| Ok(()),
        )?;
        known.extend(found.map(|()| *message));
    }
    Ok(known)
}

pub(super) fn accounts(tx: &mut Tx<'_>) -> Result<Vec<(AccountId, ModSeq)>> {
    if !exist(tx)? {
        return Ok(Vec::new());
    }
    tx.all(
        "SELECT account, modseq FROM search_progress WHERE format = $1 ORDER BY account",
        params![FORMAT],
        |row| Ok((AccountId::from_u128(row.id(0)?), ModSeq(row.number(1)?))),
    )
}

pub(super) fn add(tx: &mut Tx<'_>, account: AccountId, batch: &Batch) -> Result<bool> {
    begin(tx, account)?;
    if complete_in(tx, account, batch.mailbox)? < batch.after {
        return Ok(false);
    }
    for message in &batch.messages {
        put(tx, account, batch.mailbox, message)?;
    }
    tx.execute(
        "INSERT INTO search_mailbox (account, mailbox, complete) VALUES ($1, $2, $3) \
         ON CONFLICT (account, mailbox) DO UPDATE SET complete = GREATEST(search_mailbox.complete, excluded.complete)",
        params![account, batch.mailbox, batch.complete],
    )?;
    tx.execute(
        "UPDATE search_progress SET newest = GREATEST(newest, $2) WHERE account = $1",
        params![account, batch.as_of],
    )?;
    Ok(true)
}

fn put(tx: &mut Tx<'_>, account: AccountId, mailbox: MailboxId, message: &Indexed) -> Result<()> {
    let text = match &message.text {
        // PostgreSQL's texts hold no NUL; nobody can search for one either.
        Text::Folded(folded) => Some(folded.replace('\0', " ")),
        // Whoever believes it known is right, or it may hold anything.
        Text::Known | Text::TooLong => None,
    };
    tx.execute(
        "INSERT INTO search_text (account, message, t) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        params![account, message.message, text.as_ref()],
    )?;
    tx.execute(
        "INSERT INTO search_place (account, message, mailbox, uid) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        params![account, message.message, mailbox, message.uid],
    )?;
    Ok(())
}

/// Makes the tables and the account's row; an index of another format goes.
pub(super) fn begin(tx: &mut Tx<'_>, account: AccountId) -> Result<()> {
    if !exist(tx)? {
        tx.batch(SCHEMA)?;
    }
    if progress(tx, account)?.is_none() {
        remove(tx, account)?;
        tx.execute(
            "INSERT INTO search_progress (account, format, modseq, newest) VALUES ($1, $2, 0, 0)",
            params![account, FORMAT],
        )?;
    }
    Ok(())
}

pub(super) fn caught_up(tx: &mut Tx<'_>, account: AccountId, modseq: ModSeq) -> Result<()> {
    begin(tx, account)?;
    tx.execute(
        "UPDATE search_progress SET modseq = $2, newest = GREATEST(newest, $2) WHERE account = $1",
        params![account, modseq],
    )?;
    Ok(())
}

pub(super) fn remove(tx: &mut Tx<'_>, account: AccountId) -> Result<()> {
    if !exist(tx)? {
        return Ok(());
    }
    for table in [
        "DELETE FROM search_text WHERE account = $1",
        "DELETE FROM search_place WHERE account = $1",
        "DELETE FROM search_mailbox WHERE account = $1",
        "DELETE FROM search_progress WHERE account = $1",
    ] {
        tx.execute(table, params![account])?;
    }
    Ok(())
}

pub(super) fn candidates(tx: &mut Tx<'_>, question: &Question) -> Result<Option<Vec<Candidates>>> {
    match progress(tx, question.account)? {
        Some((_, newest)) if newest <= question.now => {}
        _ => return Ok(None),
    }
    let complete = complete_in(tx, question.account, question.mailbox)?;
    let mut all = Vec::with_capacity(question.texts.len());
    for text in &question.texts {
        all.push(match complete > 0 && trigram::is_searchable(text) {
            true => holding(tx, question, complete, text)?,
            false => Candidates::default(),
        });
    }
    Ok(Some(all))
}

fn holding(tx: &mut Tx<'_>, question: &Question, complete: u32, text: &str) -> Result<Candidates> {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    let pattern = format!("%{escaped}%");
    let uids: Vec<u32> = tx.all(
        "SELECT p.uid FROM search_text s JOIN search_place p ON p.account = s.account AND p.message = s.message \
         WHERE s.account = $1 AND p.mailbox = $2 AND p.uid <= $4 AND (s.t LIKE $3 OR s.t IS NULL) LIMIT $5",
        params![question.account, question.mailbox, &pattern, complete, question.most.saturating_add(1)],
        |row| row.number(0),
    )?;
    Ok(Candidates::new(complete, uids, question.most))
}

//! Verifies the invariants of a store, online: what is counted twice is compared, and every body is read and hashed.
//!
//! The tables are compared within the database, in one snapshot; the bodies are read page by page, so that a long check does not
//! hold on to an old snapshot.

use crate::body::BodyRef;
use crate::body::rows::{FILE, INLINE};
use crate::engine::{Row, params};
use crate::sweep::{idle_files, is_named};
use crate::tx::Tx;
use crate::{AccountId, Error, MailboxId, MessageId, Result, Store};
use std::ops::ControlFlow;

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// Accounts looked at.
    pub accounts: u64,
    /// Mailboxes looked at.
    pub mailboxes: u64,
    /// Messages looked at.
    pub messages: u64,
    /// Bodies whose hash was verified.
    pub bodies: u64,
    /// What is wrong, one sentence each; empty when all is well.
    pub faults: Vec<String>,
}

/// Faults listed at most; what is broken in ten thousand places needs no longer list.
const MOST_FAULTS: usize = 1000;
/// Rows of a page where a table is read in pages.
const PAGE: usize = 200;

impl Store {
    /// Checks everything: every listed message has a body whose hash matches; counts, sizes and quotas agree; no UID twice.
    pub async fn check(&self) -> Result<Report> {
        let mut report = self.read(tables).await?;
        self.check_summaries(&mut report).await?;
        self.check_bodies(&mut report).await?;
        report.faults.truncate(MOST_FAULTS);
        Ok(report)
    }

    /// Every summary can be read.
    async fn check_summaries(&self, report: &mut Report) -> Result<()> {
        let mut after = (AccountId::from_u128(0), MessageId::from_u128(0));
        loop {
            let (last, faults) = self.read(move |tx| summaries(tx, after)).await?;
            report.faults.extend(faults);
            let Some(last) = last else { return Ok(()) };
            after = last;
        }
    }

    /// Every body has the octets that its hash names.
    async fn check_bodies(&self, report: &mut Report) -> Result<()> {
        let mut after = Vec::new();
        loop {
            let start = after.clone();
            let page = self.read(move |tx| bodies_after(tx, &start)).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = last.hash.to_vec();
            for body in page {
                report.bodies += 1;
                if let Err(fault) = self.verify(&body).await? {
                    report
                        .faults
                        .push(format!("body {}: {fault}", hex(&body.hash)));
                }
            }
        }
    }

    /// Reads one body. The inner error is a fault of the body, the outer one of the check.
    async fn verify(&self, body: &BodyRef) -> Result<std::result::Result<(), String>> {
        let hashed = self.hash(body).await;
        match hashed {
            Ok(hash) if hash == body.hash => Ok(Ok(())),
            Ok(_) => Ok(Err("its octets do not have its hash".into())),
            Err(Error::Corrupt(why)) => Ok(Err(why)),
            // It may have been removed since it was listed.
            Err(Error::Missing(_)) => self.still_listed(body).await,
            Err(other) => Err(other),
        }
    }

    async fn hash(&self, body: &BodyRef) -> Result<[u8; 32]> {
        let mut hasher = self.context().vault.hasher();
        let mut reader = self.open_body(body).await?;
        while let Some(octets) = reader.next().await? {
            hasher.update(&octets);
        }
        Ok(*hasher.finalize().as_bytes())
    }

    async fn still_listed(&self, body: &BodyRef) -> Result<std::result::Result<(), String>> {
        let hash = body.hash;
        let listed = self
            .read(move |tx| {
                tx.one(
                    "SELECT refs FROM body WHERE hash = $1",
                    params![&hash],
                    |row| row.int(0),
                )
            })
            .await?;
        Ok(if listed.is_some() {
            Err("its file is missing".into())
        } else {
            Ok(())
        })
    }
}

fn bodies_after(tx: &mut Tx<'_>, after: &Vec<u8>) -> Result<Vec<BodyRef>> {
    tx.all(
        "SELECT hash, size FROM body WHERE hash > $1 ORDER BY hash LIMIT $2",
        params![after, PAGE],
        |row| {
            Ok(BodyRef {
                hash: row.array(0)?,
                size: row.number(1)?,
            })
        },
    )
}

type Place = (AccountId, MessageId);

/// Tries the summaries of one page; says which was the last.
fn summaries(tx: &mut Tx<'_>, after: Place) -> Result<(Option<Place>, Vec<String>)> {
    let page = tx.all(
        "SELECT account, message, summary FROM content WHERE (account, message) > ($1, $2) ORDER BY account, message LIMIT $3",
        params![after.0, after.1, PAGE],
        |row| {
            let place = (AccountId::from_u128(row.id(0)?), MessageId::from_u128(row.id(1)?));
            Ok((place, row.blob(2)?.to_vec()))
        },
    )?;
    let mut faults = Vec::new();
    for ((account, message), stored) in &page {
        if let Err(fault) = crate::entry::decode_summary(tx, *account, *message, stored) {
            faults.push(format!("account {account}: {fault}"));
        }
    }
    Ok((page.last().map(|(place, _)| *place), faults))
}

/// Compares the tables with each other and with the folder of bodies.
fn tables(tx: &mut Tx<'_>) -> Result<Report> {
    // Before the first statement: see there.
    let files = idle_files(tx)?;
    let mut report = Report {
        accounts: count(tx, "SELECT COUNT(*) FROM account")?,
        mailboxes: count(tx, "SELECT COUNT(*) FROM mailbox")?,
        messages: count(tx, "SELECT COUNT(*) FROM entry")?,
        ..Report::default()
    };
    let faults = &mut report.faults;
    mailbox_counters(tx, faults)?;
    account_counters(tx, faults)?;
    removed_counters(tx, faults)?;
    references(tx, faults)?;
    for (sql, fault) in IMPOSSIBLE {
        tx.each(sql, &[], |row| {
            faults.push(format!("{fault}: {}", names(row)?));
            Ok(if faults.len() < MOST_FAULTS {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            })
        })?;
    }
    for file in files {
        if !is_named(tx, &file)? && tx.context.files.exists(&file) {
            faults.push(format!("the file bodies/{file} belongs to no message"));
        }
    }
    Ok(report)
}

fn count(tx: &mut Tx<'_>, sql: &'static str) -> Result<u64> {
    Ok(tx.one(sql, &[], |row| row.number(0))?.unwrap_or_default())
}

/// Rows that must not exist, each named by one or two ids.
const IMPOSSIBLE: &[(&str, &str)] = &[
    (
        "SELECT e.account, e.mailbox FROM entry e JOIN mailbox m ON m.account = e.account AND m.id = e.mailbox \
         WHERE e.uid >= m.uid_next OR e.uid < 1 OR m.uid_next > 4294967295 GROUP BY e.account, e.mailbox",
        "an entry has a UID that its mailbox has not given yet (account, mailbox)",
    ),
    (
        "SELECT e.account, e.mailbox FROM entry e JOIN mailbox m ON m.account = e.account AND m.id = e.mailbox \
         WHERE e.modseq > m.modseq OR e.modseq < 1 GROUP BY e.account, e.mailbox",
        "an entry has a MODSEQ above that of its mailbox (account, mailbox)",
    ),
    (
        "SELECT m.account, m.id FROM mailbox m JOIN account a ON a.id = m.account WHERE m.modseq > a.modseq \
         OR m.uid_validity > a.uid_validity",
        "a mailbox has a MODSEQ or UIDVALIDITY above that of its account (account, mailbox)",
    ),
    (
        "SELECT m.account, m.id FROM mailbox m JOIN mailbox o ON o.account = m.account AND o.uid_validity = m.uid_validity \
         WHERE o.id <> m.id",
        "two mailboxes have the same UIDVALIDITY (account, one of them)",
    ),
    (
        "SELECT e.account, e.mailbox FROM entry e LEFT JOIN mailbox m ON m.account = e.account AND m.id = e.mailbox \
         WHERE m.id IS NULL GROUP BY e.account, e.mailbox",
        "entries are in a mailbox that does not exist (account, mailbox)",
    ),
    (
        "SELECT m.account, m.id FROM mailbox m LEFT JOIN account a ON a.id = m.account WHERE a.id IS NULL",
        "a mailbox belongs to no account (account, mailbox)",
    ),
    (
        "SELECT a.id, a.id FROM account a LEFT JOIN mailbox m ON m.account = a.id AND m.name = 'INBOX' WHERE m.id IS NULL",
        "an account has no INBOX (account)",
    ),
    (
        "SELECT e.account, e.message FROM entry e LEFT JOIN content c ON c.account = e.account AND c.message = e.message \
         WHERE c.message IS NULL OR c.size <> e.size",
        "a listed message is not stored, or has another size (account, message)",
    ),
    (
        "SELECT c.account, c.message FROM content c LEFT JOIN body b ON b.hash = c.body WHERE b.hash IS NULL OR b.size <> c.size",
        "a message has no body, or one of another size (account, message)",
    ),
    (
        "SELECT q.id, q.id FROM queue q LEFT JOIN body b ON b.hash = q.body WHERE b.hash IS NULL OR b.size <> q.size",
        "a queued message has no body, or one of another size (queue)",
    ),
    (
        "SELECT q.id, q.id FROM queue q LEFT JOIN queue_recipient r ON r.queue = q.id WHERE r.queue IS NULL",
        "a queued message has no recipients (queue)",
    ),
    (
        "SELECT r.queue, r.queue FROM queue_recipient r LEFT JOIN queue q ON q.id = r.queue WHERE q.id IS NULL",
        "a queued recipient has no message (queue)",
    ),
    (
        "SELECT c.account, c.account FROM change c LEFT JOIN account a ON a.id = c.account WHERE a.id IS NULL OR c.modseq > a.modseq",
        "the change log is ahead of its account (account)",
    ),
    (
        "SELECT c.account, c.account FROM change_mark c LEFT JOIN account a ON a.id = c.account WHERE a.id IS NULL OR c.modseq > a.modseq",
        "a mark of the change log is ahead of its account (account)",
    ),
    (
        "SELECT s.account, s.account FROM script s LEFT JOIN account a ON a.id = s.account WHERE a.id IS NULL",
        "a script belongs to no account (account)",
    ),
    (
        "SELECT account, account FROM script WHERE active = 1 GROUP BY account HAVING COUNT(*) > 1",
        "more than one script is active (account)",
    ),
    (
        "SELECT f.account, f.message FROM filing f LEFT JOIN content c ON c.account = f.account AND c.message = f.message \
         WHERE c.message IS NULL",
        "it is written down why a message was filed that is not there (account, message)",
    ),
    (
        "SELECT l.account, l.account FROM learned l LEFT JOIN account a ON a.id = l.account WHERE a.id IS NULL AND l.serial = 0 \
         AND (l.ham <> 0 OR l.spam <> 0)",
        "lessons are counted that belong to no account (account)",
    ),
    (
        "SELECT l.account, l.account FROM learned l WHERE l.serial = 0 AND (l.ham < 0 OR l.spam < 0)",
        "an account has learned less than nothing (account)",
    ),
    (
        "SELECT j.account, j.message FROM judgement j LEFT JOIN content c ON c.account = j.account AND c.message = j.message \
         WHERE c.message IS NULL",
        "it is written down how a message was judged that is not there (account, message)",
    ),
    (
        "SELECT s.account, s.mailbox FROM seen s LEFT JOIN entry e ON e.account = s.account AND e.mailbox = s.mailbox \
         AND e.uid = s.uid WHERE e.uid IS NULL GROUP BY s.account, s.mailbox",
        "a reader has seen a message that does not exist (account, mailbox)",
    ),
    (
        "SELECT r.account, r.message FROM removed r LEFT JOIN content c ON c.account = r.account AND c.message = r.message \
         WHERE c.message IS NULL OR c.size <> r.size",
        "a removed message is not stored, or has another size (account, message)",
    ),
    (
        "SELECT r.account, r.mailbox FROM removed r JOIN entry e ON e.account = r.account AND e.mailbox = r.mailbox \
         AND e.uid = r.uid GROUP BY r.account, r.mailbox",
        "a message is removed and listed under the same UID (account, mailbox)",
    ),
    (
        "SELECT r.account, r.mailbox FROM removed r LEFT JOIN mailbox m ON m.account = r.account AND m.id = r.mailbox \
         LEFT JOIN removed_mailbox g ON g.account = r.account AND g.mailbox = r.mailbox WHERE m.id IS NULL AND g.mailbox IS NULL \
         GROUP BY r.account, r.mailbox",
        "a removed message is of a mailbox that nobody knows (account, mailbox)",
    ),
    (
        "SELECT g.account, g.mailbox FROM removed_mailbox g LEFT JOIN account a ON a.id = g.account \
         LEFT JOIN mailbox m ON m.account = g.account AND m.id = g.mailbox WHERE a.id IS NULL OR m.id IS NOT NULL",
        "a mailbox is remembered as deleted that is there, or whose account is not (account, mailbox)",
    ),
    (
        "SELECT a.account, a.mailbox FROM acl a LEFT JOIN mailbox m ON m.account = a.account AND m.id = a.mailbox \
         WHERE m.id IS NULL",
        "a mailbox is shared that does not exist (account, mailbox)",
    ),
];

fn names(row: &Row<'_>) -> Result<String> {
    Ok(format!("{:032x}, {:032x}", row.id(0)?, row.id(1)?))
}

/// What a mailbox says of itself against what is in it.
fn mailbox_counters(tx: &mut Tx<'_>, faults: &mut Vec<String>) -> Result<()> {
    tx.each(
        "SELECT m.id, m.name, m.messages, m.unseen, m.deleted, m.bytes, COUNT(e.uid), \
         COALESCE(CAST(SUM(1 - e.flags % 2) AS BIGINT), 0), COALESCE(CAST(SUM(e.flags / 8 % 2) AS BIGINT), 0), \
         COALESCE(CAST(SUM(e.size) AS BIGINT), 0) \
         FROM mailbox m LEFT JOIN entry e ON e.account = m.account AND e.mailbox = m.id \
         GROUP BY m.account, m.id, m.name, m.messages, m.unseen, m.deleted, m.bytes",
        &[],
        |row| {
            let (id, name) = (MailboxId::from_u128(row.id(0)?), row.text(1)?);
            for (n, what) in ["messages", "unseen", "deleted", "bytes"].iter().enumerate() {
                let (says, has) = (row.int(2 + n)?, row.int(6 + n)?);
                if says != has {
                    faults.push(format!("mailbox {name} ({id}) counts {says} {what} and has {has}"));
                }
            }
            Ok(ControlFlow::Continue(()))
        },
    )
}

/// What an account says it uses against its mailboxes.
fn account_counters(tx: &mut Tx<'_>, faults: &mut Vec<String>) -> Result<()> {
    tx.each(
        "SELECT a.address, a.used_bytes, a.used_messages, COALESCE(CAST(SUM(m.bytes) AS BIGINT), 0), \
         COALESCE(CAST(SUM(m.messages) AS BIGINT), 0) \
         FROM account a LEFT JOIN mailbox m ON m.account = a.id GROUP BY a.id, a.address, a.used_bytes, a.used_messages",
        &[],
        |row| {
            let address = row.text(0)?;
            for (n, what) in ["bytes", "messages"].iter().enumerate() {
                let (says, has) = (row.int(1 + n)?, row.int(3 + n)?);
                if says != has {
                    faults.push(format!("account {address} counts {says} {what} and has {has}"));
                }
            }
            Ok(ControlFlow::Continue(()))
        },
    )
}

/// What an account says it has of removed messages.
fn removed_counters(tx: &mut Tx<'_>, faults: &mut Vec<String>) -> Result<()> {
    tx.each(
        "SELECT a.address, a.removed_bytes, a.removed_messages, COALESCE(CAST(SUM(r.size) AS BIGINT), 0), COUNT(r.uid) \
         FROM account a LEFT JOIN removed r ON r.account = a.id GROUP BY a.id, a.address, a.removed_bytes, a.removed_messages",
        &[],
        |row| {
            let address = row.text(0)?;
            for (n, what) in ["bytes", "messages"].iter().enumerate() {
                let (says, has) = (row.int(1 + n)?, row.int(3 + n)?);
                if says != has {
                    faults.push(format!("account {address} counts {says} removed {what} and has {has}"));
                }
            }
            Ok(ControlFlow::Continue(()))
        },
    )
}

/// Reference counts against the references.
fn references(tx: &mut Tx<'_>, faults: &mut Vec<String>) -> Result<()> {
    tx.each(
        "SELECT c.message, c.refs, COALESCE(r.n, 0) FROM content c LEFT JOIN \
         (SELECT account, message, COUNT(*) AS n FROM (SELECT account, message FROM entry UNION ALL \
         SELECT account, message FROM removed) AS used GROUP BY account, message) AS r \
         ON r.account = c.account AND r.message = c.message WHERE c.refs <> COALESCE(r.n, 0)",
        &[],
        |row| {
            let message = MessageId::from_u128(row.id(0)?);
            faults.push(format!(
                "message {message} counts {} entries and has {}",
                row.int(1)?,
                row.int(2)?
            ));
            Ok(ControlFlow::Continue(()))
        },
    )?;
    tx.each(
        "SELECT b.hash, b.refs, COALESCE(r.n, 0) FROM body b LEFT JOIN \
         (SELECT body, COUNT(*) AS n FROM (SELECT body FROM content UNION ALL SELECT body FROM queue) AS used GROUP BY body) AS r \
         ON r.body = b.hash WHERE b.refs <> COALESCE(r.n, 0)",
        &[],
        |row| {
            faults.push(format!("body {} counts {} references and has {}", hex(row.blob(0)?), row.int(1)?, row.int(2)?));
            Ok(ControlFlow::Continue(()))
        },
    )?;
    octets(tx, faults)
}

/// Each body is in one place, and each row of octets belongs to a body.
fn octets(tx: &mut Tx<'_>, faults: &mut Vec<String>) -> Result<()> {
    tx.each(
        "SELECT b.hash, b.place, b.octets, b.file, o.id FROM body b LEFT JOIN octets o ON o.id = b.octets",
        &[],
        |row| {
            let sound = match row.int(1)? {
                INLINE => row.opt_int(4)?.is_some() && row.opt_text(3)?.is_none(),
                FILE => row.opt_text(3)?.is_some() && row.opt_int(2)?.is_none(),
                _ => false,
            };
            if !sound {
                faults.push(format!("body {} is not where its row says", hex(row.blob(0)?)));
            }
            Ok(ControlFlow::Continue(()))
        },
    )?;
    let lost = count(
        tx,
        "SELECT COUNT(*) FROM octets WHERE id NOT IN (SELECT octets FROM body WHERE octets IS NOT NULL)",
    )?;
    if lost > 0 {
        faults.push(format!("{lost} rows of octets belong to no body"));
    }
    Ok(())
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

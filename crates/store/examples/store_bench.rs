//! Measures the store: `cargo run --release --example store_bench -p pennyblack-store [-- sqlite|CONNECTION]`.
//!
//! Messages of 10 KB from 1, 10 and 50 writers (rate, CPU time of the whole process, and how long the slowest waited), then listings of
//! a mailbox of 100,000. For syncs run it under `strace -fc -e trace=fdatasync,fsync` with `writers=50` or the like.

use std::time::{Duration, Instant};
use store::account::NewAccount;
use store::domain::Domain;
use store::entry::{FlagChange, Flags, NewEntry, QuotaRule};
use store::{
    AccountId, Engine, MailboxId, Options, Store, Timestamp, account, domain, entry, mailbox,
};

type Failure = Box<dyn std::error::Error>;

const ALL: [std::ops::RangeInclusive<u32>; 1] = [1..=u32::MAX];

fn main() -> Result<(), Failure> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let folder = tempfile::tempdir_in(".")?;
    let engine = match wanted.iter().find(|word| word.contains("host=")) {
        Some(connection) => Engine::Postgres(connection.clone()),
        None => Engine::Sqlite,
    };
    let options = Options {
        data: folder.path().to_owned(),
        engine,
        key: wanted
            .iter()
            .any(|word| word == "encrypted")
            .then_some([7; 32]),
        free_floor: 0,
    };
    let only = wanted.iter().find_map(|word| word.strip_prefix("writers="));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let store = Store::open(&options)?;
        let (account, inbox) = account(&store).await?;
        for writers in [1, 10, 50] {
            if only.is_none_or(|only| only == writers.to_string()) {
                deliver(&store, account, inbox, writers).await?;
            }
        }
        if only.is_none() {
            listings(&store, account, inbox).await?;
        }
        Ok(())
    })
}

async fn account(store: &Store) -> store::Result<(AccountId, MailboxId)> {
    store
        .write(|tx| {
            domain::add(
                tx,
                &Domain {
                    name: "example.com".into(),
                    alias_of: None,
                    active: true,
                },
            )?;
            let id = account::add(
                tx,
                &NewAccount {
                    address: "alice@example.com".into(),
                    name: String::new(),
                    credentials: Default::default(),
                    quota: None,
                    mailboxes: Vec::new(),
                },
            )?;
            let inbox =
                mailbox::by_name(tx, id, "INBOX")?.ok_or(store::Error::Missing("INBOX".into()))?;
            Ok((id, inbox.id))
        })
        .await
}

async fn deliver(
    store: &Store,
    account: AccountId,
    inbox: MailboxId,
    writers: u32,
) -> Result<(), Failure> {
    const RUN: Duration = Duration::from_secs(4);
    let (start, cpu) = (Instant::now(), cpu_time());
    let tasks: Vec<_> = (0..writers)
        .map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut waits = Vec::new();
                let mut n = writer;
                while start.elapsed() < RUN {
                    let begun = Instant::now();
                    add(&store, account, inbox, n).await?;
                    waits.push(begun.elapsed());
                    n += writers;
                }
                Ok::<_, store::Error>(waits)
            })
        })
        .collect();
    let mut waits = Vec::new();
    for task in tasks {
        waits.extend(task.await??);
    }
    waits.sort();
    let count = waits.len();
    println!(
        "{writers:3} writers: {:6.0} msg/s, {:4.0} µs CPU each, waits p50 {:.1} ms p99 {:.1} ms, worst {:.1} ms ({count} messages)",
        count as f64 / start.elapsed().as_secs_f64(),
        (cpu_time() - cpu).as_secs_f64() * 1e6 / count as f64,
        waits[count / 2].as_secs_f64() * 1e3,
        waits[count * 99 / 100].as_secs_f64() * 1e3,
        waits[count - 1].as_secs_f64() * 1e3,
    );
    Ok(())
}

async fn add(store: &Store, account: AccountId, inbox: MailboxId, n: u32) -> store::Result<()> {
    let octets = mail(n);
    let mut staging = store.stage();
    staging.write(&octets).await?;
    let body = staging.finish(b"Return-Path: <a@example.net>\r\n").await?;
    let new = NewEntry {
        account,
        mailbox: inbox,
        flags: Flags::default(),
        keywords: Vec::new(),
        internal_date: Timestamp::now().into(),
        summary: summary(n, body.body().size),
        body,
        quota: QuotaRule::NOTICE,
    };
    store
        .write(move |tx| entry::add(tx, &new))
        .await
        .map(|_| ())
}

/// 10 KB of words in no order, so that it compresses about as mail does.
fn mail(n: u32) -> Vec<u8> {
    const WORDS: [&str; 16] = [
        "letter ", "stamp ", "queen ", "penny ", "black ", "post ", "office ", "street ",
        "railway ", "morning ", "answer ", "paper ", "ink ", "seal ", "carrier ", "\r\n",
    ];
    let mut state = u64::from(n) << 20 | 0x9e37_79b9;
    let mut text = format!("Subject: message {n}\r\n\r\n");
    while text.len() < 10_000 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        text.push_str(WORDS[(state >> 60) as usize]);
        if state >> 40 & 3 == 0 {
            text.push_str(&format!("{:x} ", state >> 32 & 0xffff));
        }
    }
    text.into_bytes()
}

fn summary(n: u32, size: u64) -> message::Summary {
    message::Summary {
        envelope: format!("(\"Fri, 20 Nov 2026 12:00:00 +0000\" \"message {n}\" ((\"A\" NIL \"a\" \"example.net\")) NIL NIL ((NIL NIL \"alice\" \"example.com\")) NIL NIL NIL \"<{n}@example.net>\")").into_bytes(),
        preview: "letter stamp queen penny black post office street ".repeat(4),
        size: size as u32,
        message_id: Some(format!("{n}@example.net")),
        base_subject: format!("message {n}"),
        ..Default::default()
    }
}

async fn listings(store: &Store, account: AccountId, inbox: MailboxId) -> Result<(), Failure> {
    fill(store, account, inbox, 100_000).await?;
    for _ in 0..3 {
        let (begun, cpu) = (Instant::now(), cpu_time());
        let uids = store
            .read(move |tx| entry::uids(tx, account, inbox))
            .await?;
        report(
            "uids",
            begun,
            cpu,
            uids.iter().map(|r| r.clone().count()).sum(),
        );
        let (begun, cpu) = (Instant::now(), cpu_time());
        let entries = store
            .read(move |tx| entry::scan(tx, account, inbox, &ALL, None, usize::MAX))
            .await?;
        report("scan", begun, cpu, entries.len());
    }
    let (begun, cpu) = (Instant::now(), cpu_time());
    let entries = store
        .read(move |tx| entry::scan_contents(tx, account, inbox, &ALL, None, 100_000))
        .await?;
    report("scan_contents", begun, cpu, entries.len());
    let since = store
        .read(move |tx| Ok(mailbox::by_id(tx, account, inbox)?.map(|m| m.modseq)))
        .await?
        .unwrap_or_default();
    let (begun, cpu) = (Instant::now(), cpu_time());
    let change = FlagChange::Add(Flags::SEEN, Vec::new());
    let seen = store
        .write(move |tx| entry::store_flags(tx, account, inbox, &ALL, &change, None))
        .await?;
    report("store_flags", begun, cpu, seen.entries.len());
    let (begun, cpu) = (Instant::now(), cpu_time());
    let changes = store
        .read(move |tx| entry::changes(tx, account, inbox, since))
        .await?;
    report("changes (all)", begun, cpu, changes.changed.len());
    let (begun, cpu) = (Instant::now(), cpu_time());
    let changes = store
        .read(move |tx| entry::changes(tx, account, inbox, changes.modseq))
        .await?;
    report("changes (none)", begun, cpu, changes.changed.len());
    let (begun, cpu) = (Instant::now(), cpu_time());
    let found = store.check().await?;
    report("check", begun, cpu, found.bodies as usize);
    println!("faults: {:?}", found.faults);
    Ok(())
}

/// Adds copies of one message until the mailbox has `count`.
async fn fill(
    store: &Store,
    account: AccountId,
    inbox: MailboxId,
    count: u32,
) -> Result<(), Failure> {
    loop {
        let has = store
            .read(move |tx| Ok(mailbox::by_id(tx, account, inbox)?.map_or(0, |m| m.messages)))
            .await?;
        let missing = count.saturating_sub(has).min(5000);
        if missing == 0 {
            return Ok(());
        }
        let mut staged = Vec::new();
        for n in 0..missing {
            let mut staging = store.stage();
            staging
                .write(format!("Subject: short {has} {n}\r\n\r\n").as_bytes())
                .await?;
            staged.push(staging.finish(b"").await?);
        }
        store
            .write(move |tx| {
                for (n, body) in (0..).zip(&staged) {
                    let new = NewEntry {
                        account,
                        mailbox: inbox,
                        flags: Flags::default(),
                        keywords: Vec::new(),
                        internal_date: Timestamp::now().into(),
                        summary: summary(n, body.body().size),
                        body: body.clone(),
                        quota: QuotaRule::NOTICE,
                    };
                    entry::add(tx, &new)?;
                }
                Ok(())
            })
            .await?;
    }
}

fn report(what: &str, begun: Instant, cpu: Duration, count: usize) {
    println!(
        "{what}: {count} in {:.1} ms, {:.1} ms CPU",
        begun.elapsed().as_secs_f64() * 1e3,
        (cpu_time() - cpu).as_secs_f64() * 1e3
    );
}

/// CPU time of this process so far, user and system.
fn cpu_time() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

//! What accounts hold is counted along (P12), counts the same everywhere (P13), and may be more in some mailboxes (P3, P8).

use crate::world::{UNLIMITED, World, engines, limited, new_entry, on_both_engines, runtime};
use std::sync::Arc;
use store::body::Staged;
use store::entry::{self, Everywhere, FlagChange, Flags, NewEntry, QuotaRule};
use store::mailbox::SpecialUse;
use store::quota::{self, Limits, Occasion, Policy, Used};
use store::{AccountId, Engine, Error, Result, Tx, account, mailbox};

const OPERATIONS: u32 = 10_000;
/// Operations in one transaction.
const BATCH: u32 = 100;
const NAMES: [&str; 4] = ["INBOX", "a", "a/b", "c"];

/// Numbers that look random and are the same each time (xorshift).
#[derive(Clone, Copy)]
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// One operation, whatever the dice say. What cannot be done is not done.
fn operate(tx: &mut Tx<'_>, alice: AccountId, dice: &mut Dice, bodies: &[Staged]) -> Result<()> {
    let mut name = || NAMES[dice.roll(NAMES.len() as u64) as usize];
    let (from, to) = (name(), name());
    let body = &bodies[dice.roll(bodies.len() as u64) as usize];
    let low = dice.roll(60) as u32 + 1;
    let uids = [low..=low + dice.roll(4) as u32];
    let what = dice.roll(20);
    if what == 0 {
        return skip(mailbox::create(tx, alice, to, None).map(drop));
    }
    if what == 1 && dice.roll(10) == 0 {
        return skip(mailbox::delete(tx, alice, from));
    }
    let (Some(from), Some(to)) = (
        mailbox::by_name(tx, alice, from)?,
        mailbox::by_name(tx, alice, to)?,
    ) else {
        return Ok(());
    };
    let (from, to) = (from.id, to.id);
    match what {
        2..=8 => entry::add(tx, &new_entry(alice, to, body.clone())).map(drop),
        9..=10 => entry::copy(tx, alice, from, &uids, to, &UNLIMITED).map(drop),
        11..=12 => entry::move_to(tx, alice, from, &uids, to).map(drop),
        13..=16 => {
            let change = FlagChange::Add(Flags(dice.roll(32) as u8), Vec::new());
            entry::store_flags(tx, alice, from, &uids, &change, None).map(drop)
        }
        17 => entry::expunge(tx, alice, from, &[1..=u32::MAX]).map(drop),
        18 => entry::remove_one(tx, alice, from, store::Uid(low)).map(drop),
        _ => Ok(()),
    }
}

fn skip(done: Result<()>) -> Result<()> {
    match done {
        Err(Error::Exists(_) | Error::Missing(_) | Error::Refused(_)) => Ok(()),
        done => done,
    }
}

async fn bodies(world: &World) -> Vec<Staged> {
    let mut bodies = Vec::new();
    for n in 0..40_usize {
        bodies.push(world.stage(&vec![n as u8; n * n * 7]).await);
    }
    bodies
}

/// Does many random operations, and compares what was counted along with what is there, again and again.
async fn random_operations(world: &World) -> Used {
    let (alice, bodies) = (world.alice, Arc::new(bodies(world).await));
    let mut used = Used::default();
    for batch in 0..OPERATIONS / BATCH {
        let bodies = bodies.clone();
        let work = move |tx: &mut Tx<'_>| {
            let mut dice = Dice(u64::from(batch + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            (0..BATCH).try_for_each(|_| operate(tx, alice, &mut dice, &bodies))
        };
        world.store.write(work).await.unwrap();
        if batch % 10 == 9 {
            let counted = world
                .store
                .write(move |tx| quota::recount(tx, alice))
                .await
                .unwrap();
            assert_eq!(
                (counted.said, counted.mailboxes),
                (counted.holds, 0),
                "after batch {batch}"
            );
            used = counted.holds;
        }
    }
    used
}

/// P12: `quota recalc` equals the running total after 10,000 random operations. P13: it is the same on all hosts, whatever engine
/// and key they have.
#[test]
fn p12_p13_random_operations_are_counted_right_and_everywhere_the_same() {
    let mut hosts: Vec<(Engine, Option<[u8; 32]>)> =
        engines().into_iter().map(|engine| (engine, None)).collect();
    hosts.push((Engine::Sqlite, Some([7; 32])));
    let mut totals = Vec::new();
    for (engine, key) in hosts {
        runtime().block_on(async {
            let world = World::open(engine, key).await;
            // Removed messages, and the limit of them, change nothing about what is held.
            world.store.keep_removed(totals.len() as u64 * 50_000);
            totals.push(random_operations(&world).await);
            world.assert_sound().await;
        });
    }
    assert!(
        totals[0].messages > 50 && totals[0].bytes > 10_000,
        "{totals:?}"
    );
    assert!(totals.iter().all(|total| *total == totals[0]), "{totals:?}");
}

/// P12: wrong counters are put right.
#[test]
fn p12_recalc_corrects_what_is_wrong() {
    runtime().block_on(async {
        let mut world = World::open(Engine::Sqlite, None).await;
        world.deliver(&[b'x'; 60]).await;
        world.close();
        let database = rusqlite::Connection::open(world.options.data.join("mail.db")).unwrap();
        database
            .execute_batch("UPDATE account SET used_bytes = 5, used_messages = 7; UPDATE mailbox SET messages = 3, bytes = 1")
            .unwrap();
        drop(database);
        world.reopen();
        let alice = world.alice;
        let counted = world.store.write(move |tx| quota::recount(tx, alice)).await.unwrap();
        let used = |bytes, messages| Used { bytes, messages };
        assert_eq!((counted.said, counted.holds, counted.mailboxes), (used(5, 7), used(60, 1), 1));
        world.assert_sound().await;
    });
}

fn rule(policy: Policy) -> QuotaRule {
    QuotaRule {
        policy: Some(Arc::new(policy)),
        occasion: Occasion::Delivery,
    }
}

async fn add(
    world: &World,
    mailbox: store::MailboxId,
    octets: usize,
    quota: &QuotaRule,
) -> Result<u32> {
    let new = NewEntry {
        quota: quota.clone(),
        ..new_entry(world.alice, mailbox, world.stage(&vec![b'x'; octets]).await)
    };
    let added = world.store.write(move |tx| entry::add(tx, &new)).await;
    added.map(|(uid, ..)| uid.0)
}

async fn special(world: &World, name: &'static str, special: SpecialUse) -> store::MailboxId {
    let alice = world.alice;
    let made = world
        .store
        .write(move |tx| mailbox::create(tx, alice, name, Some(special)));
    made.await.unwrap()
}

on_both_engines! {
    /// P8: the oldest of the first mailbox, then of the next; no more than is needed; what is not named stays.
    async fn p08_room_is_made_from_the_oldest(world) {
        let [junk, trash, sent] = [
            special(world, "Junk", SpecialUse::Junk).await,
            special(world, "Trash", SpecialUse::Trash).await,
            special(world, "Sent", SpecialUse::Sent).await,
        ];
        for mailbox in [junk, junk, junk, trash, trash, sent] {
            add(world, mailbox, 100, &UNLIMITED).await.unwrap();
        }
        let mut policy = Policy {
            limits: Limits { bytes: Some(600), messages: None },
            make_room: vec![Everywhere::Special(SpecialUse::Junk), Everywhere::Special(SpecialUse::Trash)],
            ..Policy::default()
        };
        // 600 are held. With the grace, one must go for 150 more, and two for 210 more.
        add(world, world.inbox, 150, &rule(policy.clone())).await.unwrap();
        assert_eq!(world.uids(junk).await, [2, 3]);
        add(world, world.inbox, 210, &rule(policy.clone())).await.unwrap();
        assert_eq!((world.uids(junk).await, world.uids(trash).await), (vec![], vec![1, 2]));
        // Not enough is left: nothing goes in vain.
        let full = add(world, world.inbox, 300, &rule(policy.clone())).await;
        assert!(matches!(full, Err(Error::OverQuota { .. })), "{full:?}");
        policy.make_room.push(Everywhere::Named("Sent".into()));
        add(world, world.inbox, 40, &rule(policy.clone())).await.unwrap();
        assert_eq!((world.uids(trash).await, world.uids(sent).await), (vec![2], vec![1]));
        add(world, world.inbox, 190, &rule(policy)).await.unwrap();
        assert_eq!((world.uids(trash).await, world.uids(sent).await), (vec![], vec![]));
    }

    /// Messages may be limited too, and then room is made for their number.
    async fn p08_room_is_made_for_messages(world) {
        let junk = special(world, "Junk", SpecialUse::Junk).await;
        add(world, junk, 10, &UNLIMITED).await.unwrap();
        add(world, world.inbox, 10, &UNLIMITED).await.unwrap();
        let policy = Policy {
            limits: Limits { bytes: None, messages: Some(2) },
            make_room: vec![Everywhere::Special(SpecialUse::Junk)],
            ..Policy::default()
        };
        add(world, world.inbox, 10, &rule(policy.clone())).await.unwrap();
        assert_eq!(world.uids(junk).await, Vec::<u32>::new());
        let full = add(world, world.inbox, 10, &rule(policy)).await;
        assert!(matches!(full, Err(Error::OverQuota { resource: quota::Resource::Messages, limit: 2, used: 2 })), "{full:?}");
    }

    /// P3: only where it is said, and only so much.
    async fn p03_some_mailboxes_take_more(world) {
        let trash = special(world, "Trash", SpecialUse::Trash).await;
        add(world, world.inbox, 100, &UNLIMITED).await.unwrap();
        let policy = Policy {
            limits: Limits { bytes: Some(100), messages: None },
            extra: vec![(Everywhere::Special(SpecialUse::Trash), 50)],
            ..Policy::default()
        };
        let quota = QuotaRule { occasion: Occasion::User, ..rule(policy) };
        assert!(add(world, world.inbox, 10, &quota).await.is_err());
        add(world, trash, 50, &quota).await.unwrap();
        assert!(add(world, trash, 1, &quota).await.is_err());
    }

    /// The account's own limits come before the default ones.
    async fn p02_own_limits_come_first(world) {
        let alice = world.alice;
        world.store.write(move |tx| {
            account::set_quota(tx, alice, Some(1000))?;
            account::set_message_quota(tx, alice, Some(1))
        }).await.unwrap();
        add(world, world.inbox, 500, &limited(10, Occasion::User)).await.unwrap();
        assert!(add(world, world.inbox, 5, &limited(10, Occasion::User)).await.is_err());
        assert!(add(world, world.inbox, 5, &QuotaRule::NOTICE).await.is_ok());
    }
}

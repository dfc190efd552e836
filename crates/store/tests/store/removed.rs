//! Removed messages: what is kept of them, putting them back, and letting them go.

use crate::world::{UNLIMITED, World, limited, new_entry, on_both_engines, runtime};
use store::entry::{self, Everywhere, FlagChange, Flags, NewEntry};
use store::mailbox::SpecialUse;
use store::quota::{Occasion, Used};
use store::removed::{self, Filter, Key, Removed, Why};
use store::{Engine, Error, MailboxId, ModSeq, Timestamp, account, mailbox};

const ALL: [std::ops::RangeInclusive<u32>; 1] = [1..=u32::MAX];

async fn listed(world: &World) -> Vec<Removed> {
    let alice = world.alice;
    let list =
        move |tx: &mut store::Tx<'_>| removed::list(tx, alice, &Filter::default(), None, 100);
    world.store.read(list).await.unwrap()
}

async fn restore(world: &World, keys: Vec<Key>) -> store::Result<Vec<removed::Restored>> {
    let alice = world.alice;
    world
        .store
        .write(move |tx| removed::restore(tx, alice, &keys, &UNLIMITED))
        .await
}

async fn expunge(world: &World, mailbox: MailboxId) {
    let alice = world.alice;
    world
        .store
        .write(move |tx| {
            entry::store_flags(
                tx,
                alice,
                mailbox,
                &ALL,
                &FlagChange::Add(Flags::DELETED, Vec::new()),
                None,
            )?;
            entry::expunge(tx, alice, mailbox, &ALL)
        })
        .await
        .unwrap();
}

async fn held(world: &World) -> (Used, Used) {
    let alice = world.alice;
    let found = world
        .store
        .read(move |tx| account::by_id(tx, alice))
        .await
        .unwrap()
        .unwrap();
    (found.used(), found.removed)
}

async fn texts(world: &World, mailbox: MailboxId) -> Vec<(u32, u8, Vec<String>, i64, String)> {
    let alice = world.alice;
    let found = world
        .store
        .read(move |tx| entry::scan_contents(tx, alice, mailbox, &ALL, None, 100))
        .await
        .unwrap();
    let mut texts = Vec::new();
    for (entry, content) in found {
        let octets = world
            .store
            .read_body(&content.body, 0, u64::MAX)
            .await
            .unwrap();
        let text = String::from_utf8(octets).unwrap();
        texts.push((
            entry.uid.0,
            entry.flags.0,
            entry.keywords,
            entry.internal_date.time.as_second(),
            text,
        ));
    }
    texts
}

fn later(seconds: i64) -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second() + seconds).unwrap()
}

on_both_engines! {
    /// With flags, dates and octets, under a new UID; clients that know MODSEQs hear of both (RFC 7162).
    async fn an_expunged_message_comes_back(world) {
        world.store.keep_removed(u64::MAX);
        let (alice, inbox) = (world.alice, world.inbox);
        let new = NewEntry {
            flags: Flags::SEEN.with(Flags::FLAGGED),
            keywords: vec!["$Work".into()],
            ..new_entry(alice, inbox, world.stage(b"hello").await)
        };
        world.store.write(move |tx| entry::add(tx, &new).map(drop)).await.unwrap();
        expunge(world, inbox).await;
        let used = |bytes, messages| Used { bytes, messages };
        assert_eq!(held(world).await, (used(0, 0), used(5, 1)));
        let found = listed(world).await;
        assert_eq!(found.len(), 1);
        let one = &found[0];
        assert_eq!((one.mailbox.as_str(), one.why, one.key.uid.0, one.entry.size), ("INBOX", Why::Expunged, 1, 5));
        assert_eq!(one.content.summary.preview, "preview");
        let back = restore(world, vec![one.key]).await.unwrap();
        assert_eq!((back.len(), back[0].uid.0, back[0].mailbox), (1, 2, inbox));
        assert_eq!(texts(world, inbox).await, [(2, 5, vec!["$Work".to_owned()], 1_700_000_000, "hello".to_owned())]);
        assert_eq!(held(world).await, (used(5, 1), used(0, 0)));
        let changes = world.store.read(move |tx| entry::changes(tx, alice, inbox, ModSeq(0))).await.unwrap();
        assert_eq!(changes.vanished, [store::Uid(1)]);
        assert_eq!(changes.changed.len(), 1);
        // Twice is once.
        assert!(restore(world, vec![one.key]).await.unwrap().is_empty());
    }

    /// A deleted mailbox comes back with what was in it, under its name and with its use.
    async fn a_deleted_mailbox_comes_back(world) {
        world.store.keep_removed(u64::MAX);
        let alice = world.alice;
        let made = world.store.write(move |tx| mailbox::create(tx, alice, "Old/Bills", Some(SpecialUse::Archive))).await.unwrap();
        for text in [b"one".as_slice(), b"two"] {
            world.deliver_to(made, text).await.unwrap();
        }
        world.store.write(move |tx| {
            mailbox::delete(tx, alice, "Old/Bills")?;
            mailbox::delete(tx, alice, "Old")
        }).await.unwrap();
        let found = listed(world).await;
        assert!(found.iter().all(|one| one.mailbox == "Old/Bills" && one.why == Why::MailboxDeleted), "{found:?}");
        restore(world, found.iter().map(|one| one.key).collect()).await.unwrap();
        let back = world.mailbox("Old/Bills").await;
        assert_eq!((back.messages, back.special_use, back.subscribed), (2, Some(SpecialUse::Archive), true));
        assert_ne!(back.id, made);
    }

    /// What is moved or replaced can be had elsewhere; what expired or made room can be put back.
    async fn why_messages_are_kept(world) {
        world.store.keep_removed(u64::MAX);
        let (alice, inbox) = (world.alice, world.inbox);
        let other = world.create("Other").await;
        for text in [b"1", b"2", b"3", b"4"] {
            world.deliver(text).await;
        }
        world.store.write(move |tx| {
            entry::move_to(tx, alice, inbox, &[1..=2], other)?;
            entry::remove_one(tx, alice, inbox, store::Uid(3))
        }).await.unwrap();
        assert_eq!(listed(world).await.len(), 0);
        world.store.write(move |tx| entry::expire(tx, alice, other, later(60), 100)).await.unwrap();
        world.store.write(move |tx| entry::remove_uids(tx, alice, inbox, &[4..=9])).await.unwrap();
        let found = listed(world).await;
        let mut whys: Vec<_> = found.iter().map(|one| (one.mailbox.clone(), one.why)).collect();
        whys.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(whys, [("INBOX".to_owned(), Why::Expunged), ("Other".to_owned(), Why::Expired), ("Other".to_owned(), Why::Expired)]);
        let due = Everywhere::Named("Other".into());
        assert!(world.store.read(move |tx| entry::expired(tx, &due, later(60), 9)).await.unwrap().is_empty());
    }

    /// A copy elsewhere keeps the octets; what nobody refers to any more goes when its time is over.
    async fn the_octets_go_with_the_last_reference(world) {
        world.store.keep_removed(u64::MAX);
        let (alice, inbox) = (world.alice, world.inbox);
        let other = world.create("Other").await;
        world.deliver(&crate::bodies::noise(200_000)).await;
        world.deliver(b"small").await;
        world.store.write(move |tx| entry::copy(tx, alice, inbox, &[1..=1], other, &UNLIMITED)).await.unwrap();
        expunge(world, inbox).await;
        world.assert_sound().await;
        assert_eq!(world.store.write(move |tx| removed::expire(tx, alice, later(-3600), 100)).await.unwrap(), 0);
        assert_eq!(world.store.check().await.unwrap().bodies, 2);
        assert_eq!(world.store.write(move |tx| removed::expire(tx, alice, later(60), 1)).await.unwrap(), 1);
        assert_eq!(world.store.write(move |tx| removed::expire(tx, alice, later(60), 100)).await.unwrap(), 1);
        assert_eq!(world.store.check().await.unwrap().bodies, 1);
        assert_eq!(listed(world).await.len(), 0);
    }

    /// Only so much is kept; the oldest goes first.
    async fn there_is_a_limit(world) {
        world.store.keep_removed(250);
        for _ in 0..5 {
            world.deliver(&[b'x'; 100]).await;
            expunge(world, world.inbox).await;
        }
        let uids: Vec<u32> = listed(world).await.iter().map(|one| one.key.uid.0).collect();
        assert_eq!(uids, [4, 5]);
        world.store.keep_removed(0);
        world.deliver(b"gone at once").await;
        expunge(world, world.inbox).await;
        assert_eq!(listed(world).await.len(), 2);
    }

    /// What does not fit stays where it is, all of it.
    async fn putting_back_counts_against_the_quota(world) {
        world.store.keep_removed(u64::MAX);
        for _ in 0..2 {
            world.deliver(&[b'x'; 100]).await;
        }
        expunge(world, world.inbox).await;
        let (alice, keys) = (world.alice, listed(world).await.iter().map(|one| one.key).collect::<Vec<_>>());
        let full = world.store.write(move |tx| removed::restore(tx, alice, &keys, &limited(150, Occasion::User))).await;
        assert!(matches!(full, Err(Error::OverQuota { .. })), "{full:?}");
        assert_eq!(listed(world).await.len(), 2);
    }

    async fn a_removed_account_leaves_nothing(world) {
        world.store.keep_removed(u64::MAX);
        let alice = world.alice;
        world.deliver(b"hello").await;
        expunge(world, world.inbox).await;
        world.store.write(move |tx| account::remove(tx, alice)).await.unwrap();
        let report = world.store.check().await.unwrap();
        assert_eq!((report.bodies, report.faults), (0, vec![]));
    }
}

/// What is kept is as encrypted as all mail, and survives a restart.
#[test]
fn an_encrypted_store_keeps_removed_messages_encrypted() {
    runtime().block_on(async {
        let mut world = World::open(Engine::Sqlite, Some([7; 32])).await;
        world.store.keep_removed(u64::MAX);
        world.deliver(b"a text that nobody else shall read").await;
        expunge(&world, world.inbox).await;
        world.reopen();
        for file in std::fs::read_dir(&world.options.data).unwrap() {
            let octets = std::fs::read(file.unwrap().path()).unwrap_or_default();
            assert!(!octets.windows(14).any(|some| some == b"nobody else sh"));
        }
        let key = listed(&world).await[0].key;
        restore(&world, vec![key]).await.unwrap();
        assert_eq!(
            texts(&world, world.inbox).await[0].4,
            "a text that nobody else shall read"
        );
        world.assert_sound().await;
    });
}

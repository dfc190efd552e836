//! What is promised about the disk, and how many syncs it takes.

use crate::world::{World, new_entry, on_both_engines};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use store::queue::{self, NewQueued, NewQueuedRecipient, State, Update};
use store::{Error, QueueId, Timestamp, entry};

fn counted(world: &World) -> Arc<AtomicU64> {
    let syncs = Arc::new(AtomicU64::new(0));
    let counter = syncs.clone();
    let count = move || {
        counter.fetch_add(1, Ordering::Relaxed);
    };
    world.store.observe_syncs(count);
    syncs
}

fn queued(body: store::body::Staged) -> NewQueued {
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    NewQueued {
        reverse_path: None,
        envid: None,
        ret_full: None,
        smtputf8: false,
        eight_bit: false,
        account: None,
        created: now,
        body,
        header_size: 0,
        recipients: vec![NewQueuedRecipient {
            address: "x@example.net".into(),
            orcpt: None,
            notify: 0,
            next_attempt: now,
            state: State::Pending,
        }],
    }
}

async fn enqueue(world: &World, octets: &[u8]) -> QueueId {
    let new = queued(world.stage(octets).await);
    let added = world.store.write_together(move |tx| queue::add(tx, &new));
    added.await.unwrap()
}

/// Octets that do not compress, so that they get a file.
fn noise() -> Vec<u8> {
    let mut hash = blake3::Hasher::new().finalize_xof();
    let mut octets = vec![0; 300_000];
    hash.fill(&mut octets);
    octets
}

fn files(world: &World) -> usize {
    let mut count = 0;
    for folder in std::fs::read_dir(world.options.data.join("bodies")).unwrap() {
        count += std::fs::read_dir(folder.unwrap().path()).unwrap().count();
    }
    count
}

async fn eventually(mut is_so: impl FnMut() -> bool) {
    for _ in 0..2000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it never happened");
}

on_both_engines! {
    /// UIDs that a program may have seen are never in danger.
    async fn a_change_to_an_account_must_be_synced(world) {
        let new = new_entry(world.alice, world.inbox, world.stage(b"hello").await);
        let added = world.store.write_unsynced(move |tx| entry::add(tx, &new).map(|_| ())).await;
        assert!(matches!(added, Err(Error::Bug(_))), "{added:?}");
        assert!(world.uids(world.inbox).await.is_empty());
    }

    /// C22: what is noted without a sync is there at once, for all who read; the file of its body goes after the sync.
    async fn c22_a_note_is_there_at_once(world) {
        let id = enqueue(world, &noise()).await;
        assert_eq!(files(world), 1);
        world.store.write_unsynced(move |tx| queue::update(tx, id, 0, &Update::Done)).await.unwrap();
        let counts = world.store.read(queue::counts).await.unwrap();
        assert_eq!(counts.messages, 0);
        eventually(|| files(world) == 0).await;
    }

    async fn a_note_that_fails_is_undone(world) {
        let id = enqueue(world, b"hello").await;
        let failed = world.store.write_unsynced(move |tx| {
            queue::update(tx, id, 0, &Update::Done)?;
            queue::update(tx, id, 0, &Update::Done)
        });
        assert!(matches!(failed.await, Err(Error::Missing(_))));
        assert_eq!(world.store.read(queue::counts).await.unwrap().messages, 1);
    }
}

mod with_sqlite {
    use super::*;

    /// Notes share a sync, and do not go without one for long.
    #[tokio::test]
    async fn notes_are_synced_soon() {
        let world = World::open(crate::world::sqlite(), None).await;
        let id = enqueue(&world, b"hello").await;
        let syncs = counted(&world);
        for _ in 0..20 {
            let warned = move |tx: &mut store::Tx<'_>| queue::update(tx, id, 0, &Update::Warned);
            world.store.write_unsynced(warned).await.unwrap();
        }
        eventually(|| syncs.load(Ordering::Relaxed) > 0).await;
        assert!(syncs.load(Ordering::Relaxed) < 20);
        world.assert_sound().await;
    }

    /// A commit of no change writes nothing, and so syncs nothing of what was noted before it.
    #[tokio::test]
    async fn a_write_of_nothing_is_no_sync() {
        let world = World::open(crate::world::sqlite(), None).await;
        let id = enqueue(&world, b"hello").await;
        let syncs = counted(&world);
        for _ in 0..3 {
            world.store.write(|_| Ok(())).await.unwrap();
        }
        assert_eq!(syncs.load(Ordering::Relaxed), 0);
        let warned = move |tx: &mut store::Tx<'_>| queue::update(tx, id, 0, &Update::Warned);
        world.store.write_unsynced(warned).await.unwrap();
        world.store.write(|_| Ok(())).await.unwrap();
        eventually(|| syncs.load(Ordering::Relaxed) > 0).await;
        world.assert_sound().await;
    }

    /// Ten who write one thing after the other come to share syncs.
    #[tokio::test(flavor = "multi_thread")]
    async fn those_who_write_together_share_syncs() {
        let world = World::open(crate::world::sqlite(), None).await;
        let syncs = counted(&world);
        let writer = |n: u32| {
            let store = world.store.clone();
            tokio::spawn(async move {
                for m in 0..30 {
                    let body = crate::world::stage(&store, format!("{n} {m}").as_bytes()).await;
                    let new = queued(body);
                    let added = store.write_together(move |tx| queue::add(tx, &new)).await;
                    added.unwrap();
                }
            })
        };
        for task in (0..10).map(writer).collect::<Vec<_>>() {
            task.await.unwrap();
        }
        let syncs = syncs.load(Ordering::Relaxed);
        assert!((30..=90).contains(&syncs), "{syncs} syncs for 300 messages");
        world.assert_sound().await;
    }
}

//! The database goes away and comes back.

use crate::cluster::Cluster;
use crate::world::{World, new_entry, runtime};
use std::time::{Duration, Instant};
use store::{Error, account, entry};

/// E36: while PostgreSQL is stopped everything is a temporary error, never "not found", and it works again by itself.
#[test]
fn e36_a_stopped_postgres_is_a_temporary_error() {
    let Some(mut cluster) = Cluster::start() else {
        return;
    };
    let engine = cluster.database();
    runtime().block_on(async {
        let world = World::open(engine, None).await;
        world.deliver(b"before").await;
        let mut watched = world.store.watch(world.alice);
        cluster.stop_server();
        for _ in 0..3 {
            let looked_up = world
                .store
                .read(|tx| account::by_address(tx, "alice@example.com"))
                .await;
            assert!(
                matches!(looked_up, Err(Error::Unavailable(_))),
                "{looked_up:?}"
            );
            let delivered = world.deliver_to(world.inbox, b"meanwhile").await;
            assert!(
                matches!(delivered, Err(Error::Unavailable(_))),
                "{delivered:?}"
            );
        }
        cluster.start_server();
        let begun = Instant::now();
        while let Err(e) = world.deliver_to(world.inbox, b"after").await {
            assert!(
                e.is_temporary() && begun.elapsed() < Duration::from_secs(20),
                "{e}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let modseq = world.mailbox("INBOX").await.modseq;
        watched.wait_for(|seen| *seen >= modseq).await.unwrap();
        assert_eq!(world.uids(world.inbox).await.len(), 2);
        world.assert_sound().await;
    });
}

/// What another process commits to the same database reaches those who watch here.
#[test]
fn watchers_hear_of_commits_by_other_processes() {
    let Some(engine) = crate::cluster::engine() else {
        return;
    };
    runtime().block_on(async {
        let here = World::open(engine.clone(), None).await;
        let folder = tempfile::tempdir().unwrap();
        let options = store::Options {
            data: folder.path().join("data"),
            ..here.options.clone()
        };
        let there = store::Store::open(&options).unwrap();
        let mut watched = here.store.watch(here.alice);
        let mut work = here.store.watch_queue();
        let new = new_entry(
            here.alice,
            here.inbox,
            crate::world::stage(&there, b"x").await,
        );
        there.write(move |tx| entry::add(tx, &new)).await.unwrap();
        let modseq = here.mailbox("INBOX").await.modseq;
        watched.wait_for(|seen| *seen >= modseq).await.unwrap();
        work.mark_unchanged();
    });
}

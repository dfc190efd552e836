//! Many callers at once: nothing lost, nothing doubled, no quota exceeded, and no caller harmed by another's failure.

use crate::world::{UNLIMITED, limited, new_entry, on_both_engines, person};
use std::collections::BTreeSet;
use store::entry;
use store::quota::Occasion;
use store::{Error, account, mailbox};

on_both_engines! {
    async fn fifty_writers_get_fifty_uids(world) {
        const WRITERS: u32 = 50;
        let tasks: Vec<_> = (0..WRITERS).map(|n| {
            let (store, alice, inbox) = (world.store.clone(), world.alice, world.inbox);
            tokio::spawn(async move {
                let mut uids = Vec::new();
                for m in 0..4 {
                    let body = crate::world::stage(&store, format!("message {n} {m}").as_bytes()).await;
                    let new = new_entry(alice, inbox, body);
                    uids.push(store.write(move |tx| entry::add(tx, &new)).await.unwrap().0.0);
                }
                uids
            })
        }).collect();
        let mut uids = BTreeSet::new();
        for task in tasks {
            uids.extend(task.await.unwrap());
        }
        assert_eq!(uids, (1..=4 * WRITERS).collect());
        assert_eq!(world.uids(world.inbox).await.len(), 4 * WRITERS as usize);
    }

    /// Accounts in different order in each transaction: PostgreSQL finds deadlocks in this, and they are repeated.
    async fn one_transaction_for_several_recipients(world) {
        let mut people = vec![(world.alice, world.inbox)];
        for name in ["bob", "carol"] {
            let id = world.store.write(move |tx| account::add(tx, &person(&format!("{name}@example.com")))).await.unwrap();
            let inbox = world.store.read(move |tx| mailbox::by_name(tx, id, "INBOX")).await.unwrap().unwrap();
            people.push((id, inbox.id));
        }
        let tasks: Vec<_> = (0..12).map(|n| {
            let store = world.store.clone();
            let mut recipients = people.clone();
            recipients.rotate_left(n % 3);
            tokio::spawn(async move {
                let body = crate::world::stage(&store, b"the same for all").await;
                let entries: Vec<_> = recipients.iter().map(|(a, m)| new_entry(*a, *m, body.clone())).collect();
                store.write(move |tx| {
                    entries.iter().try_for_each(|new| entry::add(tx, new).map(|_| ()))
                }).await
            })
        }).collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        for (account, mailbox) in people {
            let uids = world.store.read(move |tx| entry::uids(tx, account, mailbox)).await.unwrap();
            assert_eq!(uids, [1..=12]);
        }
    }

    /// Y29, P4
    async fn y29_parallel_deliveries_at_the_limit_exceed_it_once(world) {
        const SIZE: u64 = 100;
        let quota = limited(950, Occasion::Delivery);
        let tasks: Vec<_> = (0..100).map(|n| {
            let (store, alice, inbox) = (world.store.clone(), world.alice, world.inbox);
            let quota = quota.clone();
            tokio::spawn(async move {
                let body = crate::world::stage(&store, format!("{n:0100}").as_bytes()).await;
                let new = entry::NewEntry { quota, ..new_entry(alice, inbox, body) };
                store.write(move |tx| entry::add(tx, &new)).await
            })
        }).collect();
        let mut stored = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(_) => stored += 1,
                Err(Error::OverQuota { limit, .. }) => assert_eq!(limit, 950),
                Err(other) => panic!("{other}"),
            }
        }
        // Nine fit, the tenth crosses the limit within the grace, and then nobody gets anything more.
        assert_eq!(stored, 10);
        let alice = world.alice;
        let owner = world.store.read(move |tx| account::by_id(tx, alice)).await.unwrap().unwrap();
        assert_eq!((owner.used_bytes, owner.used_messages), (10 * SIZE, 10));
    }

    /// One recipient over quota does not spoil the message for the others.
    async fn a_refused_recipient_leaves_the_transaction_whole(world) {
        let body = world.stage(b"too big for one").await;
        let refused = entry::NewEntry {
            quota: limited(3, Occasion::User),
            ..new_entry(world.alice, world.inbox, body.clone())
        };
        let missing = new_entry(world.alice, store::MailboxId::from_u128(5), body.clone());
        let accepted = new_entry(world.alice, world.inbox, body);
        let fates = world.store.write(move |tx| {
            Ok([&refused, &missing, &accepted].map(|new| entry::add(tx, new).map(|(uid, ..)| uid.0)))
        }).await.unwrap();
        assert!(matches!(fates, [Err(Error::OverQuota { limit: 3, used: 0, .. }), Err(Error::Missing(_)), Ok(1)]), "{fates:?}");
    }

    async fn a_failed_job_undoes_itself_alone(world) {
        let tasks: Vec<_> = (0..30).map(|n| {
            let (store, alice, inbox) = (world.store.clone(), world.alice, world.inbox);
            tokio::spawn(async move {
                let new = new_entry(alice, inbox, crate::world::stage(&store, b"x").await);
                store.write(move |tx| {
                    entry::add(tx, &new)?;
                    match n % 3 {
                        0 => Ok(()),
                        1 => Err(Error::Refused("on purpose".into())),
                        _ => panic!("on purpose"),
                    }
                }).await
            })
        }).collect();
        for (n, task) in tasks.into_iter().enumerate() {
            let outcome = task.await.unwrap();
            match n % 3 {
                0 => assert_eq!(outcome, Ok(())),
                1 => assert_eq!(outcome, Err(Error::Refused("on purpose".into()))),
                _ => assert!(matches!(outcome, Err(Error::Bug(_)))),
            }
        }
        assert_eq!(world.uids(world.inbox).await.len(), 10);
    }

    /// A caller that goes away in the middle of waiting leaves its message there or not there, never half.
    async fn a_caller_that_stops_waiting_does_no_harm(world) {
        for n in 0..40 {
            let new = new_entry(world.alice, world.inbox, world.stage(&crate::bodies::noise(90_000)).await);
            let adding = world.store.write(move |tx| entry::add(tx, &new));
            tokio::select! {
                biased;
                _ = async { for _ in 0..n { tokio::task::yield_now().await } } => {}
                _ = adding => {}
            }
        }
        // Waits for what is still on its way.
        world.deliver(b"the last").await;
    }

    async fn a_read_cannot_write(world) {
        let new = new_entry(world.alice, world.inbox, world.stage(b"x").await);
        let failed = world.store.read(move |tx| entry::add(tx, &new)).await;
        assert!(matches!(failed, Err(Error::Bug(_))), "{failed:?}");
        assert_eq!(world.uids(world.inbox).await, Vec::<u32>::new());
    }

    async fn copies_count_against_the_quota_and_moves_do_not(world) {
        let other = world.create("Other").await;
        world.deliver(&[b'x'; 60]).await;
        let (alice, inbox) = (world.alice, world.inbox);
        let quota = limited(100, Occasion::User);
        let copied = world.store.write(move |tx| entry::copy(tx, alice, inbox, &[1..=9], other, &quota)).await;
        assert!(matches!(copied, Err(Error::OverQuota { limit: 100, used: 60, .. })), "{copied:?}");
        world.store.write(move |tx| entry::move_to(tx, alice, inbox, &[1..=9], other)).await.unwrap();
        world.store.write(move |tx| entry::copy(tx, alice, other, &[1..=9], inbox, &UNLIMITED)).await.unwrap();
    }
}

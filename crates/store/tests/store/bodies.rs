//! Bodies: small and large, shared, removed with the last reference.

use crate::world::{new_entry, on_both_engines};
use store::entry::{self, FlagChange, Flags};
use store::{Error, Store};

/// Octets that do not compress.
pub(crate) fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    })
    .take(size)
    .collect()
}

async fn whole(store: &Store, body: &store::body::BodyRef) -> Vec<u8> {
    let mut reader = store.open_body(body).await.unwrap();
    let mut octets = Vec::new();
    while let Some(piece) = reader.next().await.unwrap() {
        assert!(piece.len() <= 64 * 1024);
        octets.extend(piece);
    }
    octets
}

on_both_engines! {
    async fn bodies_of_any_size_read_back(world) {
        for size in [0, 1, 10_000, 40_000, 130_000, 300_000, 1_000_000] {
            for octets in [noise(size), vec![b'a'; size]] {
                let mut staging = world.store.stage();
                for piece in octets.chunks(50_000) {
                    staging.write(piece).await.unwrap();
                }
                assert_eq!(staging.len(), size as u64);
                let staged = staging.finish(b"Received: here\r\n").await.unwrap();
                let body = staged.body();
                let new = new_entry(world.alice, world.inbox, staged);
                world.store.write(move |tx| entry::add(tx, &new)).await.unwrap();
                let expected = [b"Received: here\r\n", octets.as_slice()].concat();
                assert_eq!(whole(&world.store, &body).await, expected);
                assert_eq!(world.store.read_body(&body, 10, 20).await.unwrap(), expected[10..expected.len().min(30)]);
                assert_eq!(world.store.read_body(&body, body.size + 5, 20).await.unwrap(), b"");
            }
        }
    }

    async fn a_body_goes_with_its_last_message(world) {
        for octets in [noise(100), noise(300_000)] {
            let staged = world.stage(&octets).await;
            let body = staged.body();
            for _ in 0..2 {
                let new = new_entry(world.alice, world.inbox, staged.clone());
                world.store.write(move |tx| entry::add(tx, &new)).await.unwrap();
            }
            drop(staged);
            let (alice, inbox) = (world.alice, world.inbox);
            let uids = world.uids(inbox).await;
            let change = FlagChange::Add(Flags::DELETED, vec![]);
            for (uid, remains) in uids.into_iter().zip([true, false]) {
                let change = change.clone();
                world.store.write(move |tx| {
                    entry::store_flags(tx, alice, inbox, &[uid..=uid], &change, None)?;
                    entry::expunge(tx, alice, inbox, &[uid..=uid])
                }).await.unwrap();
                let found = world.store.read_body(&body, 0, 1).await;
                assert!(if remains { found.is_ok() } else { matches!(found, Err(Error::Missing(_))) });
            }
        }
    }
}

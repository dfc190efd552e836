//! Digests: packed facts of a mailbox that may be missing and are never wrong; and STORE on many messages at once.

use crate::world::{World, on_both_engines};
use store::entry::{self, Digest, FlagChange, Flags};
use store::{MailboxId, Uid};

const ALL: [std::ops::RangeInclusive<u32>; 1] = [1..=u32::MAX];

async fn keep(world: &World, through: u32, octets: &'static [u8], messages: usize) {
    let place = (world.alice, world.inbox);
    let digest = Digest {
        block: 0,
        kind: 7,
        through: Uid(through),
        octets: octets.to_vec(),
    };
    let kept = vec![(digest, messages)];
    let kept = world
        .store
        .write(move |tx| entry::keep_digests(tx, place, &kept));
    kept.await.unwrap();
}

async fn kept(world: &World, mailbox: MailboxId) -> Vec<(u32, Vec<u8>)> {
    let place = (world.alice, mailbox);
    let read = world
        .store
        .read(move |tx| entry::digests(tx, place, 7, 0..=9));
    let digests = read.await.unwrap().into_iter();
    digests
        .map(|digest| (digest.through.0, digest.octets))
        .collect()
}

on_both_engines! {
    async fn a_digest_is_kept_until_one_of_its_messages_goes(world) {
        for octets in [b"1", b"2", b"3"] {
            world.deliver(octets).await;
        }
        keep(world, 3, b"of three", 3).await;
        keep(world, 3, b"anew", 3).await;
        assert_eq!(kept(world, world.inbox).await, [(3, b"anew".to_vec())]);
        world.deliver(b"4").await;
        assert_eq!(kept(world, world.inbox).await.len(), 1);
        let (alice, inbox, trash) = (world.alice, world.inbox, world.create("Trash").await);
        world.store.write(move |tx| entry::move_to(tx, alice, inbox, &[2..=2], trash)).await.unwrap();
        assert_eq!(kept(world, world.inbox).await, []);
        // Made before the message went, it comes too late.
        keep(world, 3, b"of three", 3).await;
        assert_eq!(kept(world, world.inbox).await, []);
    }

    async fn facts_of_messages_are_in_the_order_of_their_uids(world) {
        for octets in [b"1", b"2", b"3"] {
            world.deliver(octets).await;
        }
        let place = (world.alice, world.inbox);
        let read = world.store.read(move |tx| {
            let mut uids = Vec::new();
            entry::each_fact(tx, place, 2..=9, &mut |facts| uids.push(facts.uid.0))?;
            Ok(uids)
        });
        assert_eq!(read.await.unwrap(), [2, 3]);
    }

    async fn many_messages_become_alike_and_no_others(world) {
        for octets in [b"1", b"2", b"3", b"4", b"5", b"6"] {
            world.deliver(octets).await;
        }
        let (alice, inbox) = (world.alice, world.inbox);
        let store = |uids: Vec<std::ops::RangeInclusive<u32>>, change: FlagChange, since| {
            world.store.write(move |tx| entry::store_flags(tx, alice, inbox, &uids, &change, since))
        };
        let flags = || async move {
            let entries = world.store.read(move |tx| entry::scan(tx, alice, inbox, &ALL, None, 99)).await.unwrap();
            entries.iter().map(|entry| (entry.uid.0, entry.flags.0, entry.keywords.join(" "))).collect::<Vec<_>>()
        };
        let add = |flags| FlagChange::Add(flags, Vec::new());
        // 3 is not named, 5 has the flag already.
        store(vec![5..=5], add(Flags::SEEN), None).await.unwrap();
        let before = world.mailbox("INBOX").await.modseq;
        let stored = store(vec![1..=2, 4..=6], add(Flags::SEEN), None).await.unwrap();
        assert_eq!(stored.modseq.map(|modseq| modseq.0), Some(before.0 + 1));
        let plain = |uid, flags| (uid, flags, String::new());
        assert_eq!(flags().await, [plain(1, 1), plain(2, 1), plain(3, 0), plain(4, 1), plain(5, 1), plain(6, 1)]);
        let same = store(vec![1..=2], add(Flags::SEEN), None).await.unwrap();
        assert_eq!(same.modseq, None);
        // 2 is held back, between those that are not.
        let limit = world.mailbox("INBOX").await.modseq;
        store(vec![2..=2], add(Flags::FLAGGED), None).await.unwrap();
        let change = FlagChange::Replace(Flags::default(), vec!["$Work".into()]);
        let stored = store(ALL.to_vec(), change, Some(limit)).await.unwrap();
        assert_eq!(stored.modified, [Uid(2)]);
        let work = |uid| (uid, 0, "$Work".to_owned());
        assert_eq!(flags().await, [work(1), plain(2, 5), work(3), work(4), work(5), work(6)]);
        assert_eq!(world.mailbox("INBOX").await.unseen, 5);
    }
}

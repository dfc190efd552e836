//! Messages: adding, listing, flags, copying, moving, expunging, and what other sessions see of it.

use crate::world::{World, new_entry, on_both_engines};
use store::entry::{self, FlagChange, Flags};
use store::{Error, MailboxId, ModSeq, Uid};

const ALL: [std::ops::RangeInclusive<u32>; 1] = [1..=u32::MAX];

async fn set(world: &World, mailbox: MailboxId, uids: std::ops::RangeInclusive<u32>, flags: Flags) {
    let alice = world.alice;
    let change = FlagChange::Add(flags, vec![]);
    let stored = world.store.write(move |tx| {
        entry::store_flags(
            tx,
            alice,
            mailbox,
            std::slice::from_ref(&uids),
            &change,
            None,
        )
    });
    stored.await.unwrap();
}

on_both_engines! {
    async fn a_message_is_listed_with_what_it_was_given(world) {
        let mut new = new_entry(world.alice, world.inbox, world.stage(b"Subject: hi\r\n\r\nhello\r\n").await);
        new.flags = Flags::SEEN.with(Flags::FLAGGED);
        new.keywords = vec!["$Work".into(), "apple".into(), "$WORK".into()];
        let added = new.clone();
        let (uid, validity, message) = world.store.write(move |tx| entry::add(tx, &added)).await.unwrap();
        let (alice, inbox) = (world.alice, world.inbox);
        let listed = world.store.read(move |tx| entry::scan_contents(tx, alice, inbox, &ALL, None, 10)).await.unwrap();
        let [(entry, content)] = listed.as_slice() else { panic!("{listed:?}") };
        assert_eq!((entry.uid, entry.message), (uid, message));
        assert_eq!(entry.flags, new.flags);
        assert_eq!(entry.keywords, ["$Work", "apple"]);
        assert_eq!(entry.internal_date, new.internal_date);
        assert_eq!(content.summary, new.summary);
        assert_eq!(content.body, new.body.body());
        assert_eq!(world.store.read_body(&content.body, 9, 2).await.unwrap(), b"hi");
        let mailbox = world.mailbox("INBOX").await;
        assert_eq!((mailbox.uid_next, mailbox.uid_validity), (Uid(uid.0 + 1), validity));
        assert_eq!((mailbox.messages, mailbox.unseen, mailbox.bytes), (1, 0, 22));
    }

    async fn a_message_is_found_by_its_message_id(world) {
        let mut messages = Vec::new();
        for id in [Some("one@x.example"), Some("two@x.example"), Some("one@x.example"), None] {
            let mut new = new_entry(world.alice, world.inbox, world.stage(b"x").await);
            new.summary.message_id = id.map(str::to_owned);
            let added = world.store.write(move |tx| entry::add(tx, &new)).await.unwrap();
            messages.push(added.2);
        }
        let alice = world.alice;
        let find = async |id: &'static str| {
            let mut found = world.store.read(move |tx| entry::by_message_id(tx, alice, id)).await.unwrap();
            found.sort();
            found
        };
        let mut twice = vec![messages[0], messages[2]];
        twice.sort();
        assert_eq!(find("one@x.example").await, twice);
        assert_eq!(find("two@x.example").await, [messages[1]]);
        assert_eq!(find("three@x.example").await, []);
        assert!(world.store.read(move |tx| entry::message_ids_are_entered(tx, alice)).await.unwrap());
    }

    async fn uids_are_never_used_again(world) {
        for n in 1..=3 {
            assert_eq!(world.deliver(b"x").await, Uid(n));
        }
        set(world, world.inbox, 1..=3, Flags::DELETED).await;
        let (alice, inbox) = (world.alice, world.inbox);
        let gone = world.store.write(move |tx| entry::expunge(tx, alice, inbox, &[2..=9])).await.unwrap();
        assert_eq!(gone, [Uid(2), Uid(3)]);
        assert_eq!(world.deliver(b"x").await, Uid(4));
        assert_eq!(world.uids(inbox).await, [1, 4]);
        let mailbox = world.mailbox("INBOX").await;
        assert_eq!((mailbox.messages, mailbox.deleted, mailbox.unseen), (2, 1, 2));
    }

    /// P9
    async fn what_was_saved_long_ago_is_removed_in_steps(world) {
        for _ in 1..=3 {
            world.deliver(b"x").await;
        }
        let (alice, inbox) = (world.alice, world.inbox);
        let which = entry::Everywhere::Named("inbox".into());
        let (past, future) = (store::Timestamp::UNIX_EPOCH, store::Timestamp::from_second(9_000_000_000).unwrap());
        let asked = which.clone();
        let none = world.store.read(move |tx| entry::expired(tx, &asked, past, 10)).await.unwrap();
        assert_eq!(none, []);
        let due = world.store.read(move |tx| entry::expired(tx, &which, future, 10)).await.unwrap();
        assert_eq!(due, [(alice, inbox)]);
        let expire = async |before, limit| world.store.write(move |tx| entry::expire(tx, alice, inbox, before, limit)).await.unwrap();
        assert_eq!(expire(past, 10).await, []);
        assert_eq!(expire(future, 2).await, [Uid(1), Uid(2)]);
        assert_eq!(expire(future, 2).await, [Uid(3)]);
        let mailbox = world.mailbox("INBOX").await;
        assert_eq!((mailbox.messages, mailbox.unseen, mailbox.bytes), (0, 0, 0));
    }

    async fn flags_change_under_a_new_modseq_and_only_where_they_differ(world) {
        world.deliver(b"one").await;
        world.deliver(b"two").await;
        let (alice, inbox) = (world.alice, world.inbox);
        set(world, inbox, 1..=1, Flags::SEEN).await;
        let before = world.mailbox("INBOX").await.modseq;
        let change = FlagChange::Add(Flags::SEEN, vec![]);
        let stored = world.store.write(move |tx| entry::store_flags(tx, alice, inbox, &ALL, &change, None)).await.unwrap();
        let modseqs: Vec<_> = stored.entries.iter().map(|e| e.modseq > before).collect();
        assert_eq!(modseqs, [false, true]);
        assert_eq!(stored.before.len(), 2);
        assert!(stored.before[0] == stored.entries[0].modseq && stored.before[1] < stored.entries[1].modseq);
        let change = FlagChange::Replace(Flags::default(), vec!["$Junk".into()]);
        let stored = world.store.write(move |tx| entry::store_flags(tx, alice, inbox, &ALL, &change, Some(before))).await.unwrap();
        assert_eq!(stored.modified, [Uid(2)]);
        assert_eq!(stored.entries.len(), 1);
        assert_eq!(stored.entries[0].keywords, ["$Junk"]);
        assert_eq!(world.mailbox("INBOX").await.unseen, 1);
    }

    async fn copies_share_their_message_and_body(world) {
        let archive = world.create("Archive").await;
        world.deliver(b"one").await;
        world.deliver(b"two").await;
        let (alice, inbox) = (world.alice, world.inbox);
        let copied = world.store.write(move |tx| {
            entry::copy(tx, alice, inbox, &ALL, archive, &crate::world::UNLIMITED)
        }).await.unwrap();
        assert_eq!(copied.uids, [(Uid(1), Uid(1)), (Uid(2), Uid(2))]);
        let (a, b) = world.store.read(move |tx| {
            Ok((entry::scan(tx, alice, inbox, &ALL, None, 9)?, entry::scan(tx, alice, archive, &ALL, None, 9)?))
        }).await.unwrap();
        assert_eq!(a.iter().map(|e| e.message).collect::<Vec<_>>(), b.iter().map(|e| e.message).collect::<Vec<_>>());
        set(world, inbox, 1..=2, Flags::DELETED).await;
        world.store.write(move |tx| entry::expunge(tx, alice, inbox, &ALL)).await.unwrap();
        let content = world.store.read(move |tx| entry::contents(tx, alice, &[b[0].message])).await.unwrap();
        assert_eq!(world.store.read_body(&content[0].body, 0, 9).await.unwrap(), b"one");
    }

    async fn a_move_leaves_nothing_behind(world) {
        let trash = world.create("Trash").await;
        world.deliver(b"one").await;
        world.deliver(b"two").await;
        let (alice, inbox) = (world.alice, world.inbox);
        let moved = world.store.write(move |tx| entry::move_to(tx, alice, inbox, &[2..=2], trash)).await.unwrap();
        assert_eq!(moved.uids, [(Uid(2), Uid(1))]);
        assert_eq!((world.uids(inbox).await, world.uids(trash).await), (vec![1], vec![1]));
        let nowhere = MailboxId::from_u128(1);
        let failed = world.store.write(move |tx| entry::move_to(tx, alice, inbox, &ALL, nowhere)).await;
        assert!(matches!(failed, Err(Error::Missing(_))));
        assert_eq!(world.uids(inbox).await, [1]);
    }

    async fn changes_tell_a_session_what_others_did(world) {
        for octets in [b"1", b"2", b"3"] {
            world.deliver(octets).await;
        }
        let (alice, inbox) = (world.alice, world.inbox);
        let known = world.mailbox("INBOX").await.modseq;
        let changes = move |since| world.store.read(move |tx| entry::changes(tx, alice, inbox, since));
        let nothing = changes(known).await.unwrap();
        assert!(nothing.changed.is_empty() && nothing.vanished.is_empty() && !nothing.gone);
        world.deliver(b"4").await;
        set(world, inbox, 1..=1, Flags::SEEN).await;
        set(world, inbox, 2..=2, Flags::DELETED).await;
        world.store.write(move |tx| entry::expunge(tx, alice, inbox, &ALL)).await.unwrap();
        let seen = changes(known).await.unwrap();
        assert_eq!(seen.vanished, [Uid(2)]);
        assert_eq!(seen.changed.iter().map(|e| e.uid.0).collect::<Vec<_>>(), [1, 4]);
        assert!(changes(seen.modseq).await.unwrap().changed.is_empty());
        let everything = changes(ModSeq(0)).await.unwrap();
        assert_eq!(everything.changed.len(), 3);
    }
}

//! Mailboxes: names, trees, renaming, deleting.

use crate::world::{World, on_both_engines};
use store::mailbox::{self, SpecialUse};
use store::{Error, Result};

async fn names(world: &World) -> Vec<String> {
    let alice = world.alice;
    let list = world
        .store
        .read(move |tx| mailbox::list(tx, alice))
        .await
        .unwrap();
    list.into_iter().map(|m| m.name).collect()
}

async fn rename(world: &World, from: &'static str, to: &'static str) -> Result<()> {
    let alice = world.alice;
    world
        .store
        .write(move |tx| mailbox::rename(tx, alice, from, to))
        .await
}

on_both_engines! {
    /// RFC 3501 §6.3.3
    async fn create_makes_the_levels_above(world) {
        world.create("a/b/c").await;
        assert_eq!(names(world).await, ["INBOX", "a", "a/b", "a/b/c"]);
        let alice = world.alice;
        let again = world.store.write(move |tx| mailbox::create(tx, alice, "a/b", None)).await;
        assert!(matches!(again, Err(Error::Exists(_))));
        let inbox = world.store.write(move |tx| mailbox::create(tx, alice, "inbox", None)).await;
        assert!(matches!(inbox, Err(Error::Exists(_))));
    }

    /// RFC 3501 §6.3.5
    async fn rename_takes_the_tree_along(world) {
        world.create("a/b/c").await;
        world.create("ab").await;
        let before = world.mailbox("a/b/c").await;
        rename(world, "a", "x/y").await.unwrap();
        assert_eq!(names(world).await, ["INBOX", "ab", "x", "x/y", "x/y/b", "x/y/b/c"]);
        let after = world.mailbox("x/y/b/c").await;
        assert_eq!((after.id, after.uid_validity), (before.id, before.uid_validity));
        assert!(after.modseq > before.modseq);
        assert!(matches!(rename(world, "x", "x/deeper").await, Err(Error::Refused(_))));
        assert!(matches!(rename(world, "x", "ab").await, Err(Error::Exists(_))));
        assert!(matches!(rename(world, "nothing", "new").await, Err(Error::Missing(_))));
    }

    /// RFC 3501 §6.3.5
    async fn renaming_inbox_moves_its_messages(world) {
        world.deliver(b"one").await;
        world.create("INBOX/below").await;
        rename(world, "inbox", "Old/2026").await.unwrap();
        assert_eq!(names(world).await, ["INBOX", "INBOX/below", "Old", "Old/2026"]);
        assert_eq!(world.mailbox("INBOX").await.messages, 0);
        assert_eq!(world.mailbox("Old/2026").await.messages, 1);
    }

    /// RFC 3501 §6.3.4: a mailbox made again under the name of a deleted one is another one.
    async fn a_deleted_name_comes_back_with_a_higher_uidvalidity(world) {
        world.create("a/b").await;
        let before = world.mailbox("a").await;
        let alice = world.alice;
        world.deliver_to(before.id, b"gone soon").await.unwrap();
        world.store.write(move |tx| mailbox::delete(tx, alice, "a")).await.unwrap();
        assert_eq!(names(world).await, ["INBOX", "a/b"]);
        world.create("a").await;
        let after = world.mailbox("a").await;
        assert!(after.uid_validity > before.uid_validity);
        assert_eq!(after.messages, 0);
        let refused = world.store.write(move |tx| mailbox::delete(tx, alice, "Inbox")).await;
        assert!(matches!(refused, Err(Error::Refused(_))));
        assert!(world.deliver_to(before.id, b"too late").await.is_err());
    }

    async fn a_special_use_has_one_mailbox(world) {
        let alice = world.alice;
        world.store.write(move |tx| mailbox::create(tx, alice, "Spam", Some(SpecialUse::Junk))).await.unwrap();
        let found = world.store.read(move |tx| mailbox::by_special_use(tx, alice, SpecialUse::Junk)).await.unwrap();
        assert_eq!(found.unwrap().name, "Spam");
        let second = world.store.write(move |tx| mailbox::create(tx, alice, "Junk", Some(SpecialUse::Junk))).await;
        assert!(matches!(second, Err(Error::Refused(_))));
    }

    async fn subscriptions_outlive_their_mailbox(world) {
        world.create("lists").await;
        let alice = world.alice;
        world.store.write(move |tx| {
            mailbox::subscribe(tx, alice, "lists", true)?;
            mailbox::subscribe(tx, alice, "lists", true)?;
            mailbox::delete(tx, alice, "lists")
        }).await.unwrap();
        let subscribed = world.store.read(move |tx| mailbox::subscriptions(tx, alice)).await.unwrap();
        assert_eq!(subscribed, ["INBOX", "lists"]);
        world.store.write(move |tx| mailbox::subscribe(tx, alice, "lists", false)).await.unwrap();
        let subscribed = world.store.read(move |tx| mailbox::subscriptions(tx, alice)).await.unwrap();
        assert_eq!(subscribed, ["INBOX"]);
    }
}

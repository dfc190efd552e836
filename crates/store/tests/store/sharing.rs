//! Mailboxes that others may use: rights, groups, `\Seen` of one's own, copies from one account to another.

use crate::world::{UNLIMITED, World, new_entry, on_both_engines, person};
use std::ops::RangeInclusive;
use store::change::{self, What};
use store::entry::{self, FlagChange, Flags, Kept, Place, Viewed};
use store::news::{self, Messages};
use store::share::{self, Identifier, Rights, SeenFlags};
use store::{AccountId, Error, MailboxId, Result, account, mailbox};

const ALL: [RangeInclusive<u32>; 1] = [1..=u32::MAX];

async fn bob(world: &World) -> AccountId {
    let added = world
        .store
        .write(|tx| account::add(tx, &person("bob@example.com")));
    added.await.unwrap()
}

async fn grant(
    world: &World,
    mailbox: MailboxId,
    who: &'static str,
    rights: &'static str,
) -> Result<bool> {
    let owner = world.alice;
    world
        .store
        .write(move |tx| {
            let identifier = Identifier::parse(tx, who, "example.com")?;
            share::grant(tx, owner, mailbox, &identifier, Rights::parse(rights)?)
        })
        .await
}

async fn rights(world: &World, mailbox: MailboxId, viewer: AccountId) -> String {
    let owner = world.alice;
    let found = world
        .store
        .read(move |tx| share::rights(tx, owner, mailbox, viewer))
        .await;
    found.unwrap().to_string()
}

fn seen_by(viewer: AccountId, mailbox: MailboxId) -> Viewed {
    Viewed {
        mailbox,
        viewer: Some(viewer),
    }
}

on_both_engines! {
    /// RFC 4314 §2: what is given to the address, its groups and anyone, less what is taken away.
    async fn rights_are_a_union_less_what_is_taken(world) {
        let (bob, inbox) = (bob(world).await, world.inbox);
        assert_eq!(rights(world, inbox, bob).await, "");
        assert_eq!(rights(world, inbox, world.alice).await, "lrswipkxtea");
        grant(world, inbox, "anyone", "lr").await.unwrap();
        grant(world, inbox, "Bob", "i").await.unwrap();
        assert_eq!(rights(world, inbox, bob).await, "lri");
        grant(world, inbox, "-bob@example.com", "r").await.unwrap();
        assert_eq!(rights(world, inbox, bob).await, "li");
        grant(world, inbox, "$family", "te").await.unwrap();
        assert_eq!(rights(world, inbox, bob).await, "li");
        world.store.write(move |tx| share::set_member(tx, bob, "Family", true)).await.unwrap();
        assert_eq!(rights(world, inbox, bob).await, "lite");
        grant(world, inbox, "anyone", "").await.unwrap();
        assert_eq!(rights(world, inbox, bob).await, "ite");
    }

    /// RFC 5465: what happened is summed up by mailbox, as who asks sees it; who is too far behind is told so.
    async fn news_are_summed_up(world) {
        let (alice, inbox, bob) = (world.alice, world.inbox, bob(world).await);
        world.store.write(move |tx| share::set_seen_flags(tx, alice, inbox, SeenFlags::Own)).await.unwrap();
        let since = world.store.read(move |tx| Ok(account::by_id(tx, alice)?.unwrap().modseq)).await.unwrap();
        let heard = |viewer, most| world.store.read(move |tx| news::news(tx, alice, viewer, since, most));
        assert_eq!(heard(alice, 9).await.unwrap().unwrap().messages.len(), 0);
        world.deliver(b"one").await;
        world.deliver(b"two").await;
        let seen = FlagChange::Add(Flags::SEEN, vec![]);
        world.store.write(move |tx| entry::store_flags(tx, alice, seen_by(bob, inbox), &ALL, &seen, None)).await.unwrap();
        let mut access = world.store.watch_access();
        grant(world, inbox, "bob", "lr").await.unwrap();
        assert!(access.has_changed().unwrap());
        access.mark_unchanged();
        let of_bob = heard(bob, 9).await.unwrap().unwrap();
        let added = Messages { added: true, ..Messages::default() };
        assert_eq!(of_bob.messages[&inbox], Messages { flags: true, ..added });
        assert!(matches!(&of_bob.others[..], [What::Shared { identifier, .. }] if identifier == "bob@example.com"));
        // What bob has seen is no news to alice.
        assert_eq!(heard(alice, 9).await.unwrap().unwrap().messages[&inbox], added);
        assert_eq!(heard(alice, 2).await.unwrap(), None);
        let now = of_bob.modseq;
        world.store.write(move |tx| change::prune(tx, alice, now)).await.unwrap();
        assert_eq!(heard(alice, 9).await.unwrap(), None);
        assert!(!access.has_changed().unwrap());
    }

    async fn anyone_ends_at_the_domain(world) {
        let stranger = world.store.write(|tx| {
            store::domain::add(tx, &store::domain::Domain { name: "example.net".into(), alias_of: None, active: true })?;
            account::add(tx, &person("mallory@example.net"))
        }).await.unwrap();
        grant(world, world.inbox, "anyone", "lr").await.unwrap();
        assert_eq!(rights(world, world.inbox, stranger).await, "");
        grant(world, world.inbox, "mallory@example.net", "l").await.unwrap();
        assert_eq!(rights(world, world.inbox, stranger).await, "l");
    }

    async fn only_who_exists_can_be_given_something(world) {
        assert!(matches!(grant(world, world.inbox, "nobody", "lr").await, Err(Error::Missing(_))));
        assert!(matches!(grant(world, world.inbox, "alice", "lr").await, Err(Error::Refused(_))));
        assert!(matches!(grant(world, world.inbox, "$no group", "lr").await, Err(Error::Refused(_))));
    }

    /// Whoever gets the address later gets nothing with it.
    async fn rights_go_with_the_account(world) {
        let first = bob(world).await;
        grant(world, world.inbox, "bob", "lr").await.unwrap();
        world.store.write(move |tx| account::remove(tx, first)).await.unwrap();
        let second = bob(world).await;
        assert_eq!(rights(world, world.inbox, second).await, "");
        let shared = world.store.read(move |tx| share::shared_with(tx, second)).await.unwrap();
        assert!(shared.is_empty());
    }

    async fn a_new_mailbox_is_shared_as_the_one_above(world) {
        let bob = bob(world).await;
        let above = world.create("Projects").await;
        grant(world, above, "bob", "lrk").await.unwrap();
        let below = world.create("Projects/House").await;
        assert_eq!(rights(world, below, bob).await, "lrk");
        let shared = world.store.read(move |tx| share::shared_with(tx, bob)).await.unwrap();
        let names: Vec<&str> = shared.iter().map(|one| one.mailbox.name.as_str()).collect();
        assert_eq!(names, ["Projects", "Projects/House"]);
        let alice = world.alice;
        world.store.write(move |tx| mailbox::delete(tx, alice, "Projects/House")).await.unwrap();
        let shared = world.store.read(move |tx| share::shared_with(tx, bob)).await.unwrap();
        assert_eq!(shared.len(), 1);
    }

    /// RFC 4314 §4: `\Seen` may be each reader's own.
    async fn each_reader_has_seen_what_he_has_seen(world) {
        let (alice, bob, inbox) = (world.alice, bob(world).await, world.inbox);
        for text in ["one", "two", "three"] {
            world.deliver(text.as_bytes()).await;
        }
        world.store.write(move |tx| share::set_seen_flags(tx, alice, inbox, SeenFlags::Own)).await.unwrap();
        let view = seen_by(bob, inbox);
        let before = world.mailbox("INBOX").await.modseq;
        let change = FlagChange::Add(Flags::SEEN.with(Flags::FLAGGED), vec![]);
        let result = world.store.write(move |tx| entry::store_flags(tx, alice, view, &[2..=2], &change, None)).await.unwrap();
        assert_eq!(result.entries[0].flags, Flags::SEEN.with(Flags::FLAGGED));
        let (his, hers, unseen, first, news) = world.store.read(move |tx| {
            Ok((
                entry::scan(tx, alice, view, &ALL, None, 9)?,
                entry::scan(tx, alice, inbox, &ALL, None, 9)?,
                entry::unseen_by(tx, alice, inbox, bob, 3)?,
                entry::first_unseen(tx, alice, view)?,
                entry::changes(tx, alice, view, before)?,
            ))
        }).await.unwrap();
        assert_eq!(his.iter().map(|e| e.flags.0).collect::<Vec<_>>(), [0, 5, 0]);
        assert_eq!(hers.iter().map(|e| e.flags.0).collect::<Vec<_>>(), [0, 4, 0]);
        assert_eq!((unseen, first.unwrap().0), (2, 1));
        assert_eq!(news.changed.len(), 1);
        assert_eq!(news.changed[0].flags.0, 5);
        assert_eq!(world.mailbox("INBOX").await.unseen, 3);
        // Taking it back is news for him again, and nothing for her but the MODSEQ.
        let before = world.mailbox("INBOX").await.modseq;
        let change = FlagChange::Remove(Flags::SEEN, vec![]);
        world.store.write(move |tx| entry::store_flags(tx, alice, view, &ALL, &change, None)).await.unwrap();
        let (his, hers) = world.store.read(move |tx| {
            Ok((entry::changes(tx, alice, view, before)?, entry::changes(tx, alice, inbox, before)?))
        }).await.unwrap();
        assert_eq!((his.changed.len(), hers.changed.len()), (1, 0));
        // What is gone leaves nothing behind; `check` at the end looks.
        let change = FlagChange::Add(Flags::SEEN.with(Flags::DELETED), vec![]);
        world.store.write(move |tx| {
            entry::store_flags(tx, alice, view, &ALL, &change, None)?;
            entry::expunge(tx, alice, view, &[1..=2])
        }).await.unwrap();
        assert_eq!(world.uids(inbox).await, [3]);
    }

    /// Quota counts at the owner; the body is not copied.
    async fn messages_go_from_one_account_to_another(world) {
        let (alice, bob, inbox) = (world.alice, bob(world).await, world.inbox);
        world.deliver(b"carried over").await;
        world.deliver(b"carried over too").await;
        let his = world.store.read(move |tx| mailbox::by_name(tx, bob, "INBOX")).await.unwrap().unwrap().id;
        let [hers, his_place] = [(alice, inbox), (bob, his)].map(|(account, mailbox)| Place { account, mailbox: mailbox.into() });
        let kept = Kept { flags: Flags::SEEN, keywords: false };
        let change = FlagChange::Add(Flags::SEEN.with(Flags::FLAGGED), vec!["work".into()]);
        world.store.write(move |tx| {
            entry::store_flags(tx, alice, inbox, &ALL, &change, None)?;
            entry::copy_to(tx, hers, &ALL, his_place, kept, &UNLIMITED)?;
            // Once more: he has the content already.
            entry::copy_to(tx, hers, &[1..=1], his_place, kept, &UNLIMITED)?;
            entry::move_over(tx, hers, &[2..=2], his_place, kept, &UNLIMITED)
        }).await.unwrap();
        assert_eq!(world.uids(inbox).await, [1]);
        let (entries, contents, owner) = world.store.read(move |tx| {
            let entries = entry::scan_contents(tx, bob, his, &ALL, None, 9)?;
            let contents = entries.iter().map(|(_, content)| store::body::read(tx, &content.body, 0..content.body.size)).collect::<Result<Vec<_>>>()?;
            Ok((entries, contents, account::by_id(tx, bob)?.unwrap()))
        }).await.unwrap();
        assert!(entries.iter().all(|(entry, _)| entry.flags == Flags::SEEN && entry.keywords.is_empty()));
        assert_eq!(contents[3], b"carried over too");
        assert_eq!(owner.used_messages, 4);
        let full = crate::world::limited(60, store::quota::Occasion::User);
        let refused = world.store.write(move |tx| entry::move_over(tx, hers, &ALL, his_place, kept, &full)).await;
        assert!(matches!(refused, Err(Error::OverQuota { .. })));
        assert_eq!(world.uids(inbox).await, [1]);
    }

    async fn a_reader_of_his_own_moves_and_copies(world) {
        let (alice, bob, inbox) = (world.alice, bob(world).await, world.inbox);
        world.deliver(b"one").await;
        world.deliver(b"two").await;
        let other = world.create("Done").await;
        world.store.write(move |tx| {
            share::set_seen_flags(tx, alice, inbox, SeenFlags::Own)?;
            share::set_seen_flags(tx, alice, other, SeenFlags::Own)?;
            let seen = FlagChange::Add(Flags::SEEN, vec![]);
            entry::store_flags(tx, alice, seen_by(bob, inbox), &[1..=1], &seen, None)?;
            entry::copy(tx, alice, seen_by(bob, inbox), &[1..=1], seen_by(bob, other), &UNLIMITED)?;
            entry::move_to(tx, alice, seen_by(bob, inbox), &ALL, seen_by(bob, other))
        }).await.unwrap();
        let (his, hers) = world.store.read(move |tx| {
            Ok((entry::scan(tx, alice, seen_by(bob, other), &ALL, None, 9)?, entry::scan(tx, alice, other, &ALL, None, 9)?))
        }).await.unwrap();
        assert_eq!(his.iter().map(|e| e.flags.0).collect::<Vec<_>>(), [1, 1, 0]);
        assert_eq!(hers.iter().map(|e| e.flags.0).collect::<Vec<_>>(), [0, 0, 0]);
        let new = new_entry(alice, inbox, world.stage(b"three").await);
        world.store.write(move |tx| entry::add(tx, &new)).await.unwrap();
    }

    async fn a_partial_store_leaves_other_flags_alone(world) {
        let (alice, inbox) = (world.alice, world.inbox);
        world.deliver(b"one").await;
        let all = FlagChange::Add(Flags(31), vec!["keep".into()]);
        let some = FlagChange::Within { mask: Flags::SEEN.with(Flags::DELETED), flags: Flags::SEEN, keywords: None };
        let after = world.store.write(move |tx| {
            entry::store_flags(tx, alice, inbox, &ALL, &all, None)?;
            entry::store_flags(tx, alice, inbox, &ALL, &some, None)
        }).await.unwrap();
        assert_eq!(after.entries[0].flags, Flags(31).without(Flags::DELETED));
        assert_eq!(after.entries[0].keywords, ["keep"]);
    }
}

use store::annotation::{self, Depth, Place as Annotated};

on_both_engines! {
    /// RFC 5464 §3.3, §4.2.2
    async fn annotations_have_scopes_and_depths(world) {
        let (alice, bob, inbox) = (world.alice, bob(world).await, world.inbox);
        let (shared, hers, his) = (Annotated::shared(alice, inbox), Annotated::private(alice, inbox, alice), Annotated::private(alice, inbox, bob));
        world.store.write(move |tx| {
            for (entry, value) in [("/shared/v", "1"), ("/shared/v/a", "2"), ("/shared/v/a/b", "3"), ("/shared/va", "4")] {
                annotation::set(tx, shared, entry, Some(value.as_bytes()))?;
            }
            annotation::set(tx, hers, "/private/comment", Some(b"hers\0"))?;
            annotation::set(tx, his, "/private/comment", Some(b"his"))?;
            annotation::set(tx, Annotated::of_server(), "/shared/motd", Some(b"hello"))
        }).await.unwrap();
        let names = world.store.read(move |tx| {
            [Depth::Zero, Depth::One, Depth::Infinity].into_iter().map(|depth| Ok(annotation::read(tx, shared, "/shared/v", depth)?.len())).collect::<Result<Vec<_>>>()
        }).await.unwrap();
        assert_eq!(names, [1, 2, 3]);
        let comment = world.store.read(move |tx| annotation::read(tx, hers, "/private/comment", Depth::Zero)).await.unwrap();
        assert_eq!(comment, [("/private/comment".to_owned(), b"hers\0".to_vec())]);
        world.store.write(move |tx| annotation::set(tx, shared, "/shared/v/a", None)).await.unwrap();
        assert_eq!(world.store.read(move |tx| annotation::count(tx, shared)).await.unwrap(), 3);
        world.store.write(move |tx| account::remove(tx, bob)).await.unwrap();
        assert_eq!(world.store.read(move |tx| annotation::count(tx, his)).await.unwrap(), 0);
        assert_eq!(world.store.read(move |tx| annotation::count(tx, hers)).await.unwrap(), 1);
    }
}

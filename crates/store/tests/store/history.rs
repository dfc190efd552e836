//! The change log, and those who watch it.

use crate::world::on_both_engines;
use store::change::{self, What};
use store::entry::{self, FlagChange, Flags};
use store::{ModSeq, Uid, account, mailbox};

on_both_engines! {
    async fn every_change_is_told_in_order(world) {
        let alice = world.alice;
        let before = world.mailbox("INBOX").await.modseq;
        world.deliver(b"one").await;
        let archive = world.create("Archive").await;
        let inbox = world.inbox;
        world.store.write(move |tx| {
            entry::copy(tx, alice, inbox, &[1..=1], archive, &crate::world::UNLIMITED)?;
            entry::store_flags(tx, alice, inbox, &[1..=1], &FlagChange::Add(Flags::DELETED, vec![]), None)?;
            entry::expunge(tx, alice, inbox, &[1..=1])?;
            mailbox::rename(tx, alice, "Archive", "Old")?;
            mailbox::subscribe(tx, alice, "Old", true)?;
            mailbox::delete(tx, alice, "Old")?;
            account::set_name(tx, alice, "Alice")
        }).await.unwrap();
        let changes = world.store.read(move |tx| change::since(tx, alice, before, 100)).await.unwrap();
        let told: Vec<_> = changes.iter().map(|change| match &change.what {
            What::MessageAdded { uid, .. } => format!("added {uid}"),
            What::FlagsChanged { uids, .. } => format!("flags {uids:?}"),
            What::Expunged { uids, .. } => format!("expunged {uids:?}"),
            What::MailboxCreated { name, .. } => format!("created {name}"),
            What::MailboxRenamed { from, to, .. } => format!("renamed {from} {to}"),
            What::MailboxDeleted { name, .. } => format!("deleted {name}"),
            What::Subscribed { name, on } => format!("subscribed {name} {on}"),
            What::AccountChanged => "account".into(),
            other => format!("{other:?}"),
        }).collect();
        assert_eq!(told, [
            "added 1", "created Archive", "added 1", "flags [1]", "expunged [1]", "renamed Archive Old", "subscribed Old true",
            "expunged [1]", "deleted Old", "account",
        ]);
        assert!(changes.is_sorted_by_key(|change| change.modseq));
        let first = world.store.read(move |tx| change::since(tx, alice, before, 1)).await.unwrap();
        assert_eq!(first.len(), 1);
    }

    async fn a_pruned_log_still_tells_what_vanished(world) {
        let (alice, inbox) = (world.alice, world.inbox);
        let start = world.mailbox("INBOX").await.modseq;
        for _ in 0..4 {
            world.deliver(b"x").await;
        }
        let expunge = async |uid: u32| {
            world.store.write(move |tx| {
                entry::store_flags(tx, alice, inbox, &[uid..=uid], &FlagChange::Add(Flags::DELETED, vec![]), None)?;
                entry::expunge(tx, alice, inbox, &[uid..=uid])
            }).await.unwrap();
        };
        expunge(2).await;
        expunge(3).await;
        let pruned = world.mailbox("INBOX").await.modseq;
        assert!(world.store.write(move |tx| change::prune(tx, alice, pruned)).await.unwrap() > 0);
        let left = world.store.read(move |tx| change::since(tx, alice, ModSeq(0), 100)).await.unwrap();
        assert_eq!(left.len(), 1, "{left:?}");
        expunge(4).await;
        let seen = world.store.read(move |tx| entry::changes(tx, alice, inbox, start)).await.unwrap();
        assert_eq!(seen.vanished, [Uid(2), Uid(3), Uid(4)]);
        assert_eq!(seen.changed.iter().map(|e| e.uid).collect::<Vec<_>>(), [Uid(1)]);
        let later = world.store.read(move |tx| entry::changes(tx, alice, inbox, pruned)).await.unwrap();
        assert_eq!(later.vanished, [Uid(4)]);
    }

    async fn what_is_old_is_forgotten_in_small_steps_and_some_stays(world) {
        let (alice, inbox) = (world.alice, world.inbox);
        let day = |n: i64| store::Timestamp::from_second(n * 86_400).unwrap();
        for _ in 0..20 {
            world.deliver(b"x").await;
        }
        world.store.write(move |tx| {
            entry::store_flags(tx, alice, inbox, &[3..=4], &FlagChange::Add(Flags::DELETED, vec![]), None)?;
            entry::expunge(tx, alice, inbox, &[3..=4])
        }).await.unwrap();
        let old = world.mailbox("INBOX").await.modseq;
        let marked = world.store.write(move |tx| change::mark(tx, day(100), 10)).await.unwrap();
        assert_eq!(marked, 1);
        assert_eq!(world.store.write(move |tx| change::mark(tx, day(101), 10)).await.unwrap(), 0, "nothing new");
        world.deliver(b"y").await;
        let prune = async |since: i64, records: u64| {
            let keep = change::Keep { since: day(since), records };
            let (mut steps, mut forgotten) = (0, 0);
            loop {
                let done = world.store.write(move |tx| change::prune_due(tx, &keep, 5)).await.unwrap();
                (steps, forgotten) = (steps + 1, forgotten + done.records);
                if done.done {
                    return (steps, forgotten);
                }
            }
        };
        assert_eq!(prune(100, 0).await, (1, 0), "nothing is older than its mark");
        assert_eq!(prune(101, 1000).await, (1, 0), "so few records stay however old they are");
        world.store.write(move |tx| change::mark(tx, day(102), 10)).await.unwrap();
        let (steps, forgotten) = prune(103, 4).await;
        assert!(steps > 2 && forgotten > 15, "{steps} steps, {forgotten} records");
        let left = world.store.read(move |tx| change::since(tx, alice, ModSeq(0), 100)).await.unwrap();
        let told: usize = left.iter().map(|change| usize::from(change.modseq > ModSeq(0))).sum();
        assert!(told >= 4, "{left:?}");
        // QRESYNC: whoever was away since before what is forgotten is still told all.
        let seen = world.store.read(move |tx| entry::changes(tx, alice, inbox, ModSeq(1))).await.unwrap();
        assert_eq!(seen.vanished, [Uid(3), Uid(4)]);
        assert_eq!(seen.changed.len(), 19);
        let complete = world.store.read(move |tx| change::complete_from(tx, alice)).await.unwrap();
        assert!(complete > ModSeq(1) && complete < old, "{complete:?}");
    }

    async fn watchers_hear_of_commits(world) {
        let mut watched = world.store.watch(world.alice);
        world.deliver(b"one").await;
        let modseq = world.mailbox("INBOX").await.modseq;
        watched.wait_for(|seen| *seen == modseq).await.unwrap();
        let failed = world.store.write({
            let alice = world.alice;
            move |tx| {
                account::set_name(tx, alice, "x")?;
                Err::<(), _>(store::Error::Refused("on purpose".into()))
            }
        }).await;
        assert!(failed.is_err());
        assert_eq!(*watched.borrow(), modseq);
        // A second watcher knows at once.
        assert_eq!(*world.store.watch(world.alice).borrow(), modseq);
    }

    async fn a_watcher_learns_where_a_quiet_account_stands(world) {
        let modseq = world.mailbox("INBOX").await.modseq;
        let mut watched = world.store.watch(world.alice);
        watched.wait_for(|seen| *seen == modseq).await.unwrap();
    }

    async fn a_removed_account_and_mailbox_are_gone(world) {
        let (alice, inbox) = (world.alice, world.inbox);
        let mut watched = world.store.watch(alice);
        let other = world.create("Other").await;
        world.store.write(move |tx| mailbox::delete(tx, alice, "Other")).await.unwrap();
        let changes = world.store.read(move |tx| entry::changes(tx, alice, other, ModSeq(0))).await.unwrap();
        assert!(changes.gone);
        let before = world.mailbox("INBOX").await.modseq;
        world.store.write(move |tx| account::remove(tx, alice)).await.unwrap();
        watched.wait_for(|seen| *seen > before).await.unwrap();
        let changes = world.store.read(move |tx| entry::changes(tx, alice, inbox, before)).await.unwrap();
        assert!(changes.gone);
    }

    async fn the_clock_can_be_turned(world) {
        let later = store::Timestamp::from_second(4_000_000_000).unwrap();
        world.store.use_clock(move || later);
        world.deliver(b"x").await;
        let (alice, inbox) = (world.alice, world.inbox);
        let listed = world.store.read(move |tx| entry::scan(tx, alice, inbox, &[1..=1], None, 1)).await.unwrap();
        assert_eq!(listed[0].saved, later);
    }
}

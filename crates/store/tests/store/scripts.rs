//! Scripts of accounts, what they remember and log; why messages are where they are; what is to be learned.

use crate::world::{new_entry, on_both_engines};
use store::change::{self, What};
use store::filing::{self, Decision};
use store::learn::{self, Class, Origin};
use store::script::event;
use store::script::memory::{self, Kind};
use store::script::{self, Quota, Shortage, Traits, journal};
use store::{Error, ModSeq, Timestamp, account, entry};

const ROOM: Quota = Quota {
    scripts: 3,
    script_size: 100,
    storage: 150,
};

const HARMLESS: Traits = Traits {
    refuses: false,
    includes: false,
};

on_both_engines! {
    async fn h39_scripts_are_stored_activated_renamed_and_deleted(world) {
        let alice = world.alice;
        let refuses = Traits { refuses: true, includes: false };
        world.store.write(move |tx| {
            assert_eq!(script::put(tx, alice, "a", b"keep;", HARMLESS, &ROOM)?, None);
            assert_eq!(script::put(tx, alice, "b", b"discard;", refuses, &ROOM)?, None);
            script::set_active(tx, alice, Some("a"))?;
            script::set_active(tx, alice, Some("b"))?;
            assert_eq!(script::put(tx, alice, "b", b"stop;", HARMLESS, &ROOM)?, None);
            script::rename(tx, alice, "b", "c")
        }).await.unwrap();
        let (scripts, active, text) = world.store.read(move |tx| {
            Ok((script::list(tx, alice)?, script::active(tx, alice)?.unwrap(), script::content(tx, alice, "c")?.unwrap()))
        }).await.unwrap();
        assert_eq!(scripts.iter().map(|s| (s.name.as_str(), s.active)).collect::<Vec<_>>(), [("a", false), ("c", true)]);
        assert_eq!((active.name.as_str(), active.size, active.traits, active.hash), ("c", 5, HARMLESS, script::hash(b"stop;")));
        assert_eq!(text, b"stop;");
        let told = world.store.read(move |tx| change::since(tx, alice, ModSeq(0), 100)).await.unwrap();
        let told: Vec<_> = told.into_iter().map(|c| c.what).filter(|w| matches!(w, What::ScriptActivated { .. } | What::ScriptRenamed { .. })).collect();
        assert_eq!(told.len(), 3);
        let refused = world.store.write(move |tx| script::delete(tx, alice, "c")).await;
        assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
        world.store.write(move |tx| {
            script::set_active(tx, alice, None)?;
            script::delete(tx, alice, "c")
        }).await.unwrap();
        for result in [
            world.store.write(move |tx| script::delete(tx, alice, "c")).await,
            world.store.write(move |tx| script::set_active(tx, alice, Some("c"))).await,
            world.store.write(move |tx| script::rename(tx, alice, "c", "d")).await,
        ] {
            assert!(matches!(result, Err(Error::Missing(_))), "{result:?}");
        }
    }

    async fn h31_scripts_have_a_quota(world) {
        let alice = world.alice;
        let put = async |name: &'static str, size: usize| {
            world.store.write(move |tx| script::put(tx, alice, name, &vec![b'#'; size], HARMLESS, &ROOM)).await.unwrap()
        };
        assert_eq!(put("a", 101).await, Some(Shortage::TooLarge));
        assert_eq!(put("a", 100).await, None);
        assert_eq!(put("b", 51).await, Some(Shortage::NoRoom));
        assert_eq!(put("a", 50).await, None, "it counts in place of the old one");
        assert_eq!((put("b", 50).await, put("c", 50).await), (None, None));
        assert_eq!(put("d", 0).await, Some(Shortage::TooMany));
    }

    async fn scripts_remember_until_it_expires(world) {
        let alice = world.alice;
        let key = memory::key(&["a", "bc"]);
        assert_ne!(key, memory::key(&["ab", "c"]));
        let at = |second| Timestamp::from_second(second).unwrap();
        world.store.write(move |tx| {
            memory::remember(tx, alice, Kind::Answered, &key, at(200))?;
            memory::remember(tx, alice, Kind::Answered, &key, at(100))
        }).await.unwrap();
        let knows = async |kind, second| {
            world.store.read(move |tx| memory::knows(tx, alice, kind, &key, at(second))).await.unwrap()
        };
        assert!(knows(Kind::Answered, 199).await && !knows(Kind::Answered, 200).await && !knows(Kind::Seen, 100).await);
        assert_eq!(world.store.write(move |tx| memory::prune(tx, at(199))).await.unwrap(), 0);
        assert_eq!(world.store.write(move |tx| memory::prune(tx, at(200))).await.unwrap(), 1);
    }

    async fn h32_the_newest_entries_of_the_log_stay(world) {
        let alice = world.alice;
        world.store.write(move |tx| (1..=105).try_for_each(|n| journal::add(tx, alice, &format!("line {n}")))).await.unwrap();
        let entries = world.store.read(move |tx| journal::list(tx, alice)).await.unwrap();
        assert_eq!((entries.len(), entries[0].line.as_str(), entries[99].line.as_str()), (100, "line 6", "line 105"));
    }

    async fn filings_and_scripts_go_with_what_they_are_about(world) {
        let (alice, inbox) = (world.alice, world.inbox);
        let new = new_entry(alice, inbox, world.stage(b"x").await);
        let decision = Decision { action: "keep".into(), by: "main".into(), line: 3 };
        let written = decision.clone();
        let message = world.store.write(move |tx| {
            let (_, _, message) = entry::add(tx, &new)?;
            filing::record(tx, alice, message, std::slice::from_ref(&written))?;
            learn::add(tx, alice, message, Class::Spam, Origin::Move)?;
            learn::add(tx, alice, message, Class::Ham, Origin::Flag)?;
            script::put(tx, alice, "a", b"keep;", HARMLESS, &ROOM)?;
            Ok(message)
        }).await.unwrap();
        assert_eq!(world.store.read(move |tx| filing::of(tx, alice, message)).await.unwrap(), [decision]);
        let jobs = world.store.read(|tx| learn::next(tx, 10)).await.unwrap();
        assert_eq!((jobs.len(), jobs[0].message, jobs[0].class, jobs[0].origin), (1, message, Class::Ham, Origin::Flag));
        world.store.write(move |tx| learn::done(tx, &jobs[0])).await.unwrap();
        world.store.write(move |tx| {
            entry::store_flags(tx, alice, inbox, &[1..=1], &entry::FlagChange::Add(entry::Flags::DELETED, vec![]), None)?;
            entry::expunge(tx, alice, inbox, &[1..=1])
        }).await.unwrap();
        assert_eq!(world.store.read(move |tx| filing::of(tx, alice, message)).await.unwrap(), []);
        world.store.write(move |tx| account::remove(tx, alice)).await.unwrap();
        assert_eq!(world.store.read(move |tx| script::list(tx, alice)).await.unwrap(), []);
    }

    async fn staged_bodies_can_be_read_before_they_are_kept(world) {
        for size in [10, 500_000] {
            let octets = crate::bodies::noise(size);
            let staged = world.stage(&octets).await;
            let mut reader = world.store.open_staged(&staged).unwrap();
            let mut read = Vec::new();
            while let Some(piece) = reader.next().await.unwrap() {
                read.extend(piece);
            }
            assert!(read == octets);
        }
    }

    async fn g15_events_wait_for_scripts_in_order(world) {
        let (alice, inbox) = (world.alice, world.inbox);
        let at = |seconds: i64| Timestamp::from_second(seconds).unwrap();
        let first = event::Event {
            cause: event::Cause::Copy,
            actor: "alice@example.com".into(),
            mailbox: inbox,
            name: "INBOX".into(),
            from: Some("Junk".into()),
            changed: Vec::new(),
            uids: vec![1..=3, 7..=9],
        };
        let second = event::Event { cause: event::Cause::Flag, from: None, changed: vec!["\\Seen".into()], ..first.clone() };
        let both = [first.clone(), second.clone()];
        world.store.write(move |tx| both.iter().try_for_each(|event| event::add(tx, alice, event, at(100)))).await.unwrap();
        assert_eq!(world.store.read(move |tx| event::due(tx, at(99), 10)).await.unwrap(), []);
        assert_eq!(world.store.read(move |tx| event::due(tx, at(100), 10)).await.unwrap(), [alice]);
        let begin = async |now: i64| world.store.write(move |tx| event::begin(tx, alice, at(now), at(now + 600))).await.unwrap();
        let taken = begin(100).await.unwrap();
        assert_eq!((taken.attempts, &taken.event), (0, &first));
        // What is in somebody's hands is not taken by others, until its time is over.
        assert_eq!(begin(101).await.unwrap().event, second);
        assert_eq!(begin(102).await, None);
        let again = begin(700).await.unwrap();
        assert_eq!((again.attempts, again.n), (1, taken.n));
        let late = taken.clone();
        world.store.write(move |tx| event::looked_at(tx, &late, &[], at(701))).await.unwrap();
        let half = again.clone();
        world.store.write(move |tx| event::looked_at(tx, &half, &[8..=9], at(702))).await.unwrap();
        let rest = begin(702).await.unwrap();
        assert_eq!((rest.attempts, rest.n, rest.event.uids.clone()), (0, taken.n, vec![8..=9]));
        let off = rest.clone();
        world.store.write(move |tx| event::put_off(tx, &off, at(5000))).await.unwrap();
        assert_eq!(world.store.read(event::next_due).await.unwrap(), Some(at(701)), "the second one's lease");
        world.store.write(move |tx| account::remove(tx, alice)).await.unwrap();
        assert_eq!(world.store.read(event::next_due).await.unwrap(), None);
    }
}

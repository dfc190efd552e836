//! Opening: the lock, the key, the schema version, and what a crash left.

use crate::world::{World, engines, new_entry, runtime};
use std::path::Path;
use store::entry;
use store::queue::{self, NewQueued, NewQueuedRecipient};
use store::{Engine, Error, Options, Store, Timestamp};

const KEY: Option<[u8; 32]> = Some([42; 32]);

fn on_each_engine(key: Option<[u8; 32]>, test: impl AsyncFn(World)) {
    for engine in engines() {
        runtime().block_on(async { test(World::open(engine, key).await).await });
    }
}

/// All octets below a folder.
fn everything_below(folder: &Path) -> Vec<u8> {
    let mut octets = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            octets.extend(everything_below(&path));
        } else {
            octets.extend(std::fs::read(&path).unwrap());
        }
    }
    octets
}

fn refusal(outcome: store::Result<()>) -> String {
    match outcome {
        Err(Error::Refused(why)) => why,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_reopened_store_goes_on_where_it_was() {
    on_each_engine(None, async |mut world| {
        world.deliver(b"one").await;
        let large = crate::bodies::noise(400_000);
        world.deliver(&large).await;
        let before = world.mailbox("INBOX").await;
        world.reopen();
        let after = world.mailbox("INBOX").await;
        assert_eq!(
            (before.uid_next, before.modseq, before.bytes),
            (after.uid_next, after.modseq, after.bytes)
        );
        assert_eq!(world.deliver(b"three").await.0, 3);
        world.assert_sound().await;
    });
}

/// Messages that an older version has stored are found by their Message-ID too, once they are in its index.
#[test]
fn older_messages_are_entered_by_their_message_id() {
    runtime().block_on(async {
        let mut world = World::open(Engine::Sqlite, KEY).await;
        let (alice, inbox) = (world.alice, world.inbox);
        for id in [Some("one@x.example"), Some("two@x.example"), None] {
            let mut new = new_entry(alice, inbox, world.stage(b"x").await);
            new.summary.message_id = id.map(str::to_owned);
            let added = world.store.write(move |tx| entry::add(tx, &new)).await;
            added.unwrap();
        }
        let file = world.options.data.join("mail.db");
        world.close();
        let database = rusqlite::Connection::open(file).unwrap();
        let forgotten = database.execute("UPDATE content SET message_id = NULL", []);
        assert_eq!(forgotten.unwrap(), 3);
        drop(database);
        world.reopen();
        let entered = async || {
            let read = world
                .store
                .read(move |tx| entry::message_ids_are_entered(tx, alice));
            read.await.unwrap()
        };
        let found = async || {
            let read = world
                .store
                .read(move |tx| entry::by_message_id(tx, alice, "two@x.example"));
            read.await.unwrap().len()
        };
        assert_eq!((entered().await, found().await), (false, 0));
        for _ in 0..2 {
            let enter = world
                .store
                .write(move |tx| entry::enter_message_ids(tx, alice, 2));
            enter.await.unwrap();
        }
        assert_eq!((entered().await, found().await), (true, 1));
        world.assert_sound().await;
    });
}

#[test]
fn a_store_in_use_is_not_opened_twice() {
    on_each_engine(None, async |world| match Store::open(&world.options) {
        Err(Error::Unavailable(why)) => {
            assert!(why.contains("in use by another process"), "{why}");
            assert!(why.contains(&std::process::id().to_string()), "{why}");
        }
        other => panic!("opened: {:?}", other.err()),
    });
}

/// F15, C20: with encryption on, the data directory holds no plain text of messages or envelopes, in rows, files or the queue.
#[test]
fn f15_c20_an_encrypted_store_holds_no_plain_text() {
    runtime().block_on(async {
        for (key, hidden) in [(KEY, true), (None, false)] {
            let world = World::open(Engine::Sqlite, key).await;
            world
                .deliver(b"Subject: SECRETWORD\r\n\r\nSECRETWORD")
                .await;
            let mut large = crate::bodies::noise(300_000);
            large.extend_from_slice(b"SECRETWORD");
            world.deliver(&large).await;
            let queued = NewQueued {
                reverse_path: Some("SECRETWORD@example.com".into()),
                envid: None,
                ret_full: None,
                smtputf8: false,
                eight_bit: false,
                account: None,
                created: Timestamp::UNIX_EPOCH,
                body: world.stage(b"SECRETWORD").await,
                header_size: 0,
                recipients: vec![NewQueuedRecipient {
                    address: "SECRETWORD@example.net".into(),
                    orcpt: None,
                    notify: 0,
                    next_attempt: Timestamp::UNIX_EPOCH,
                    state: store::queue::State::Pending,
                }],
            };
            world
                .store
                .write(move |tx| queue::add(tx, &queued))
                .await
                .unwrap();
            let octets = everything_below(&world.options.data);
            assert_eq!(octets.windows(10).all(|w| w != b"SECRETWORD"), hidden);
            world.assert_sound().await;
        }
    });
}

/// C20, C21: the wrong key opens nothing and harms nothing.
#[test]
fn c20_c21_only_the_right_key_opens() {
    on_each_engine(KEY, async |mut world| {
        world.deliver(b"kept").await;
        let right = world.options.clone();
        let wrong = Options {
            key: Some([1; 32]),
            ..right.clone()
        };
        let none = Options {
            key: None,
            ..right.clone()
        };
        world.close();
        assert!(refusal(Store::open(&wrong).map(drop)).contains("does not fit"));
        assert!(refusal(Store::open(&none).map(drop)).contains("is encrypted"));
        world.reopen();
        assert_eq!(world.deliver(b"second").await.0, 2);
        world.assert_sound().await;
    });
    on_each_engine(None, async |mut world| {
        let with_key = Options {
            key: KEY,
            ..world.options.clone()
        };
        world.close();
        assert!(refusal(Store::open(&with_key).map(drop)).contains("not encrypted"));
        world.reopen();
    });
}

#[test]
fn a_store_of_a_newer_program_is_refused() {
    runtime().block_on(async {
        let mut world = World::open(Engine::Sqlite, None).await;
        world.close();
        let file = world.options.data.join("mail.db");
        let database = rusqlite::Connection::open(&file).unwrap();
        database
            .execute(
                "UPDATE meta SET value = CAST('999' AS BLOB) WHERE name = 'schema'",
                [],
            )
            .unwrap();
        drop(database);
        let why = refusal(Store::open(&world.options).map(drop));
        assert!(why.contains("schema 999") && why.contains("newer"), "{why}");
    });
}

/// F13, and what a crash between writing a file and committing its row leaves.
#[test]
fn f13_leftovers_are_swept() {
    on_each_engine(None, async |mut world| {
        world.deliver(&crate::bodies::noise(300_000)).await;
        let data = world.options.data.clone();
        let orphan = data
            .join("bodies/00")
            .join(format!("{}-{:032x}", "0".repeat(62), 1));
        let leave = || {
            std::fs::create_dir_all(orphan.parent().unwrap()).unwrap();
            std::fs::write(&orphan, b"PBB").unwrap();
        };
        leave();
        let report = world.store.check().await.unwrap();
        assert!(
            matches!(report.faults.as_slice(), [fault] if fault.contains("belongs to no message")),
            "{report:?}"
        );
        let (old, new) = (data.join("tmp/old"), data.join("tmp/new"));
        std::fs::write(&new, b"").unwrap();
        let eight_days = std::time::Duration::from_secs(8 * 24 * 3600);
        let file = std::fs::File::create(&old).unwrap();
        file.set_modified(std::time::SystemTime::now() - eight_days)
            .unwrap();
        let swept = world.store.sweep().await.unwrap();
        assert_eq!((swept.bodies, swept.temporary), (1, 1));
        assert!(!old.exists() && new.exists());
        world.assert_sound().await;
        leave();
        world.reopen();
        assert!(!new.exists());
        world.assert_sound().await;
        assert!(!orphan.exists());
        assert_eq!(world.store.check().await.unwrap().bodies, 1);
    });
}

/// A body that no transaction kept leaves no file.
#[test]
fn a_body_that_nobody_keeps_goes() {
    on_each_engine(None, async |mut world| {
        let staged = world.stage(&crate::bodies::noise(300_000)).await;
        let new = crate::world::new_entry(world.alice, world.inbox, staged);
        let failed = world.store.write(move |tx| {
            store::entry::add(tx, &new)?;
            Err::<(), _>(Error::Refused("on purpose".into()))
        });
        assert!(failed.await.is_err());
        world.assert_sound().await;
        world.close();
        let files = std::fs::read_dir(world.options.data.join("bodies")).unwrap();
        let left: usize = files
            .map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap().count())
            .sum();
        assert_eq!(left, 0);
    });
}

/// S3: below the floor nothing new is accepted, and what is there can be read and removed.
#[test]
fn s03_below_the_floor_nothing_is_accepted() {
    on_each_engine(None, async |mut world| {
        world.deliver(b"there").await;
        let full = Options {
            free_floor: u64::MAX,
            ..world.options.clone()
        };
        world.reopen_with(&full).unwrap();
        assert!(matches!(world.store.room(), Err(Error::Full(_))));
        let staging = world.store.stage();
        assert!(matches!(staging.finish(b"x").await, Err(Error::Full(_))));
        let mut staging = world.store.stage();
        assert!(matches!(
            staging.write(&vec![0; 1_000_000]).await,
            Err(Error::Full(_))
        ));
        let alice = world.alice;
        let removed = world
            .store
            .write(move |tx| store::mailbox::rename(tx, alice, "INBOX", "Old"))
            .await;
        removed.unwrap();
        world.reopen();
        world.deliver(b"again").await;
    });
}

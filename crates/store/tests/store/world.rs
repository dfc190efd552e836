//! A store of its own for each test, with an account in it, on either engine.

use std::sync::Arc;
use store::account::NewAccount;
use store::body::Staged;
use store::domain::Domain;
use store::entry::{Flags, NewEntry, QuotaRule};
use store::mailbox::Mailbox;
use store::quota::{Limits, Occasion, Policy};
use store::{
    AccountId, Engine, MailboxId, Options, Result, Store, Timestamp, Uid, account, domain, entry,
    mailbox,
};
use tempfile::TempDir;

/// The store of a world while it is open.
pub(crate) struct Handle(Option<Store>);

impl std::ops::Deref for Handle {
    type Target = Store;
    fn deref(&self) -> &Store {
        self.0.as_ref().expect("the store is open")
    }
}

/// A store in a folder of its own.
pub(crate) struct World {
    pub(crate) store: Handle,
    pub(crate) options: Options,
    pub(crate) alice: AccountId,
    pub(crate) inbox: MailboxId,
    _folder: TempDir,
}

pub(crate) const UNLIMITED: QuotaRule = QuotaRule {
    policy: None,
    occasion: Occasion::User,
};

/// A rule by which accounts without a limit of their own may hold so many octets.
pub(crate) fn limited(bytes: u64, occasion: Occasion) -> QuotaRule {
    let limits = Limits {
        bytes: Some(bytes),
        messages: None,
    };
    let policy = Policy {
        limits,
        ..Policy::default()
    };
    QuotaRule {
        policy: Some(Arc::new(policy)),
        occasion,
    }
}

/// Makes two tests of one: `NAME::sqlite` and `NAME::postgres`.
macro_rules! on_both_engines {
    ($($(#[$attribute:meta])* async fn $name:ident($world:ident) $body:block)*) => {$(
        $(#[$attribute])*
        mod $name {
            #[allow(unused_imports)] // not every test needs them
            use super::*;
            async fn test($world: &$crate::world::World) $body
            #[test]
            fn sqlite() {
                $crate::world::run($crate::world::sqlite(), async |world| test(world).await);
            }
            #[test]
            fn postgres() {
                if let Some(engine) = $crate::cluster::engine() {
                    $crate::world::run(engine, async |world| test(world).await);
                }
            }
        }
    )*};
}
pub(crate) use on_both_engines;

/// The engines there are, each for a new store.
pub(crate) fn engines() -> Vec<Engine> {
    std::iter::once(Engine::Sqlite)
        .chain(crate::cluster::engine())
        .collect()
}

/// The engine of a new SQLite store.
pub(crate) fn sqlite() -> Engine {
    Engine::Sqlite
}

/// Runs a test on a new store, and then checks the store.
pub(crate) fn run(engine: Engine, test: impl AsyncFn(&World)) {
    runtime().block_on(async {
        let world = World::open(engine, None).await;
        test(&world).await;
        world.assert_sound().await;
    });
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

impl World {
    /// A store with the domain example.com and the account alice.
    pub(crate) async fn open(engine: Engine, key: Option<[u8; 32]>) -> World {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            data: folder.path().join("data"),
            engine,
            key,
            free_floor: 0,
        };
        let store = Store::open(&options).unwrap();
        let alice = store.write(|tx| {
            domain::add(
                tx,
                &Domain {
                    name: "example.com".into(),
                    alias_of: None,
                    active: true,
                },
            )?;
            account::add(tx, &person("alice@example.com"))
        });
        let alice = alice.await.unwrap();
        let inbox = mailbox_named(&store, alice, "INBOX").await.id;
        World {
            store: Handle(Some(store)),
            options,
            alice,
            inbox,
            _folder: folder,
        }
    }

    /// Closes the store and opens it again.
    pub(crate) fn reopen(&mut self) {
        let options = self.options.clone();
        self.reopen_with(&options).unwrap();
    }

    /// Closes the store and opens it in another way; whatever comes of that is the result.
    pub(crate) fn reopen_with(&mut self, options: &Options) -> Result<()> {
        self.close();
        self.store = Handle(Some(Store::open(options)?));
        Ok(())
    }

    /// Closes the store.
    pub(crate) fn close(&mut self) {
        self.store = Handle(None);
    }

    pub(crate) async fn assert_sound(&self) {
        let report = self.store.check().await.unwrap();
        assert_eq!(report.faults, Vec::<String>::new());
    }

    pub(crate) async fn mailbox(&self, name: &str) -> Mailbox {
        mailbox_named(&self.store, self.alice, name).await
    }

    pub(crate) async fn create(&self, name: &'static str) -> MailboxId {
        let alice = self.alice;
        self.store
            .write(move |tx| mailbox::create(tx, alice, name, None))
            .await
            .unwrap()
    }

    pub(crate) async fn stage(&self, octets: &[u8]) -> Staged {
        stage(&self.store, octets).await
    }

    /// Puts a message into alice's INBOX.
    pub(crate) async fn deliver(&self, octets: &[u8]) -> Uid {
        self.deliver_to(self.inbox, octets).await.unwrap()
    }

    pub(crate) async fn deliver_to(&self, mailbox: MailboxId, octets: &[u8]) -> Result<Uid> {
        let new = new_entry(self.alice, mailbox, self.stage(octets).await);
        self.store
            .write(move |tx| entry::add(tx, &new))
            .await
            .map(|(uid, _, _)| uid)
    }

    /// UIDs of a mailbox of alice's, one by one.
    pub(crate) async fn uids(&self, mailbox: MailboxId) -> Vec<u32> {
        let alice = self.alice;
        let ranges = self
            .store
            .read(move |tx| entry::uids(tx, alice, mailbox))
            .await
            .unwrap();
        ranges.into_iter().flatten().collect()
    }
}

async fn mailbox_named(store: &Store, account: AccountId, name: &str) -> Mailbox {
    let name = name.to_owned();
    let found = store
        .read(move |tx| mailbox::by_name(tx, account, &name))
        .await
        .unwrap();
    found.expect("the mailbox exists")
}

pub(crate) async fn stage(store: &Store, octets: &[u8]) -> Staged {
    let mut staging = store.stage();
    staging.write(octets).await.unwrap();
    staging.finish(b"").await.unwrap()
}

pub(crate) fn person(address: &str) -> NewAccount {
    NewAccount {
        address: address.into(),
        name: "A Person".into(),
        credentials: Default::default(),
        quota: None,
        mailboxes: Vec::new(),
    }
}

pub(crate) fn new_entry(account: AccountId, mailbox: MailboxId, body: Staged) -> NewEntry {
    let summary = message::Summary {
        size: body.body().size as u32,
        preview: "preview".into(),
        ..Default::default()
    };
    NewEntry {
        account,
        mailbox,
        flags: Flags::default(),
        keywords: Vec::new(),
        internal_date: Timestamp::from_second(1_700_000_000).unwrap().into(),
        body,
        summary,
        quota: UNLIMITED,
    }
}

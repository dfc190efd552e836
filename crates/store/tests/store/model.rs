//! Random operations on a store and on a simple model of it, which must agree, and a check of the store at the end.

use crate::world::{UNLIMITED, World, new_entry, runtime};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::BTreeMap;
use store::entry::{self, FlagChange, Flags};
use store::{Engine, Error, MailboxId, Uid, mailbox};

const NAMES: [&str; 5] = ["INBOX", "a", "a/b", "c", "c/d/e"];
const ALL: [std::ops::RangeInclusive<u32>; 1] = [1..=u32::MAX];

#[derive(Clone, Debug)]
enum Step {
    Deliver {
        to: usize,
        body: u8,
    },
    Flag {
        in_: usize,
        from: u32,
        to: u32,
        flags: u8,
        add: bool,
    },
    Copy {
        from: usize,
        to: usize,
        low: u32,
        high: u32,
    },
    Move {
        from: usize,
        to: usize,
        low: u32,
        high: u32,
    },
    Expunge {
        in_: usize,
    },
    Create {
        name: usize,
    },
    Delete {
        name: usize,
    },
    Rename {
        from: usize,
        to: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let name = 0..NAMES.len();
    let uid = 1..8_u32;
    prop_oneof![
        4 => (name.clone(), 0..4_u8).prop_map(|(to, body)| Step::Deliver { to, body }),
        3 => (name.clone(), uid.clone(), uid.clone(), 0..32_u8, any::<bool>())
            .prop_map(|(in_, from, to, flags, add)| Step::Flag { in_, from, to, flags, add }),
        2 => (name.clone(), name.clone(), uid.clone(), uid.clone()).prop_map(|(from, to, low, high)| Step::Copy { from, to, low, high }),
        2 => (name.clone(), name.clone(), uid.clone(), uid).prop_map(|(from, to, low, high)| Step::Move { from, to, low, high }),
        2 => name.clone().prop_map(|in_| Step::Expunge { in_ }),
        2 => name.clone().prop_map(|name| Step::Create { name }),
        1 => name.clone().prop_map(|name| Step::Delete { name }),
        1 => (name.clone(), name).prop_map(|(from, to)| Step::Rename { from, to }),
    ]
}

/// What the store should hold: per mailbox its next UID and its messages with flags and body.
#[derive(Clone, Debug, Default, PartialEq)]
struct Model(BTreeMap<String, Mailbox>);

#[derive(Clone, Debug, PartialEq)]
struct Mailbox {
    next: u32,
    entries: BTreeMap<u32, (u8, u8)>,
}

impl Default for Mailbox {
    fn default() -> Self {
        Mailbox {
            next: 1,
            entries: BTreeMap::new(),
        }
    }
}

impl Mailbox {
    fn push(&mut self, entry: (u8, u8)) {
        self.entries.insert(self.next, entry);
        self.next += 1;
    }
}

impl Model {
    fn new() -> Model {
        Model(BTreeMap::from([("INBOX".to_owned(), Mailbox::default())]))
    }

    /// Changes the model; false if the step must be refused.
    fn apply(&mut self, step: &Step) -> bool {
        let before = self.clone();
        let done = self.try_apply(step).is_some();
        if !done {
            *self = before;
        }
        done
    }

    fn try_apply(&mut self, step: &Step) -> Option<()> {
        match *step {
            Step::Deliver { to, body } => self.0.get_mut(NAMES[to])?.push((0, body)),
            Step::Flag {
                in_,
                from,
                to,
                flags,
                add,
            } => {
                for (_, entry) in self
                    .0
                    .get_mut(NAMES[in_])?
                    .entries
                    .range_mut(from..=to.max(from))
                {
                    entry.0 = if add {
                        entry.0 | flags
                    } else {
                        entry.0 & !flags
                    };
                }
            }
            Step::Copy {
                from,
                to,
                low,
                high,
            } => self.transfer(NAMES[from], NAMES[to], low, high, false)?,
            Step::Move {
                from,
                to,
                low,
                high,
            } => self.transfer(NAMES[from], NAMES[to], low, high, true)?,
            Step::Expunge { in_ } => self
                .0
                .get_mut(NAMES[in_])?
                .entries
                .retain(|_, entry| entry.0 & 8 == 0),
            Step::Create { name } => self.create(NAMES[name])?,
            Step::Delete { name } => {
                if NAMES[name] == "INBOX" {
                    return None;
                }
                self.0.remove(NAMES[name])?;
            }
            Step::Rename { from, to } => self.rename(NAMES[from], NAMES[to])?,
        }
        Some(())
    }

    fn transfer(&mut self, from: &str, to: &str, low: u32, high: u32, remove: bool) -> Option<()> {
        let source = self.0.get_mut(from)?;
        let moved: Vec<_> = source
            .entries
            .range(low..=high.max(low))
            .map(|(uid, entry)| (*uid, *entry))
            .collect();
        if remove {
            moved.iter().for_each(|(uid, _)| {
                source.entries.remove(uid);
            });
        }
        let target = self.0.get_mut(to)?;
        moved.into_iter().for_each(|(_, entry)| target.push(entry));
        Some(())
    }

    fn create(&mut self, name: &str) -> Option<()> {
        if self.0.contains_key(name) {
            return None;
        }
        for (at, _) in name.match_indices('/') {
            self.0.entry(name[..at].to_owned()).or_default();
        }
        self.0.insert(name.to_owned(), Mailbox::default());
        Some(())
    }

    fn rename(&mut self, from: &str, to: &str) -> Option<()> {
        if !self.0.contains_key(from)
            || self.0.contains_key(to)
            || to.starts_with(&format!("{from}/"))
        {
            return None;
        }
        if from == "INBOX" {
            self.create(to)?;
            return self.transfer("INBOX", to, 1, u32::MAX, true);
        }
        for (at, _) in to.match_indices('/') {
            self.0.entry(to[..at].to_owned()).or_default();
        }
        let below = format!("{from}/");
        let moving: Vec<_> = self
            .0
            .keys()
            .filter(|name| *name == from || name.starts_with(&below))
            .cloned()
            .collect();
        for name in moving {
            let new = format!("{to}{}", &name[from.len()..]);
            if self.0.contains_key(&new) {
                return None;
            }
            let mailbox = self.0.remove(&name)?;
            self.0.insert(new, mailbox);
        }
        Some(())
    }
}

/// Small and large, so that files take part too.
fn body(number: u8) -> Vec<u8> {
    if number == 3 {
        crate::bodies::noise(200_000)
    } else {
        vec![number; usize::from(number) * 100]
    }
}

async fn id(world: &World, name: &'static str) -> store::Result<MailboxId> {
    let alice = world.alice;
    let found = world
        .store
        .read(move |tx| mailbox::by_name(tx, alice, name))
        .await?;
    found
        .map(|m| m.id)
        .ok_or_else(|| Error::Missing(name.into()))
}

async fn perform(world: &World, step: &Step) -> store::Result<()> {
    let (alice, store) = (world.alice, &world.store);
    match *step {
        Step::Deliver { to, body: number } => {
            let new = new_entry(
                alice,
                id(world, NAMES[to]).await?,
                world.stage(&body(number)).await,
            );
            store.write(move |tx| entry::add(tx, &new)).await.map(drop)
        }
        Step::Flag {
            in_,
            from,
            to,
            flags,
            add,
        } => {
            let mailbox = id(world, NAMES[in_]).await?;
            let change = match add {
                true => FlagChange::Add(Flags(flags), vec![]),
                false => FlagChange::Remove(Flags(flags), vec![]),
            };
            let uids = from..=to.max(from);
            store
                .write(move |tx| {
                    entry::store_flags(
                        tx,
                        alice,
                        mailbox,
                        std::slice::from_ref(&uids),
                        &change,
                        None,
                    )
                })
                .await
                .map(drop)
        }
        Step::Copy {
            from,
            to,
            low,
            high,
        } => {
            let (from, to) = (id(world, NAMES[from]).await?, id(world, NAMES[to]).await?);
            store
                .write(move |tx| {
                    entry::copy(tx, alice, from, &[low..=high.max(low)], to, &UNLIMITED)
                })
                .await
                .map(drop)
        }
        Step::Move {
            from,
            to,
            low,
            high,
        } => {
            let (from, to) = (id(world, NAMES[from]).await?, id(world, NAMES[to]).await?);
            store
                .write(move |tx| entry::move_to(tx, alice, from, &[low..=high.max(low)], to))
                .await
                .map(drop)
        }
        Step::Expunge { in_ } => {
            let mailbox = id(world, NAMES[in_]).await?;
            store
                .write(move |tx| entry::expunge(tx, alice, mailbox, &ALL))
                .await
                .map(drop)
        }
        Step::Create { name } => store
            .write(move |tx| mailbox::create(tx, alice, NAMES[name], None))
            .await
            .map(drop),
        Step::Delete { name } => {
            store
                .write(move |tx| mailbox::delete(tx, alice, NAMES[name]))
                .await
        }
        Step::Rename { from, to } => {
            store
                .write(move |tx| mailbox::rename(tx, alice, NAMES[from], NAMES[to]))
                .await
        }
    }
}

/// The store as the model sees it.
async fn observed(world: &World) -> Model {
    let alice = world.alice;
    let listed = world.store.read(move |tx| {
        let mut all = Vec::new();
        for mailbox in mailbox::list(tx, alice)? {
            let entries = entry::scan_contents(tx, alice, mailbox.id, &ALL, None, usize::MAX)?;
            all.push((mailbox, entries));
        }
        Ok(all)
    });
    let mut model = Model::default();
    for (mailbox, entries) in listed.await.unwrap() {
        let entries = entries.into_iter().map(|(entry, content)| {
            let number = (0..4)
                .find(|n| body(*n).len() as u64 == content.body.size)
                .unwrap();
            (entry.uid.0, (entry.flags.0, number))
        });
        model.0.insert(
            mailbox.name,
            Mailbox {
                next: mailbox.uid_next.0,
                entries: entries.collect(),
            },
        );
    }
    model
}

/// A session that looks at INBOX from time to time and is told of changes only.
#[derive(Default)]
struct Follower {
    known: BTreeMap<u32, u8>,
    modseq: store::ModSeq,
}

impl Follower {
    async fn catch_up(&mut self, world: &World, model: &Model) {
        let (alice, inbox, since) = (world.alice, world.inbox, self.modseq);
        let changes = world
            .store
            .read(move |tx| entry::changes(tx, alice, inbox, since))
            .await
            .unwrap();
        for Uid(uid) in changes.vanished {
            self.known.remove(&uid);
        }
        self.known.extend(
            changes
                .changed
                .iter()
                .map(|entry| (entry.uid.0, entry.flags.0)),
        );
        self.modseq = changes.modseq;
        let truth: BTreeMap<u32, u8> = model.0["INBOX"]
            .entries
            .iter()
            .map(|(uid, entry)| (*uid, entry.0))
            .collect();
        assert_eq!(self.known, truth);
    }
}

async fn follow(engine: Engine, steps: &[Step]) {
    let mut world = World::open(engine, None).await;
    let (mut model, mut session) = (Model::new(), Follower::default());
    for (n, step) in steps.iter().enumerate() {
        let expected = model.apply(step);
        let outcome = perform(&world, step).await;
        assert_eq!(outcome.is_ok(), expected, "{step:?}: {outcome:?}");
        if n % 3 == 0 {
            session.catch_up(&world, &model).await;
        }
        if n == steps.len() / 2 {
            world.reopen();
        }
    }
    session.catch_up(&world, &model).await;
    assert_eq!(observed(&world).await, model);
    world.assert_sound().await;
}

fn agree(engine: impl Fn() -> Engine, cases: u32) {
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    let steps = proptest::collection::vec(step(), 1..40);
    let outcome = runner.run(&steps, |steps| {
        runtime().block_on(follow(engine(), &steps));
        Ok(())
    });
    if let Err(e) = outcome {
        panic!("{e}");
    }
}

#[test]
fn the_store_agrees_with_a_model_on_sqlite() {
    agree(|| Engine::Sqlite, 24);
}

#[test]
fn the_store_agrees_with_a_model_on_postgres() {
    if crate::cluster::engine().is_some() {
        agree(|| crate::cluster::engine().unwrap(), 4);
    }
}

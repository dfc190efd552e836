//! What the filter has learned (I8, I10, I32).

use crate::world::{World, on_both_engines};
use store::learn::{self, Class, Origin};
use store::lesson::{self, Counts, Keep, Lesson, Period, Scope, Taught};
use store::{AccountId, MessageId, Result, Timestamp, Tx, account, model};

async fn write<T: Send + 'static>(
    world: &World,
    work: impl Fn(&mut Tx<'_>) -> Result<T> + Send + Sync + 'static,
) -> T {
    world.store.write(work).await.unwrap()
}

fn about(account: Option<AccountId>, digest: u64, class: Class) -> Lesson {
    Lesson {
        account,
        digest,
        class,
        weight: 100,
        origin: Origin::Move,
        shared: true,
        message: None,
        features: digest.to_be_bytes().to_vec(),
    }
}

async fn counts(world: &World, scope: Scope) -> (f64, f64) {
    let Counts { ham, spam } = world
        .store
        .read(move |tx| lesson::counts(tx, scope))
        .await
        .unwrap();
    (ham, spam)
}

on_both_engines! {
    /// I10: a message counts once, and what is said last holds.
    async fn lessons_are_counted_once(world) {
        let alice = world.alice;
        let own = Scope::Account(alice);
        let teach = async |lesson: Lesson| write(world, move |tx| lesson::teach(tx, &lesson)).await;
        let spam = about(Some(alice), u64::MAX, Class::Spam);
        assert_eq!(teach(spam.clone()).await, Taught::New);
        assert_eq!(teach(spam.clone()).await, Taught::Known);
        assert_eq!((counts(world, own).await, counts(world, Scope::Server).await), ((0.0, 1.0), (0.0, 1.0)));
        let ham = Lesson { class: Class::Ham, ..spam.clone() };
        let weak = Lesson { weight: 20, origin: Origin::Answer, ..ham.clone() };
        assert_eq!(teach(weak.clone()).await, Taught::Known, "what only looks so does not correct what was said");
        assert_eq!(teach(ham.clone()).await, Taught::Corrected);
        assert_eq!(counts(world, own).await, (1.0, 0.0));
        let gone = write(world, move |tx| lesson::unlearn(tx, Some(alice), u64::MAX)).await;
        assert_eq!((gone, counts(world, own).await), (Some(Class::Ham), (0.0, 0.0)));
        assert_eq!(write(world, move |tx| lesson::unlearn(tx, Some(alice), u64::MAX)).await, None);
        assert_eq!((teach(weak).await, counts(world, own).await), (Taught::New, (0.2, 0.0)));
        assert_eq!((teach(ham).await, counts(world, own).await), (Taught::New, (1.0, 0.0)));
        assert_eq!(teach(about(None, 7, Class::Spam)).await, Taught::New);
        assert_eq!((counts(world, own).await, counts(world, Scope::Server).await), ((1.0, 0.0), (1.0, 1.0)));
        write(world, move |tx| account::remove(tx, alice)).await;
        assert_eq!(counts(world, own).await, (0.0, 0.0));
    }

    /// I8, I32: in the order in which they were learned, by those who learn of them.
    async fn lessons_in_their_order(world) {
        let alice = world.alice;
        let bob = write(world, |tx| account::add(tx, &crate::world::person("bob@example.com"))).await;
        write(world, move |tx| {
            lesson::teach(tx, &about(Some(alice), 1, Class::Spam))?;
            lesson::teach(tx, &about(None, 2, Class::Ham))?;
            lesson::teach(tx, &Lesson { shared: false, ..about(Some(bob), 3, Class::Ham) })?;
            lesson::teach(tx, &about(Some(alice), 1, Class::Ham))?;
            lesson::unlearn(tx, None, 2)
        }).await;
        let since = async |scope, serial| {
            let lessons = world.store.read(move |tx| lesson::since(tx, scope, serial, 10)).await.unwrap();
            lessons.into_iter().map(|l| (l.serial, l.class, l.replaces, l.features.last().copied())).collect::<Vec<_>>()
        };
        let corrected = (4, Some(Class::Ham), 1, Some(1));
        assert_eq!(since(Scope::Server, 0).await, [corrected, (5, None, 2, None)]);
        assert_eq!(since(Scope::Server, 4).await, [(5, None, 2, None)]);
        assert_eq!(since(Scope::Account(alice), 0).await, [corrected]);
        assert_eq!(since(Scope::Account(bob), 0).await, [(3, Some(Class::Ham), 0, Some(3))]);
        assert_eq!(world.store.read(lesson::newest).await.unwrap(), 5);
    }

    /// V19: of an account, or of anybody, in a time; what waits to be learned goes too.
    async fn lessons_of_a_time_are_taken_back(world) {
        let alice = world.alice;
        write(world, move |tx| {
            lesson::teach(tx, &about(Some(alice), 1, Class::Spam))?;
            lesson::teach(tx, &about(Some(alice), 2, Class::Ham))?;
            learn::add(tx, alice, MessageId::from_u128(9), Class::Ham, Origin::Move)?;
            lesson::teach(tx, &about(None, 3, Class::Ham)).map(drop)
        }).await;
        let always = Period { account: None, since: Timestamp::MIN, until: Timestamp::MAX };
        let take = async |period: Period, limit| write(world, move |tx| lesson::unlearn_period(tx, &period, limit)).await;
        assert!(take(Period { until: Timestamp::UNIX_EPOCH, ..always }, 9).await.is_empty());
        assert_eq!(take(Period { account: Some(alice), ..always }, 1).await, [1]);
        assert_eq!(take(Period { account: Some(alice), ..always }, 9).await, [2]);
        assert_eq!(counts(world, Scope::Server).await, (1.0, 0.0));
        assert_eq!(take(always, 9).await, [3]);
        assert_eq!(counts(world, Scope::Server).await, (0.0, 0.0));
        assert_eq!(write(world, move |tx| learn::drop_period(tx, &always)).await, 1);
        assert_eq!(world.store.read(learn::waiting).await.unwrap(), 0);
    }

    async fn old_lessons_are_forgotten(world) {
        let alice = world.alice;
        let keep = Keep { server: 3, account: 2, digests: 6 };
        write(world, move |tx| {
            for digest in 0..10 {
                lesson::teach(tx, &about(Some(alice), digest, Class::Spam))?;
                lesson::prune(tx, &[alice], keep)?;
            }
            Ok(())
        }).await;
        let kept = world.store.read(|tx| lesson::since(tx, Scope::Server, 0, 20)).await.unwrap();
        assert_eq!(kept.iter().map(|l| l.serial).collect::<Vec<_>>(), [8, 9, 10]);
        let own = world.store.read(move |tx| lesson::since(tx, Scope::Account(alice), 0, 20)).await.unwrap();
        let with_features = own.iter().filter(|l| !l.features.is_empty()).count();
        assert_eq!((own.len(), with_features), (6, 3), "of older ones it is known that they were learned");
        assert_eq!(counts(world, Scope::Server).await, (0.0, 10.0), "they count all the same");
        assert_eq!(write(world, move |tx| lesson::teach(tx, &about(Some(alice), 4, Class::Spam))).await, Taught::Known);
    }

    async fn models_are_stored_in_parts(world) {
        let scope = Scope::Account(world.alice);
        let put = |serial, part| write(world, move |tx| model::put(tx, scope, serial, part, &vec![part as u8; 1000]));
        put(5, 1).await;
        let newest = async || world.store.read(move |tx| model::newest(tx, scope)).await.unwrap();
        assert_eq!(newest().await, None, "the first part comes last");
        put(5, 0).await;
        put(9, 1).await;
        assert_eq!(newest().await, Some(model::Stored { serial: 5, parts: 2 }));
        put(9, 0).await;
        assert_eq!(newest().await, Some(model::Stored { serial: 9, parts: 2 }));
        let part = async |serial, n| world.store.read(move |tx| model::part(tx, scope, serial, n)).await.unwrap();
        assert_eq!((part(9, 1).await, part(5, 0).await), (Some(vec![1; 1000]), None));
        write(world, move |tx| model::remove(tx, scope)).await;
        assert_eq!(newest().await, None);
    }

    /// I12: what failed is tried again later; what was said anew, at once.
    async fn i12_jobs_that_fail_come_later(world) {
        let (alice, message) = (world.alice, MessageId::from_u128(7));
        let at = |seconds: i64| Timestamp::from_second(1_800_000_000 + seconds).unwrap();
        world.store.use_clock(|| Timestamp::from_second(1_800_000_000).unwrap());
        let add = |class, origin| write(world, move |tx| learn::add(tx, alice, message, class, origin));
        let next = async || world.store.read(|tx| learn::next(tx, 10)).await.unwrap();
        add(Class::Spam, Origin::Move).await;
        let job = next().await.remove(0);
        write(world, move |tx| learn::put_off(tx, &job, at(60))).await;
        assert!(next().await.is_empty());
        assert_eq!(world.store.read(learn::waiting).await.unwrap(), 1);
        world.store.use_clock(|| Timestamp::from_second(1_800_000_060).unwrap());
        assert_eq!(next().await[0].failures, 1);
        add(Class::Ham, Origin::Answer).await;
        assert_eq!(next().await[0].class, Class::Spam, "what only looks so does not take the place of what was said");
        add(Class::Ham, Origin::Move).await;
        assert_eq!((next().await[0].class, next().await[0].failures), (Class::Ham, 0));
        let job = next().await.remove(0);
        write(world, move |tx| learn::done(tx, &job)).await;
        assert_eq!(world.store.read(learn::waiting).await.unwrap(), 0);
    }
}

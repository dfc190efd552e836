//! What the filter remembers besides lessons: refusals (V3), wishes of accounts (I18), near copies (I25).

use crate::world::{World, on_both_engines};
use jiff::SignedDuration;
use store::learn::Class;
use store::near_copy::{self, Copies};
use store::rejection::{self, Rejection};
use store::wish::{self, Wishes};
use store::{Result, Timestamp, Tx, account};

async fn write<T: Send + 'static>(
    world: &World,
    work: impl Fn(&mut Tx<'_>) -> Result<T> + Send + Sync + 'static,
) -> T {
    world.store.write(work).await.unwrap()
}

fn ago(days: i64) -> Timestamp {
    Timestamp::now() - SignedDuration::from_hours(24 * days)
}

on_both_engines! {
    async fn v03_refusals_are_remembered_for_a_time(world) {
        let subject = |subject: &str| Rejection { subject: subject.into(), ..Rejection::default() };
        let (first, second) = (subject("first"), subject("second"));
        let kept = first.clone();
        write(world, move |tx| {
            rejection::record(tx, u64::MAX, &first)?;
            rejection::record(tx, 7, &second)?;
            rejection::record(tx, u64::MAX, &first)
        }).await;
        let (_, found) = write(world, |tx| rejection::of(tx, u64::MAX)).await.unwrap();
        assert_eq!(found, kept);
        let of_today = async |after| {
            let all = write(world, move |tx| rejection::since(tx, ago(1), after, 9)).await;
            all.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
        };
        assert_eq!(of_today(None).await, [u64::MAX, 7]);
        assert_eq!(of_today(Some(u64::MAX)).await, [7]);
        assert_eq!(write(world, |tx| rejection::expire(tx, ago(1), 1, 9)).await, 1);
        assert_eq!(write(world, |tx| rejection::expire(tx, ago(-1), 9, 9)).await, 1);
        assert!(write(world, |tx| rejection::of(tx, u64::MAX)).await.is_none());
    }

    async fn i18_wishes_are_of_one_account(world) {
        let alice = world.alice;
        let wishes = Wishes { refuse: Some(7.5), deny: vec!["a.example".into()], ..Wishes::default() };
        let wanted = wishes.clone();
        write(world, move |tx| wish::put(tx, alice, &wishes)).await;
        assert_eq!(write(world, move |tx| wish::of(tx, alice)).await, wanted);
        write(world, move |tx| wish::put(tx, alice, &Wishes::default())).await;
        assert_eq!(write(world, move |tx| wish::of(tx, alice)).await, Wishes::default());
        write(world, move |tx| {
            wish::put(tx, alice, &wanted)?;
            account::remove(tx, alice)
        }).await;
        assert_eq!(write(world, move |tx| wish::of(tx, alice)).await, Wishes::default());
    }

    async fn i25_near_copies_have_bands_in_common(world) {
        const BANDS: [u64; 8] = [1, 2, 3, 4, 5, 6, 7, u64::MAX];
        let copies = async |bands: [u64; 8]| write(world, move |tx| near_copy::find(tx, &bands, 4)).await;
        write(world, |tx| {
            near_copy::keep(tx, 100, Class::Spam, &BANDS)?;
            near_copy::keep(tx, u64::MAX, Class::Ham, &[1, 2, 3, 4, 11, 12, 13, 14])
        }).await;
        assert_eq!(copies(BANDS).await, Copies { ham: 1, spam: 1 });
        assert_eq!(copies([11, 12, 13, 14, 5, 6, 7, 8]).await, Copies { ham: 1, spam: 0 });
        assert_eq!(copies([1, 2, 3, 24, 25, 26, 27, 28]).await, Copies::default());
        write(world, |tx| near_copy::keep(tx, u64::MAX, Class::Spam, &[1, 2, 3, 4, 11, 12, 13, 14])).await;
        assert_eq!(copies(BANDS).await, Copies { ham: 0, spam: 2 });
        write(world, |tx| near_copy::forget(tx, u64::MAX)).await;
        assert_eq!(copies(BANDS).await, Copies { ham: 0, spam: 1 });
        assert_eq!(write(world, |tx| near_copy::expire(tx, ago(1), 6, 99)).await, 2);
        assert_eq!(write(world, |tx| near_copy::expire(tx, ago(-1), 99, 99)).await, 6);
    }
}

//! What is counted for reports to others, and the reports of others: both bounded, whoever feeds them.

use crate::world::{World, on_both_engines};
use store::dmarc_result::{self, Count};
use store::report::{self, Head, Kind};
use store::{Result, Timestamp, Tx};

const DAY: i64 = 20_000;

fn count(number: u64, domain: &str) -> Count {
    Count {
        day: DAY,
        domain: domain.into(),
        policy: "{}".into(),
        // Longer than an index of PostgreSQL takes.
        result: format!("{number:05000}"),
        messages: 1,
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn head(number: i64, reporter: &str) -> Head {
    Head {
        id: report::id(Kind::Tls, "example.com", reporter, &number.to_string()),
        kind: Kind::Tls,
        domain: "example.com".into(),
        reporter: reporter.into(),
        received: at(number),
        starts: at(-9),
        ends: at(-8),
        passed: 7,
        failed: 0,
    }
}

async fn write<T: Send + 'static>(
    world: &World,
    work: impl Fn(&mut Tx<'_>) -> Result<T> + Send + Sync + 'static,
) -> T {
    world.store.write(work).await.unwrap()
}

on_both_engines! {
    /// K16: what is the same is counted together; a domain has so many lines, and those that are known go on.
    async fn k16_results_are_counted_and_bounded(world) {
        let added = write(world, |tx| {
            let mut added = 0;
            for number in 0..20 {
                added += u32::from(dmarc_result::add(tx, &count(number, "far.example"), 10)?);
                dmarc_result::add(tx, &count(3, "other.example"), 10)?;
            }
            assert!(dmarc_result::add(tx, &count(3, "far.example"), 0)?);
            assert!(!dmarc_result::add(tx, &count(99, "far.example"), 0)?);
            Ok(added)
        });
        assert_eq!(added.await, 10);
        let far = write(world, |tx| dmarc_result::of_domain(tx, DAY, "far.example")).await;
        assert_eq!((far.len(), far[3].messages, far[4].messages), (10, 2, 1));
        assert_eq!(far[3].result, count(3, "").result);
        assert_eq!(write(world, |tx| dmarc_result::lines_since(tx, DAY)).await, 11);
        assert_eq!(write(world, |tx| dmarc_result::lines_since(tx, DAY + 1)).await, 0);
        let domains = write(world, |tx| dmarc_result::domains_before(tx, DAY + 1, 9)).await;
        assert_eq!(domains, [(DAY, "far.example".to_string()), (DAY, "other.example".into())]);
        write(world, |tx| dmarc_result::forget(tx, DAY, "far.example")).await;
        assert_eq!(write(world, |tx| dmarc_result::lines_since(tx, DAY)).await, 1);
    }
}

on_both_engines! {
    /// K15: a report is kept once; a reporter gone mad is not heard for ever; old ones go.
    async fn k15_reports_are_kept_and_bounded(world) {
        let added = write(world, |tx| {
            let mut added = 0;
            for number in 0..10 {
                added += u32::from(report::add(tx, &head(number, "mad.example"), b"{\"a\":1}", at(0), 5)?);
                added += u32::from(report::add(tx, &head(0, "good.example"), b"{}", at(0), 5)?);
            }
            Ok(added)
        });
        assert_eq!(added.await, 6);
        let known = head(2, "mad.example");
        let id = known.id.clone();
        let found = write(world, move |tx| report::by_id(tx, &id)).await;
        assert_eq!(found, Some((known, b"{\"a\":1}".to_vec())));
        let list = write(world, |tx| report::list(tx, Some("example.com"), at(2), 9)).await;
        assert_eq!(list.iter().map(|head| head.received).collect::<Vec<_>>(), [at(4), at(3), at(2)]);
        assert!(write(world, |tx| report::list(tx, Some("example.net"), at(0), 9)).await.is_empty());
        assert_eq!(write(world, |tx| report::expire(tx, at(1), 3)).await, 3);
        assert_eq!(write(world, |tx| report::list(tx, None, at(0), 9)).await.len(), 3);
    }
}

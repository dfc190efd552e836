//! What is known of senders before their mail is read.

use crate::world::{World, on_both_engines};
use store::gate::greylist::{self, Grey, Record, Tuple, White};
use store::gate::trap::Trapped;
use store::gate::{self, ban, trap};
use store::{Result, Timestamp, Tx};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn record(expire: i64) -> Record {
    Record {
        first: at(0),
        pass: at(1),
        expire: at(expire),
        blocked: 2,
        passed: 3,
    }
}

fn tuple(recipient: &str) -> Tuple {
    Tuple {
        who: "net:192.0.2.0/24".into(),
        helo: String::new(),
        sender: "x@isp.example".into(),
        recipient: recipient.into(),
    }
}

fn grey(recipient: &str, expire: i64) -> Grey {
    Grey {
        tuple: tuple(recipient),
        address: "192.0.2.7".into(),
        record: record(expire),
    }
}

fn white(who: &str, expire: i64) -> White {
    White {
        who: who.into(),
        address: "192.0.2.7".into(),
        record: record(expire),
    }
}

async fn write<T: Send + 'static>(
    world: &World,
    work: impl Fn(&mut Tx<'_>) -> Result<T> + Send + Sync + 'static,
) -> T {
    world.store.write(work).await.unwrap()
}

on_both_engines! {
    /// J6, I32: records are found by key, replaced, and survive.
    async fn records_by_key(world) {
        world.store.use_clock(|| at(0));
        write(world, |tx| greylist::put_grey(tx, &grey("bob@example.com", 100))).await;
        write(world, |tx| greylist::put_grey(tx, &grey("bob@example.com", 200))).await;
        write(world, |tx| greylist::put_white(tx, &white("dom:big.example", 300))).await;
        let found = write(world, |tx| Ok((
            greylist::grey(tx, &tuple("bob@example.com"))?,
            greylist::grey(tx, &tuple("carol@example.com"))?,
            greylist::white(tx, "dom:big.example")?,
            greylist::white(tx, "dom:small.example")?,
            greylist::count(tx)?,
        ))).await;
        assert_eq!(found, (Some(record(200)), None, Some(record(300)), None, (1, 1)));
        write(world, |tx| greylist::remove_grey(tx, &tuple("bob@example.com"))).await;
        assert_eq!(write(world, |tx| greylist::forget(tx, "192.0.2.7")).await, 1);
        assert_eq!(write(world, greylist::count).await, (0, 0));
    }

    /// J25: pages, however many there are.
    async fn pages(world) {
        world.store.use_clock(|| at(0));
        for n in 0..5 {
            write(world, move |tx| greylist::put_grey(tx, &grey(&format!("r{n}@example.com"), 100))).await;
            write(world, move |tx| greylist::put_white(tx, &white(&format!("dom:{n}.example"), 100))).await;
        }
        let mut seen = Vec::new();
        let mut after = tuple("");
        loop {
            let from = after.clone();
            let page = write(world, move |tx| greylist::list_grey(tx, &from, 2)).await;
            let Some(last) = page.last() else { break };
            after = last.tuple.clone();
            seen.extend(page.into_iter().map(|grey| grey.tuple.recipient));
        }
        assert_eq!(seen, ["r0@example.com", "r1@example.com", "r2@example.com", "r3@example.com", "r4@example.com"]);
        let whites = write(world, |tx| greylist::list_white(tx, "dom:2.example", 9)).await;
        assert_eq!(whites.len(), 2);
        assert_eq!(whites[0], white("dom:3.example", 100));
    }

    /// J15
    async fn traps(world) {
        world.store.use_clock(|| at(0));
        assert!(write(world, |tx| trap::add(tx, "Trap@home.example")).await);
        assert!(!write(world, |tx| trap::add(tx, "trap@home.example")).await);
        assert!(write(world, |tx| trap::is_trap(tx, "TRAP@home.example")).await);
        let caught = |expire| Trapped { who: "ip:192.0.2.7".into(), trap: "trap@home.example".into(), expire: at(expire) };
        write(world, move |tx| trap::catch(tx, &caught(100))).await;
        write(world, move |tx| trap::catch(tx, &caught(50))).await;
        assert_eq!(write(world, trap::caught).await, [caught(100)]);
        assert!(write(world, |tx| trap::release(tx, "ip:192.0.2.7")).await);
        assert!(write(world, |tx| trap::remove(tx, "trap@home.example")).await);
        assert!(write(world, trap::list).await.is_empty());
    }

    /// J30
    async fn bans(world) {
        world.store.use_clock(|| at(0));
        write(world, |tx| ban::put(tx, "192.0.2.0/24", "spam", None)).await;
        write(world, |tx| ban::put(tx, "2001:db8::/32", "spam", Some(at(100)))).await;
        assert_eq!(write(world, ban::list).await.len(), 2);
        world.store.use_clock(|| at(100));
        let left = write(world, ban::list).await;
        assert_eq!((left[0].network.as_str(), left[0].expire, left[0].created), ("192.0.2.0/24", None, at(0)));
        assert_eq!(left.len(), 1);
        assert!(write(world, |tx| ban::lift(tx, "192.0.2.0/24")).await);
    }

    async fn what_is_over_goes(world) {
        world.store.use_clock(|| at(0));
        write(world, |tx| {
            greylist::put_grey(tx, &grey("a@example.com", 10))?;
            greylist::put_grey(tx, &grey("b@example.com", 20))?;
            greylist::put_white(tx, &white("dom:a.example", 10))?;
            ban::put(tx, "192.0.2.1", "", Some(at(10)))?;
            ban::put(tx, "192.0.2.2", "", None)?;
            trap::catch(tx, &Trapped { who: "ip:192.0.2.1".into(), trap: String::new(), expire: at(10) })
        }).await;
        world.store.use_clock(|| at(10));
        let gone = write(world, gate::expire).await;
        assert_eq!(gone, gate::Expired { white: 1, grey: 1, trapped: 1, bans: 1 });
        assert_eq!(write(world, gate::expire).await, gate::Expired::default());
    }
}

//! Mail with a deadline (RFC 2852), which a script may set (RFC 6009 §7): returned, or told of, when it is over; passed on to who knows of it.

use super::world::{Mail, SOON, World};
use lab::mail::{Host, Options, Server, Starttls};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;
use store::queue::{self, DeliverBy, Queued};

const NEVER: u8 = 8;

/// What becomes of a message when its time is over.
#[derive(Clone, Copy)]
enum Then {
    Return,
    Notify,
    NotifyAndTrace,
}

/// Puts a message into the queue that has so many seconds.
async fn queue(world: &World, mail: Mail<'_>, seconds: i64, then: Then) {
    // It is due when the clock is turned, so that it is not tried before it has its deadline.
    world.services().paused.delivery.send_replace(true);
    let id = world.queue(mail).await;
    let by = DeliverBy {
        time: world.clock.now() + jiff::SignedDuration::from_secs(seconds),
        or_return: matches!(then, Then::Return),
        trace: matches!(then, Then::NotifyAndTrace),
    };
    let write = move |tx: &mut store::Tx<'_>| queue::set_deliver_by(tx, id, &by);
    world.services().store.write(write).await.unwrap();
    world.services().paused.delivery.send_replace(false);
}

/// A mail host of `there.example` that knows of deadlines, of this many seconds at least.
async fn punctual(world: &World, shortest: &str) -> Server {
    let offered = format!("DELIVERBY {shortest}");
    let host = Host::new(Ipv4Addr::new(127, 0, 0, 5), Starttls::Missing);
    let server = Server::start(Options {
        hosts: vec![host.offering(&["PIPELINING", "8BITMIME", "DSN", offered.trim_end()])],
        folder: None,
        drip: Duration::ZERO,
    });
    let server = server.await.unwrap();
    let mut config = (**world.services().config.load()).clone();
    config.queue.port = server.port();
    world.services().config.store(Arc::new(config));
    world.internet.dns.edit(|zone| {
        zone.mx("there.example", 10, "punctual.there.example")
            .address("punctual.there.example", "127.0.0.5".parse().unwrap());
    });
    server
}

async fn until_failed(world: &World, attempts: u32) -> Queued {
    let failed = |queued: &[Queued]| {
        let first = queued.first().and_then(|one| one.recipients.first());
        first.is_some_and(|one| one.attempts == attempts && one.last_error.is_some())
    };
    world
        .until("an attempt that failed", failed)
        .await
        .remove(0)
}

async fn only_notice(world: &World) -> String {
    let mut notices = world.inbox("alice@example.com").await;
    assert_eq!(notices.len(), 1, "{notices:?}");
    notices.remove(0)
}

/// RFC 2852 §4.1.4: with mode N the sender is told once when the time is over, and the message is tried on.
#[tokio::test]
async fn rfc2852_4_1_4_late_mail_is_told_of() {
    let world = World::start().await;
    let to = ["tempfail@there.example"];
    queue(&world, Mail::to(&to), 100, Then::Notify).await;
    let queued = until_failed(&world, 1).await;
    let due = queued.recipients[0].next_attempt;
    assert_eq!(due, queued.deliver_by.unwrap().time);
    assert!(world.inbox("alice@example.com").await.is_empty());
    world.advance(100);
    until_failed(&world, 2).await;
    let told = |queued: &[Queued]| queued[0].recipients[0].warnings == 1;
    let late = world.until("a warning", told).await.remove(0);
    let notice = only_notice(&world).await;
    assert!(notice.contains("\r\nAction: delayed\r\n"), "{notice}");
    let deadline = message::date::write(due);
    assert!(
        notice.contains(&format!("\r\nDeliver-By-Date: {deadline}\r\n")),
        "{notice}"
    );
    let left = late.recipients[0].next_attempt.duration_since(due);
    assert_eq!(left.as_secs(), 300, "then as usual");
    world.finish().await;
}

/// RFC 2852 §4.1.4: with mode R it is returned when the time is over, and not tried again.
#[tokio::test]
async fn rfc2852_4_1_4_late_mail_is_returned() {
    let world = World::start().await;
    let host = punctual(&world, "").await;
    let to = ["tempfail@there.example"];
    queue(&world, Mail::to(&to), 100, Then::Return).await;
    until_failed(&world, 1).await;
    let tried = host.connections();
    world.advance(100);
    world.until_empty().await;
    let notice = only_notice(&world).await;
    for part in [
        "\r\nAction: failed\r\nStatus: 5.4.7\r\n",
        "\r\nDeliver-By-Date: ",
    ] {
        assert!(notice.contains(part), "{part:?} is missing in\n{notice}");
    }
    assert_eq!(host.connections(), tried);
    world.finish().await;
}

/// RFC 2852 §4.1.4.1: a host that knows of deadlines is told what is left; one that wants more time than there is gets nothing.
#[tokio::test]
async fn rfc2852_4_1_4_1_the_rest_of_the_time_goes_along() {
    let world = World::start().await;
    let host = punctual(&world, "60").await;
    let to = ["greylist@there.example"];
    queue(&world, Mail::to(&to), 600, Then::Return).await;
    until_failed(&world, 1).await;
    world.advance(400);
    let received = host.wait_for(1, SOON).await.unwrap().remove(0);
    assert!(received.mail.contains(" BY=200;R"), "{}", received.mail);
    world.until_empty().await;

    let to = ["friend@there.example"];
    queue(&world, Mail::to(&to), -5, Then::NotifyAndTrace).await;
    let received = host.wait_for(2, SOON).await.unwrap().remove(1);
    assert!(received.mail.contains(" BY=-5;NT"), "{}", received.mail);
    world.until_empty().await;
    assert!(only_notice(&world).await.contains("Action: relayed"));

    queue(&world, Mail::to(&to), 59, Then::Return).await;
    world.until_empty().await;
    assert_eq!(host.received().len(), 2);
    let notices = world.inbox("alice@example.com").await;
    assert!(notices[1].contains("Status: 5.3.3"), "{}", notices[1]);
    world.finish().await;
}

/// RFC 2852 §4.1.4.2: a host that does not know of deadlines gets nothing that is to be returned; of the rest the sender is told.
#[tokio::test]
async fn rfc2852_4_1_4_2_hosts_that_know_of_no_deadlines() {
    let world = World::start().await;
    let to = ["friend@there.example"];
    queue(&world, Mail::to(&to), 600, Then::Return).await;
    world.until_empty().await;
    let notice = only_notice(&world).await;
    assert!(
        notice.contains("Action: failed\r\nStatus: 5.3.3"),
        "{notice}"
    );
    assert!(world.internet.mail.received().is_empty());

    for (notify, notices) in [(0, 2), (NEVER, 2)] {
        let mail = Mail {
            notify,
            ..Mail::to(&to)
        };
        queue(&world, mail, 600, Then::Notify).await;
        world.until_empty().await;
        assert_eq!(world.inbox("alice@example.com").await.len(), notices);
    }
    let received = world.internet.mail.received();
    assert_eq!(received.len(), 2);
    assert!(!received[0].mail.contains("BY="), "{}", received[0].mail);
    let relayed = world.inbox("alice@example.com").await.remove(1);
    assert!(relayed.contains("Action: relayed"), "{relayed}");
    world.finish().await;
}

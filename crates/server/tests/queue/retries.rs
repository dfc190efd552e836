//! Put off and tried again (C11, C12, C16, C22, C25), with a clock that is turned by hand.

use super::world::{Mail, World};

/// C12, C25: greylisted, then delivered at the second try; the other server's words are kept.
#[tokio::test]
async fn c12_c25_greylisted_then_delivered() {
    let world = World::start().await;
    world.queue(Mail::to(&["greylist@there.example"])).await;
    let queued = world.until_tried().await;
    let error = queued.recipients[0].last_error.clone().unwrap();
    assert!(error.contains("451 4.7.1 I do not know you yet"), "{error}");
    let wait = queued.recipients[0]
        .next_attempt
        .duration_since(world.clock.now());
    assert_eq!(wait.as_secs(), 400);
    world.advance(399);
    assert!(world.internet.mail.received().is_empty());
    world.advance(1);
    world.delivered(1).await;
    world.until_empty().await;
    world.finish().await;
}

/// C12: tries at about 0, 400, 1600, 3600 s.
#[tokio::test]
async fn c12_schedule() {
    let world = World::start().await;
    world.queue(Mail::to(&["tempfail@there.example"])).await;
    let start = world.clock.now();
    for (attempt, next) in [(1, 400), (2, 1600), (3, 3600)] {
        world.until_connections_end(attempt).await;
        let queued = world.queued().await.remove(0);
        let due = queued.recipients[0].next_attempt;
        assert_eq!(due.duration_since(start).as_secs(), next);
        world.advance(due.duration_since(world.clock.now()).as_secs());
    }
    world.until_connections_end(4).await;
    world.finish().await;
}

/// C22: a connection that dies before the reply loses nothing: the message comes again.
#[tokio::test]
async fn c22_dropped_before_the_reply() {
    let world = World::start().await;
    world.queue(Mail::to(&["drop@there.example"])).await;
    let queued = world.until_tried().await;
    let error = queued.recipients[0].last_error.clone().unwrap();
    assert!(error.contains("may have the message"), "{error}");
    world.advance(400);
    world.delivered(1).await;
    world.until_empty().await;
    world.finish().await;
}

/// C22: a connection that dies after the reply: delivered once, not twice.
#[tokio::test]
async fn c22_dropped_after_the_reply() {
    let world = World::start().await;
    world.queue(Mail::to(&["late@there.example"])).await;
    world.until_empty().await;
    world.queue(Mail::to(&["friend@there.example"])).await;
    assert_eq!(world.delivered(2).await.len(), 2);
    world.until_empty().await;
    assert_eq!(world.internet.mail.received().len(), 2);
    world.finish().await;
}

/// C22: each recipient has its own fate, and nobody gets a copy twice.
#[tokio::test]
async fn c22_fates_are_per_recipient() {
    let world = World::start().await;
    let all = [
        "one@there.example",
        "greylist@there.example",
        "two@other.example",
        "bounce@there.example",
    ];
    world.queue(Mail::to(&all)).await;
    let waits = |queued: &[store::queue::Queued]| matches!(queued, [message] if message.recipients.len() == 1 && message.recipients[0].last_error.is_some());
    let queued = world.until("only the greylisted one waits", waits).await;
    assert_eq!(queued[0].recipients[0].address, "greylist@there.example");
    world.advance(400);
    world.until_empty().await;
    let mut reached: Vec<String> = world
        .internet
        .mail
        .received()
        .into_iter()
        .flat_map(|received| received.to)
        .collect();
    reached.sort();
    assert_eq!(
        reached,
        [
            "greylist@there.example",
            "one@there.example",
            "two@other.example"
        ]
    );
    assert_eq!(world.inbox("alice@example.com").await.len(), 1);
    world.finish().await;
}

/// C22: the server ends and starts again in the middle; the schedule is on disk.
#[tokio::test]
async fn c22_restart_between_tries() {
    let mut world = World::start().await;
    world.queue(Mail::to(&["greylist@there.example"])).await;
    let before = world.until_tried().await;
    world.stop().await;
    world.boot().await;
    let after = world.queued().await.remove(0);
    assert_eq!(
        after.recipients[0].next_attempt,
        before.recipients[0].next_attempt
    );
    assert_eq!(after.recipients[0].attempts, 1);
    world.advance(400);
    world.delivered(1).await;
    world.until_empty().await;
    world.finish().await;
}

/// C22: what was queued while no delivery was running goes out after the next start.
#[tokio::test]
async fn c22_restart_with_mail_that_was_never_tried() {
    let mut world = World::start().await;
    world.services().paused.delivery.send_replace(true);
    for _ in 0..5 {
        world.queue(Mail::to(&["friend@there.example"])).await;
    }
    world.stop().await;
    world.boot().await;
    world.delivered(5).await;
    world.until_empty().await;
    assert_eq!(world.internet.mail.received().len(), 5);
    world.finish().await;
}

/// C16: when a dead host is back, all that wait for it go, not only the one that was due.
#[tokio::test]
async fn c16_waiting_mail_goes_when_the_host_is_back() {
    let world = World::start().await;
    world.internet.dns.edit(|zone| {
        zone.mx("sleepy.example", 10, "mx.sleepy.example")
            .address("mx.sleepy.example", "127.0.0.99".parse().unwrap());
    });
    world.queue(Mail::to(&["first@sleepy.example"])).await;
    world.until_tried().await;
    world.advance(300);
    for n in 0..20 {
        world
            .queue(Mail::to(&[&format!("n{n}@sleepy.example")]))
            .await;
    }
    let all_tried = |queued: &[store::queue::Queued]| {
        queued
            .iter()
            .all(|message| message.recipients[0].last_error.is_some())
    };
    world.until("all have been tried", all_tried).await;
    world.internet.dns.edit(|zone| {
        zone.remove("mx.sleepy.example")
            .address("mx.sleepy.example", "127.0.0.1".parse().unwrap());
    });
    world.advance(100);
    world.delivered(21).await;
    world.until_empty().await;
    world.finish().await;
}

/// C24: by hand, at once.
#[tokio::test]
async fn c24_retry_by_hand() {
    let world = World::start().await;
    let id = world.queue(Mail::to(&["greylist@there.example"])).await;
    world.until_tried().await;
    let now = world.clock.now();
    let retry = store::queue::Update::SetState(store::queue::State::Pending, Some(now));
    let write = world
        .services()
        .store
        .write(move |tx| store::queue::update(tx, id, 0, &retry));
    write.await.unwrap();
    world.delivered(1).await;
    world.until_empty().await;
    world.finish().await;
}

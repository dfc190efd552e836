//! Mail that was just taken in goes at once, noted as begun in the transaction that accepted it (C1, C22).

use super::signing::{alice, send};
use super::world::World;

const TEXT: &str = "From: Alice <alice@example.com>\r\nTo: friend@there.example\r\nSubject: Hi\r\n\r\nHello.\r\n.\r\n";

async fn submit(world: &World, to: &str) {
    let road = alice(world).await;
    send(world, road, "alice@example.com", to, TEXT)
        .await
        .unwrap();
}

/// C22: whoever has the 250 has a message whose next attempt is noted already, so that our death now does not have it tried at once again.
#[tokio::test]
async fn c22_accepted_and_begun_in_one() {
    let world = World::start().await;
    submit(&world, "slow@there.example").await;
    let queued = world.queued().await.remove(0);
    let recipient = &queued.recipients[0];
    assert_eq!(recipient.attempts, 1);
    let wait = recipient.next_attempt.duration_since(world.clock.now());
    assert_eq!(wait.as_secs(), 400);
    world.delivered(1).await;
    world.until_empty().await;
    world.finish().await;
}

/// C12: put off, it comes again when its time has come, and counts its attempts like any other.
#[tokio::test]
async fn c12_put_off_it_comes_again() {
    let world = World::start().await;
    submit(&world, "greylist@there.example").await;
    world.until_connections_end(1).await;
    let queued = world.until_tried().await;
    assert_eq!(queued.recipients[0].attempts, 1);
    world.advance(400);
    world.delivered(1).await;
    world.until_empty().await;
    world.finish().await;
}

/// A34: while deliveries are paused nothing begins.
#[tokio::test]
async fn a34_paused_it_waits() {
    let world = World::start().await;
    let paused = &world.services().paused.delivery;
    paused.send_replace(true);
    submit(&world, "friend@there.example").await;
    assert_eq!(world.queued().await[0].recipients[0].attempts, 0);
    world.services().paused.delivery.send_replace(false);
    world.delivered(1).await;
    world.until_empty().await;
    world.finish().await;
}

/// C22: more than can go at once, and the server ends in the middle: all of it goes, and each once.
#[tokio::test(flavor = "multi_thread")]
async fn c22_more_than_there_is_room_for() {
    let mut world = World::with(&[
        ("queue.concurrency", "2"),
        ("brake.hold_unusual", "false"),
        ("brake.messages_per_hour", "0"),
        ("brake.messages_per_day", "0"),
        ("brake.recipients_per_hour", "0"),
        ("brake.recipients_per_day", "0"),
        ("brake.new_recipients_per_hour", "0"),
        ("brake.new_recipients_per_day", "0"),
    ])
    .await;
    for n in 0..150 {
        submit(&world, &format!("friend+{n}@there.example")).await;
    }
    world.stop().await;
    world.boot().await;
    world.advance(400);
    world.until_empty().await;
    let mut to: Vec<String> = world
        .internet
        .mail
        .received()
        .into_iter()
        .flat_map(|mail| mail.to)
        .collect();
    to.sort();
    let before = to.len();
    to.dedup();
    assert_eq!((to.len(), before), (150, 150));
    world.finish().await;
}

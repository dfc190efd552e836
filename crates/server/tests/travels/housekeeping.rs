//! Mail that is removed by itself (P9).

use super::*;
use std::time::Duration;
use store::{entry, mailbox};

const DAY: Duration = Duration::from_secs(86_400);

async fn move_to(world: &World, to: &'static str) {
    write(world, move |tx| {
        let alice = account::by_address(tx, "alice@example.com")?.unwrap().id;
        let inbox = mailbox::by_name(tx, alice, "INBOX")?.unwrap().id;
        let to = mailbox::by_name(tx, alice, to)?.unwrap().id;
        entry::move_to(tx, alice, inbox, &[1..=u32::MAX], to).map(|_| ())
    })
    .await;
}

async fn run(world: &World) -> Option<String> {
    let jobs = &world.services().jobs;
    jobs.run("autoexpunge").await.unwrap().outcome.unwrap()
}

async fn count(world: &World, mailbox: &str) -> u32 {
    world
        .messages_in("alice@example.com", mailbox)
        .await
        .unwrap()
}

/// It counts from the day the message came into the mailbox, not from its own date.
#[tokio::test]
async fn p09_old_mail_stays_in_the_trash_for_its_time() {
    let world = world_with(&[]).await;
    let client = Client::mx(&world);
    client.deliver("", &["alice@example.com"], HELLO).await;
    world.advance(40 * DAY);
    move_to(&world, "Trash").await;
    client.deliver("", &["alice@example.com"], HELLO).await;
    assert_eq!(run(&world).await, None);
    world.advance(29 * DAY);
    assert_eq!(run(&world).await, None);
    assert_eq!(count(&world, "Trash").await, 1);
    world.advance(2 * DAY);
    assert_eq!(run(&world).await.unwrap(), "removed 1 messages");
    assert_eq!(
        (count(&world, "Trash").await, count(&world, "INBOX").await),
        (0, 1)
    );
    world.finish().await;
}

#[tokio::test]
async fn p09_other_mailboxes_have_their_time_by_name_and_none_is_an_answer() {
    let world = world_with(&[("mail.autoexpunge", "['Archive 2d']")]).await;
    let client = Client::mx(&world);
    client.deliver("", &["alice@example.com"], HELLO).await;
    move_to(&world, "Archive").await;
    client.deliver("", &["alice@example.com"], HELLO).await;
    move_to(&world, "Trash").await;
    world.advance(300 * DAY);
    run(&world).await;
    assert_eq!(
        (count(&world, "Archive").await, count(&world, "Trash").await),
        (0, 1)
    );
    world.finish().await;
}

//! Mail that is removed by itself (P9).

use super::Client as Sender;
use super::*;
use server::config::Config;
use server::control::removed::{Answer, Request, Wanted};
use server::control::{self, Client, Mode};
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
    let client = Sender::mx(&world);
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
    let client = Sender::mx(&world);
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

async fn removed(world: &World, request: Request) -> Answer {
    let config = Config::clone(&world.services().config.load());
    let mut client = Client::connect(config).await.unwrap();
    match client
        .execute(control::Request::Removed(request))
        .await
        .unwrap()
    {
        control::Answer::Removed(answer) => answer,
        other => panic!("{other:?}"),
    }
}

fn wanted(message_ids: &[&str]) -> Wanted {
    Wanted {
        account: "alice@example.com".into(),
        mailbox: Some("Trash".into()),
        since: Some("2d".into()),
        message_ids: message_ids.iter().map(ToString::to_string).collect(),
    }
}

/// What was removed by itself can be put back for 14 days, and then is gone.
#[tokio::test]
async fn removed_mail_can_be_put_back_for_a_time() {
    let world = world_with(&[]).await;
    let client = Sender::mx(&world);
    for id in ["<one@x>", "<two@x>"] {
        let message = format!("Message-ID: {id}\r\n{HELLO}");
        client.deliver("", &["alice@example.com"], &message).await;
    }
    move_to(&world, "Trash").await;
    world.advance(31 * DAY);
    assert_eq!(run(&world).await.unwrap(), "removed 2 messages");
    let Answer::List(found) = removed(&world, Request::List(wanted(&[]))).await else {
        panic!("no list");
    };
    assert_eq!(found.len(), 2);
    assert_eq!(
        (found[0].mailbox.as_str(), found[0].why.as_str()),
        ("Trash", "expired")
    );
    assert_eq!(
        (found[0].message_id.as_str(), found[0].subject.as_str()),
        ("<one@x>", "Hello")
    );
    assert_eq!(found[0].from, "Someone <sender@remote.example>");
    let one = wanted(&["two@x"]);
    let back = removed(&world, Request::Restore(one.clone(), Mode::Pretend)).await;
    assert!(
        matches!(&back, Answer::Restored { mailboxes, dry_run: true } if mailboxes["Trash"] == 1),
        "{back:?}"
    );
    assert_eq!(count(&world, "Trash").await, 0);
    removed(&world, Request::Restore(one, Mode::Do)).await;
    assert_eq!(count(&world, "Trash").await, 1);
    // Saved anew today: it is not removed again at once.
    assert_eq!(run(&world).await, None);
    let job = || async {
        world
            .services()
            .jobs
            .run("removed")
            .await
            .unwrap()
            .outcome
            .unwrap()
    };
    world.advance(13 * DAY);
    assert_eq!(job().await, None);
    world.advance(2 * DAY);
    assert_eq!(job().await.unwrap(), "let go of 1 messages");
    world.finish().await;
}

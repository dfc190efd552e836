//! What is delivered between the look at the queue and the change.

use super::*;
use crate::config::Config;
use std::sync::Arc;
use store::Store;

fn world(data: &std::path::Path) -> World {
    let options = store::Options {
        data: data.into(),
        engine: store::Engine::Sqlite,
        key: None,
        free_floor: 0,
    };
    World {
        config: Arc::new(Config::with_defaults(
            "mx1.example.com",
            "example.com",
            data,
        )),
        store: Store::open(&options).unwrap(),
        now: Timestamp::UNIX_EPOCH,
        running: None,
    }
}

/// A message to a, b, … at example.net.
async fn queued(world: &World, locals: &[&str]) -> Queued {
    let mut staging = world.store.stage();
    staging.write(b"Subject: x\r\n\r\nx\r\n").await.unwrap();
    let recipient = |local: &&str| NewQueuedRecipient {
        address: format!("{local}@example.net"),
        orcpt: None,
        notify: 0,
        next_attempt: world.now,
        state: State::Pending,
    };
    let new = NewQueued {
        reverse_path: Some("alice@example.com".into()),
        envid: None,
        ret_full: None,
        smtputf8: false,
        eight_bit: false,
        account: None,
        created: world.now,
        body: staging.finish(&[]).await.unwrap(),
        header_size: 14,
        recipients: locals.iter().map(recipient).collect(),
    };
    let add = move |tx: &mut Tx<'_>| {
        let id = queue::add(tx, &new)?;
        queue::by_id(tx, id)
    };
    world.store.write(add).await.unwrap().unwrap()
}

async fn delivered(world: &World, id: QueueId, n: u32) {
    let done = move |tx: &mut Tx<'_>| queue::update(tx, id, n, &Update::Done);
    world.store.write(done).await.unwrap();
}

async fn waiting(world: &World) -> Vec<String> {
    let all = |tx: &mut Tx<'_>| queue::list(tx, None, PAGE);
    let all = world.store.read(all).await.unwrap();
    let recipients = all.into_iter().flat_map(|message| message.recipients);
    let mut addresses: Vec<String> = recipients.map(|recipient| recipient.address).collect();
    addresses.sort();
    addresses
}

fn redirect() -> Deed {
    Deed::Redirect {
        to: "@example.org".into(),
    }
}

#[tokio::test]
async fn who_was_delivered_meanwhile_is_not_redirected() {
    let data = tempfile::tempdir().unwrap();
    let world = world(data.path());
    let message = queued(&world, &["a", "b"]).await;
    let step = Step::prepare(&world, &redirect(), message.clone()).await;
    delivered(&world, message.id, 0).await;
    let again = write(&world, &redirect(), vec![step.unwrap()])
        .await
        .unwrap();
    assert_eq!(again[0].recipients.len(), 1);
    assert_eq!(waiting(&world).await, ["b@example.net"]);
    carry_out(&world, &redirect(), again).await.unwrap();
    assert_eq!(waiting(&world).await, ["b@example.org"]);
}

#[tokio::test]
async fn a_message_delivered_meanwhile_makes_no_copy() {
    let data = tempfile::tempdir().unwrap();
    let world = world(data.path());
    let message = queued(&world, &["a"]).await;
    let step = Step::prepare(&world, &redirect(), message.clone()).await;
    delivered(&world, message.id, 0).await;
    let again = write(&world, &redirect(), vec![step.unwrap()])
        .await
        .unwrap();
    assert!(again.is_empty());
    assert!(waiting(&world).await.is_empty());
}

//! What an operator does to mail that is being tried at that moment (C24).

use super::world::{Mail, World};
use server::control::queue::{Answer, Deed, Request, Selection};
use server::control::{self, Mode};

async fn change(world: &World, what: Deed) -> (Vec<String>, Vec<String>) {
    let config = server::config::Config::clone(&world.services().config.load());
    let mut client = control::Client::connect(config).await.unwrap();
    let which = Selection {
        all: true,
        ..Selection::default()
    };
    let request = Request::Change {
        which,
        what,
        mode: Mode::Do,
    };
    match client
        .execute(control::Request::Queue(request))
        .await
        .unwrap()
    {
        control::Answer::Queue(Answer::Changed {
            recipients, busy, ..
        }) => (recipients, busy),
        other => panic!("{other:?}"),
    }
}

/// C24: who is being tried is neither redirected nor returned, so that nobody gets the message twice, and no sender hears of a failure that was none.
#[tokio::test]
async fn c24_what_is_being_tried_is_left_alone() {
    let world = World::start().await;
    // Each of these answers takes its time.
    let slow: Vec<String> = (0..20).map(|n| format!("slow+{n}@there.example")).collect();
    let slow: Vec<&str> = slow.iter().map(String::as_str).collect();
    world.queue(Mail::to(&slow)).await;
    assert!(
        world
            .internet
            .mail
            .wait_for_connections(1, super::world::SOON)
            .await
    );
    let to = "friend@far.example".to_string();
    for deed in [Deed::Redirect { to }, Deed::Bounce { reason: None }] {
        let (changed, busy) = change(&world, deed).await;
        assert_eq!((changed.len(), busy.len()), (0, 20));
    }
    let received = world.delivered(1).await;
    assert_eq!(received[0].to.len(), 20);
    world.until_empty().await;
    assert_eq!(world.internet.mail.received().len(), 1);
    assert!(world.inbox("alice@example.com").await.is_empty());
    world.finish().await;
}

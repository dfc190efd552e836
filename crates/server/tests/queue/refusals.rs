//! Refusals that are known: what senders and the administrator are told, the pause of a provider, and the way around it (U37, V8).

use super::world::{Mail, SOON, World};
use lab::mail::{Host, Options, Server, Starttls};
use server::control::queue::{Answer, Deed, Request, Selection};
use server::control::{self, Mode};
use std::net::Ipv4Addr;
use std::time::Duration;

async fn ask(world: &World, request: Request) -> Answer {
    let config = server::config::Config::clone(&world.services().config.load());
    let mut client = control::Client::connect(config).await.unwrap();
    match client
        .execute(control::Request::Queue(request))
        .await
        .unwrap()
    {
        control::Answer::Queue(answer) => answer,
        other => panic!("{other:?}"),
    }
}

/// U37, V8: a provider that has listed us gets no more mail for a while; what comes meanwhile waits, `queue show` says why and what to do, the
/// administrator gets one letter, and what waits can go by another server.
#[tokio::test]
async fn v8_refused_mail_waits_and_goes_around() {
    let host = Host::new(Ipv4Addr::new(127, 0, 0, 11), Starttls::Missing);
    let options = Options {
        hosts: vec![host],
        folder: None,
        drip: Duration::ZERO,
    };
    let relay = Server::start(options).await.unwrap();
    let mut world = World::with(&[("postmaster", "\"bob@example.com\"")]).await;
    let listed = "outlook-s3140@far.example";
    for refused in 1..=3 {
        world.queue(Mail::to(&[listed])).await;
        world.until_empty().await;
        assert_eq!(world.inbox("alice@example.com").await.len(), refused);
        // The pause is lifted, so that each is refused by the provider itself.
        ask(&world, Request::ResumeRoute { id: None }).await;
        // A restart does not begin the count anew.
        world.stop().await;
        world.boot().await;
    }
    let notice = world.inbox("alice@example.com").await.remove(0);
    assert!(
        notice.contains("far.example takes no mail from our mail server at present"),
        "{notice}"
    );
    let letters = world.inbox("bob@example.com").await;
    let [letter] = letters.as_slice() else {
        panic!("{} letters", letters.len());
    };
    for part in [
        "Subject: Microsoft refuses our mail (network-listed)",
        "pennyblack queue reroute smtp+tls://LABEL@RELAY --domain far.example",
        "S3140",
    ] {
        assert!(letter.contains(part), "{part:?} is missing in\n{letter}");
    }

    // One more refusal, and the provider is paused: the next message is not even offered.
    world.queue(Mail::to(&[listed])).await;
    world.until_empty().await;
    world.stop().await;
    world.boot().await;
    let id = world.queue(Mail::to(&["friend@far.example"])).await;
    let waiting = world.until_tried().await;
    let why = waiting.recipients[0].last_error.clone().unwrap();
    assert!(why.contains("mail to far.example waits until"), "{why}");
    assert!(world.internet.mail.received().is_empty());
    let Answer::Message(shown) = ask(&world, Request::Show { id: id.to_string() }).await else {
        panic!("no message");
    };
    let meaning = shown.recipients[0].meaning.clone().unwrap();
    assert_eq!(
        (meaning.id.as_str(), meaning.cause.as_str()),
        ("outlook-s3140", "network-listed")
    );
    let Answer::Routes(routes) = ask(&world, Request::Routes).await else {
        panic!("no routes");
    };
    assert!(
        routes
            .iter()
            .any(|route| route.flags == "P" && route.host == "far.example"),
        "{routes:?}"
    );

    let request = Request::Change {
        which: Selection {
            domain: Some("far.example".into()),
            ..Selection::default()
        },
        what: Deed::Reroute {
            via: Some(format!("smtp+notls://127.0.0.11:{}", relay.port())),
        },
        mode: Mode::Do,
    };
    ask(&world, request).await;
    let received = relay.wait_for(1, SOON).await.unwrap();
    assert_eq!(received[0].to, ["friend@far.example"]);
    world.until_empty().await;
    assert_eq!(
        world.inbox("bob@example.com").await.len(),
        1,
        "one letter a day"
    );
    world.finish().await;
}

/// U37: what concerns one recipient is no reason to keep other mail back.
#[tokio::test]
async fn u37_a_single_recipient_pauses_nobody() {
    let world = World::start().await;
    world.queue(Mail::to(&["gmail-5.7.26@there.example"])).await;
    world.until_empty().await;
    world.queue(Mail::to(&["friend@there.example"])).await;
    world.delivered(1).await;
    world.until_empty().await;
    world.finish().await;
}

fn is_full(queued: &[store::queue::Queued]) -> bool {
    queued.iter().all(|message| {
        let why = message.recipients[0].last_error.as_deref();
        why.is_some_and(|why| why.contains("what a new address may send it in a day"))
    })
}

/// V9: a new address sends each provider little at first, after a restart too; the rest waits, and more goes the next day. Nothing is lost.
#[tokio::test]
async fn v9_a_new_address_begins_slowly() {
    let mut world = World::with(&[("relay.ramp_up", "true"), ("relay.ramp_up_first", "2")]).await;
    for _ in 0..5 {
        world.queue(Mail::to(&["friend@there.example"])).await;
    }
    world.queue(Mail::to(&["friend@far.example"])).await;
    world
        .until("three that wait", |queued| {
            queued.len() == 3 && is_full(queued)
        })
        .await;
    assert_eq!(world.internet.mail.received().len(), 3);
    let Answer::Routes(routes) = ask(&world, Request::Routes).await else {
        panic!("no routes");
    };
    let words: Vec<&str> = routes
        .iter()
        .filter(|route| route.flags == "R")
        .map(|route| route.words.as_str())
        .collect();
    assert_eq!(
        words,
        [
            "1 of 2 messages today, day 1 of 30",
            "2 of 2 messages today, day 1 of 30"
        ]
    );

    world.stop().await;
    world.boot().await;
    world.queue(Mail::to(&["friend@there.example"])).await;
    world
        .until("four that wait", |queued| {
            queued.len() == 4 && is_full(queued)
        })
        .await;
    world.advance(86_400);
    world
        .until("one that waits", |queued| {
            queued.len() == 1 && is_full(queued)
        })
        .await;
    world.advance(86_400);
    world.delivered(7).await;
    world.until_empty().await;
    world.finish().await;
}

/// V9: what is more goes by a relay, if there is one.
#[tokio::test]
async fn v9_overflow() {
    let host = Host::new(Ipv4Addr::new(127, 0, 0, 11), Starttls::Missing);
    let options = Options {
        hosts: vec![host],
        folder: None,
        drip: Duration::ZERO,
    };
    let relay = Server::start(options).await.unwrap();
    let by = format!("[\"smtp+notls://127.0.0.11:{}\"]", relay.port());
    let settings = [
        ("relay.ramp_up", "true"),
        ("relay.ramp_up_first", "2"),
        ("relay.ramp_up_overflow", by.as_str()),
    ];
    let world = World::with(&settings).await;
    for _ in 0..5 {
        world.queue(Mail::to(&["friend@there.example"])).await;
    }
    world.until_empty().await;
    assert_eq!(world.internet.mail.received().len(), 2);
    assert_eq!(relay.wait_for(3, SOON).await.unwrap().len(), 3);
    world.finish().await;
}

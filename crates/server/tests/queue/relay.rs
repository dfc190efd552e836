//! Which host gets the mail, and how (C1, C2, C4, C17, U11, U30).

use super::world::{Mail, World};
use lab::mail::{Host, Starttls};
use std::net::Ipv4Addr;

/// C1, C2, C4: to the host of lowest preference, over TLS, under our name, octet for octet.
#[tokio::test]
async fn c1_c2_c4_delivered_over_tls() {
    let world = World::start().await;
    world.queue(Mail::to(&["friend@there.example"])).await;
    let received = world.delivered(1).await.remove(0);
    assert_eq!(received.host, Ipv4Addr::new(127, 0, 0, 1));
    assert!(received.tls);
    assert_eq!(received.hello, "mx1.example.com");
    assert_eq!(received.from, "alice@example.com");
    assert_eq!(received.to, ["friend@there.example"]);
    assert!(
        received.text().ends_with("At five.\r\n.\r\n"),
        "dots are stuffed and taken off again"
    );
    world.until_empty().await;
    assert!(world.inbox("alice@example.com").await.is_empty());
    world.finish().await;
}

/// C2: a host without STARTTLS, and one whose STARTTLS is broken, get the mail in the clear.
#[tokio::test]
async fn c2_without_tls_where_there_is_none() {
    let world = World::start().await;
    world.queue(Mail::to(&["no-starttls@there.example"])).await;
    world.queue(Mail::to(&["bad-tls@elsewhere.example"])).await;
    for received in world.delivered(2).await {
        assert!(!received.tls);
        let number = if received.to[0].starts_with("no") {
            2
        } else {
            3
        };
        assert_eq!(received.host, Ipv4Addr::new(127, 0, 0, number));
    }
    world.until_empty().await;
    world.finish().await;
}

/// C1: a dead host of lower preference does not keep mail from the next one; within one attempt.
#[tokio::test]
async fn c1_dead_first_exchanger() {
    let world = World::start().await;
    world.internet.dns.edit(|zone| {
        zone.mx("half.example", 13, "gone.half.example")
            .mx("half.example", 42, "alive.half.example")
            .address("gone.half.example", "127.0.0.99".parse().unwrap())
            .address("alive.half.example", "127.0.0.2".parse().unwrap());
    });
    world.queue(Mail::to(&["friend@half.example"])).await;
    assert_eq!(
        world.delivered(1).await[0].host,
        Ipv4Addr::new(127, 0, 0, 2)
    );
    world.until_empty().await;
    world.finish().await;
}

/// C1, U30: without MX the domain's own addresses count, and an unreachable IPv6 one does no harm.
#[tokio::test]
async fn c1_u30_addresses_without_mx() {
    let world = World::start().await;
    world.internet.dns.edit(|zone| {
        zone.address("bare.example", "2001:db8::1".parse().unwrap())
            .address("bare.example", "127.0.0.2".parse().unwrap());
    });
    world.queue(Mail::to(&["friend@bare.example"])).await;
    world.delivered(1).await;
    world.until_empty().await;
    world.finish().await;
}

/// U11: what DNS says for good is final at once; what it cannot say is tried again.
#[tokio::test]
async fn u11_null_mx_no_domain_and_dns_failure() {
    let world = World::start().await;
    world.queue(Mail::to(&["a@null-mx.example"])).await;
    world.queue(Mail::to(&["b@nxdomain.example"])).await;
    world.until_empty().await;
    let notices = world.inbox("alice@example.com").await.join("\n");
    assert!(notices.contains("Status: 5.1.10"), "{notices}");
    assert!(notices.contains("Status: 5.1.2"), "{notices}");

    world.queue(Mail::to(&["c@dns-fail.example"])).await;
    let queued = world.until_tried().await;
    assert!(
        queued.recipients[0]
            .last_error
            .as_ref()
            .unwrap()
            .contains("DNS look-up failed: dns-fail.example MX")
    );
    world.internet.break_name("dns-fail.example", None);
    world.advance(400);
    world.delivered(1).await;
    world.until_empty().await;
    world.finish().await;
}

/// M33: what became of questions to DNS is counted.
#[tokio::test]
async fn m33_look_ups_are_counted() {
    let world = World::start().await;
    world
        .queue(Mail::to(&["a@there.example", "b@nowhere.invalid"]))
        .await;
    world.until_empty().await;
    let config = world.services().config.load().as_ref().clone();
    let mut client = server::control::Client::connect(config).await.unwrap();
    let request = server::control::Request::Service(server::control::service::Request::Metrics);
    let answer = client.execute(request).await.unwrap();
    let server::control::Answer::Service(server::control::service::Answer::Metrics(text)) = answer
    else {
        panic!("{answer:?}");
    };
    let count = |result: &str| {
        let start = format!("pennyblack_dns_lookups_total{{result=\"{result}\"}} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&start));
        line.and_then(|count| count.parse::<u64>().ok())
    };
    assert!(
        count("records").unwrap() >= 2 && count("absent").unwrap() >= 1,
        "{text}"
    );
    assert_eq!(count("bogus"), Some(0));
    world.finish().await;
}

/// Mail is not sent to addresses inside our own network, nor to ourselves.
#[tokio::test]
async fn private_addresses_are_not_dialled() {
    let world = World::with(&[]).await;
    let mut config = (**world.services().config.load()).clone();
    config.queue.allow_private = false;
    world.services().config.store(std::sync::Arc::new(config));
    world.queue(Mail::to(&["friend@there.example"])).await;
    world.until_empty().await;
    assert_eq!(world.internet.mail.connections(), 0);
    assert!(world.inbox("alice@example.com").await[0].contains("Status: 5.4.4"));
    world.finish().await;
}

/// A domain whose MX is this server, which does not host it.
#[tokio::test]
async fn mail_for_a_strange_domain_that_points_to_us_does_not_loop() {
    let world = World::start().await;
    world.internet.dns.edit(|zone| {
        zone.mx("lost.example", 10, "mx1.example.com");
    });
    world.queue(Mail::to(&["friend@lost.example"])).await;
    world.until_empty().await;
    assert!(world.inbox("alice@example.com").await[0].contains("Status: 5.4.6"));
    world.finish().await;
}

/// C17: many messages to one domain share few connections.
#[tokio::test]
async fn c17_connections_are_reused() {
    let mut world = World::start().await;
    world.stop().await;
    world.boot().await;
    world.services().paused.delivery.send_replace(true);
    for _ in 0..40 {
        world.queue(Mail::to(&["friend@there.example"])).await;
    }
    world.services().paused.delivery.send_replace(false);
    world.delivered(40).await;
    world.until_empty().await;
    assert!(
        world.internet.mail.connections() <= 8,
        "{}",
        world.internet.mail.connections()
    );
    world.finish().await;
}

/// RFC 3030: a host with CHUNKING gets BDAT, and a large body arrives whole.
#[tokio::test]
async fn a_large_body_arrives_whole_with_and_without_chunking() {
    let world = World::start().await;
    let chunking = lab::mail::Server::start(lab::mail::Options {
        hosts: vec![
            Host::new(Ipv4Addr::new(127, 0, 0, 5), Starttls::Missing).offering(&[
                "PIPELINING",
                "CHUNKING",
                "8BITMIME",
            ]),
        ],
        folder: None,
        drip: std::time::Duration::ZERO,
    })
    .await
    .unwrap();
    let line = "Grün ist die Heide. ..\r\n.x\r\n";
    let mail = || Mail {
        text: format!("Subject: large\r\n\r\n{}", line.repeat(100_000)),
        ..Mail::to(&["friend@there.example"])
    };
    world.queue(mail()).await;
    let plain = world.delivered(1).await.remove(0);
    assert!(plain.mail.contains("BODY=8BITMIME"));
    // Its session is not to take the next message too.
    world.until_empty().await;

    let mut config = (**world.services().config.load()).clone();
    config.queue.port = chunking.port();
    world.services().config.store(std::sync::Arc::new(config));
    world.internet.dns.edit(|zone| {
        zone.mx("there.example", 10, "chunk.there.example")
            .address("chunk.there.example", "127.0.0.5".parse().unwrap());
    });
    world.queue(mail()).await;
    let chunked = chunking
        .wait_for(1, super::world::SOON)
        .await
        .unwrap()
        .remove(0);
    assert!(chunked.data == plain.data, "the same octets either way");
    world.until_empty().await;
    world.finish().await;
}

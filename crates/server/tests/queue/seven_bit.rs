//! Mail with octets above 127 to a host that takes ASCII only (RFC 6152 §3, U2): converted and signed anew, or returned with the reason.

use super::signing::{alice, keys, publish, send, verified};
use super::world::World;
use lab::mail::{Host, Options, Server, Starttls};
use std::net::Ipv4Addr;
use std::time::Duration;

/// A world whose mail host of there.example has none of the newer extensions.
async fn world() -> (World, Server) {
    let world = World::start().await;
    let host = Host::new(Ipv4Addr::new(127, 0, 0, 5), Starttls::Missing);
    let old = Server::start(Options {
        hosts: vec![host.offering(&["PIPELINING", "SIZE"])],
        folder: None,
        drip: Duration::ZERO,
    })
    .await
    .unwrap();
    let mut config = (**world.services().config.load()).clone();
    config.queue.port = old.port();
    world.services().config.store(std::sync::Arc::new(config));
    world.internet.dns.edit(|zone| {
        zone.mx("there.example", 10, "old.there.example")
            .address("old.there.example", "127.0.0.5".parse().unwrap());
    });
    (world, old)
}

async fn submit(world: &World, text: &str) {
    let road = alice(world).await;
    send(
        world,
        road,
        "alice@example.com",
        "friend@there.example",
        text,
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn rfc_6152_3_a_message_is_converted_and_signed_anew() {
    let (world, old) = world().await;
    submit(
        &world,
        "From: Alice <alice@example.com>\r\nTo: friend@there.example\r\nSubject: Grüße\r\nMessage-ID: <1@example.com>\r\nDate: Mon, 30 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nSchöne Grüße\r\n.\r\n",
    )
    .await;
    let came = old.wait_for(1, super::world::SOON).await.unwrap().remove(0);
    assert!(!came.mail.contains("BODY="), "{}", came.mail);
    assert!(
        came.mail.contains(&format!("SIZE={}", came.data.len())),
        "{} for {} octets",
        came.mail,
        came.data.len()
    );
    let text = came.text();
    assert!(text.is_ascii(), "{text}");
    for part in [
        "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n",
        "Content-Transfer-Encoding: quoted-printable\r\n",
        "\r\n\r\nSch=C3=B6ne Gr=C3=BC=C3=9Fe\r\n.\r\n",
    ] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
    let keys = keys(&world).await;
    publish(&world, &keys).await;
    assert_eq!(
        verified(&world, &text).await,
        [
            "pass example.com rsa-sha256",
            "pass example.com ed25519-sha256"
        ]
    );
    world.until_empty().await;
    world.finish().await;
}

#[tokio::test]
async fn what_is_signed_inside_comes_back_with_the_reason() {
    let (world, old) = world().await;
    submit(
        &world,
        "From: Alice <alice@example.com>\r\nTo: friend@there.example\r\nSubject: Signed\r\nMIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=i; protocol=\"application/pgp-signature\"\r\n\r\n--i\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGrüße\r\n--i\r\nContent-Type: application/pgp-signature\r\n\r\nsig\r\n--i--\r\n",
    )
    .await;
    world.until_empty().await;
    assert_eq!(old.received().len(), 0);
    let notice = world.inbox("alice@example.com").await.pop().unwrap();
    let notice = notice.replace("\r\n ", " ");
    for part in [
        "Status: 5.6.3",
        "too old for the characters",
        "signed or encrypted",
    ] {
        assert!(notice.contains(part), "{part:?} in {notice}");
    }
    world.finish().await;
}

/// U2: an international address cannot be written in ASCII; a header section alone can.
#[tokio::test]
async fn u2_international_addresses_are_refused_honestly() {
    let (world, old) = world().await;
    let mail = |to: &'static str| super::world::Mail {
        text: format!("To: <{to}>\r\nSubject: Grüße\r\n\r\nHallo\r\n"),
        ..super::world::Mail::to(&[])
    };
    world
        .queue(super::world::Mail {
            to: &["jörg@there.example"],
            ..mail("jörg@there.example")
        })
        .await;
    world.until_empty().await;
    assert_eq!(old.received().len(), 0);
    let notice = world.inbox("alice@example.com").await.pop().unwrap();
    assert!(
        notice.contains("Status: 5.6.7") && notice.contains("international addresses"),
        "{notice}"
    );
    world
        .queue(super::world::Mail {
            to: &["friend@there.example"],
            ..mail("friend@there.example")
        })
        .await;
    let came = old.wait_for(1, super::world::SOON).await.unwrap().remove(0);
    assert!(
        came.text()
            .contains("Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"),
        "{}",
        came.text()
    );
    world.finish().await;
}

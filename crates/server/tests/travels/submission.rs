//! Mail of our own users.

use super::*;

fn from(sender: &str) -> String {
    format!(
        "From: {sender}\r\nTo: x@remote.example\r\nDate: Fri, 20 Nov 2026 14:13:44 +0000\r\nMessage-ID: <1@x>\r\nSubject: s\r\n\r\nHello\r\n"
    )
}

/// B13
#[tokio::test]
async fn b13_only_own_senders_in_the_envelope() {
    let world = world_with(&[]).await;
    add_aliases(&world, &[("chained@example.com", "post@example.com")]).await;
    let alice = Client::user(&world, "alice@example.com").await;
    for own in [
        "alice@example.com",
        "ALICE@example.com",
        "alice+list@example.com",
        "post@example.com",
        "chained@example.com",
        "",
    ] {
        assert!(alice.mail(own, None).await.is_ok(), "{own}");
    }
    for foreign in [
        "bob@example.com",
        "team@example.com",
        "nobody@example.com",
        "alice@example.net",
        "x@remote.example",
    ] {
        let refusal = alice.mail(foreign, None).await.err().unwrap();
        assert_eq!(refusal.reply.code, 550, "{foreign}");
        assert!(
            refusal.reply.lines[0].contains(foreign),
            "{:?}",
            refusal.reply
        );
    }
    world.finish().await;
}

/// B15
#[tokio::test]
async fn b15_only_own_senders_in_the_header() {
    let world = world_with(&[]).await;
    let alice = Client::user(&world, "alice@example.com").await;
    for own in [
        "alice@example.com",
        "\"Bob <bob@example.com>\" <post@example.com>",
        "A <alice+x@example.com>, post@example.com",
    ] {
        alice
            .deliver("alice@example.com", &["bob@example.com"], &from(own))
            .await;
    }
    for foreign in [
        "bob@example.com",
        "alice@example.com, bob@example.com",
        "alice@example.com\r\nFrom: bob@example.com",
        "alice@example.com\r\nSender: bob@example.com",
        "\"alice@example.com\" <boss@remote.example>",
        "nobody",
        "G:;",
    ] {
        let mut results = alice
            .send("alice@example.com", &["bob@example.com"], &from(foreign))
            .await;
        assert_eq!(code(results.pop().unwrap()), "550 5.7.1", "{foreign}");
    }
    assert_eq!(inbox(&world, "bob@example.com").await.len(), 3);
    world.finish().await;
}

/// B16
#[tokio::test]
async fn b16_the_host_name_is_no_sender() {
    let world = world_with(&[]).await;
    let alice = Client::user(&world, "alice@example.com").await;
    for host in [
        "root@mx1.example.com",
        "postmaster@mx1.example.com",
        "alice@mx1.example.com",
    ] {
        assert_eq!(code(alice.mail(host, None).await), "550 5.7.1", "{host}");
    }
    world.finish().await;
}

/// B17: no network between our own users; others are relayed for them.
#[tokio::test]
async fn b17_own_domains_are_delivered_here() {
    let world = world_with(&[]).await;
    let alice = Client::user(&world, "alice@example.com").await;
    alice
        .deliver(
            "alice@example.com",
            &["bob@example.com"],
            &from("alice@example.com"),
        )
        .await;
    assert_eq!(inbox(&world, "bob@example.com").await.len(), 1);
    assert_eq!(world.queued().await, Ok(0));
    alice
        .deliver(
            "alice@example.com",
            &["carol@example.com", "x@remote.example", "X@remote.example"],
            &from("alice@example.com"),
        )
        .await;
    assert_eq!(inbox(&world, "carol@example.com").await.len(), 1);
    let (message, _) = queued(&world).await.pop().unwrap();
    assert!(message.account.is_some());
    assert_eq!(message.recipients.len(), 1);
    assert_eq!(message.recipients[0].address, "x@remote.example");
    assert_eq!(message.recipients[0].orcpt, None);
    assert_eq!(alice.rcpt("nobody@example.com").await, "550 5.1.1");
    world.finish().await;
}

/// B18, A15
#[tokio::test]
async fn b18_fix_ups() {
    let world = world_with(&[]).await;
    let alice = Client::user(&world, "alice@example.com").await;
    let bare = "To: bob, x@remote.example\r\nBcc: carol@example.com\r\nSubject: bare\r\n\r\nHi\r\n";
    alice
        .deliver(
            "post@example.com",
            &["bob@example.com", "x@remote.example"],
            bare,
        )
        .await;
    let filed = inbox(&world, "bob@example.com").await.pop().unwrap();
    let (message, relayed) = queued(&world).await.pop().unwrap();
    for text in [&filed, &relayed] {
        assert!(text.contains("\r\nFrom: post@example.com\r\n"), "{text}");
        assert!(
            text.contains("\r\nTo: <bob@example.com>,\r\n\t<x@remote.example>\r\n"),
            "{text}"
        );
        assert!(
            text.contains("\r\nDate: ") && text.contains("@example.com>\r\n\r\nHi\r\n"),
            "{text}"
        );
        assert!(!text.contains("Bcc") && !text.contains("carol"), "{text}");
        assert!(
            !text.contains("198.51.100.7") && !text.contains("client.example"),
            "{text}"
        );
    }
    assert_eq!(&relayed[message.header_size as usize..], "Hi\r\n");
    world.finish().await;
}

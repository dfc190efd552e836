//! What senders are told (C11, C13, C14, C15, A32; RFC 3461, RFC 3464).

use super::world::{Mail, World};

const SUCCESS: u8 = 1;
const FAILURE: u8 = 2;
const NEVER: u8 = 8;

/// C14: a refused message comes back with a plain sentence, the other server's words, the status and the original header.
#[tokio::test]
async fn c14_failure_notice() {
    let world = World::start().await;
    world.queue(Mail::to(&["bounce@there.example"])).await;
    world.until_empty().await;
    let notices = world.inbox("alice@example.com").await;
    let [notice] = notices.as_slice() else {
        panic!("{} notices", notices.len());
    };
    for part in [
        "Return-Path: <>\r\n",
        "From: Mail Delivery System <MAILER-DAEMON@mx1.example.com>\r\n",
        "To: <alice@example.com>\r\n",
        "In-Reply-To: <one@example.com>\r\n",
        "Auto-Submitted: auto-replied\r\n",
        "Content-Type: multipart/report; report-type=delivery-status;\r\n",
        "There is no such address at there.example.",
        "550 5.1.1 There is no user of this name here",
        "\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx1.example.com\r\n",
        "Original-Envelope-Id: QQ+2B1\r\n",
        "\r\n\r\nOriginal-Recipient: rfc822;bounce@there.example\r\nFinal-Recipient: rfc822; bounce@there.example\r\n\
         Action: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; mx1.there.example\r\nDiagnostic-Code: smtp; 550 5.1.1 There",
        "\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <one@example.com>\r\nSubject: Tea\r\n",
    ] {
        assert!(notice.contains(part), "{part:?} is missing in\n{notice}");
    }
    assert!(!notice.contains("At five."), "the body was not asked for");
    world.finish().await;
}

/// RFC 3461 §4.3: RET=FULL returns all of it.
#[tokio::test]
async fn rfc_3461_4_3_ret_full() {
    let world = World::start().await;
    world
        .queue(Mail {
            ret_full: Some(true),
            ..Mail::to(&["bounce@there.example"])
        })
        .await;
    world.until_empty().await;
    let notice = world.inbox("alice@example.com").await.remove(0);
    assert!(notice.contains("Content-Type: message/rfc822\r\n\r\nMessage-ID:"));
    assert!(notice.contains("At five."));
    world.finish().await;
}

/// C14: a refusal of five lines after DATA is understood and passed on.
#[tokio::test]
async fn c14_words_of_a_large_provider() {
    let world = World::start().await;
    world.queue(Mail::to(&["gmail-5.7.26@there.example"])).await;
    world.queue(Mail::to(&["outlook-s3140@far.example"])).await;
    world.until_empty().await;
    let notices = world.inbox("alice@example.com").await.join("\n");
    assert!(notices.contains("Status: 5.7.26") && notices.contains("SPF or DKIM"));
    assert!(notices.contains("Status: 5.7.1") && notices.contains("S3140"));
    // U37: in words that anybody understands.
    assert!(notices.contains("far.example takes no mail from our mail server at present, because it mistrusts the place"), "{notices}");
    world.finish().await;
}

/// C14: one plain sentence says what happened and what to do.
#[tokio::test]
async fn c14_says_what_to_do() {
    let world = World::start().await;
    for (to, sentence) in [
        (
            "spam@there.example",
            "since it takes it for spam. Reach the recipient in another way, and ask your administrator",
        ),
        (
            "gmail-5.7.26@there.example",
            "since it does not see proved that it comes from you. Reach the recipient in another way",
        ),
    ] {
        let before = world.inbox("alice@example.com").await.len();
        world.queue(Mail::to(&[to])).await;
        world.until_empty().await;
        let notices = world.inbox("alice@example.com").await;
        assert_eq!(notices.len(), before + 1, "{to}");
        let text = notices.concat().replace("\r\n", " ");
        assert!(text.contains(sentence), "{sentence:?} is not in\n{text}");
    }
    world.finish().await;
}

/// C14: a sender elsewhere gets the notice by mail, from the null reverse-path.
#[tokio::test]
async fn c14_notice_to_another_server() {
    let world = World::start().await;
    world
        .queue(Mail {
            from: Some("writer@far.example"),
            ..Mail::to(&["bounce@there.example"])
        })
        .await;
    let notice = world.delivered(1).await.remove(0);
    assert_eq!(
        (notice.from.as_str(), notice.to[0].as_str()),
        ("", "writer@far.example")
    );
    assert!(notice.text().contains("Status: 5.1.1"));
    world.until_empty().await;
    world.finish().await;
}

/// C15: an undeliverable notice creates no further mail.
#[tokio::test]
async fn c15_no_bounce_to_a_bounce() {
    let world = World::start().await;
    world
        .queue(Mail {
            from: None,
            notify: FAILURE,
            ..Mail::to(&["bounce@there.example"])
        })
        .await;
    world
        .queue(Mail {
            from: Some("bounce@far.example"),
            ..Mail::to(&["bounce@there.example"])
        })
        .await;
    world.until_empty().await;
    assert!(world.internet.mail.received().is_empty());
    assert!(world.inbox("alice@example.com").await.is_empty());
    world.finish().await;
}

/// A32: NOTIFY=NEVER is silence.
#[tokio::test]
async fn a32_never() {
    let world = World::start().await;
    world
        .queue(Mail {
            notify: NEVER,
            ..Mail::to(&["bounce@there.example"])
        })
        .await;
    world.until_empty().await;
    assert!(world.inbox("alice@example.com").await.is_empty());
    world.finish().await;
}

/// A32: NOTIFY=SUCCESS to a host that does not report by itself.
#[tokio::test]
async fn a32_relayed() {
    let world = World::start().await;
    world
        .queue(Mail {
            notify: SUCCESS,
            ..Mail::to(&["friend@there.example"])
        })
        .await;
    world.until_empty().await;
    let notice = world.inbox("alice@example.com").await.remove(0);
    assert!(
        notice.contains("Action: relayed\r\nStatus: 2.0.0\r\n"),
        "{notice}"
    );
    world.finish().await;
}

/// C13: one warning at each age, and a failure at the end of the message's life (C11).
#[tokio::test]
async fn c11_c13_warnings_and_expiry() {
    let settings = [
        ("queue.warn_after", "[\"1h\", \"6h\"]"),
        ("queue.lifetime", "\"12h\""),
    ];
    let world = World::with(&settings).await;
    world.queue(Mail::to(&["full@there.example"])).await;
    let start = world.clock.now();
    for attempt in 1.. {
        world.until_connections_end(attempt).await;
        let queued = world.queued().await;
        let Some(message) = queued.first() else { break };
        let due = message.recipients[0].next_attempt;
        world.advance(due.duration_since(world.clock.now()).as_secs());
    }
    assert_eq!(world.clock.now().duration_since(start).as_secs(), 12 * 3600);
    let notices = world.inbox("alice@example.com").await;
    let of = |action: &str| notices.iter().filter(|text| text.contains(action)).count();
    assert_eq!((of("Action: delayed"), of("Action: failed")), (2, 1));
    assert!(notices[0].contains("Will-Retry-Until: ") && notices[0].contains("Status: 4.2.2"));
    let last = notices.last().unwrap();
    assert!(
        last.contains("Status: 5.4.7") && last.contains("452 4.2.2 The mailbox is full"),
        "{last}"
    );
    world.finish().await;
}

/// RFC 6533: with an international address the notice has the global forms.
#[tokio::test]
async fn rfc_6533_international_addresses() {
    let world = World::start().await;
    world.internet.dns.edit(|zone| {
        zone.mx("null.example", 0, ".");
    });
    world.queue(Mail::to(&["jörg@null.example"])).await;
    world.until_empty().await;
    let notice = world.inbox("alice@example.com").await.remove(0);
    assert!(notice.contains("message/global-delivery-status"));
    assert!(notice.contains("Final-Recipient: utf-8; jörg@null.example"));
    world.finish().await;
}

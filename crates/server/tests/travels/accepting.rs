//! What is stored of a message from another server, and what refuses it.

use super::*;

/// A13, A14, A15: trace fields in front, everything else as it came.
#[tokio::test]
async fn a14_trace_fields_stand_in_front() {
    let world = world_with(&[]).await;
    let results = Client::mx(&world)
        .send("S@Remote.example", &["alice@example.com"], HELLO)
        .await;
    let reply = results[0].as_ref().unwrap().lines[0].clone();
    let id = reply.strip_prefix("Ok: id=").unwrap();
    let message = inbox(&world, "alice@example.com").await.pop().unwrap();
    let mut lines = message.lines();
    assert_eq!(lines.next().unwrap(), "Return-Path: <S@remote.example>");
    assert_eq!(
        lines.next().unwrap(),
        "Received: from client.example (out.client.example [198.51.100.7])"
    );
    assert_eq!(
        lines.next().unwrap(),
        format!("\tby mx1.example.com (Pennyblack) with ESMTP id {id}")
    );
    assert_eq!(lines.next().unwrap(), "\tfor <alice@example.com>;");
    assert!(message.contains(
        "\r\nAuthentication-Results: mx1.example.com;\r\n\tiprev=pass policy.iprev=198.51.100.7;\r\n\tspf=none smtp.mailfrom=S@remote.example;\r\n\t\
         dkim=none;\r\n\tdmarc=none header.from=remote.example\r\n"
    ));
    assert!(message.ends_with(HELLO));
    world.finish().await;
}

/// A13
#[tokio::test]
async fn a13_notices_come_from_nobody() {
    let world = world_with(&[]).await;
    Client::mx(&world)
        .deliver("", &["alice@example.com"], HELLO)
        .await;
    let message = inbox(&world, "alice@example.com").await.pop().unwrap();
    assert!(message.starts_with("Return-Path: <>\r\n"));
    world.finish().await;
}

/// A14: recipients do not read of each other.
#[tokio::test]
async fn a14_several_recipients_are_not_named() {
    let world = world_with(&[]).await;
    Client::mx(&world)
        .deliver("", &["alice@example.com", "bob@example.com"], HELLO)
        .await;
    let message = inbox(&world, "alice@example.com").await.pop().unwrap();
    assert!(
        !message.contains("bob@") && !message.contains("for <"),
        "{message}"
    );
    world.finish().await;
}

/// Copies for mailboxes and for the queue differ by the Return-Path, by what our filter found (nobody else's filter shall read it), and by
/// the seal of what is forwarded, alone.
#[tokio::test]
async fn mailbox_and_queue_get_the_same_message() {
    let world = world_with(&[]).await;
    let to = ["alice@example.com", "oldname@example.com"];
    Client::mx(&world)
        .deliver("s@remote.example", &to, HELLO)
        .await;
    let filed = inbox(&world, "alice@example.com").await.pop().unwrap();
    let (_, relayed) = queued(&world).await.pop().unwrap();
    let (trace, sealed) = relayed.split_once("ARC-Seal:").unwrap();
    let (_, message) = sealed.split_once("\r\nFrom:").unwrap();
    let (before, found) = filed.split_once("X-Spam-Score: ").unwrap();
    let (_, behind) = found.split_once("\r\nFrom:").unwrap();
    let filed = format!("{before}From:{behind}");
    assert!(!relayed.contains("X-Spam"), "{relayed}");
    assert_eq!(
        filed.strip_prefix("Return-Path: <s@remote.example>\r\n"),
        Some(format!("{trace}From:{message}").as_str())
    );
    world.finish().await;
}

/// RFC 8601 §5, RFC 5321 §4.4
#[tokio::test]
async fn fields_that_are_ours_to_write_are_taken_out() {
    let world = world_with(&[]).await;
    let forged = format!(
        "Return-Path: <forged@x>\r\nAuthentication-Results: MX1.example.com;\r\n spf=pass\r\nAuthentication-Results: other.example; spf=pass\r\n{HELLO}"
    );
    Client::mx(&world)
        .deliver("", &["alice@example.com"], &forged)
        .await;
    let message = inbox(&world, "alice@example.com").await.pop().unwrap();
    assert!(
        !message.contains("forged") && !message.contains("MX1"),
        "{message}"
    );
    assert!(message.contains("Authentication-Results: other.example; spf=pass\r\n"));
    world.finish().await;
}

/// A7: at MAIL and again while the data comes; nothing is stored.
#[tokio::test]
async fn a07_messages_that_are_too_big() {
    let world = world_with(&[("limits.message_size", "100000")]).await;
    let client = Client::mx(&world);
    assert_eq!(
        code(client.mail("a@b.example", Some(100_001)).await),
        "552 5.3.4"
    );
    let big = format!("{HELLO}{}", "x".repeat(78).repeat(1300));
    let mut results = client.send("", &["alice@example.com"], &big).await;
    assert_eq!(code(results.pop().unwrap()), "552 5.3.4");
    assert_eq!(world.messages_in("alice@example.com", "INBOX").await, Ok(0));
    world.finish().await;
}

/// S7
#[tokio::test]
async fn s07_header_sections_that_are_too_big() {
    let world = world_with(&[]).await;
    let client = Client::mx(&world);
    let long = format!("Subject: {}\r\n\r\nbody\r\n", "x\r\n ".repeat(100_000));
    let mut results = client.send("", &["alice@example.com"], &long).await;
    assert_eq!(code(results.pop().unwrap()), "552 5.3.4");
    assert_eq!(world.messages_in("alice@example.com", "INBOX").await, Ok(0));
    world.finish().await;
}

/// A31
#[tokio::test]
async fn a31_loops_are_cut() {
    let world = world_with(&[]).await;
    let client = Client::mx(&world);
    let hops = |n: usize| format!("{}{HELLO}", "Received: from a by b; date\r\n".repeat(n));
    let mut results = client.send("", &["alice@example.com"], &hops(101)).await;
    assert_eq!(code(results.pop().unwrap()), "554 5.4.6");
    client.deliver("", &["alice@example.com"], &hops(100)).await;
    assert_eq!(inbox(&world, "alice@example.com").await.len(), 1);
    world.finish().await;
}

/// What is not a header section is text, for us and for everyone who reads the message later.
#[tokio::test]
async fn a_message_without_header_is_text() {
    // From nobody, to nobody, of no day: who sends that is asked to come again.
    let world = world_with(&[("gate.greylist", "\"off\"")]).await;
    let client = Client::mx(&world);
    client
        .deliver("", &["alice@example.com"], "Just a line\r\nBcc: x@y\r\n")
        .await;
    client.deliver("", &["alice@example.com"], "").await;
    let messages = inbox(&world, "alice@example.com").await;
    assert!(
        messages[0].ends_with("\r\n\r\nJust a line\r\nBcc: x@y\r\n"),
        "{}",
        messages[0]
    );
    assert!(messages[1].ends_with("\r\n\r\n"), "{}", messages[1]);
    world.finish().await;
}

/// What the listing tells of a message is true of its stored octets, trace fields included.
#[tokio::test]
async fn the_summary_is_that_of_the_stored_octets() {
    let world = world_with(&[("gate.greylist", "\"off\"")]).await;
    let message = "Subject: parts\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n";
    Client::mx(&world)
        .deliver("", &["alice@example.com"], message)
        .await;
    let stored = inbox(&world, "alice@example.com").await.pop().unwrap();
    let contents = read(&world, |tx| {
        let alice = account::by_address(tx, "alice@example.com")?.unwrap().id;
        let inbox = mailbox::by_name(tx, alice, "INBOX")?.unwrap().id;
        entry::scan_contents(tx, alice, inbox, &[1..=1], None, 1)
    });
    let summary = contents.await.pop().unwrap().1.summary;
    let mut scanner = message::Scanner::new();
    scanner.feed(stored.as_bytes());
    assert_eq!(summary, scanner.finish());
    world.finish().await;
}

/// S6 in small: a large body goes through in pieces and comes back whole.
#[tokio::test]
async fn s06_large_messages_stream() {
    let world = world_with(&[]).await;
    let body =
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\n".repeat(50_000);
    let large = format!("{HELLO}{body}");
    Client::mx(&world)
        .deliver("", &["alice@example.com", "oldname@example.com"], &large)
        .await;
    assert!(inbox(&world, "alice@example.com").await[0].ends_with(&large));
    assert!(queued(&world).await[0].1.ends_with(&large));
    world.finish().await;
}

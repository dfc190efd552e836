//! LMTP: a result for each recipient.

use super::*;

/// A23
#[tokio::test]
async fn a23_each_recipient_has_its_own_result() {
    let world = world_with(&[]).await;
    write(&world, |tx| {
        let bob = account::by_address(tx, "bob@example.com")?.unwrap();
        account::set_quota(tx, bob.id, Some(200))
    })
    .await;
    let client = Client::lmtp(&world);
    let to = [
        "alice@example.com",
        "bob@example.com",
        "team@example.com",
        "alice+x@example.com",
    ];
    let results = client.send("s@remote.example", &to, HELLO).await;
    let codes: Vec<_> = results.into_iter().map(code).collect();
    assert_eq!(codes, ["250", "552 5.2.2", "552 5.2.2", "250"]);
    assert_eq!(inbox(&world, "alice@example.com").await.len(), 1);
    assert_eq!(inbox(&world, "bob@example.com").await.len(), 0);
    world.finish().await;
}

/// V3: those who have it not are written down, with what each was told, under the id in the reply; who has it is not among them.
#[tokio::test]
async fn v03_refusals_to_some_are_written_down() {
    let world = world_with(&[]).await;
    write(&world, |tx| {
        let bob = account::by_address(tx, "bob@example.com")?.unwrap();
        account::set_quota(tx, bob.id, Some(200))
    })
    .await;
    let to = ["alice@example.com", "bob@example.com"];
    let results = Client::lmtp(&world)
        .send("s@remote.example", &to, HELLO)
        .await;
    let refusal = results[1].as_ref().unwrap_err();
    let told = refusal.reply.lines.concat();
    let (_, id) = told.split_once("(QUOTA-TOO-SMALL ").unwrap();
    let id = u64::from_str_radix(id.trim_end_matches(')'), 16).unwrap();
    let accepted = results[0].as_ref().unwrap().lines.concat();
    assert!(accepted.contains(&format!("{id:016x}")), "{accepted}");
    let (_, kept) = read(&world, move |tx| store::rejection::of(tx, id))
        .await
        .unwrap();
    assert_eq!(kept.recipients, ["bob@example.com"]);
    assert_eq!(kept.reply, format!("552 5.2.2 {told}"));
    assert_eq!(kept.subject, "Hello");
    assert!(
        kept.reason.contains("quota of bob@example.com"),
        "{}",
        kept.reason
    );

    // Nobody is refused: nothing is written down.
    let alone = Client::lmtp(&world)
        .send("s@remote.example", &to[..1], HELLO)
        .await;
    let accepted = alone[0].as_ref().unwrap().lines.concat();
    let ids = accepted
        .split(|c: char| !c.is_ascii_hexdigit())
        .filter(|word| word.len() == 16);
    let ids: Vec<u64> = ids.map(|id| u64::from_str_radix(id, 16).unwrap()).collect();
    assert_eq!(ids.len(), 1, "{accepted}");
    assert!(
        read(&world, move |tx| store::rejection::of(tx, ids[0]))
            .await
            .is_none()
    );
    world.finish().await;
}

/// A refusal of the message is told to each.
#[tokio::test]
async fn a23_a_refusal_is_told_to_each() {
    let world = world_with(&[]).await;
    let client = Client::lmtp(&world);
    let mut transaction = client.mail("", None).await.unwrap();
    for to in ["alice@example.com", "bob@example.com"] {
        transaction.recipient(rcpt(to)).await.unwrap();
    }
    let mut receiving = transaction.data();
    let loops = format!("{}\r\nHello\r\n", "Received: x\r\n".repeat(101));
    assert_eq!(code(receiving.write(loops.as_bytes()).await), "554 5.4.6");
    // Whatever comes after, an incomplete message is not accepted.
    assert_eq!(code(receiving.write(HELLO.as_bytes()).await), "554 5.4.6");
    let codes: Vec<_> = receiving.finish().await.into_iter().map(code).collect();
    assert_eq!(codes, ["554 5.4.6", "554 5.4.6"]);
    world.finish().await;
}

/// A14: RFC 2033 names in Received; the front server's results stay.
#[tokio::test]
async fn a14_lmtp_is_named() {
    let world = world_with(&[]).await;
    let message = format!("Authentication-Results: mx1.example.com; spf=pass\r\n{HELLO}");
    Client::lmtp(&world)
        .deliver("", &["alice@example.com"], &message)
        .await;
    let stored = inbox(&world, "alice@example.com").await.pop().unwrap();
    assert!(stored.contains("with LMTP id"), "{stored}");
    assert!(stored.contains("Authentication-Results: mx1.example.com; spf=pass\r\n"));
    world.finish().await;
}

/// A23: a client of SMTP that knows PRDR is told as LMTP's are; others have one reply, and come again.
#[tokio::test]
async fn a23_prdr_has_a_result_for_each() {
    let world = world_with(&[]).await;
    write(&world, |tx| {
        let bob = account::by_address(tx, "bob@example.com")?.unwrap();
        account::set_quota(tx, bob.id, Some(200))
    })
    .await;
    let to = ["alice@example.com", "bob@example.com"];
    let client = Client::mx(&world);
    let together = client.send("s@remote.example", &to, HELLO).await;
    let codes: Vec<_> = together.into_iter().map(code).collect();
    assert_eq!(codes, ["452 4.2.2"]);
    assert_eq!(inbox(&world, "alice@example.com").await.len(), 0);

    let mut transaction = client.mail_with_prdr("s@remote.example").await;
    for address in to {
        transaction.recipient(rcpt(address)).await.unwrap();
    }
    let each = deliver(transaction.data(), HELLO).await;
    let codes: Vec<_> = each.into_iter().map(code).collect();
    assert_eq!(codes, ["250", "552 5.2.2"]);
    assert_eq!(inbox(&world, "alice@example.com").await.len(), 1);
    world.finish().await;
}

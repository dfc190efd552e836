//! Quotas, at RCPT and again at the commit.

use super::*;

async fn set_quota(world: &World, address: &'static str, quota: u64) {
    write(world, move |tx| {
        let account = account::by_address(tx, address)?.unwrap();
        account::set_quota(tx, account.id, Some(quota))
    })
    .await;
}

/// A message of about so many octets.
fn message_of(octets: usize) -> String {
    format!("{HELLO}{}", "0123456789\r\n".repeat(octets / 12))
}

/// P4: one message may cross the limit by ten per cent, the next is refused.
#[tokio::test]
async fn p04_the_last_delivery_has_grace() {
    let world = world_with(&[]).await;
    set_quota(&world, "alice@example.com", 20_000).await;
    let client = Client::mx(&world);
    client
        .deliver("", &["alice@example.com"], &message_of(18_500))
        .await;
    client
        .deliver("", &["alice@example.com"], &message_of(1_200))
        .await;
    assert_eq!(client.rcpt("alice@example.com").await, "452 4.2.2");
    assert_eq!(inbox(&world, "alice@example.com").await.len(), 2);
    world.finish().await;
}

/// P1, P2: the default, and an account's own.
#[tokio::test]
async fn p01_full_mailboxes_are_refused_at_rcpt() {
    let world = world_with(&[("mail.quota", "20000")]).await;
    set_quota(&world, "bob@example.com", 1_000_000).await;
    let client = Client::mx(&world);
    client
        .deliver(
            "",
            &["alice@example.com", "bob@example.com"],
            &message_of(21_000),
        )
        .await;
    assert_eq!(client.rcpt("alice@example.com").await, "452 4.2.2");
    assert!(client.rcpt_text("post@example.com").await.contains("quota"));
    assert_eq!(client.rcpt("bob@example.com").await, "250");
    world.finish().await;
}

/// P1: a size that is told counts; what could never fit is refused for good.
#[tokio::test]
async fn p01_the_size_told_counts() {
    let world = world_with(&[("mail.quota", "20000")]).await;
    let client = Client::mx(&world);
    client
        .deliver("", &["alice@example.com"], &message_of(10_000))
        .await;
    for (size, expected) in [(5_000, "250"), (15_000, "452 4.2.2"), (22_001, "552 5.2.2")] {
        let mut transaction = client.mail("", Some(size)).await.unwrap();
        assert_eq!(
            code(transaction.recipient(rcpt("alice@example.com")).await),
            expected,
            "{size}"
        );
    }
    world.finish().await;
}

/// Over SMTP a mailbox that became full after its RCPT puts the whole message off, and nobody has a copy.
#[tokio::test]
async fn p01_the_commit_asks_again() {
    let world = world_with(&[]).await;
    set_quota(&world, "bob@example.com", 20_000).await;
    let client = Client::mx(&world);
    let to = [
        "alice@example.com",
        "bob@example.com",
        "oldname@example.com",
    ];
    let mut results = client.send("", &to, &message_of(30_000)).await;
    assert_eq!(results.len(), 1);
    assert_eq!(code(results.pop().unwrap()), "452 4.2.2");
    assert_eq!(world.messages_in("alice@example.com", "INBOX").await, Ok(0));
    assert_eq!(world.queued().await, Ok(0));
    let mut results = client
        .send("", &["bob@example.com"], &message_of(30_000))
        .await;
    assert_eq!(code(results.pop().unwrap()), "552 5.2.2");
    world.finish().await;
}

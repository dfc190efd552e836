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

/// Moves messages of alice's INBOX by their UIDs.
async fn put(world: &World, uids: RangeInclusive<u32>, to: &'static str) {
    write(world, move |tx| {
        let alice = account::by_address(tx, "alice@example.com")?.unwrap().id;
        let inbox = mailbox::by_name(tx, alice, "INBOX")?.unwrap().id;
        let to = mailbox::by_name(tx, alice, to)?.unwrap().id;
        entry::move_to(tx, alice, inbox, std::slice::from_ref(&uids), to).map(|_| ())
    })
    .await;
}

async fn counts(world: &World) -> [u32; 4] {
    let mut counts = [0; 4];
    for (count, mailbox) in counts.iter_mut().zip(["INBOX", "Junk", "Trash", "Sent"]) {
        *count = world
            .messages_in("alice@example.com", mailbox)
            .await
            .unwrap();
    }
    counts
}

/// P8: full of junk, the mailbox takes mail; what was sent goes only if that was chosen, and after the rest.
#[tokio::test]
async fn p08_room_is_made_for_arriving_mail() {
    let settings = [
        ("mail.quota", "20000"),
        ("mail.make_room", "['\\Junk', '\\Trash', '\\Sent']"),
    ];
    for (settings, sent_may_go) in [(&settings[..1], false), (&settings[..], true)] {
        let world = world_with(settings).await;
        let client = Client::mx(&world);
        let to = ["alice@example.com"];
        for _ in 0..4 {
            client.deliver("", &to, &message_of(4_300)).await;
        }
        put(&world, 1..=1, "Junk").await;
        put(&world, 2..=2, "Trash").await;
        put(&world, 3..=3, "Sent").await;
        assert_eq!(counts(&world).await, [1, 1, 1, 1]);
        client.deliver("", &to, &message_of(4_300)).await;
        assert_eq!(counts(&world).await, [2, 0, 1, 1]);
        client.deliver("", &to, &message_of(4_300)).await;
        assert_eq!(counts(&world).await, [3, 0, 0, 1]);
        if sent_may_go {
            client.deliver("", &to, &message_of(4_300)).await;
            assert_eq!(counts(&world).await, [4, 0, 0, 0]);
        }
        let mut results = client.send("", &to, &message_of(4_300)).await;
        assert_eq!(code(results.pop().unwrap()), "452 4.2.2");
        world.finish().await;
    }
}

/// The letters in alice's INBOX that the server wrote, once all are written.
async fn letters(world: &World) -> Vec<String> {
    let jobs = &world.services().jobs;
    while jobs
        .run("quota-notices")
        .await
        .unwrap()
        .outcome
        .unwrap()
        .is_some()
    {}
    let all = inbox(world, "alice@example.com").await;
    let ours = all
        .into_iter()
        .filter(|text| text.contains("Auto-Submitted: auto-generated"));
    ours.collect()
}

/// P6: a warning for each threshold, once, though there is hardly room; P7: whole letters, in the user's language.
#[tokio::test]
async fn p06_p07_users_are_told_when_it_fills_and_when_there_is_room_again() {
    let world = world_with(&[("mail.quota_warnings", "['80%', '95%']")]).await;
    set_quota(&world, "alice@example.com", 60_000).await;
    let (client, to) = (Client::mx(&world), ["alice@example.com"]);
    client.deliver("", &to, &message_of(46_000)).await;
    assert_eq!(letters(&world).await.len(), 0);
    client.deliver("", &to, &message_of(2_000)).await;
    let first = letters(&world).await;
    assert_eq!(first.len(), 1);
    for field in [
        "From: Mail system <postmaster@example.com>\r\n",
        "To: Alice <alice@example.com>\r\n",
        "Subject: Your mailbox is 8",
        "\r\nDate: ",
        "\r\nMessage-ID: <",
        "% full\r\n",
        "the mailbox alice@example.com is 8",
        " kB of 58.6 kB.\r\n",
    ] {
        assert!(first[0].contains(field), "{field:?} in {}", first[0]);
    }
    client.deliver("", &to, &message_of(1_000)).await;
    assert_eq!(letters(&world).await.len(), 1);
    client.deliver("", &to, &message_of(7_000)).await;
    let second = letters(&world).await;
    assert_eq!(second.len(), 2);
    assert!(
        second[1].contains("Subject: Your mailbox is 9"),
        "{}",
        second[1]
    );
    client.deliver("", &to, &message_of(5_000)).await;
    assert_eq!(letters(&world).await.len(), 2);
    assert_eq!(client.rcpt("alice@example.com").await, "452 4.2.2");
    write(&world, |tx| {
        let alice = account::by_address(tx, "alice@example.com")?.unwrap().id;
        account::set_language(tx, alice, Some("de"))?;
        let inbox = mailbox::by_name(tx, alice, "INBOX")?.unwrap().id;
        entry::remove_one(tx, alice, inbox, store::Uid(1)).map(|_| ())
    })
    .await;
    let third = letters(&world).await;
    assert_eq!(third.len(), 3);
    let below = &third[2];
    assert!(
        below.contains("Subject: Ihr Postfach nimmt wieder Post an\r\n"),
        "{below}"
    );
    assert!(
        below.contains("\r\nDate: ")
            && below.contains("\r\nMessage-ID: <")
            && below.contains("To: Alice <")
    );
    assert!(!below.contains("%%") && !below.contains('{'), "{below}");
    assert_eq!(client.rcpt("alice@example.com").await, "250");
    world.finish().await;
}

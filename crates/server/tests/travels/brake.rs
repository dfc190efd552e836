//! How much an account may send (U7), and what happens when it sends unusually much (V10).

use super::*;
use server::control::account::sending::{Limit, LimitChange, View};
use server::control::account::{Answer, Request};
use server::control::queue::{self as queue_control, Deed, Selection};
use server::control::{self, Mode};
use std::time::Duration;
use store::queue::State;

const DAY: Duration = Duration::from_secs(86_400);

fn letter(n: usize) -> String {
    format!(
        "From: alice@example.com\r\nTo: x@remote.example\r\nDate: Fri, 20 Nov 2026 14:13:44 +0000\r\nMessage-ID: <{n}@x>\r\nSubject: s\r\n\r\nHello\r\n"
    )
}

async fn ask(world: &World, request: control::Request) -> control::Answer {
    let config = server::config::Config::clone(&world.services().config.load());
    let mut client = control::Client::connect(config).await.unwrap();
    client.execute(request).await.unwrap()
}

async fn account(world: &World, request: Request) -> View {
    match ask(world, control::Request::Account(request)).await {
        control::Answer::Account(Answer::Sending(view)) => *view,
        other => panic!("{other:?}"),
    }
}

/// What is in the queue: recipients that may go, recipients that are held.
async fn leaving(world: &World) -> (usize, usize) {
    let messages = read(world, |tx| queue::list(tx, None, 1000)).await;
    let recipients = messages.into_iter().flat_map(|message| message.recipients);
    let (held, free): (Vec<_>, Vec<_>) = recipients.partition(|one| one.state == State::Held);
    (free.len(), held.len())
}

/// Everything in the queue was delivered.
async fn empty_queue(world: &World) {
    let which = Selection {
        all: true,
        ..Selection::default()
    };
    let request = queue_control::Request::Change {
        which,
        what: Deed::Remove,
        mode: Mode::Do,
    };
    ask(world, control::Request::Queue(request)).await;
}

/// Ten days of an ordinary account: eight messages a day to the same few people.
async fn live(world: &World, alice: &Client<'_>) {
    for day in 0..10 {
        for n in 0..8 {
            let friend = format!("friend{}@remote.example", (day + n) % 5);
            alice
                .deliver("alice@example.com", &[&friend], &letter(n))
                .await;
            world.advance(Duration::from_secs(1800));
        }
        world.advance(DAY - Duration::from_secs(8 * 1800));
    }
    world.advance(DAY);
    empty_queue(world).await;
}

/// V10, U7: a thief who has the password gets fewer than 50 messages out; nothing is refused or lost, owner and postmaster learn who did it,
/// and each of release and lock does what it says.
#[tokio::test]
async fn v10_a_hijacked_account_is_stopped() {
    let settings = [
        ("postmaster", "\"bob@example.com\""),
        ("brake.messages_per_hour", "0"),
        ("brake.messages_per_day", "0"),
        ("brake.new_recipients_per_hour", "0"),
    ];
    let world = world_with(&settings).await;
    let alice = Client::user(&world, "alice@example.com").await;
    live(&world, &alice).await;
    assert_eq!(leaving(&world).await, (0, 0));

    for n in 0..300 {
        let victim = format!("victim{n}@remote.example");
        alice
            .deliver("alice@example.com", &[&victim], &letter(n))
            .await;
    }
    let (out, held) = leaving(&world).await;
    assert!((1..50).contains(&out), "{out} went out");
    assert_eq!(out + held, 300, "nothing is lost");

    for (who, command) in [
        ("alice@example.com", "somebody else knows your password"),
        (
            "bob@example.com",
            "pennyblack account lock alice@example.com",
        ),
    ] {
        let letters = inbox(&world, who).await;
        let [letter] = letters.as_slice() else {
            panic!("{} letters for {who}", letters.len());
        };
        let text = letter.replace("\r\n", " ");
        for part in [
            "Subject: Mail of alice@example.com is held: unusually much was sent",
            "41 messages within a day, where ",
            "the password of alice@example.com (log-in by PLAIN)",
            "198.51.100.7 (out.client.example), which calls itself client.example",
            command,
        ] {
            assert!(
                text.contains(part),
                "{part:?} is missing for {who} in\n{letter}"
            );
        }
    }
    let all = read(&world, |tx| queue::list(tx, None, 1000)).await;
    let message = all
        .into_iter()
        .find(|message| message.recipients[0].state == State::Held)
        .unwrap();
    let why = message.recipients[0].last_error.clone().unwrap();
    assert!(
        why.contains("sent unusually much") && why.contains("pennyblack account release"),
        "{why}"
    );

    // Mail between people here goes on.
    alice
        .deliver("alice@example.com", &["carol@example.com"], &letter(0))
        .await;
    assert_eq!(inbox(&world, "carol@example.com").await.len(), 1);

    let locked = account(
        &world,
        Request::Lock {
            address: "alice@example.com".into(),
        },
    )
    .await;
    assert!(!locked.active && locked.held.is_some());
    assert_eq!(
        leaving(&world).await,
        (0, 300),
        "what had not gone yet is held too"
    );
    assert_eq!(
        code(alice.mail("alice@example.com", None).await),
        "550 5.7.1"
    );
    world.finish().await;
}

/// V10: of an account that sends 70 messages a day, a thief in another country gets ten out, by whatever name he calls himself; "not me" takes back
/// the rest of his, and nothing of what the owner sent, and the note names each recipient.
#[tokio::test]
async fn v10_a_thief_in_another_country_and_not_me() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("countries.csv");
    std::fs::write(&list, "198.51.100.0/24,AT\n203.0.113.0,203.0.113.255,AU\n").unwrap();
    let list = format!("{list:?}");
    let settings = [
        ("postmaster", "\"bob@example.com\""),
        ("brake.messages_per_hour", "0"),
        ("brake.messages_per_day", "0"),
        ("brake.new_recipients_per_hour", "0"),
        ("brake.countries", list.as_str()),
    ];
    let world = world_with(&settings).await;
    let alice = Client::user(&world, "alice@example.com").await;
    for day in 0..8 {
        for n in 0..70 {
            let friend = format!("friend{}@remote.example", (day + n) % 20);
            alice
                .deliver("alice@example.com", &[&friend], &letter(n))
                .await;
        }
        // A little later each day: the last 24 hours are one day's mail.
        world.advance(DAY + Duration::from_secs(1200));
    }
    world.advance(DAY);
    empty_queue(&world).await;
    let not_me = || {
        control::Request::Account(Request::NotMe {
            address: "alice@example.com".into(),
        })
    };
    let config = server::config::Config::clone(&world.services().config.load());
    let mut client = control::Client::connect(config).await.unwrap();
    let early = client.execute(not_me()).await.unwrap_err();
    assert!(early.message.contains("is not held"), "{early}");

    alice
        .deliver("alice@example.com", &["friend1@remote.example"], &letter(0))
        .await;
    world.advance(Duration::from_secs(1));
    for n in 0..100 {
        let thief = alice.at("203.0.113.9", &format!("client{n}.example"));
        let victim = format!("victim{n}@remote.example");
        thief
            .deliver("alice@example.com", &[&victim], &letter(n))
            .await;
    }
    world.advance(Duration::from_secs(1));
    alice
        .deliver("alice@example.com", &["friend2@remote.example"], &letter(1))
        .await;
    assert_eq!(
        leaving(&world).await,
        (11, 91),
        "ten of the thief's, one of the owner's"
    );
    let letters = inbox(&world, "bob@example.com").await;
    let text = letters[0].replace("\r\n", " ");
    for part in [
        "from the country AU; it is known from AT",
        "used from 203.0.113.9 in AU, which calls itself",
        "pennyblack account not-me alice@example.com",
    ] {
        assert!(text.contains(part), "{part:?} is missing in\n{text}");
    }

    let of = |incident: &server::control::account::incident::View, state: &str| {
        let all = incident.recipients.iter().filter(|one| one.state == state);
        all.map(|one| one.address.clone()).collect::<Vec<_>>()
    };
    let control::Answer::Account(Answer::Incident(incident)) = ask(&world, not_me()).await else {
        panic!("no note");
    };
    assert_eq!(of(&incident, "taken-back").len(), 100);
    let held = ["friend1@remote.example", "friend2@remote.example"];
    assert_eq!(of(&incident, "held"), held, "what the owner sent stays");
    assert_eq!(leaving(&world).await, (0, 2));
    assert!(
        incident.note.contains("taken back from the queue"),
        "{}",
        incident.note
    );
    assert_eq!(
        code(alice.mail("alice@example.com", None).await),
        "550 5.7.1"
    );
    world.finish().await;
}

/// V10: what was all right goes, and does not stop the account again.
#[tokio::test]
async fn v10_release() {
    let world = world_with(&[]).await;
    let alice = Client::user(&world, "alice@example.com").await;
    live(&world, &alice).await;
    for n in 0..45 {
        let guest = format!("guest{n}@remote.example");
        alice
            .deliver("alice@example.com", &[&guest], &letter(n))
            .await;
    }
    assert_eq!(leaving(&world).await, (40, 5));
    let released = account(
        &world,
        Request::Release {
            address: "alice@example.com".into(),
        },
    )
    .await;
    assert!(released.held.is_none() && released.held_recipients == 0);
    assert_eq!(leaving(&world).await, (45, 0));
    world.advance(Duration::from_secs(1200));
    for n in 0..20 {
        let guest = format!("guest{n}@remote.example");
        alice
            .deliver("alice@example.com", &[&guest], &letter(n))
            .await;
    }
    assert_eq!(leaving(&world).await, (65, 0));
    world.finish().await;
}

/// V10: `queue release` of all that is held ends the hold too; of one message it does not.
#[tokio::test]
async fn v10_queue_release() {
    let world = world_with(&[]).await;
    let alice = Client::user(&world, "alice@example.com").await;
    live(&world, &alice).await;
    for n in 0..43 {
        let guest = format!("guest{n}@remote.example");
        alice
            .deliver("alice@example.com", &[&guest], &letter(n))
            .await;
    }
    let show = || Request::Limit {
        address: "alice@example.com".into(),
        change: LimitChange::default(),
    };
    let release = |which: Selection| {
        control::Request::Queue(queue_control::Request::Change {
            which,
            what: Deed::Release,
            mode: Mode::Do,
        })
    };
    let to_one = Selection {
        recipient: Some("guest41@remote.example".into()),
        ..Selection::default()
    };
    ask(&world, release(to_one)).await;
    assert_eq!(leaving(&world).await, (41, 2));
    assert!(account(&world, show()).await.held.is_some());
    let all_of_alice = Selection {
        sender: Some("alice@example.com".into()),
        ..Selection::default()
    };
    ask(&world, release(all_of_alice)).await;
    assert_eq!(leaving(&world).await, (43, 0));
    assert!(account(&world, show()).await.held.is_none());
    world.finish().await;
}

/// V10: the note on a hijack names every recipient, who has it and who has not, and who did it.
#[tokio::test]
async fn v10_incident_note() {
    let world = world_with(&[]).await;
    let alice = Client::user(&world, "alice@example.com").await;
    live(&world, &alice).await;
    for n in 0..60 {
        let guest = format!("guest{n}@remote.example");
        alice
            .deliver("alice@example.com", &[&guest], &letter(n))
            .await;
    }
    let request = |hours| {
        control::Request::Account(Request::Incident {
            address: "alice@example.com".into(),
            hours,
        })
    };
    let control::Answer::Account(Answer::Incident(incident)) = ask(&world, request(24)).await
    else {
        panic!("no note");
    };
    let of = |state: &str| {
        let all = incident.recipients.iter();
        all.filter(|one| one.state == state && one.address.starts_with("guest"))
            .count()
    };
    let (left, held) = (of("gone") + of("waiting"), of("held"));
    assert!(left < 50 && left + held == 60, "{left} left, {held} held");
    for n in 0..60 {
        let guest = format!("  guest{n}@remote.example\n");
        assert!(
            incident.note.contains(&guest),
            "{guest} in {}",
            incident.note
        );
    }
    for part in ["log-in by", "Do not have it: held", "unusually much"] {
        assert!(
            incident.note.contains(part),
            "{part:?} in {}",
            incident.note
        );
    }
    world.finish().await;
}

/// U7: limits by hour count messages, recipients and first-time recipients, say when to come again, and are counted in the store.
#[tokio::test]
async fn u7_limits() {
    let settings = [
        ("brake.messages_per_hour", "4"),
        ("brake.recipients_per_hour", "8"),
        ("brake.new_recipients_per_hour", "3"),
    ];
    let world = world_with(&settings).await;
    let alice = Client::user(&world, "alice@example.com").await;
    let (one, two, three) = ("a@remote.example", "b@remote.example", "c@remote.example");
    alice
        .deliver("alice@example.com", &[one, two, three], &letter(1))
        .await;

    // Whom the account knows is no stranger, and nobody here is.
    let mut transaction = alice.mail("alice@example.com", None).await.unwrap();
    for known in [one, "bob@example.com"] {
        assert_eq!(code(transaction.recipient(rcpt(known)).await), "250");
    }
    let refusal = transaction
        .recipient(rcpt("d@remote.example"))
        .await
        .unwrap_err();
    assert_eq!(
        (refusal.reply.code, refusal.reply.enhanced),
        (450, Some(smtp::Enhanced(4, 7, 1)))
    );
    let text = refusal.reply.lines.concat();
    assert!(
        text.contains("3 recipients you had never written to in an hour")
            && text.contains(" minutes (from "),
        "{text}"
    );
    assert_eq!(deliver(transaction.data(), &letter(2)).await.len(), 1);

    alice.deliver("alice@example.com", &[two], &letter(3)).await;
    alice.deliver("alice@example.com", &[one], &letter(4)).await;
    let refusal = alice.mail("alice@example.com", None).await.err().unwrap();
    let text = refusal.reply.lines.concat();
    assert!(
        refusal.reply.code == 450 && text.contains("4 messages in an hour"),
        "{text}"
    );

    // Another account has its own counts, and one may have other limits.
    let bob = Client::user(&world, "bob@example.com").await;
    bob.deliver(
        "bob@example.com",
        &[one],
        &letter(5).replace("alice", "bob"),
    )
    .await;
    let change = LimitChange {
        messages_per_hour: Some(Limit::Most(5)),
        ..LimitChange::default()
    };
    let address = "alice@example.com".to_string();
    let view = account(&world, Request::Limit { address, change }).await;
    let first = &view.counts[0];
    assert_eq!(
        (first.sent, first.limit, first.own_limit),
        (4, Some(5), true)
    );
    alice.deliver("alice@example.com", &[one], &letter(6)).await;
    assert!(alice.mail("alice@example.com", None).await.is_err());

    world.advance(Duration::from_secs(4260));
    alice
        .deliver("alice@example.com", &["e@remote.example"], &letter(7))
        .await;
    assert_eq!(
        world
            .services()
            .metrics
            .text()
            .matches("ratelimited_total{kind=\"account-sending\"} 3")
            .count(),
        1
    );
    world.finish().await;
}

//! Who may use senders of the domains hosted here, and whose mail is not wanted (A17 to A19).

use super::authentication::{from, sent, signed};
use super::*;

/// The code and enhanced code that MAIL is answered with.
async fn mail(world: &World, sender: &str) -> String {
    code(Client::mx(world).mail(sender, None).await)
}

/// A17: a sender of ours from an address that nothing allows to use it.
#[tokio::test]
async fn a17_forged_local_senders_are_refused() {
    let world = world_with(&[]).await;
    let refusal = sent(&world, "bob@example.com", &from("other.example")).await;
    let reply = refusal.unwrap_err().reply;
    let text = reply.lines.concat();
    assert_eq!(reply.code, 550, "{text}");
    for part in ["bob@example.com", "198.51.100.7", "465", "SPF record"] {
        assert!(text.contains(part), "{text}");
    }
    // Domains that are aliases of ours, and subaddresses, are ours too; bounces are everybody's.
    assert!(
        sent(&world, "Bob+x@EXAMPLE.com", &from("other.example"))
            .await
            .is_err()
    );
    assert!(sent(&world, "", &from("other.example")).await.is_ok());
    assert!(
        sent(&world, "a@other.example", &from("other.example"))
            .await
            .is_ok()
    );
    world.finish().await;
}

/// A17: the backup MX hands over what others sent; SPF and DMARC are not held against it.
#[tokio::test]
async fn a17_relays_may_hand_over_everything() {
    let world = world_with(&[("gate.relays", "[\"198.51.100.0/29\"]")]).await;
    assert!(
        sent(&world, "bob@example.com", &from("other.example"))
            .await
            .is_ok()
    );
    assert!(
        sent(&world, "eve@reject.example", &from("reject.example"))
            .await
            .is_ok()
    );
    let stored = inbox(&world, "alice@example.com").await;
    assert!(stored[1].contains("spf=none"), "{}", stored[1]);
    world.finish().await;
}

/// A18: our own mail, sent home by a forwarder that changed nothing, has our signature; a broken one proves nothing.
#[tokio::test]
async fn a18_own_mail_that_comes_home_is_accepted() {
    let world = world_with(&[]).await;
    let message = signed(&from("example.com"), "example.com");
    assert!(sent(&world, "bob@example.com", &message).await.is_ok());
    let broken = message.replacen("there", "here", 1);
    assert!(sent(&world, "bob@example.com", &broken).await.is_err());
    let of_another = signed(&from("example.com"), "reject.example");
    assert!(sent(&world, "bob@example.com", &of_another).await.is_err());
    world.finish().await;
}

/// A17, A18: the policy is a switch.
#[tokio::test]
async fn a18_the_policy_is_a_switch() {
    let strict = world_with(&[("gate.own_domains", "\"refuse\"")]).await;
    assert_eq!(mail(&strict, "bob@example.com").await, "550 5.7.1");
    assert_eq!(mail(&strict, "bob@other.example").await, "250");
    assert_eq!(mail(&strict, "").await, "250");
    strict.finish().await;
    let open = world_with(&[("gate.own_domains", "\"accept\"")]).await;
    assert!(
        sent(&open, "bob@example.com", &from("other.example"))
            .await
            .is_ok()
    );
    open.finish().await;
}

/// A19: a full address or a whole domain, refused at MAIL, with the reason; others are not touched, and it can be lifted.
#[tokio::test]
async fn a19_senders_can_be_banned() {
    let world = world_with(&[]).await;
    world.ban("@example.bad").await.unwrap();
    world.ban("Eve@other.example").await.unwrap();
    for (sender, expected) in [
        ("x@example.bad", "550 5.7.1"),
        ("X@EXAMPLE.BAD", "550 5.7.1"),
        ("x@mail.example.bad", "250"),
        ("eve@other.example", "550 5.7.1"),
        ("adam@other.example", "250"),
        ("", "250"),
    ] {
        assert_eq!(mail(&world, sender).await, expected, "{sender}");
    }
    assert!(world.ban("@").await.is_err() && world.ban("a b@example.bad").await.is_err());
    world.finish().await;
}

/// J16: a stranger that comes straight to the MX of lowest preference is caught; who was at another one before is not.
#[tokio::test]
async fn j16_straight_to_the_last_mx() {
    let settings = [
        ("gate.greylist", "\"strangers\""),
        ("gate.greylist_by", "\"address\""),
        ("gate.low_mx", "[\"192.0.2.1\"]"),
    ];
    let caught = async |world: &World| read(world, store::gate::trap::caught).await;
    let world = world_with(&settings).await;
    assert_eq!(Client::mx(&world).rcpt("alice@example.com").await, "250");
    let found = caught(&world).await;
    assert_eq!(found[0].who, "ip:198.51.100.7", "{found:?}");
    assert_eq!(found[0].trap, "192.0.2.1 straight away");
    world.finish().await;

    let world = world_with(&settings).await;
    let now = world.services().clock.now();
    let record = store::gate::greylist::Record {
        first: now,
        pass: now,
        expire: now,
        blocked: 1,
        passed: 0,
    };
    let grey = store::gate::greylist::Grey {
        tuple: store::gate::greylist::Tuple {
            who: "ip:198.51.100.7".into(),
            helo: "client.example".into(),
            sender: "a@b.example".into(),
            recipient: "alice@example.com".into(),
        },
        address: "198.51.100.7".into(),
        record,
    };
    write(&world, move |tx| store::gate::greylist::put_grey(tx, &grey)).await;
    assert_eq!(Client::mx(&world).rcpt("alice@example.com").await, "250");
    assert!(caught(&world).await.is_empty());
    world.finish().await;
}

/// J27: what another server on the same database has written holds here too: white at once, a caught sender when the job has run.
#[tokio::test]
async fn j27_what_another_server_knows_holds_here() {
    let world = world_with(&[("gate.greylist", "\"strangers\"")]).await;
    let now = world.services().clock.now();
    let until = now
        .checked_add(jiff::SignedDuration::from_hours(1))
        .unwrap();
    let white = store::gate::greylist::White {
        who: "net:198.51.100.0/24".into(),
        address: "198.51.100.9".into(),
        record: store::gate::greylist::Record {
            first: now,
            pass: now,
            expire: until,
            blocked: 1,
            passed: 1,
        },
    };
    let stranger = sent(&world, "a@unheard-of.example", &from("unheard-of.example")).await;
    assert_eq!(stranger.unwrap_err().reply.code, 451);
    write(&world, move |tx| {
        store::gate::greylist::put_white(tx, &white)
    })
    .await;
    assert!(
        sent(&world, "a@unheard-of.example", &from("unheard-of.example"))
            .await
            .is_ok()
    );

    let caught = store::gate::trap::Trapped {
        who: "ip:203.0.113.9".into(),
        trap: "trap@example.com".into(),
        expire: until,
    };
    write(&world, move |tx| store::gate::trap::catch(tx, &caught)).await;
    let run = world.services().jobs.run("gate-sync").await.unwrap();
    run.outcome.unwrap();
    assert!(
        world
            .services()
            .gate
            .is_caught(now, "203.0.113.9".parse().unwrap())
    );
    world.finish().await;
}

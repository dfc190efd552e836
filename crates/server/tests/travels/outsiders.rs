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

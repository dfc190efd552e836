//! Who sent a message, and what follows: SPF, DKIM, DMARC, ARC on the MX road (K12 to K18).

use super::*;
use mailauth::arc::{Sealing, Validated};
use mailauth::dkim::{BodyHash, Canonicalization, PrivateKey, Signing};

/// RFC 8463 Appendix A.2.
const SEED: &str = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
const SELECTOR: &str = "brisbane";

pub(super) fn from(author: &str) -> String {
    format!("From: Someone <someone@{author}>\r\nTo: you\r\nSubject: Hello\r\n\r\nHello there\r\n")
}

fn key() -> PrivateKey {
    PrivateKey::from_text(SEED).unwrap()
}

fn body_hash(message: &str) -> Vec<u8> {
    let mut hash = BodyHash::new(Canonicalization::Relaxed, None);
    hash.update(message.split_once("\r\n\r\n").unwrap().1.as_bytes());
    hash.finish().0.as_ref().to_vec()
}

pub(super) fn signed(message: &str, domain: &str) -> String {
    let signing = Signing {
        domain,
        selector: SELECTOR,
        signer: &key(),
        time: 1_700_000_000,
        expires: None,
    };
    let field = signing
        .field(message.as_bytes(), &body_hash(message))
        .unwrap();
    format!("{field}{message}")
}

/// As a forwarder seals what he has found.
fn sealed(message: &str, domain: &str, results: &str) -> String {
    let sealing = Sealing {
        domain,
        selector: SELECTOR,
        signer: &key(),
        time: 1_700_000_000,
        results,
    };
    let fields = sealing.fields(message.as_bytes(), &body_hash(message), &Validated::none());
    format!("{}{message}", fields.unwrap())
}

pub(super) async fn sent(world: &World, sender: &str, message: &str) -> Result<Reply, Refusal> {
    let client = Client::mx(world);
    let mut results = client.send(sender, &["alice@example.com"], message).await;
    results.pop().unwrap()
}

async fn mailbox(world: &World, name: &'static str) -> u32 {
    world.messages_in("alice@example.com", name).await.unwrap()
}

/// K17: results that use our name are gone, however they are written; those of others stay; ours is above all that came.
#[tokio::test]
async fn k17_forged_results_are_gone_and_ours_are_on_top() {
    let world = world_with(&[]).await;
    let forged = "Authentication-Results: mx1.example.com; dmarc=pass header.from=other.example\r\n\
                  authentication-results:\r\n\tMX1.Example.COM 1; spf=pass smtp.mailfrom=other.example\r\n\
                  Authentication-Results: (a comment) mx1.example.com (another); dkim=pass header.d=other.example\r\n\
                  Authentication-Results: mx.relay.example; spf=pass smtp.mailfrom=kept.example\r\n";
    let message = format!("{forged}{}", from("unheard-of.example"));
    sent(&world, "x@unheard-of.example", &message)
        .await
        .unwrap();
    let stored = inbox(&world, "alice@example.com").await.remove(0);
    let (ours, came) = stored
        .split_once("Authentication-Results: mx.relay.example;")
        .unwrap();
    assert_eq!(
        ours.matches("Authentication-Results: mx1.example.com;\r\n")
            .count(),
        1,
        "{stored}"
    );
    assert!(
        came.starts_with(" spf=pass smtp.mailfrom=kept.example\r\n"),
        "{stored}"
    );
    for forged in [
        "header.from=other.example",
        "MX1.Example.COM",
        "header.d=other.example",
    ] {
        assert!(!stored.contains(forged), "{forged}: {stored}");
    }
    for found in [
        "spf=none smtp.mailfrom=x@unheard-of.example",
        "dkim=none",
        "dmarc=none header.from=unheard-of.example",
    ] {
        assert!(ours.contains(found), "{found}: {ours}");
    }
    world.finish().await;
}

/// K14: forged mail of a p=reject domain is refused in the dialogue, and told who and why.
#[tokio::test]
async fn k14_reject_is_refused() {
    let world = world_with(&[]).await;
    let refusal = sent(&world, "eve@other.example", &from("reject.example")).await;
    let reply = refusal.unwrap_err().reply;
    let text = reply.lines.concat();
    assert_eq!(
        (reply.code, reply.enhanced.unwrap().to_string()),
        (550, "5.7.1".into())
    );
    for part in [
        "reject.example",
        "p=reject",
        "SPF pass for other.example",
        "no DKIM",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(mailbox(&world, "INBOX").await, 0);
    // A second author is no way around.
    let two = from("reject.example").replacen("From: ", "From: a@other.example, ", 1);
    assert!(sent(&world, "eve@other.example", &two).await.is_err());
    let two = format!("From: a@other.example\r\n{}", from("reject.example"));
    assert!(sent(&world, "eve@other.example", &two).await.is_err());
    world.finish().await;
}

/// K14: what is proved passes, by SPF or by a signature.
#[tokio::test]
async fn k14_proved_mail_passes() {
    let world = world_with(&[]).await;
    let message = from("reject.example");
    assert!(sent(&world, "a@reject.example", &message).await.is_ok());
    assert!(
        sent(
            &world,
            "b@other.example",
            &signed(&message, "reject.example")
        )
        .await
        .is_ok()
    );
    let broken = signed(&message, "reject.example").replacen("there", "here", 1);
    assert!(sent(&world, "b@other.example", &broken).await.is_err());
    let stored = inbox(&world, "alice@example.com").await;
    assert!(
        stored[0].contains("\tspf=pass smtp.mailfrom=a@reject.example;\r\n"),
        "{}",
        stored[0]
    );
    assert!(stored[0].contains("\tdmarc=pass header.from=reject.example policy.dmarc=reject\r\n"));
    assert!(stored[1].contains(
        "\tdkim=pass header.d=reject.example header.s=brisbane header.a=ed25519-sha256 header.b="
    ));
    world.finish().await;
}

/// K14: p=quarantine is junk; `t=y` is one level milder (Y6).
#[tokio::test]
async fn k14_quarantine_is_junk() {
    let world = world_with(&[]).await;
    for author in ["quarantine.example", "testing.example"] {
        assert!(
            sent(&world, "eve@other.example", &from(author))
                .await
                .is_ok()
        );
    }
    assert_eq!(
        (
            mailbox(&world, "INBOX").await,
            mailbox(&world, "Junk").await
        ),
        (0, 2)
    );
    for author in ["none.example", "unheard-of.example"] {
        assert!(
            sent(&world, "eve@other.example", &from(author))
                .await
                .is_ok()
        );
    }
    assert_eq!(
        (
            mailbox(&world, "INBOX").await,
            mailbox(&world, "Junk").await
        ),
        (2, 2)
    );
    world.finish().await;
}

/// A time-out is temporary, never a failure.
#[tokio::test]
async fn what_dns_does_not_tell_is_no_failure() {
    let world = world_with(&[]).await;
    // The signature's key cannot be looked up, so nobody can say that it is forged.
    let message = signed(&from("mail.away.example"), "mail.away.example").replacen(
        "s=brisbane",
        "s=other",
        1,
    );
    assert!(
        sent(&world, "eve@mail.away.example", &message)
            .await
            .is_ok()
    );
    let stored = inbox(&world, "alice@example.com").await.pop().unwrap();
    for result in ["spf=temperror", "dkim=temperror", "dmarc=temperror"] {
        assert!(stored.contains(result), "{stored}");
    }
    world.finish().await;
}

/// U38, Y9: a trusted sealer who saw DMARC pass is believed; another one is not, nor is a broken chain.
#[tokio::test]
async fn u38_trusted_sealers_are_believed() {
    let world = world_with(&[("authentication.trusted_sealers", "[\"forwarder.example\"]")]).await;
    let message = from("reject.example");
    let saw = "mx.forwarder.example; spf=pass smtp.mailfrom=a@reject.example; dmarc=pass header.from=reject.example";
    let good = sealed(&message, "forwarder.example", saw);
    assert!(sent(&world, "eve@other.example", &good).await.is_ok());
    for bad in [
        sealed(&message, "stranger.example", saw),
        sealed(
            &message,
            "forwarder.example",
            "x; dmarc=fail header.from=reject.example",
        ),
        sealed(
            &message,
            "forwarder.example",
            "x; dmarc=pass header.from=other.example",
        ),
        good.replacen("there", "here", 1),
    ] {
        assert!(
            sent(&world, "eve@other.example", &bad).await.is_err(),
            "{bad}"
        );
    }
    let stored = inbox(&world, "alice@example.com").await.pop().unwrap();
    assert!(
        stored.contains("\tarc=pass header.d=forwarder.example;\r\n"),
        "{stored}"
    );
    world.finish().await;
}

/// U38: a forwarder of the list, once it is proved.
#[tokio::test]
async fn u38_named_forwarders_are_believed() {
    let world = world_with(&[("authentication.forwarders", "[\"forwarder.example\"]")]).await;
    let message = from("reject.example");
    assert!(
        sent(&world, "list@forwarder.example", &message)
            .await
            .is_ok()
    );
    assert!(
        sent(
            &world,
            "x@unproved.example",
            &signed(&message, "lists.forwarder.example")
        )
        .await
        .is_ok()
    );
    assert!(sent(&world, "list@other.example", &message).await.is_err());
    world.finish().await;
}

/// Policies can be watched without being carried out.
#[tokio::test]
async fn policies_may_only_be_watched() {
    let world = world_with(&[("authentication.enforce", "false")]).await;
    assert!(
        sent(&world, "eve@other.example", &from("reject.example"))
            .await
            .is_ok()
    );
    let stored = inbox(&world, "alice@example.com").await.pop().unwrap();
    assert!(stored.contains("\tdmarc=fail reason="), "{stored}");
    world.finish().await;
}

/// I29: a log-in is the proof; a From of ours from outside is checked as any other.
#[tokio::test]
async fn i29_users_are_exempt_by_their_session() {
    let world = world_with(&[]).await;
    let user = Client::user(&world, "alice@example.com").await;
    user.deliver(
        "alice@example.com",
        &["bob@example.com"],
        &from("example.com").replace("someone@", "alice@"),
    )
    .await;
    let stored = inbox(&world, "bob@example.com").await.pop().unwrap();
    assert!(
        stored.contains("Authentication-Results: mx1.example.com;\r\n\tauth=pass\r\n"),
        "{stored}"
    );
    assert!(
        sent(&world, "alice@other.example", &from("example.com"))
            .await
            .is_ok()
    );
    let stored = inbox(&world, "alice@example.com").await.pop().unwrap();
    assert!(
        stored.contains("\tdmarc=none header.from=example.com"),
        "{stored}"
    );
    world.finish().await;
}

/// Hostile headers: bounded work, and an answer.
#[tokio::test]
async fn hostile_headers_are_bounded() {
    let world = world_with(&[]).await;
    let signature = signed(&from("none.example"), "none.example");
    let (field, _) = signature.split_once("From: ").unwrap();
    let many = format!("{}{}", field.repeat(300), from("none.example"));
    assert!(sent(&world, "a@other.example", &many).await.is_ok());
    let seals = "ARC-Seal: i=1; a=rsa-sha256; cv=none; d=x.y; s=z; b=AAAA\r\n".repeat(1000);
    assert!(
        sent(
            &world,
            "a@other.example",
            &format!("{seals}{}", from("none.example"))
        )
        .await
        .is_ok()
    );
    assert!(
        sent(&world, "a@other.example", "no header at all\r\n")
            .await
            .is_ok()
    );
    world.finish().await;
}

/// U35: behind a proxy that hides all clients nothing is held against mail that only SPF could prove.
#[tokio::test]
async fn u35_hidden_clients_are_not_refused() {
    let world = world_with(&[]).await;
    let mut client = Client::mx(&world);
    let proxy = "172.17.0.1:4000".parse().unwrap();
    Arc::get_mut(&mut client.facts).unwrap().peer.remote = proxy;
    let message = from("reject.example");
    let send = async || {
        let to = ["alice@example.com"];
        client
            .send("a@reject.example", &to, &message)
            .await
            .pop()
            .unwrap()
    };
    // One client with a private address is nothing special.
    assert!(send().await.is_err());
    (0..50).for_each(|_| world.services().gate.met(proxy.ip()));
    assert_eq!(world.services().gate.mask(), Some(proxy.ip()));
    assert!(send().await.is_ok());
    let stored = inbox(&world, "alice@example.com").await.pop().unwrap();
    assert!(stored.contains("\tspf=none"), "{stored}");
    world.finish().await;
}

//! Other ways than MX, and what is known of hosts (C3–C10, C16–C18, C23, C26).

use super::world::{Mail, World};
use lab::mail::{Host, Options, Server, Starttls};
use std::net::Ipv4Addr;
use std::time::Duration;

async fn smarthost(tls: Starttls) -> Server {
    smarthost_at(9, tls).await
}

async fn smarthost_at(last: u8, tls: Starttls) -> Server {
    let host = Host::new(Ipv4Addr::new(127, 0, 0, last), tls).offering(&[
        "PIPELINING",
        "8BITMIME",
        "AUTH PLAIN",
    ]);
    let options = Options {
        hosts: vec![host],
        folder: None,
        drip: Duration::ZERO,
    };
    Server::start(options).await.unwrap()
}

fn reconfigured(world: &World, change: impl FnOnce(&mut server::config::Config)) {
    let mut config = (**world.services().config.load()).clone();
    change(&mut config);
    world.services().config.store(std::sync::Arc::new(config));
}

/// C6, C8, C9: mail for any domain goes to the smarthost, logged in, with the sender it wants; recipients of several domains in one go.
#[tokio::test]
async fn c6_c8_c9_smarthost() {
    let smart = smarthost(Starttls::Missing).await;
    let folder = tempfile::tempdir().unwrap();
    let secrets = folder.path().join("secrets");
    std::fs::write(&secrets, "isp alice:sesame\n").unwrap();
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&secrets, std::fs::Permissions::from_mode(0o600)).unwrap();
    let route = format!(
        "from example.com via smtp+notls://isp@127.0.0.9:{} mail-from @home.example",
        smart.port()
    );
    let world = World::with(&[
        ("relay.routes", &format!("[{route:?}]")),
        ("relay.secrets", &format!("{secrets:?}")),
    ])
    .await;
    world
        .queue(Mail::to(&["a@one.example", "b@two.example"]))
        .await;
    let received = smart
        .wait_for(1, super::world::SOON)
        .await
        .unwrap()
        .remove(0);
    assert_eq!(received.login.as_deref(), Some("alice\0sesame"));
    assert_eq!(received.from, "alice@home.example");
    assert_eq!(received.to, ["a@one.example", "b@two.example"]);
    assert!(!received.tls);
    world.until_empty().await;
    assert!(world.internet.mail.received().is_empty());
    world.finish().await;
}

/// U39, C3: a wrong password, and TLS that the URL asks for and the host has not, are no reason to return mail; the next host of the route is tried.
#[tokio::test]
async fn u39_c3_routes_with_fallback() {
    let (plain, next) = (
        smarthost(Starttls::Missing).await,
        smarthost_at(10, Starttls::Missing).await,
    );
    let folder = tempfile::tempdir().unwrap();
    let secrets = folder.path().join("secrets");
    std::fs::write(&secrets, "isp alice:wrong\n").unwrap();
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&secrets, std::fs::Permissions::from_mode(0o600)).unwrap();
    let first = format!("to one.example via smtp+tls://127.0.0.9:{}", plain.port());
    let second = format!(
        "to two.example via smtp://isp@127.0.0.9:{},smtp://127.0.0.10:{}",
        plain.port(),
        next.port()
    );
    let world = World::with(&[
        ("relay.routes", &format!("[{first:?}, {second:?}]")),
        ("relay.secrets", &format!("{secrets:?}")),
    ])
    .await;
    world.queue(Mail::to(&["a@one.example"])).await;
    let queued = world.until_tried().await;
    let error = queued.recipients[0].last_error.clone().unwrap();
    assert!(
        error.contains("does not offer the TLS that our configuration demands"),
        "{error}"
    );
    world.services().routes.resume(None);
    world.queue(Mail::to(&["b@two.example"])).await;
    let received = next
        .wait_for(1, super::world::SOON)
        .await
        .unwrap()
        .remove(0);
    assert_eq!(received.to, ["b@two.example"]);
    assert!(plain.received().is_empty());
    world.finish().await;
}

/// C23: queued mail goes by the settings in force when it is tried.
#[tokio::test]
async fn c23_a_changed_route_applies_to_queued_mail() {
    let smart = smarthost(Starttls::Missing).await;
    let dead = "to there.example via smtp://127.0.0.99:9";
    let world = World::with(&[("relay.routes", &format!("[{dead:?}]"))]).await;
    world.queue(Mail::to(&["friend@there.example"])).await;
    world.until_tried().await;
    let route = format!("to there.example via smtp://127.0.0.9:{}", smart.port());
    reconfigured(&world, |config| {
        config.relay.routes = vec![route.parse().unwrap()]
    });
    world.advance(400);
    smart
        .wait_for(1, super::world::SOON)
        .await
        .expect("delivered");
    world.until_empty().await;
    world.finish().await;
}

/// C4, C5: the name and the address that the route says.
#[tokio::test]
async fn c4_c5_helo_and_source() {
    let route = "to there.example helo out.example.com source 127.0.0.21";
    let world = World::with(&[("relay.routes", &format!("[{route:?}]"))]).await;
    world.queue(Mail::to(&["friend@there.example"])).await;
    world.queue(Mail::to(&["friend@elsewhere.example"])).await;
    for received in world.delivered(2).await {
        let routed =
            received.to[0].ends_with("there.example") && !received.to[0].contains("elsewhere");
        let expected = if routed {
            ("out.example.com", "127.0.0.21")
        } else {
            ("mx1.example.com", "127.0.0.1")
        };
        assert_eq!(
            (received.hello.as_str(), received.peer.to_string().as_str()),
            expected
        );
    }
    world.finish().await;
}

/// C7: LMTP gives each recipient a reply of its own.
#[tokio::test]
async fn c7_lmtp_target() {
    let smart = smarthost(Starttls::Missing).await;
    let route = format!("to there.example via lmtp://127.0.0.9:{}", smart.port());
    let world = World::with(&[("relay.routes", &format!("[{route:?}]"))]).await;
    world
        .queue(Mail::to(&["a@there.example", "b@there.example"]))
        .await;
    let received = smart
        .wait_for(1, super::world::SOON)
        .await
        .unwrap()
        .remove(0);
    assert_eq!(received.to.len(), 2);
    world.until_empty().await;
    world.finish().await;
}

/// C26: as MX 20 we deliver to MX 10 only, and wait while that is down; never to ourselves.
#[tokio::test]
async fn c26_backup_mx() {
    let route = "to home.example backup";
    let world = World::with(&[("relay.routes", &format!("[{route:?}]"))]).await;
    world.internet.dns.edit(|zone| {
        zone.mx("home.example", 10, "mx.home.example")
            .mx("home.example", 20, "mx1.example.com")
            .mx("home.example", 30, "mx3.home.example")
            .address("mx.home.example", "127.0.0.99".parse().unwrap())
            .address("mx3.home.example", "127.0.0.1".parse().unwrap());
    });
    world.queue(Mail::to(&["friend@home.example"])).await;
    world.until_tried().await;
    assert_eq!(world.internet.mail.connections(), 0);
    reconfigured(&world, |config| {
        config.relay.routes = vec!["to home.example backup mx3.home.example".parse().unwrap()];
    });
    world.internet.dns.edit(|zone| {
        zone.mx("home.example", 5, "mx5.home.example")
            .address("mx5.home.example", "127.0.0.1".parse().unwrap());
    });
    world.advance(400);
    world.delivered(1).await;
    world.until_empty().await;
    world.finish().await;
}

/// C16: mail that waits for a dead host flows at once when it is back, also when the server was started anew meanwhile.
#[tokio::test]
async fn c16_across_a_restart() {
    let mut world = World::start().await;
    world.internet.dns.edit(|zone| {
        zone.mx("far.example", 10, "mx.far.example")
            .address("mx.far.example", "127.0.0.99".parse().unwrap());
    });
    for n in 0..20 {
        world.queue(Mail::to(&[&format!("{n}@far.example")])).await;
    }
    let all_tried = |queued: &[store::queue::Queued]| {
        queued.len() == 20
            && queued
                .iter()
                .all(|one| one.recipients[0].last_error.is_some())
    };
    world.until("all tried", all_tried).await;
    world.stop().await;
    world.boot().await;
    world.internet.dns.edit(|zone| {
        zone.mx("far.example", 5, "mx5.far.example")
            .address("mx5.far.example", "127.0.0.1".parse().unwrap());
    });
    world.queue(Mail::to(&["new@far.example"])).await;
    world.delivered(21).await;
    world.until_empty().await;
    world.finish().await;
}

/// C18, C25: a dead host is left alone for a while and shown as disabled; every attempt is remembered with its words.
#[tokio::test]
async fn c18_c25_penalties_and_attempts() {
    let world = World::start().await;
    world.internet.dns.edit(|zone| {
        zone.mx("far.example", 10, "mx.far.example")
            .address("mx.far.example", "127.0.0.99".parse().unwrap());
    });
    let id = world.queue(Mail::to(&["friend@far.example"])).await;
    world.until_tried().await;
    let routes = world.services().routes.list(10, world.clock.now());
    assert_eq!(
        (routes[0].flags.as_str(), routes[0].id.as_str()),
        ("D", "127.0.0.99")
    );
    world.queue(Mail::to(&["other@far.example"])).await;
    let second = |queued: &[store::queue::Queued]| {
        queued.len() == 2 && queued[1].recipients[0].last_error.is_some()
    };
    let queued = world.until("the second message", second).await;
    let error = queued[1].recipients[0].last_error.clone().unwrap();
    assert!(error.contains("is not tried until"), "{error}");
    world.advance(400);
    let again = |queued: &[store::queue::Queued]| queued[0].recipients[0].attempts == 2;
    world.until("the second attempt", again).await;
    let tried = || {
        world
            .services()
            .store
            .read(move |tx| store::queue::attempts(tx, id, 0))
    };
    let mut attempts = tried().await.unwrap();
    while attempts.len() < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        attempts = tried().await.unwrap();
    }
    assert_eq!((attempts[0].attempt, attempts[1].attempt), (1, 2));
    assert!(attempts[0].words.contains("127.0.0.99"), "{attempts:?}");
    assert_eq!(world.services().routes.resume(Some("127.0.0.99")), 1);
    world.finish().await;
}

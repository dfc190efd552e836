//! DANE and MTA-STS (L20, L22, L25, U10), with zones signed by ldns and served by NSD, and certificates of an authority of our own.

use super::world::{Mail, World};
use lab::Ca;
use lab::mail::{Host, Options, Server, Starttls};
use lab::signed::{Signed, Signing, Zone};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Mail hosts: 127.0.0.6 has a certificate for `mx.good.example`, 127.0.0.7 one for another name, 127.0.0.8 no TLS.
struct Remote {
    ca: Ca,
    mail: Server,
    /// SHA-256 of the first host's public key, in hexadecimal.
    key: String,
}

async fn remote() -> Remote {
    let ca = Ca::new("trust").unwrap();
    let good = ca.issue(&["mx.good.example"]).unwrap();
    let other = ca.issue(&["somebody.else.example"]).unwrap();
    let (_, pem) = x509_parser::pem::parse_x509_pem(good.pem().as_bytes()).unwrap();
    let (_, certificate) = X509Certificate::from_der(&pem.contents).unwrap();
    let key = aws_lc_rs::digest::digest(
        &aws_lc_rs::digest::SHA256,
        certificate.tbs_certificate.subject_pki.raw,
    );
    let host = |last, tls| Host::new(Ipv4Addr::new(127, 0, 0, last), tls);
    let mail = Server::start(Options {
        hosts: vec![
            host(6, Starttls::Works(good.server_config().unwrap())),
            host(7, Starttls::Works(other.server_config().unwrap())),
            host(8, Starttls::Missing),
        ],
        folder: None,
        drip: Duration::ZERO,
    })
    .await
    .unwrap();
    Remote {
        ca,
        mail,
        key: key
            .as_ref()
            .iter()
            .map(|octet| format!("{octet:02x}"))
            .collect(),
    }
}

async fn world(remote: &Remote, dns: &Signed, more: &[(&'static str, String)]) -> World {
    let mut settings = vec![
        ("queue.port", remote.mail.port().to_string()),
        ("dns.mode", "\"recursive\"".to_string()),
        ("dns.roots", "[\"127.0.0.1\"]".to_string()),
        ("dns.port", dns.address().port().to_string()),
        ("dns.trust_anchor", format!("{:?}", dns.anchors())),
        ("dns.allow_private", "true".to_string()),
    ];
    settings.extend(more.iter().cloned());
    let settings: Vec<(&'static str, &str)> = settings
        .iter()
        .map(|(key, value)| (*key, value.as_str()))
        .collect();
    World::with(&settings).await
}

/// L25: a record that fits is enough, whatever name and authority; one that does not fit holds the mail; an unsigned one is ignored.
#[tokio::test]
async fn l25_dane() {
    if let Some(missing) = Signed::missing() {
        eprintln!("SKIPPED l25_dane: {missing} is not installed");
        return;
    }
    let remote = remote().await;
    let (port, key) = (remote.mail.port(), &remote.key);
    let wrong = "00".repeat(32);
    let good = format!("@ MX 10 mx\nmx A 127.0.0.6\n_{port}._tcp.mx TLSA 3 1 1 {key}\n");
    let bad = format!("@ MX 10 mx\nmx A 127.0.0.6\n_{port}._tcp.mx TLSA 3 1 1 {wrong}\n");
    let plain = format!("@ MX 10 mx\nmx A 127.0.0.8\n_{port}._tcp.mx TLSA 3 1 1 {key}\n");
    let unusable = format!("@ MX 10 mx\nmx A 127.0.0.7\n_{port}._tcp.mx TLSA 1 1 1 {key}\n");
    let zone = |name, records, signing| Zone {
        name,
        records,
        signing,
    };
    let folder = tempfile::tempdir().unwrap();
    let dns = Signed::start(
        folder.path(),
        &[
            zone("match.example", &good, Signing::Right),
            zone("mismatch.example", &bad, Signing::Right),
            zone("plain.example", &plain, Signing::Right),
            zone("unusable.example", &unusable, Signing::Right),
            zone("unsigned.example", &bad, Signing::Unsigned),
        ],
    )
    .await
    .unwrap();
    let world = world(&remote, &dns, &[]).await;
    for domain in ["match", "mismatch", "plain", "unusable", "unsigned"] {
        world
            .queue(Mail::to(&[&format!("friend@{domain}.example")]))
            .await;
    }
    let held = world
        .until("two that wait", |queued| {
            queued.len() == 2
                && queued
                    .iter()
                    .all(|one| one.recipients[0].last_error.is_some())
        })
        .await;
    for message in &held {
        let error = message.recipients[0].last_error.clone().unwrap();
        assert!(error.contains("DANE"), "{error}");
    }
    let mut received = remote.mail.received();
    received.sort_by_key(|one| one.to.clone());
    let seen: Vec<(&str, bool)> = received
        .iter()
        .map(|one| (one.to[0].as_str(), one.tls))
        .collect();
    assert_eq!(
        seen,
        [
            ("friend@match.example", true),
            ("friend@unsigned.example", true),
            ("friend@unusable.example", true)
        ]
    );
    // L22: the results are kept for the reports, with the policy as it was.
    let results = world.run_job("tls-results").await;
    assert!(results.is_ok(), "{results:?}");
    let today = world.clock.now().as_second() / 86_400;
    let counted = world
        .services()
        .store
        .read(move |tx| store::tls_result::of_domain(tx, today, "mismatch.example"))
        .await
        .unwrap();
    assert!(
        counted[0].policy.contains("tlsa") && counted[0].failure.contains("validation-failure"),
        "{counted:?}"
    );
    world.finish().await;
}

/// U2, RFC 8689 §4.2.1: a message with REQUIRETLS goes only where DNSSEC proves the host, its certificate is good, and it promises to go on so; else it
/// comes back with 5.7.30, and without its body.
#[tokio::test]
async fn u2_requiretls() {
    if let Some(missing) = Signed::missing() {
        eprintln!("SKIPPED u2_requiretls: {missing} is not installed");
        return;
    }
    let ca = Ca::new("requiretls").unwrap();
    let certificate = ca
        .issue(&[
            "mx.proved.example",
            "mx.silent.example",
            "mx.unsigned.example",
        ])
        .unwrap();
    let host = |last| {
        let tls = Starttls::Works(certificate.server_config().unwrap());
        Host::new(Ipv4Addr::new(127, 0, 0, last), tls)
    };
    let mail = Server::start(Options {
        hosts: vec![
            host(6).offering(&["PIPELINING", "8BITMIME", "REQUIRETLS"]),
            host(7),
        ],
        folder: None,
        drip: Duration::ZERO,
    })
    .await
    .unwrap();
    let remote = Remote {
        ca,
        mail,
        key: String::new(),
    };
    let zone = |name, records, signing| Zone {
        name,
        records,
        signing,
    };
    let folder = tempfile::tempdir().unwrap();
    let dns = Signed::start(
        folder.path(),
        &[
            zone(
                "proved.example",
                "@ MX 10 mx\nmx A 127.0.0.6\n",
                Signing::Right,
            ),
            zone(
                "silent.example",
                "@ MX 10 mx\nmx A 127.0.0.7\n",
                Signing::Right,
            ),
            zone(
                "unsigned.example",
                "@ MX 10 mx\nmx A 127.0.0.6\n",
                Signing::Unsigned,
            ),
        ],
    )
    .await
    .unwrap();
    let roots = folder.path().join("ca.pem");
    std::fs::write(&roots, remote.ca.pem()).unwrap();
    let world = world(&remote, &dns, &[("tls.extra_roots", format!("{roots:?}"))]).await;
    let paused = &world.services().paused.delivery;
    paused.send_replace(true);
    for domain in ["proved", "silent", "unsigned"] {
        let id = world
            .queue(Mail {
                ret_full: Some(true),
                ..Mail::to(&[&format!("friend@{domain}.example")])
            })
            .await;
        let store = &world.services().store;
        store
            .write(move |tx| store::queue::require_tls(tx, id))
            .await
            .unwrap();
    }
    paused.send_replace(false);
    world.until_empty().await;
    let received = remote.mail.received();
    let seen: Vec<(&str, bool)> = received
        .iter()
        .map(|one| (one.to[0].as_str(), one.tls))
        .collect();
    assert_eq!(seen, [("friend@proved.example", true)]);
    assert!(
        received[0].mail.contains(" REQUIRETLS"),
        "{}",
        received[0].mail
    );
    let notices = world.inbox("alice@example.com").await;
    assert_eq!(notices.len(), 2);
    for notice in &notices {
        assert!(
            notice.contains("Status: 5.7.30") && notice.contains("cannot promise the protection"),
            "{notice}"
        );
        assert!(
            !notice.contains("At five."),
            "the body is not sent back: {notice}"
        );
    }
    world.finish().await;
}

/// An HTTPS server with MTA-STS policies; it can be switched off.
async fn policies(ca: &Ca, text: fn(&str) -> String) -> (u16, Arc<AtomicBool>) {
    let config = ca
        .issue(&[
            "mta-sts.enforced.example",
            "mta-sts.wrong.example",
            "mta-sts.testing.example",
        ])
        .unwrap()
        .server_config()
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let on = Arc::new(AtomicBool::new(true));
    let switch = on.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if !switch.load(Ordering::SeqCst) {
                continue;
            }
            let acceptor = tokio_rustls::TlsAcceptor::from(config.clone());
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let name = stream
                .get_ref()
                .1
                .server_name()
                .unwrap_or_default()
                .to_string();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let body = text(&name);
            let reply = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(reply.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    (port, on)
}

/// L20: an enforced policy with a bad certificate, or with another host, holds the mail; the policy is remembered when its server is
/// away; testing never blocks.
#[tokio::test]
async fn l20_mta_sts() {
    let remote = remote().await;
    let (port, on) = policies(&remote.ca, |name| {
        let mode = if name.contains("testing") { "testing" } else { "enforce" };
        format!("version: STSv1\r\nmode: {mode}\r\nmx: mx.good.example\r\nmx: mx.bad.example\r\nmax_age: 86400\r\n")
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let roots = folder.path().join("ca.pem");
    std::fs::write(&roots, remote.ca.pem()).unwrap();
    let world = World::with(&[
        ("queue.port", &remote.mail.port().to_string()),
        ("tls.extra_roots", &format!("{roots:?}")),
        ("fetch.https_port", &port.to_string()),
        ("fetch.allow_private", "true"),
    ])
    .await;
    world.internet.dns.edit(|zone| {
        let address = |last| std::net::IpAddr::from([127, 0, 0, last]);
        zone.address("mx.good.example", address(6))
            .address("mx.bad.example", address(7))
            .address("mx.other.example", address(6));
        for (domain, host) in [
            ("enforced.example", "mx.good.example"),
            ("wrong.example", "mx.bad.example"),
            ("testing.example", "mx.bad.example"),
        ] {
            zone.mx(domain, 10, host)
                .txt(&format!("_mta-sts.{domain}"), "v=STSv1; id=1;");
        }
    });
    for domain in ["enforced", "wrong", "testing"] {
        world
            .queue(Mail::to(&[&format!("friend@{domain}.example")]))
            .await;
    }
    let held = world
        .until("one that waits", |queued| {
            queued.len() == 1 && queued[0].recipients[0].last_error.is_some()
        })
        .await;
    let error = held[0].recipients[0].last_error.clone().unwrap();
    assert!(
        error.contains("MTA-STS") && error.contains("mx.bad.example"),
        "{error}"
    );
    assert_eq!(held[0].recipients[0].address, "friend@wrong.example");
    assert_eq!(remote.mail.received().len(), 2);

    on.store(false, Ordering::SeqCst);
    world.internet.dns.edit(|zone| {
        zone.mx("enforced.example", 5, "mx.other.example");
    });
    world.queue(Mail::to(&["again@enforced.example"])).await;
    remote
        .mail
        .wait_for(3, super::world::SOON)
        .await
        .expect("delivered");
    let hosts: Vec<Ipv4Addr> = remote.mail.received().iter().map(|one| one.host).collect();
    assert_eq!(
        hosts.iter().filter(|host| host.octets()[3] == 6).count(),
        2,
        "{hosts:?}"
    );

    // RFC 8689: the sender would rather have this one delivered than protected.
    let text = "TLS-Required: No\r\nSubject: Your TLS is broken\r\n\r\nSo it is.\r\n";
    world
        .queue(Mail {
            text: text.into(),
            ..Mail::to(&["postmaster@wrong.example"])
        })
        .await;
    remote
        .mail
        .wait_for(4, super::world::SOON)
        .await
        .expect("delivered");
    world.finish().await;
}

/// L22: the day after, a domain that asks for reports gets one: JSON, gzipped, with its failures counted.
#[tokio::test]
async fn l22_tls_report() {
    let world = World::start().await;
    world.internet.dns.edit(|zone| {
        zone.txt(
            "_smtp._tls.there.example",
            "v=TLSRPTv1; rua=mailto:tlsrpt@reports.example",
        );
        // A name above one that is there has what the zone says, and no more: so the usual three hosts are said too.
        for n in 1..=3 {
            let host = format!("mx{n}.there.example");
            zone.mx("there.example", 10 * u16::from(n), &host)
                .address(&host, Ipv4Addr::new(127, 0, 0, n).into());
        }
    });
    world.queue(Mail::to(&["friend@there.example"])).await;
    world.queue(Mail::to(&["bad-tls@there.example"])).await;
    world.delivered(2).await;
    world.until_empty().await;
    world.run_job("tls-reports").await.unwrap();
    assert_eq!(world.queued().await.len(), 0, "the day is not over");
    world.advance(86_400);
    world.run_job("tls-reports").await.unwrap();
    let report = world.delivered(3).await.pop().unwrap();
    assert_eq!(report.to, ["tlsrpt@reports.example"]);
    let text = report.text();
    assert!(
        text.contains("TLS-Report-Domain: there.example\r\n"),
        "{text}"
    );
    assert!(text.contains("TLS-Required: No\r\n"), "{text}");
    // RFC 8460 §3: signed by the domain that reports.
    let keys = crate::signing::keys(&world).await;
    crate::signing::publish(&world, &keys).await;
    assert_eq!(
        crate::signing::verified(&world, &text).await,
        [
            "pass example.com rsa-sha256",
            "pass example.com ed25519-sha256"
        ]
    );
    let start = text.find("\r\n\r\nH4sI").expect("gzip in base64") + 4;
    let encoded: String = text[start..]
        .lines()
        .take_while(|line| !line.is_empty() && !line.starts_with("--"))
        .collect();
    use base64::Engine as _;
    let gzip = base64::engine::general_purpose::STANDARD
        .decode(encoded)
        .unwrap();
    let json: serde_json::Value =
        serde_json::from_reader(flate2::read::GzDecoder::new(&gzip[..])).unwrap();
    assert_eq!(
        json["policies"][0]["policy"]["policy-type"], "no-policy-found",
        "{json}"
    );
    let successes = json["policies"][0]["summary"]["total-successful-session-count"]
        .as_u64()
        .unwrap();
    assert!(successes >= 1, "{json}");
    // The host with broken STARTTLS.
    let failure = &json["policies"][0]["failure-details"][0];
    assert_eq!(
        failure["receiving-mx-hostname"], "mx3.there.example",
        "{json}"
    );
    assert_eq!(failure["failed-session-count"], 1, "{json}");
    world.until_empty().await;
    world.run_job("tls-reports").await.unwrap();
    assert_eq!(world.internet.mail.received().len(), 3, "one report a day");
    world.finish().await;
}

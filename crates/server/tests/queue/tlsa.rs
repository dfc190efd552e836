//! L24: a new key of the server waits until DNS has its TLSA records.

use crate::world::World;
use server::control::{self, Client, tls};
use server::session::tls::Verify;
use std::path::Path;
use tokio::net::TcpStream;

const PLACE: &str = "_25._tcp.mx1.example.com";

async fn ask(world: &World, request: tls::Request) -> Result<tls::View, control::Failure> {
    let config = world.services().config.load().as_ref().clone();
    let mut client = Client::connect(config).await.unwrap();
    match client.execute(control::Request::Tls(request)).await? {
        control::Answer::Tls(mut views) => Ok(views.remove(0)),
        other => panic!("{other:?}"),
    }
}

async fn show(world: &World) -> tls::View {
    ask(world, tls::Request::Show).await.unwrap()
}

/// The certificate that a mail program is shown.
async fn shown(world: &World) -> Vec<u8> {
    let stream = TcpStream::connect(world.imaps()).await.unwrap();
    let connector = world.services().tls.connector(Verify::Nothing).unwrap();
    let (stream, _) = connector.connect("mx1.example.com", stream).await.unwrap();
    let chain = stream.get_ref().1.peer_certificates().unwrap();
    chain[0].to_vec()
}

fn publish(world: &World, keys: &[&str]) {
    world.internet.dns.edit(|zone| {
        zone.remove(PLACE);
        for key in keys {
            zone.tlsa(PLACE, key);
        }
    });
}

async fn job(world: &World) -> Option<String> {
    world.run_job("dane").await.unwrap()
}

/// The certificate that the server makes itself: `rotate` shows the record, tells the postmaster, and switches when DNS has shown it for long
/// enough, whatever restarts lie between.
#[tokio::test]
async fn l24_rotate_waits_for_dns() {
    let mut world = World::start().await;
    let (old, before) = (shown(&world).await, show(&world).await);
    publish(&world, &[&before.key]);
    assert_eq!(job(&world).await, None);
    let view = ask(&world, tls::Request::Rotate).await.unwrap();
    let next = view.next.expect("a key that waits");
    assert_eq!(view.key, before.key);
    assert_ne!(next.key, before.key);
    let record = format!("tlsa._dane.mx1.example.com. IN TLSA 3 1 1 {}", next.key);
    assert_eq!(next.record, record);
    assert!(next.advice.starts_with("publish its record"), "{next:?}");
    let again = ask(&world, tls::Request::Rotate).await.unwrap_err();
    assert!(again.message.contains("waits already"), "{again}");
    let early = ask(&world, tls::Request::Switch { force: false }).await;
    let early = early.unwrap_err().message;
    assert!(early.contains(PLACE), "{early}");
    let letters = world.inbox("alice@example.com").await;
    assert_eq!(letters.len(), 1);
    assert!(letters[0].contains(&record), "{}", letters[0]);

    world.stop().await;
    world.boot().await;
    assert_eq!(shown(&world).await, old, "a restart changes nothing");
    publish(&world, &[&before.key, &next.key]);
    assert_eq!(job(&world).await, None);
    let seen = show(&world).await.next.unwrap();
    assert!(seen.seen.is_some() && seen.due.is_some(), "{seen:?}");
    world.advance(3500);
    world.stop().await;
    world.boot().await;
    assert_eq!(job(&world).await, None);
    assert_eq!(shown(&world).await, old);
    world.advance(200);
    let done = job(&world).await.expect("it is served now");
    assert!(done.contains(&before.key), "{done}");
    assert_ne!(shown(&world).await, old);
    let after = show(&world).await;
    assert_eq!((after.key, after.next), (next.key, None));
    assert_eq!(world.inbox("alice@example.com").await.len(), 1);
    world.finish().await;
}

/// What waits can be taken back, and nothing waits where DNS has no record.
#[tokio::test]
async fn l24_cancel_and_no_records() {
    let world = World::start().await;
    let (old, before) = (shown(&world).await, show(&world).await);
    publish(&world, &[&before.key]);
    job(&world).await;
    ask(&world, tls::Request::Rotate).await.unwrap();
    let view = ask(&world, tls::Request::Cancel).await.unwrap();
    assert_eq!((view.key, view.next), (before.key, None));
    assert_eq!(shown(&world).await, old);
    let none = ask(&world, tls::Request::Cancel).await.unwrap_err();
    assert!(none.message.contains("no key waits"), "{none}");

    ask(&world, tls::Request::Rotate).await.unwrap();
    let forced = ask(&world, tls::Request::Switch { force: true }).await;
    assert_eq!(forced.unwrap().next, None);
    let second = shown(&world).await;
    assert_ne!(second, old);

    publish(&world, &[]);
    let view = ask(&world, tls::Request::Rotate).await.unwrap();
    assert_eq!(view.next, None, "there is nothing to wait for");
    assert_ne!(shown(&world).await, second);
    world.finish().await;
}

/// Files that an ACME client writes: a renewal with the same key is served at once, one with another key waits; where DNS cannot be asked it
/// goes on waiting.
#[tokio::test]
async fn l24_a_renewal_with_another_key_waits() {
    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = (
        folder.path().join("cert.pem"),
        folder.path().join("key.pem"),
    );
    let first = rcgen::KeyPair::generate().unwrap();
    certificate(&cert, &key, &first);
    let value = format!("[{{ cert = {cert:?}, key = {key:?} }}]");
    let mut world = World::with(&[("tls.certificates", &value)]).await;
    let before = show(&world).await;
    publish(&world, &[&before.key]);
    job(&world).await;
    let rotate = ask(&world, tls::Request::Rotate).await.unwrap_err();
    assert!(rotate.message.contains("from files"), "{rotate}");

    let old = shown(&world).await;
    certificate(&cert, &key, &first);
    reload(&world);
    let renewed = shown(&world).await;
    assert_ne!(renewed, old, "the same key is no change of keys");

    certificate(&cert, &key, &rcgen::KeyPair::generate().unwrap());
    reload(&world);
    assert_eq!(shown(&world).await, renewed);
    job(&world).await;
    world.stop().await;
    world.boot().await;
    assert_eq!(shown(&world).await, renewed, "a restart changes nothing");
    world.internet.dns.edit(|zone| {
        zone.fault("mx1.example.com", Some(lab::dns::Fault::Fails));
    });
    assert_eq!(job(&world).await, None);
    assert_eq!(shown(&world).await, renewed);
    world.internet.dns.edit(|zone| {
        zone.fault("mx1.example.com", None);
    });
    publish(&world, &[]);
    job(&world).await.expect("without records nothing waits");
    assert_ne!(shown(&world).await, renewed);
    world.finish().await;
}

fn certificate(cert: &Path, file: &Path, key: &rcgen::KeyPair) {
    let names = vec!["mx1.example.com".to_string()];
    let mut params = rcgen::CertificateParams::new(names).unwrap();
    let serial: [u8; 8] = rand();
    params.serial_number = Some(rcgen::SerialNumber::from_slice(&serial));
    let made = params.self_signed(key).unwrap();
    std::fs::write(cert, made.pem()).unwrap();
    std::fs::write(file, key.serialize_pem()).unwrap();
}

fn rand() -> [u8; 8] {
    let mut octets = [0; 8];
    getrandom::fill(&mut octets).unwrap();
    octets[0] &= 0x7f;
    octets
}

fn reload(world: &World) {
    let config = world.services().config.load_full();
    world.services().tls.reload(&config).unwrap();
}

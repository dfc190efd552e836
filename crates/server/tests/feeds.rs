//! Black lists that are fetched: politely, kept while their server is away, and dropped when they are dead (J22, J23).

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

mod world;

use server::control::gate::{Answer, Request};
use server::listen::Kind;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use world::http::serve;
use world::{Setup, World};

const HOUR: Duration = Duration::from_secs(3600);

/// What the server of the feed says, and what it was asked.
#[derive(Clone, Default)]
struct Feed {
    says: Arc<Mutex<String>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Feed {
    fn say(&self, status: &str, fields: &str, text: &str) {
        *self.says.lock().unwrap() = format!(
            "HTTP/1.1 {status}\r\n{fields}Content-Length: {}\r\n\r\n{text}",
            text.len()
        );
    }

    /// The requests since the last time.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

/// A world with a feed whose list has two ranges.
async fn start() -> (World, Feed, tempfile::TempDir) {
    let feed = Feed::default();
    feed.say("200 OK", "ETag: \"v1\"\r\n", "192.0.2.0/24\n198.51.100.7\n");
    let port = serve(None, {
        let feed = feed.clone();
        move |text| {
            feed.asked.lock().unwrap().push(text.to_owned());
            feed.says.lock().unwrap().clone()
        }
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let lists = folder.path().join("spamd.conf");
    let text = format!(
        "all:\\\n\t:bad:\nbad:\\\n\t:black:\\\n\t:msg=\"%A is bad\":\\\n\t:method=http:\\\n\t:file=\"127.0.0.1:{port}/bad.txt\":\n"
    );
    std::fs::write(&lists, text).unwrap();
    let setup = Setup {
        settings: [
            ("gate.lists", format!("\"{}\"", lists.display())),
            ("gate.tarpit", "0".into()),
            ("listen.smtp.proxies", "[\"127.0.0.1\"]".into()),
        ]
        .map(|(key, value)| (key.into(), value))
        .to_vec(),
        ..Setup::default()
    };
    (World::start_with(&setup).await, feed, folder)
}

/// The ranges of the list and what is wrong with it, after it was read where its time had come.
async fn read(world: &World) -> (usize, Option<String>) {
    match world.gate(Request::Lists).await.unwrap() {
        Answer::Lists(lists, _) => (lists[0].ranges, lists[0].fault.clone()),
        other => panic!("{other:?}"),
    }
}

/// What a client from there is told from the greeting to the end of a message.
async fn talk(world: &World, client: [u8; 4]) -> String {
    let mut stream = TcpStream::connect(world.address(Kind::Smtp)).await.unwrap();
    let mut proxied = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    proxied.extend(client);
    proxied.extend(b"\xc0\0\x02\x01\x30\x39\0\x19");
    stream.write_all(&proxied).await.unwrap();
    let mut said = String::new();
    for line in [
        "HELO a",
        "MAIL FROM:<>",
        "RCPT TO:<alice@example.com>",
        "DATA",
        // Without Date and Message-ID, which alone make nobody doubtful.
        "From: Anna <anna@good.example>\r\nTo: alice@example.com\r\nSubject: tomorrow\r\n\r\nShall we meet at noon?\r\n.\r\nQUIT",
    ] {
        let mut buffer = [0; 1000];
        let count = stream.read(&mut buffer).await.unwrap();
        said.push_str(&String::from_utf8_lossy(&buffer[..count]));
        let line = format!("{line}\r\n");
        stream.write_all(line.as_bytes()).await.unwrap();
    }
    stream.read_to_string(&mut said).await.unwrap();
    assert!(said.contains("\r\n354 "), "{said}");
    said
}

/// Whether 198.51.100.7 is refused at the end of a message.
async fn blocks(world: &World) -> bool {
    let said = talk(world, [198, 51, 100, 7]).await;
    said.contains("\r\n450 4.7.1 198.51.100.7 is bad")
}

/// J22: never twice within the minimum; only for what has changed; the old list stays when the server fails.
#[tokio::test]
async fn j22_feeds_are_asked_politely_and_kept() {
    let (world, feed, _folder) = start().await;
    assert_eq!(read(&world).await, (2, None));
    assert_eq!(read(&world).await, (2, None));
    assert_eq!(feed.asked().len(), 1, "twice within the hour");

    feed.say("304 Not Modified", "", "");
    world.advance(HOUR);
    assert_eq!(read(&world).await, (2, None));
    let asked = feed.asked();
    assert!(asked[0].contains("if-none-match: \"v1\""), "{asked:?}");

    feed.say("500 Internal Server Error", "", "");
    world.advance(HOUR);
    let (ranges, fault) = read(&world).await;
    assert_eq!(ranges, 2);
    assert!(fault.unwrap().contains("500"));

    // What is not a list is not taken for one.
    feed.say("200 OK", "", "<html><body>Domain for sale</body></html>\n");
    world.advance(HOUR);
    let (ranges, fault) = read(&world).await;
    assert_eq!(ranges, 2);
    assert!(fault.is_some());

    feed.say("200 OK", "ETag: \"v2\"\r\n", "192.0.2.0/24\n");
    world.advance(HOUR);
    assert_eq!(read(&world).await, (1, None));
    world.finish().await;
}

/// J23: after seven days of failures nobody is blocked by it any more, and its state says so; it lives again when it answers.
#[tokio::test]
async fn j23_dead_feeds_expire() {
    let (world, feed, _folder) = start().await;
    assert_eq!(read(&world).await, (2, None));
    feed.say("404 Not Found", "", "");
    world.advance(HOUR);
    let (_, fault) = read(&world).await;
    assert!(fault.unwrap().contains("404"));
    world.advance(6 * 24 * HOUR);
    let (_, fault) = read(&world).await;
    assert!(fault.unwrap().contains("404"));
    assert!(blocks(&world).await);
    let letters = async || {
        world
            .messages_in("alice@example.com", "INBOX")
            .await
            .unwrap()
    };
    assert_eq!(letters().await, 0);
    world.advance(25 * HOUR);
    let (_, fault) = read(&world).await;
    assert!(fault.is_some());
    // Postmaster is told, once.
    assert_eq!(letters().await, 1);
    world.advance(HOUR);
    read(&world).await;
    assert_eq!(letters().await, 1);
    assert!(!blocks(&world).await);
    feed.say("200 OK", "", "198.51.100.7\n");
    world.advance(HOUR);
    assert_eq!(read(&world).await, (1, None));
    assert!(blocks(&world).await);
    world.finish().await;
}

/// I23, I22: a link to a page that a feed warns of makes junk; the feed is fetched as other lists are, and not at all where nobody else is asked.
#[tokio::test]
async fn i23_links_to_pages_of_a_feed_are_junk() {
    let feed = Feed::default();
    feed.say("200 OK", "", "https://evil.example/login.php\n");
    let port = serve(None, {
        let feed = feed.clone();
        move |text| {
            feed.asked.lock().unwrap().push(text.to_owned());
            feed.says.lock().unwrap().clone()
        }
    })
    .await;
    for (others, junk) in [("true", 1), ("false", 0)] {
        let setup = Setup {
            settings: [
                (
                    "spam.url_feeds",
                    format!("[\"http://127.0.0.1:{port}/feed.txt\"]"),
                ),
                ("gate.ask_others", others.into()),
                ("gate.greylist", "\"off\"".into()),
            ]
            .map(|(key, value)| (key.into(), value))
            .to_vec(),
            ..Setup::default()
        };
        let world = World::start_with(&setup).await;
        match world.gate(Request::Lists).await.unwrap() {
            Answer::Lists(lists, _) => {
                assert_eq!(lists.iter().map(|list| list.ranges).sum::<usize>(), junk)
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(feed.asked().is_empty(), junk == 0);
        for (place, link) in [
            ("Junk", "http://evil.example/login.php?for=alice"),
            ("INBOX", "http://evil.example/news"),
        ] {
            let said = letter(&world, link).await;
            assert!(said.contains("\r\n250 2.0.0 Ok: id="), "{said}");
            let expected = if place == "Junk" {
                junk as u32
            } else {
                2 - junk as u32
            };
            if place == "INBOX" || junk > 0 {
                assert_eq!(
                    world.messages_in("alice@example.com", place).await.unwrap(),
                    expected,
                    "{place}"
                );
            }
        }
        world.finish().await;
    }
}

/// What a client on this machine is told about a letter with this link.
async fn letter(world: &World, link: &str) -> String {
    let mut stream = TcpStream::connect(world.address(Kind::Smtp)).await.unwrap();
    let mut said = String::new();
    let message = format!(
        "From: Anna <anna@good.example>\r\nTo: alice@example.com\r\nSubject: tomorrow\r\n\r\nShall we meet at noon? See {link} for the way.\r\n.\r\nQUIT"
    );
    for line in [
        "HELO a",
        "MAIL FROM:<anna@good.example>",
        "RCPT TO:<alice@example.com>",
        "DATA",
        &message,
    ] {
        let mut buffer = [0; 1000];
        let count = stream.read(&mut buffer).await.unwrap();
        said.push_str(&String::from_utf8_lossy(&buffer[..count]));
        stream
            .write_all(format!("{line}\r\n").as_bytes())
            .await
            .unwrap();
    }
    stream.read_to_string(&mut said).await.unwrap();
    said
}

/// I19, U44: a list that answers "listed" to everything, or that does not want to be asked by us, costs nobody his mail.
#[tokio::test]
async fn i19_u44_ill_lists_in_dns_are_not_asked() {
    let lists = "[\"dead.test.example 127.0.0.2 20 lists everybody\", \"refuses.test.example 127.0.0.2 20 refuses us\", \
                 \"bl.test.example 127.0.0.2 20 sends spam\"]";
    let setup = Setup {
        settings: vec![
            ("gate.dns_lists".into(), lists.into()),
            ("listen.smtp.proxies".into(), "[\"127.0.0.1\"]".into()),
        ],
        ..Setup::default()
    };
    let world = World::start_with(&setup).await;
    let health = async |zone: &str| match world.gate(Request::Lists).await.unwrap() {
        Answer::Lists(_, zones) => zones.into_iter().find(|(name, _)| name == zone).unwrap().1,
        other => panic!("{other:?}"),
    };
    let (good, spammer) = ([198, 51, 100, 1], [198, 51, 100, 9]);
    // Before the check it does harm; the other answers 127.255.255.254, which is no listing, and is not asked again.
    let said = talk(&world, good).await;
    assert!(said.contains("\r\n550 "), "{said}");
    assert_ne!(health("refuses.test.example").await, "good");
    assert_eq!(health("dead.test.example").await, "good");

    let run = world.services().jobs.run("dns-lists").await.unwrap();
    assert!(run.outcome.unwrap_err().contains("dead.test.example"));
    assert_ne!(health("dead.test.example").await, "good");
    assert_eq!(health("bl.test.example").await, "good");
    let said = talk(&world, good).await;
    assert!(
        said.ends_with("\r\n221 2.0.0 Bye\r\n") || said.contains("\r\n250 2.0.0 "),
        "{said}"
    );
    let said = talk(&world, spammer).await;
    assert!(said.contains("\r\n550 "), "{said}");
    world.finish().await;
}

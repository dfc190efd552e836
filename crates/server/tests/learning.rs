//! What people do with their mail teaches the filter: moves in IMAP, and what never teaches (I8, I10–I12).

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

mod world;

use server::listen::Kind;
use std::path::{Path, PathBuf};
use store::lesson::{self, Counts, Scope};
use store::{account, learn};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use world::{Setup, World};

struct Client(BufReader<TcpStream>);

impl Client {
    async fn connect(world: &World) -> Client {
        let stream = TcpStream::connect(world.address(Kind::Imap)).await.unwrap();
        let mut client = Client(BufReader::new(stream));
        client.line().await;
        client
            .ok(&format!("LOGIN alice@example.com \"{}\"", world::PASSWORD))
            .await;
        client
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(self.0.read_line(&mut line).await.unwrap(), 0);
        line
    }

    async fn ok(&mut self, command: &str) {
        self.0
            .get_mut()
            .write_all(format!("t {command}\r\n").as_bytes())
            .await
            .unwrap();
        loop {
            let line = self.line().await;
            if let Some(answer) = line.strip_prefix("t ") {
                assert!(answer.starts_with("OK"), "{command}: {answer}");
                return;
            }
        }
    }

    /// A message of its own, by its number.
    async fn append(&mut self, mailbox: &str, number: usize) {
        let message = format!(
            "From: bob@example.net\r\nSubject: letter {number}\r\n\r\nText number {number}.\r\n"
        );
        self.ok(&format!(
            "APPEND {mailbox} {{{}+}}\r\n{message}",
            message.len()
        ))
        .await;
    }
}

/// What Alice has taught once everything that is due is learned: ham and spam.
async fn taught(world: &World) -> (f64, f64) {
    // A run that was under way when a message was moved does not know of it.
    for _ in 0..3 {
        world.services().jobs.run("learn").await.unwrap();
        if world.services().store.read(learn::waiting).await.unwrap() == 0 {
            break;
        }
    }
    counts(world, "alice@example.com").await
}

async fn counts(world: &World, address: &'static str) -> (f64, f64) {
    let read = world.services().store.read(move |tx| {
        let scope = match address {
            "" => Scope::Server,
            address => Scope::Account(account::by_address(tx, address)?.expect("she is there").id),
        };
        lesson::counts(tx, scope)
    });
    let Counts { ham, spam } = read.await.unwrap();
    (ham, spam)
}

#[tokio::test(flavor = "multi_thread")]
async fn i10_moves_teach_and_moving_back_undoes() {
    let world = World::start().await;
    let mut client = Client::connect(&world).await;
    client.append("INBOX", 1).await;
    client.append("INBOX", 2).await;
    assert_eq!(
        taught(&world).await,
        (0.0, 0.0),
        "what comes into INBOX says nothing"
    );
    client.ok("SELECT INBOX").await;
    client.ok("MOVE 1 Junk").await;
    assert_eq!(taught(&world).await, (0.0, 1.0));
    client.ok("COPY 1 Junk").await;
    assert_eq!(taught(&world).await, (0.0, 2.0));
    client.ok("SELECT Junk").await;
    client.ok("MOVE 1 INBOX").await;
    assert_eq!(taught(&world).await, (1.0, 1.0), "it was a mistake");
    client.ok("MOVE 1 Trash").await;
    assert_eq!(
        taught(&world).await,
        (1.0, 1.0),
        "what is thrown away is no better for it"
    );
    client.append("Junk", 3).await;
    assert_eq!(taught(&world).await, (1.0, 2.0));
    client.append("Junk", 3).await;
    assert_eq!(
        taught(&world).await,
        (1.0, 2.0),
        "the same message counts once"
    );
    assert_eq!(counts(&world, "").await, (1.0, 2.0), "all learn of it");
    assert_eq!(counts(&world, "bob@example.com").await, (0.0, 0.0));
    let seen = world.services().models.condition().unwrap().seen;
    assert_eq!(
        (seen.ham, seen.spam),
        (1.0, 2.0),
        "a young model is made anew without what was taken back"
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i11_answers_and_forwards_never_teach_spam() {
    let world = World::start().await;
    let mut client = Client::connect(&world).await;
    for number in 1..=3 {
        client.append("INBOX", number).await;
    }
    client.ok("SELECT INBOX").await;
    client.ok("STORE 1 +FLAGS ($Forwarded)").await;
    client.ok("STORE 1 +FLAGS (\\Flagged)").await;
    assert_eq!(taught(&world).await, (0.0, 0.0));
    client.ok("STORE 1 +FLAGS (\\Answered)").await;
    assert_eq!(taught(&world).await, (0.2, 0.0), "an answer speaks for it");
    client.ok("MOVE 2 Archive").await;
    assert_eq!(taught(&world).await, (0.4, 0.0), "so does keeping it");
    client.append("Junk", 9).await;
    client.ok("SELECT Junk").await;
    client.ok("STORE 1 +FLAGS (\\Answered $Forwarded)").await;
    assert_eq!(
        taught(&world).await,
        (0.4, 1.0),
        "but that is not said as clearly as a move"
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i08_an_account_may_teach_itself_alone() {
    let settings = vec![("learn.from_accounts".to_owned(), "\"own\"".to_owned())];
    let world = World::start_with(&Setup {
        settings,
        ..Setup::default()
    })
    .await;
    let mut client = Client::connect(&world).await;
    client.append("Junk", 1).await;
    assert_eq!(taught(&world).await, (0.0, 1.0));
    assert_eq!(counts(&world, "").await, (0.0, 0.0));
    assert!(world.services().models.condition().is_none());
    world.finish().await;
}

/// The file of the only body that is too large for the database.
fn body_file(folder: &Path) -> Option<PathBuf> {
    let mut found = None;
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            found = found.or_else(|| body_file(&entry.path()));
        } else if entry.metadata().unwrap().len() > 200_000
            && !entry.path().to_string_lossy().contains(".db")
        {
            found = Some(entry.path());
        }
    }
    found
}

/// What cannot be read is learned when it can be; nobody's move waits for it.
#[tokio::test(flavor = "multi_thread")]
async fn i12_a_failed_lesson_is_tried_again() {
    let world = World::start().await;
    let mut client = Client::connect(&world).await;
    let mut noise = 1_u64;
    let mut letter = String::from("Subject: large\r\n\r\n");
    while letter.len() < 900_000 {
        noise = noise
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        letter.push_str(&format!("{noise:016x}"));
        if letter.len().is_multiple_of(3) {
            letter.push_str("\r\n");
        }
    }
    client
        .ok(&format!("APPEND INBOX {{{}+}}\r\n{letter}", letter.len()))
        .await;
    let file = body_file(&world.services().config.load().data).expect("it has a file");
    let hidden = file.with_extension("hidden");
    std::fs::rename(&file, &hidden).unwrap();
    client.ok("SELECT INBOX").await;
    client.ok("MOVE 1 Junk").await;
    assert_eq!(taught(&world).await, (0.0, 0.0));
    let store = &world.services().store;
    assert_eq!(store.read(learn::waiting).await.unwrap(), 1);
    assert!(
        store
            .read(|tx| learn::next(tx, 9))
            .await
            .unwrap()
            .is_empty(),
        "it is not due yet"
    );
    std::fs::rename(&hidden, &file).unwrap();
    store.use_clock(|| {
        store::Timestamp::now()
            .saturating_add(jiff::SignedDuration::from_secs(61))
            .unwrap()
    });
    assert_eq!(taught(&world).await, (0.0, 1.0));
    assert_eq!(store.read(learn::waiting).await.unwrap(), 0);
    world.finish().await;
}

/// I32: what was learned is there after a restart, and so is what waits.
#[tokio::test(flavor = "multi_thread")]
async fn i32_models_come_back() {
    use server::learning::Models;
    let world = World::start().await;
    let mut client = Client::connect(&world).await;
    for number in 0..12 {
        client.append("Junk", number).await;
    }
    assert_eq!(taught(&world).await, (0.0, 12.0));
    let again = Models::default();
    assert_eq!(again.catch_up(&world.services().store).await.unwrap(), 12);
    let (one, other) = (
        world.services().models.condition().unwrap(),
        again.condition().unwrap(),
    );
    assert_eq!((one.seen, one.serial), (other.seen, other.serial));
    assert_eq!(again.catch_up(&world.services().store).await.unwrap(), 0);
    world.finish().await;
}

/// A letter about a subject, to somebody here.
fn letter(word: &str, number: usize) -> String {
    format!(
        "Date: Mon, 30 Nov 2026 10:00:00 +0000\r\nFrom: b{number}@{word}.example\r\nTo: alice@example.com\r\nMessage-ID: <{number}@{word}.example>\r\n\
         Subject: {word} {number}\r\n\r\nThis is about {word}, and {word} alone: number {number}.\r\n"
    )
}

/// Delivers a letter by SMTP.
async fn mail(world: &World, letter: &str) {
    let stream = TcpStream::connect(world.address(Kind::Smtp)).await.unwrap();
    let mut client = Client(BufReader::new(stream));
    let data = format!("{letter}.");
    for (line, code) in [
        ("", "220"),
        ("HELO client.example", "250"),
        ("MAIL FROM:<x@client.example>", "250"),
        ("RCPT TO:<alice@example.com>", "250"),
        ("DATA", "354"),
        (data.as_str(), "250"),
    ] {
        if !line.is_empty() {
            let line = format!("{line}\r\n");
            client.0.get_mut().write_all(line.as_bytes()).await.unwrap();
        }
        let answer = client.line().await;
        assert!(answer.starts_with(code), "{line}: {answer}");
    }
}

/// The names of the reasons of the newest message that was judged, with their weights.
async fn reasons(world: &World) -> Vec<(String, f32)> {
    let read = world.services().store.read(|tx| {
        let alice = account::by_address(tx, "alice@example.com")?
            .expect("she is there")
            .id;
        let first = store::MessageId::from_u128(0);
        store::judgement::since(tx, alice, first, 1000)
    });
    let (_, judged) = read.await.unwrap().pop().expect("it was judged");
    judged
        .reasons
        .into_iter()
        .map(|reason| (reason.name, reason.weight))
        .collect()
}

/// A model of 60 messages of each class says at most 6 points, which alone is no junk by the usual settings.
#[tokio::test(flavor = "multi_thread")]
async fn i10_what_was_learned_judges_what_arrives() {
    judges_what_arrives(60, "30").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "soak: learns 400 messages"]
async fn i10_200_messages_of_each_class_make_junk_alone() {
    judges_what_arrives(200, "50").await;
}

/// What was learned takes part in the verdict: an arriving letter like those in Junk is filed there, and the reason is named. Moving it out
/// corrects the filter. `junk`: per cent of the refusal.
async fn judges_what_arrives(count: u32, junk: &str) {
    let settings = vec![
        ("gate.greylist".to_owned(), "\"off\"".to_owned()),
        ("spam.junk".to_owned(), junk.to_owned()),
    ];
    let world = World::start_with(&Setup {
        settings,
        ..Setup::default()
    })
    .await;
    mail(&world, &letter("pills", 1000)).await;
    assert_eq!(world.messages_in("alice@example.com", "INBOX").await, Ok(1));
    assert!(
        reasons(&world)
            .await
            .iter()
            .all(|(name, _)| name != "LEARNED")
    );
    let mut client = Client::connect(&world).await;
    for number in 0..count as usize {
        for (word, mailbox) in [("pills", "Junk"), ("meeting", "Kept")] {
            if number == 0 && mailbox == "Kept" {
                client.ok("CREATE Kept").await;
            }
            let letter = letter(word, number);
            let append = format!("APPEND {mailbox} {{{}+}}\r\n{letter}", letter.len());
            client.ok(&append).await;
        }
    }
    client.ok("SELECT Kept").await;
    client.ok("STORE 1:* +FLAGS ($NotJunk)").await;
    let known = f64::from(count);
    assert_eq!(taught(&world).await, (known, known));
    mail(&world, &letter("pills", 1001)).await;
    let found = reasons(&world).await;
    let learned = found.iter().find(|(name, _)| name == "LEARNED").unwrap();
    assert!(learned.1 >= 4.0, "{found:?}");
    assert_eq!(
        world.messages_in("alice@example.com", "Junk").await,
        Ok(count + 1),
        "{found:?}"
    );
    mail(&world, &letter("meeting", 1002)).await;
    let found = reasons(&world).await;
    let learned = found.iter().find(|(name, _)| name == "LEARNED").unwrap();
    assert!(learned.1 <= 0.0, "{found:?}");
    assert_eq!(world.messages_in("alice@example.com", "INBOX").await, Ok(2));
    client.ok("SELECT Junk").await;
    client.ok(&format!("MOVE {} INBOX", count + 1)).await;
    assert_eq!(taught(&world).await, (known + 1.0, known));
    client.ok("SELECT INBOX").await;
    client.ok("STORE 3 +FLAGS ($Junk)").await;
    assert_eq!(
        taught(&world).await,
        (known, known + 1.0),
        "a flag corrects as well"
    );
    world.finish().await;
}

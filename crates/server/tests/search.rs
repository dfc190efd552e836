//! Searching with an index and without: the answers are the same (U49), and what is encoded is found (F9).

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

mod world;

use server::listen::Kind;
use std::fmt::Write as _;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use world::{Setup, World};

/// A client with INBOX selected.
struct Client(BufReader<TcpStream>);

impl Client {
    async fn select(world: &World) -> Client {
        let stream = TcpStream::connect(world.address(Kind::Imap)).await.unwrap();
        let mut client = Client(BufReader::new(stream));
        let login = format!("LOGIN alice@example.com \"{}\"", world::PASSWORD);
        client.command(&login).await;
        client.command("SELECT INBOX").await;
        client
    }

    /// Everything up to the tagged OK.
    async fn command(&mut self, command: &str) -> String {
        let octets = format!("t {command}\r\n");
        self.0.get_mut().write_all(octets.as_bytes()).await.unwrap();
        let mut answer = String::new();
        loop {
            let mut line = String::new();
            let read = self.0.read_line(&mut line);
            let octets = timeout(Duration::from_secs(60), read)
                .await
                .unwrap()
                .unwrap();
            assert_ne!(octets, 0, "the server closed the connection");
            if line.starts_with("t ") {
                assert!(line.starts_with("t OK"), "{command}: {line}");
                return answer;
            }
            answer.push_str(&line);
        }
    }

    async fn append(&mut self, message: &str) {
        let message = message.replace('\n', "\r\n");
        self.command(&format!("APPEND INBOX {{{}+}}\r\n{message}", message.len()))
            .await;
    }

    /// What a search finds, by UID.
    async fn search(&mut self, keys: &str) -> Vec<u32> {
        let keys = literals(keys);
        let answer = self
            .command(&format!("UID SEARCH CHARSET UTF-8 {keys}"))
            .await;
        let numbers = answer.trim().strip_prefix("* SEARCH").expect("an answer");
        numbers
            .split_whitespace()
            .map(|number| number.parse().unwrap())
            .collect()
    }
}

/// Texts that are not ASCII as literals: nothing else may hold them.
fn literals(keys: &str) -> String {
    let mut keys = keys.to_owned();
    for text in ["\"größe der rechnung\"", "größe", "jürgen"] {
        let bare = text.trim_matches('"');
        if let Some(at) = keys.find(text) {
            let literal = format!("{{{}+}}\r\n{bare}", bare.len());
            keys.replace_range(at..at + text.len(), &literal);
            break;
        }
    }
    keys
}

/// Messages that say the same in different ways: a base64 part in ISO-8859-1, an encoded subject, a folded one, HTML.
const SPECIAL: [&str; 4] = [
    "From: a@example.com\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: base64\n\nRGllIEdy9t/lIGRlciBHcvbfZQo=\n",
    "From: =?utf-8?Q?J=C3=BCrgen?= <juergen@example.com>\nSubject: =?utf-8?B?R3LDtsOfZSBkZXI=?=\n =?utf-8?B?IFJlY2hudW5n?=\n\nHello\n",
    "From: \"Terry Gray\" <gray@cac.example>\nSubject: quarterly report\n of the branch\nX-Serial: serial-7731\n\nzebra crossing\n",
    "From: h@example.com\nContent-Type: text/html\n\n<p>zeb<b>ra</b> and <i>gr&ouml;&szlig;e</i></p>\n",
];

const WORDS: [&str; 8] = [
    "alpha", "bravo", "zebra", "delta", "echo", "größe", "golf", "invoice",
];

async fn fill(client: &mut Client, count: usize) {
    for n in 0..count {
        match SPECIAL.get(n / 50).filter(|_| n % 50 == 25) {
            Some(special) => client.append(special).await,
            None => client.append(&ordinary(n)).await,
        }
    }
}

fn ordinary(n: usize) -> String {
    let mut message = format!(
        "From: p{n}@example.com\nSubject: number {n}\nContent-Type: text/plain; charset=utf-8\n\n"
    );
    for step in [3, 5, 7] {
        let word = WORDS[(n * step + n / 11) % WORDS.len()];
        let _ = writeln!(message, "{word} {n}");
    }
    message
}

const QUESTIONS: [&str; 17] = [
    "BODY zebra",
    "BODY ZEBRA",
    "BODY größe",
    "TEXT größe",
    "SUBJECT \"größe der rechnung\"",
    "SUBJECT \"report of the\"",
    "FROM jürgen",
    "FROM \"terry gray <gray@\"",
    "HEADER X-Serial 7731",
    "HEADER X-Serial \"\"",
    "TEXT \"number 17\"",
    "OR BODY zebra SUBJECT \"number 3\"",
    "OR BODY invoice SEEN",
    "NOT BODY zebra",
    "BODY zebra BODY golf",
    "BODY ze",
    "TEXT \"there is no such text\"",
];

async fn answers(client: &mut Client) -> Vec<(&'static str, Vec<u32>)> {
    let mut answers = Vec::new();
    for question in QUESTIONS {
        answers.push((question, client.search(question).await));
    }
    answers
}

/// How often an index helped.
fn helped(world: &World) -> u64 {
    let metrics = world.services().metrics.text();
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix("pennyblack_imap_searches_total{index=\"used\"} "));
    line.map_or(0, |count| count.parse().unwrap())
}

fn setup(settings: &[(&str, &str)]) -> Setup {
    let settings = settings
        .iter()
        .map(|(name, value)| ((*name).into(), (*value).into()));
    Setup {
        settings: settings.collect(),
        ..Setup::default()
    }
}

async fn indexed(world: &World) {
    let run = world.services().jobs.run("index").await.expect("the job");
    assert!(run.outcome.is_ok(), "{:?}", run.outcome);
}

#[tokio::test(flavor = "multi_thread")]
async fn f09_u49_the_same_is_found_with_an_index_and_without() {
    let world = World::start_with(&setup(&[("search.index_from", "250")])).await;
    let mut client = Client::select(&world).await;
    fill(&mut client, 300).await;
    let without = {
        // The first that looks for a text has an index made; all others here are asked before it can be there.
        let missing = client.search("BODY zebra").await;
        assert!(missing.contains(&126) && missing.contains(&176));
        world
            .services()
            .store
            .search_index()
            .remove(alice(&world).await)
            .await
            .unwrap();
        let mut config = (**world.services().config.load()).clone();
        config.search.index = server::config::SearchIndex::Never;
        let before = world.services().config.swap(config.into());
        let answers = answers(&mut client).await;
        world.services().config.store(before);
        answers
    };
    assert_eq!(helped(&world), 0);
    client.search("BODY zebra").await;
    indexed(&world).await;
    assert_eq!(answers(&mut client).await, without);
    assert!(helped(&world) >= 10, "{}", world.services().metrics.text());
    // What came later is found too, though the index does not have it.
    client.append("Subject: late\n\na late zebra\n").await;
    client.command("NOOP").await;
    let late = client.search("BODY \"a late zebra\"").await;
    assert_eq!(late, [301]);
    // Copies have no text of their own in it.
    client.command("COPY 1:300 Archive").await;
    indexed(&world).await;
    client.command("SELECT Archive").await;
    assert_eq!(answers(&mut client).await, without);
    drop(client);
    world.finish().await;
}

async fn alice(world: &World) -> store::AccountId {
    let found = world
        .services()
        .store
        .read(|tx| store::account::by_address(tx, "alice@example.com"));
    found.await.unwrap().expect("alice").id
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_is_there_for_whom_the_settings_say() {
    let world = World::start_with(&setup(&[
        ("search.index", "\"always\""),
        ("search.index_from", "1"),
    ]))
    .await;
    let index = world.services().store.search_index();
    indexed(&world).await;
    assert_eq!(index.accounts().await.unwrap().len(), 3, "everyone");
    let mut config = (**world.services().config.load()).clone();
    config.search.index = server::config::SearchIndex::Never;
    world.services().config.store(config.into());
    indexed(&world).await;
    assert!(index.accounts().await.unwrap().is_empty(), "nobody");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_of_mostly_gone_messages_is_made_anew() {
    let world = World::start_with(&setup(&[("search.index_from", "1")])).await;
    let mut client = Client::select(&world).await;
    fill(&mut client, 1100).await;
    let (index, alice) = (world.services().store.search_index(), alice(&world).await);
    index.begin(alice).await.unwrap();
    indexed(&world).await;
    let held = async || {
        index
            .state(alice)
            .await
            .unwrap()
            .expect("an index")
            .messages
    };
    assert_eq!(held().await, 1100);
    client.command("STORE 11:* +FLAGS.SILENT (\\Deleted)").await;
    client.command("EXPUNGE").await;
    indexed(&world).await;
    assert_eq!(held().await, 10);
    drop(client);
    world.finish().await;
}

/// Numbers of `* SORT 1 2 3`.
fn sorted(answer: &str) -> Vec<u32> {
    let numbers = answer.trim().strip_prefix("* SORT").expect("an answer");
    numbers
        .split_whitespace()
        .map(|number| number.parse().unwrap())
        .collect()
}

/// A mailbox with more than one block of messages, whose dates fall and whose subjects repeat.
async fn correspondence(client: &mut Client, numbers: std::ops::Range<u32>) {
    for n in numbers {
        let (subject, name) = (n % 7, char::from(b'a' + (n % 26) as u8));
        let (day, month) = (1 + (400 - n) % 28, ["Jan", "Feb"][(n % 2) as usize]);
        let message = format!(
            "From: {name} <{name}{n}@example.com>\nTo: t{}@example.com\nSubject: Re: topic {subject}\nDate: {day} {month} 2020 10:00:00 +0000\n\
             Message-ID: <m{n}@example.com>\nReferences: <m{subject}@example.com>\n\ntext\n",
            n % 3
        );
        client.append(&message).await;
    }
}

/// What is kept packed answers as the messages themselves do: at first, again, after more has come, and after some has gone.
#[tokio::test(flavor = "multi_thread")]
async fn digests_answer_as_the_messages_do() {
    let world = World::start_with(&setup(&[("search.index", "\"never\"")])).await;
    let mut client = Client::select(&world).await;
    correspondence(&mut client, 0..300).await;
    let mut all: Vec<u32> = (0..300).collect();
    agree(&mut client, &all).await;
    agree(&mut client, &all).await;
    correspondence(&mut client, 300..390).await;
    all.extend(300..390);
    agree(&mut client, &all).await;
    // UIDs are the numbers plus one.
    client
        .command("UID STORE 5,100:102,390 +FLAGS.SILENT (\\Deleted)")
        .await;
    client.command("EXPUNGE").await;
    all.retain(|n| ![4, 99, 100, 101, 389].contains(n));
    agree(&mut client, &all).await;
    agree(&mut client, &all).await;
    drop(client);
    world.finish().await;
}

/// Compares answers with what is known of these messages.
async fn agree(client: &mut Client, all: &[u32]) {
    let expected = |key: fn(u32) -> (u32, u32)| {
        let mut sorted = all.to_vec();
        sorted.sort_by_key(|n| key(*n));
        sorted.iter().map(|n| n + 1).collect::<Vec<_>>()
    };
    let answer = client.command("UID SORT (SUBJECT) UTF-8 ALL").await;
    assert_eq!(sorted(&answer), expected(|n| (n % 7, 0)));
    let answer = client.command("UID SORT (DATE) UTF-8 ALL").await;
    assert_eq!(sorted(&answer), expected(|n| (n % 2, (400 - n) % 28)));
    let answer = client.command("UID SORT (TO REVERSE FROM) UTF-8 ALL").await;
    let by_names = expected(|n| (n % 3, 0));
    let mut by_names: Vec<u32> = by_names.iter().map(|uid| uid - 1).collect();
    // Mailboxes are the letter and the number, compared as text.
    by_names.sort_by_key(|n| {
        let from = format!("{}{n}", char::from(b'a' + (n % 26) as u8));
        (n % 3, std::cmp::Reverse(from))
    });
    let by_names: Vec<u32> = by_names.iter().map(|n| n + 1).collect();
    assert_eq!(sorted(&answer), by_names);
    // A search in between, and one that names few.
    let of = |keep: fn(&u32) -> bool| {
        all.iter()
            .copied()
            .filter(keep)
            .map(|n| n + 1)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        client.search("SUBJECT \"TOPIC 3\"").await,
        of(|n| n % 7 == 3)
    );
    assert_eq!(client.search("NOT TO t1@").await, of(|n| n % 3 != 1));
    assert_eq!(client.search("UID 1:20 FROM b27@").await, Vec::<u32>::new());
    assert_eq!(
        client.search("OR FROM b27@ BODY nothing").await,
        of(|n| *n == 27)
    );
    assert_eq!(
        client.search("HEADER Message-ID m7@").await,
        of(|n| *n == 7)
    );
    assert_eq!(client.search("HEADER CC \"\"").await, Vec::<u32>::new());
    assert_eq!(
        client.search("OR HEADER References m4@ FROM b27@").await,
        of(|n| n % 7 == 4 || *n == 27)
    );
    let answer = client
        .command("UID SORT (SUBJECT) UTF-8 SUBJECT \"topic 5\" UID 1:60")
        .await;
    assert_eq!(sorted(&answer), of(|n| n % 7 == 5 && *n < 60));
    let answer = client.command("UID THREAD REFERENCES UTF-8 ALL").await;
    let mut told: Vec<u32> = answer
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|number| number.parse().ok())
        .collect();
    told.sort_unstable();
    assert_eq!(told, of(|_| true));
    let threads = answer.matches("(").count();
    assert!(threads >= 7, "{answer}");
}

//! Input that no honest client sends: lines without end, a million literals, compressed bombs, messages of 10,000 levels and 100,000
//! header fields, searches that nest. The server's memory stays bounded, its answers are those of the protocol, and others are served
//! meanwhile (G21, Y).
//!
//! The server runs in the process of the test, and each test in a process of its own where nextest runs it: what the process grows by
//! is what the server keeps, and a little.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

mod world;

use flate2::{Compress, Compression, FlushCompress};
use server::listen::Kind;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use world::World;

const MEGABYTE: usize = 1 << 20;
/// What the process may grow by, in any of these tests.
const MOST: usize = 64 * MEGABYTE;

struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    async fn connect(world: &World) -> Client {
        let stream = TcpStream::connect(world.address(Kind::Imap)).await.unwrap();
        let mut client = Client {
            stream: BufReader::new(stream),
        };
        client.line().await.expect("a greeting");
        client
    }

    async fn logged_in(world: &World) -> Client {
        let mut client = Client::connect(world).await;
        let login = format!("LOGIN alice@example.com \"{}\"", world::PASSWORD);
        assert!(client.command(&login).await.contains("\nt OK"));
        client
    }

    /// A line, or `None` at the end of the connection.
    async fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        let read = self.stream.read_until(b'\n', &mut line);
        match timeout(Duration::from_secs(60), read).await.unwrap() {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(String::from_utf8_lossy(&line).into_owned()),
        }
    }

    async fn command(&mut self, command: &str) -> String {
        let octets = format!("t {command}\r\n");
        self.stream
            .get_mut()
            .write_all(octets.as_bytes())
            .await
            .unwrap();
        let mut answer = String::from("\n");
        while let Some(line) = self.line().await {
            answer += &line;
            if line.starts_with("t ") {
                return answer;
            }
        }
        panic!("closed after {command}: {answer}");
    }

    /// Sends the same octets again and again, until that is `most` or the server hangs up. How much was sent.
    async fn flood(&mut self, octets: &[u8], most: usize) -> usize {
        let mut sent = 0;
        while sent < most {
            let writing = self.stream.get_mut().write_all(octets);
            match timeout(Duration::from_secs(20), writing).await {
                Ok(Ok(())) => sent += octets.len(),
                _ => break,
            }
        }
        sent
    }
}

/// Octets of memory that the process holds.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = text.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

/// The process has not grown by more than it may.
#[track_caller]
fn check_memory(before: usize) {
    let grown = resident().saturating_sub(before);
    println!("grown by {} KiB", grown / 1024);
    assert!(grown < MOST, "grown by {} MiB", grown / MEGABYTE);
}

/// A line of up to a gigabyte, before log-in and after; another session is answered meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_line_without_end() {
    let world = World::start().await;
    let mut other = Client::logged_in(&world).await;
    let before = resident();
    for mut client in [
        Client::connect(&world).await,
        Client::logged_in(&world).await,
    ] {
        let piece = vec![b'a'; 64 * 1024];
        client.flood(&piece, 1024 * MEGABYTE).await;
        check_memory(before);
        assert!(other.command("NOOP").await.contains("\nt OK"));
    }
    world.finish().await;
}

/// Y22, Y14: a session of somebody who has not logged in holds at most 64 KiB, whatever he sends: as much as it takes, and no end. Of these,
/// 16 are for what is read at once and gone before anything else happens.
#[tokio::test(flavor = "multi_thread")]
async fn y22_sessions_before_login_hold_little() {
    const SESSIONS: usize = 300;
    let world = World::start().await;
    // What the first sessions cost once is not what each costs.
    for _ in 0..20 {
        hold(&world).await;
    }
    let before = resident();
    let mut held = Vec::new();
    for _ in 0..SESSIONS {
        held.push(hold(&world).await);
    }
    let each = resident().saturating_sub(before) / SESSIONS;
    println!("{each} octets a session");
    assert!(each <= (64 - 16) * 1024, "{each} octets a session");
    assert!(
        Client::connect(&world)
            .await
            .command("NOOP")
            .await
            .contains("\nt OK")
    );
    drop(held);
    world.finish().await;
}

/// A session that was given about the largest literal that it takes, and a line behind it that does not end.
async fn hold(world: &World) -> TcpStream {
    let mut stream = TcpStream::connect(world.address(Kind::Imap)).await.unwrap();
    // Many small pieces, each of which is waited for.
    stream.set_nodelay(true).unwrap();
    assert!(line_of(&mut stream).await.starts_with("* OK"));
    stream.write_all(b"t LOGIN").await.unwrap();
    let mut size = 60_000;
    while !literal(&mut stream, size).await {
        // Refused, and the command with it.
        stream.write_all(b"t LOGIN").await.unwrap();
        size = size * 3 / 4;
    }
    stream.write_all(b" ").await.unwrap();
    stream.write_all(&[b'x'; 7000]).await.unwrap();
    stream
}

/// Sends a literal, if the server wants it.
async fn literal(stream: &mut TcpStream, size: usize) -> bool {
    let ask = format!(" {{{size}}}\r\n");
    stream.write_all(ask.as_bytes()).await.unwrap();
    let wanted = line_of(stream).await.starts_with('+');
    if wanted {
        stream.write_all(&vec![b'x'; size]).await.unwrap();
    }
    wanted
}

/// A line, read without a buffer that would count.
async fn line_of(stream: &mut TcpStream) -> String {
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') {
        let octet = timeout(Duration::from_secs(60), stream.read_u8()).await;
        line.push(octet.expect("the server answers").unwrap());
    }
    String::from_utf8(line).unwrap()
}

/// A million literals in one command: there is an end to what is collected.
#[tokio::test(flavor = "multi_thread")]
async fn a_million_literals_in_one_command() {
    let world = World::start().await;
    let before = resident();
    for logged_in in [false, true] {
        let mut client = match logged_in {
            false => Client::connect(&world).await,
            true => Client::logged_in(&world).await,
        };
        let begin = client.stream.get_mut().write_all(b"t LOGIN");
        begin.await.unwrap();
        let sent = client
            .flood(&b" {1+}\r\nx".repeat(1000), 8 * MEGABYTE)
            .await;
        println!("taken: {sent} octets");
        check_memory(before);
    }
    assert!(
        Client::connect(&world)
            .await
            .command("NOOP")
            .await
            .contains("\nt OK")
    );
    world.finish().await;
}

/// A gigabyte of zeros is a megabyte to send.
#[tokio::test(flavor = "multi_thread")]
async fn a_bomb_through_compress() {
    let world = World::start().await;
    let mut client = Client::logged_in(&world).await;
    assert!(client.command("COMPRESS DEFLATE").await.contains("\nt OK"));
    let before = resident();
    let mut deflate = Compress::new(Compression::best(), false);
    let zeros = vec![0; MEGABYTE];
    for _ in 0..1024 {
        let mut piece = Vec::with_capacity(64 * 1024);
        deflate
            .compress_vec(&zeros, &mut piece, FlushCompress::Sync)
            .unwrap();
        if client.stream.get_mut().write_all(&piece).await.is_err() {
            break;
        }
    }
    check_memory(before);
    assert!(
        Client::logged_in(&world)
            .await
            .command("NOOP")
            .await
            .contains("\nt OK")
    );
    world.finish().await;
}

async fn append(client: &mut Client, message: &str) -> String {
    let size = message.len();
    client
        .command(&format!("APPEND INBOX {{{size}+}}\r\n{message}"))
        .await
}

/// Everything that can be asked of a message.
const ASKED: [&str; 5] = [
    "FETCH 1 (ENVELOPE BODYSTRUCTURE RFC822.SIZE PREVIEW)",
    "FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT)]",
    "SEARCH TEXT nothing",
    "SORT (SUBJECT DISPLAYFROM) UTF-8 ALL",
    "THREAD REFERENCES UTF-8 ALL",
];

async fn is_served(message: &str) {
    let world = World::start().await;
    let mut client = Client::logged_in(&world).await;
    let before = resident();
    assert!(append(&mut client, message).await.contains("\nt OK"));
    assert!(client.command("SELECT INBOX").await.contains("\nt OK"));
    for command in ASKED {
        let answer = client.command(command).await;
        assert!(answer.contains("\nt OK"), "{command}: {answer:.200}");
    }
    check_memory(before);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_ten_thousand_levels() {
    let mut message = String::from("Subject: deep\r\nMIME-Version: 1.0\r\n");
    for level in 0..10_000 {
        message +=
            &format!("Content-Type: multipart/mixed; boundary=\"b{level}\"\r\n\r\n--b{level}\r\n");
    }
    is_served(&(message + "\r\ntext\r\n")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_a_hundred_thousand_header_fields() {
    let mut message = String::from("Subject: wide\r\n");
    for field in 0..100_000 {
        message += &format!("X-Field-{field}: {field}\r\n");
    }
    message += &format!("References: {}\r\n", "<a@b> ".repeat(50_000));
    is_served(&(message + "\r\ntext\r\n")).await;
}

/// Searches that nest, or are long.
#[tokio::test(flavor = "multi_thread")]
async fn searches_that_nest() {
    let world = World::start().await;
    let mut client = Client::logged_in(&world).await;
    assert!(client.command("SELECT INBOX").await.contains("\nt OK"));
    let before = resident();
    let deep = format!("SEARCH {}SEEN", "NOT ".repeat(3000));
    let wide = format!("SEARCH {}SEEN", "OR SEEN ".repeat(1000));
    let open = format!("SEARCH {}", "(".repeat(3000));
    for command in [deep, wide, open] {
        let answer = client.command(&command).await;
        assert!(answer.contains("\nt BAD"), "{command:.40}: {answer}");
    }
    let mut endless = Client::logged_in(&world).await;
    endless
        .stream
        .get_mut()
        .write_all(b"t SEARCH ")
        .await
        .unwrap();
    endless.flood(&b"NOT ".repeat(10_000), 64 * MEGABYTE).await;
    // What came of the line is thrown away; at its end, it is wrong, if the session was not ended before.
    let _ = endless.stream.get_mut().write_all(b"SEEN\r\n").await;
    let said = endless.line().await.unwrap_or_else(|| "t BAD".to_owned());
    assert!(
        said.starts_with("t BAD") || said.starts_with("* BYE"),
        "{said}"
    );
    check_memory(before);
    assert!(client.command("NOOP").await.contains("\nt OK"));
    world.finish().await;
}

//! IMAP sessions as a whole: every command in every state (RFC 3501 §3) gets one tagged answer, the one its state calls for, and the
//! session goes on; and what only time brings.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

mod world;

use server::listen::Kind;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use world::World;

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    NotAuthenticated,
    Authenticated,
    Selected,
}

const STATES: [State; 3] = [
    State::NotAuthenticated,
    State::Authenticated,
    State::Selected,
];

const LOGGED_IN: [State; 2] = [State::Authenticated, State::Selected];

/// A command, the states it belongs to, and its answer there. Elsewhere it is BAD.
const COMMANDS: [(&str, &[State], &str); 51] = [
    ("CAPABILITY", &STATES, "OK"),
    ("NOOP", &STATES, "OK"),
    ("ID NIL", &STATES, "OK"),
    ("AUTHENTICATE NONSENSE", &[State::NotAuthenticated], "NO"),
    (
        "LOGIN alice@example.com wrong",
        &[State::NotAuthenticated],
        "NO",
    ),
    ("ENABLE CONDSTORE", &LOGGED_IN, "OK"),
    ("NAMESPACE", &LOGGED_IN, "OK"),
    ("LIST \"\" *", &LOGGED_IN, "OK"),
    ("LSUB \"\" *", &LOGGED_IN, "OK"),
    ("XLIST \"\" *", &LOGGED_IN, "OK"),
    ("STATUS INBOX (MESSAGES)", &LOGGED_IN, "OK"),
    ("CREATE new", &LOGGED_IN, "OK"),
    ("SUBSCRIBE new", &LOGGED_IN, "OK"),
    ("UNSUBSCRIBE new", &LOGGED_IN, "OK"),
    ("RENAME new old", &LOGGED_IN, "OK"),
    ("DELETE old", &LOGGED_IN, "OK"),
    ("GETQUOTAROOT INBOX", &LOGGED_IN, "OK"),
    ("GETQUOTA \"User quota\"", &LOGGED_IN, "OK"),
    ("SETQUOTA \"User quota\" (STORAGE 1)", &LOGGED_IN, "NO"),
    (
        "APPEND INBOX {18+}\r\nSubject: x\r\n\r\nx\r\n\r\n",
        &LOGGED_IN,
        "OK",
    ),
    ("APPEND Nowhere {3+}\r\nabc", &LOGGED_IN, "NO"),
    ("CHECK", &[State::Selected], "OK"),
    ("FETCH 1:* FLAGS", &[State::Selected], "OK"),
    ("UID FETCH 1:* BODY[]", &[State::Selected], "OK"),
    ("STORE 1 +FLAGS (\\Seen)", &[State::Selected], "OK"),
    ("UID STORE 1 FLAGS.SILENT ()", &[State::Selected], "OK"),
    ("SEARCH TEXT x", &[State::Selected], "OK"),
    ("UID SEARCH RETURN (COUNT) ALL", &[State::Selected], "OK"),
    ("COPY 1 Archive", &[State::Selected], "OK"),
    ("UID COPY 1 Archive", &[State::Selected], "OK"),
    ("UID MOVE 9999 Archive", &[State::Selected], "OK"),
    ("EXPUNGE", &[State::Selected], "OK"),
    ("UID EXPUNGE 1:*", &[State::Selected], "OK"),
    ("ENABLE QRESYNC IMAP4rev2 UTF8=ACCEPT", &LOGGED_IN, "OK"),
    ("COMPRESS LZW", &LOGGED_IN, "NO"),
    (
        "APPEND INBOX (\\Seen) {12+}\r\nSubject: x\r\n {12+}\r\nSubject: y\r\n",
        &LOGGED_IN,
        "OK",
    ),
    (
        "APPEND INBOX CATENATE (URL /Nowhere/;UID=1 TEXT {3+}\r\nabc)",
        &LOGGED_IN,
        "NO",
    ),
    (
        "APPEND INBOX CATENATE (URL /Nowhere/;UID=1)",
        &LOGGED_IN,
        "NO",
    ),
    (
        "REPLACE 1 INBOX {12+}\r\nSubject: z\r\n",
        &[State::Selected],
        "OK",
    ),
    (
        "UID REPLACE 9999 INBOX {12+}\r\nSubject: z\r\n",
        &[State::Selected],
        "NO",
    ),
    ("SEARCH RETURN (SAVE) YOUNGER 5", &[State::Selected], "OK"),
    (
        "FETCH $ (PREVIEW SAVEDATE EMAILID THREADID BINARY.SIZE[1])",
        &[State::Selected],
        "OK",
    ),
    ("STATUS INBOX (MAILBOXID)", &LOGGED_IN, "OK"),
    ("SORT (DATE) UTF-8 ALL", &[State::Selected], "OK"),
    ("UID THREAD REFS UTF-8 ALL", &[State::Selected], "OK"),
    ("ESEARCH IN (personal) ALL", &LOGGED_IN, "OK"),
    ("SELECT INBOX (QRESYNC (1 1))", &[], "BAD"),
    ("UID NOOP", &[], "BAD"),
    ("NONSENSE", &[], "BAD"),
    ("UNSELECT", &[State::Selected], "OK"),
    ("CLOSE", &[State::Selected], "OK"),
];

/// A client.
struct Client {
    stream: BufReader<TcpStream>,
    tags: u32,
}

impl Client {
    async fn connect(world: &World, state: State) -> Client {
        let stream = TcpStream::connect(world.address(Kind::Imap)).await.unwrap();
        let mut client = Client {
            stream: BufReader::new(stream),
            tags: 0,
        };
        client.line().await;
        client.go_to(state).await;
        client
    }

    async fn go_to(&mut self, state: State) {
        if state != State::NotAuthenticated {
            let login = format!("LOGIN alice@example.com \"{}\"", world::PASSWORD);
            assert_eq!(self.command(&login).await, "OK");
        }
        if state == State::Selected {
            assert_eq!(self.command("SELECT INBOX").await, "OK");
        }
    }

    async fn line(&mut self) -> String {
        let mut line = Vec::new();
        let read = self.stream.read_until(b'\n', &mut line);
        let octets = timeout(Duration::from_secs(30), read)
            .await
            .unwrap()
            .unwrap();
        assert_ne!(octets, 0, "the server closed the connection");
        String::from_utf8_lossy(&line).into_owned()
    }

    /// OK, NO or BAD.
    async fn command(&mut self, command: &str) -> String {
        self.tags += 1;
        let tag = format!("T{} ", self.tags);
        let octets = format!("{tag}{command}\r\n");
        self.stream
            .get_mut()
            .write_all(octets.as_bytes())
            .await
            .unwrap();
        loop {
            if let Some(answer) = self.line().await.strip_prefix(&tag) {
                return answer.split(' ').next().unwrap().to_owned();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_in_every_state() {
    let world = World::start().await;
    for state in STATES {
        for (command, states, answer) in COMMANDS {
            let expected = match states.contains(&state) {
                true => answer,
                false => "BAD",
            };
            // A session each: some commands change the state, and wrong ones are counted.
            let mut client = Client::connect(&world, state).await;
            assert_eq!(
                client.command(command).await,
                expected,
                "{command} in {state:?}"
            );
            assert_eq!(
                client.command("NOOP").await,
                "OK",
                "after {command} in {state:?}"
            );
        }
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_belongs_to_a_login() {
    let world = World::start().await;
    let mut client = Client::connect(&world, State::NotAuthenticated).await;
    assert_eq!(client.command("IDLE").await, "BAD");
    for state in [State::Authenticated, State::Selected] {
        let mut client = Client::connect(&world, state).await;
        client
            .stream
            .get_mut()
            .write_all(b"i IDLE\r\n")
            .await
            .unwrap();
        assert_eq!(client.line().await, "+ idling\r\n");
        client
            .stream
            .get_mut()
            .write_all(b"done\r\n")
            .await
            .unwrap();
        assert!(client.line().await.starts_with("i OK "), "{state:?}");
    }
    world.finish().await;
}

/// W19: a telephone opens a session for each folder that it watches. All of them are served, and all hear of what comes.
#[tokio::test(flavor = "multi_thread")]
async fn w19_many_sessions_of_one_account_idle() {
    const SESSIONS: usize = 40;
    let world = World::start().await;
    let mut watching = Vec::new();
    for _ in 0..SESSIONS {
        let mut client = Client::connect(&world, State::Selected).await;
        let begun = client.stream.get_mut().write_all(b"i IDLE\r\n").await;
        begun.unwrap();
        assert_eq!(client.line().await, "+ idling\r\n");
        watching.push(client);
    }
    let mut desk = Client::connect(&world, State::Authenticated).await;
    let append = "APPEND INBOX {12+}\r\nSubject: x\r\n";
    assert_eq!(desk.command(append).await, "OK");
    for client in &mut watching {
        assert_eq!(client.line().await, "* 1 EXISTS\r\n");
    }
    world.finish().await;
}

/// RFC 5465 §5.8: who is too far behind is told so, and then nothing more, until he asks again.
#[tokio::test(flavor = "multi_thread")]
async fn g07_notify_says_when_it_cannot_tell_everything() {
    let world = World::start().await;
    let mut client = Client::connect(&world, State::Authenticated).await;
    let notify = "NOTIFY SET (personal (MailboxName MessageNew MessageExpunge))";
    assert_eq!(client.command(notify).await, "OK");
    let write = world.services().store.write(|tx| {
        let alice = store::account::by_address(tx, "alice@example.com")?.unwrap();
        store::mailbox::create(tx, alice.id, "made", None)?;
        // The change log does not reach back to where the client was told.
        store::change::prune(tx, alice.id, store::ModSeq(alice.modseq.0 + 1))
    });
    write.await.unwrap();
    let line = client.line().await;
    assert!(line.starts_with("* OK [NOTIFICATIONOVERFLOW] "), "{line}");
    assert_eq!(client.command("CREATE untold").await, "OK");
    assert_eq!(client.command(notify).await, "OK");
    assert_eq!(client.command("CREATE told").await, "OK");
    assert_eq!(
        client.line().await,
        "* LIST (\\HasNoChildren) \"/\" told\r\n"
    );
    world.finish().await;
}

/// G6
#[tokio::test]
async fn g06_idle_shows_life_every_four_minutes() {
    let world = World::start().await;
    let mut client = Client::connect(&world, State::Selected).await;
    client
        .stream
        .get_mut()
        .write_all(b"i IDLE\r\n")
        .await
        .unwrap();
    assert_eq!(client.line().await, "+ idling\r\n");
    tokio::time::pause();
    for _ in 0..3 {
        let before = tokio::time::Instant::now();
        let mut line = String::new();
        client.stream.read_line(&mut line).await.unwrap();
        assert_eq!(line, "* OK Still here\r\n");
        let waited = before.elapsed().as_secs();
        assert!((230..=241).contains(&waited), "after {waited} s");
    }
    tokio::time::resume();
    world.finish().await;
}

/// Y22: octets that never become a command do not hold a connection.
#[tokio::test]
async fn y22_a_slow_client_is_cut_off_before_login() {
    let world = World::start().await;
    let mut client = Client::connect(&world, State::NotAuthenticated).await;
    tokio::time::pause();
    let before = tokio::time::Instant::now();
    let mut line = String::new();
    for _ in 0..100 {
        client.stream.get_mut().write_all(b"x").await.unwrap();
        let read = client.stream.read_line(&mut line);
        if timeout(Duration::from_secs(1), read).await.is_ok() {
            break;
        }
    }
    assert_eq!(line, "* BYE You were silent for too long.\r\n");
    assert!((55..=65).contains(&before.elapsed().as_secs()));
    tokio::time::resume();
    world.finish().await;
}

/// G5: both directions deflated, one way per connection; with IDLE, a large literal and pipelined commands.
#[tokio::test(flavor = "multi_thread")]
async fn g05_compress_works_with_idle_and_large_literals() {
    let world = World::start().await;
    let mut client = Compressed::connect(&world).await;
    let text = "All work and no play. ".repeat(20_000);
    let message = format!("Subject: long\r\n\r\n{text}\r\n");
    client
        .send(&format!(
            "a APPEND INBOX {{{}+}}\r\n{message}\r\n",
            message.len()
        ))
        .await;
    client.until("a OK").await;
    let before = client.received;
    client
        .send("b SELECT INBOX\r\nc FETCH 1 BODY.PEEK[]\r\n")
        .await;
    let answer = client.until("c OK").await;
    assert!(answer.contains(&text));
    assert!(
        client.received - before < answer.len() / 10,
        "a fraction of the octets"
    );
    client.send("d COMPRESS DEFLATE\r\n").await;
    assert!(client.until("d NO").await.contains("COMPRESSIONACTIVE"));
    client.send("e IDLE\r\n").await;
    client.until("+ idling").await;
    let mut other = Client::connect(&world, State::Authenticated).await;
    assert_eq!(
        other.command("APPEND INBOX {12+}\r\nSubject: x\r\n").await,
        "OK"
    );
    client.until("* 2 EXISTS").await;
    client.send("DONE\r\n").await;
    client.until("e OK").await;
    world.finish().await;
}

/// Y22: a gigabyte of nothing in a megabyte of octets is one long line; the session stays, and so does its memory.
#[tokio::test(flavor = "multi_thread")]
async fn y22_a_compression_bomb_is_a_line_too_long() {
    let world = World::start().await;
    let mut client = Compressed::connect(&world).await;
    client.send("a SEARCH ").await;
    let zeros = vec![b'0'; 1024 * 1024];
    for _ in 0..64 {
        client.send_octets(&zeros).await;
    }
    client.send("\r\nb NOOP\r\n").await;
    client.until("a BAD").await;
    client.until("b OK").await;
    // What is no deflated stream ends the session.
    client.stream.write_all(b"\xff\xff\xff\xff").await.unwrap();
    let mut rest = Vec::new();
    let ended = timeout(
        Duration::from_secs(30),
        client.stream.read_to_end(&mut rest),
    )
    .await;
    assert!(ended.is_ok());
    world.finish().await;
}

/// A client that has logged in and compresses.
struct Compressed {
    stream: TcpStream,
    deflate: flate2::Compress,
    inflate: flate2::Decompress,
    /// What was inflated and not taken yet.
    text: String,
    /// Octets from the network.
    received: usize,
}

impl Compressed {
    async fn connect(world: &World) -> Compressed {
        let mut client = Client::connect(world, State::Authenticated).await;
        assert_eq!(client.command("COMPRESS DEFLATE").await, "OK");
        assert!(client.stream.buffer().is_empty());
        Compressed {
            stream: client.stream.into_inner(),
            deflate: flate2::Compress::new(flate2::Compression::fast(), false),
            inflate: flate2::Decompress::new(false),
            text: String::new(),
            received: 0,
        }
    }

    async fn send(&mut self, text: &str) {
        self.send_octets(text.as_bytes()).await;
    }

    async fn send_octets(&mut self, octets: &[u8]) {
        let mut out = Vec::with_capacity(octets.len() + 1024);
        let flush = flate2::FlushCompress::Sync;
        self.deflate.compress_vec(octets, &mut out, flush).unwrap();
        self.stream.write_all(&out).await.unwrap();
    }

    /// What comes until a line that begins like this, that line included.
    async fn until(&mut self, begin: &str) -> String {
        loop {
            let line = self.text.find(&format!("\r\n{begin}")).map(|at| at + 2);
            let line = line.or(self.text.starts_with(begin).then_some(0));
            if let Some(end) =
                line.and_then(|at| self.text[at..].find("\r\n").map(|end| at + end + 2))
            {
                return self.text.drain(..end).collect();
            }
            let mut octets = vec![0; 16 * 1024];
            let read = timeout(Duration::from_secs(30), self.stream.read(&mut octets)).await;
            let read = read.unwrap().unwrap();
            assert_ne!(read, 0, "the server closed the connection");
            self.received += read;
            self.inflate(&octets[..read]);
        }
    }

    fn inflate(&mut self, mut octets: &[u8]) {
        loop {
            let before = self.inflate.total_in();
            let mut out = Vec::with_capacity(64 * 1024);
            let flush = flate2::FlushDecompress::Sync;
            self.inflate
                .decompress_vec(octets, &mut out, flush)
                .unwrap();
            octets = &octets[(self.inflate.total_in() - before) as usize..];
            self.text.push_str(&String::from_utf8_lossy(&out));
            if out.len() < out.capacity() {
                return;
            }
        }
    }
}

//! What sessions do beside the dialogue: proxies, large messages, slow and rude clients, a server that goes down, many at once.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

mod world;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use server::listen::Kind;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use world::{Setup, World};

/// Nothing here takes as long, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// A client that sends and reads as it is told.
struct Client(BufReader<TcpStream>);

impl Client {
    async fn connect(address: SocketAddr) -> Client {
        Client(BufReader::new(TcpStream::connect(address).await.unwrap()))
    }

    /// A client that has said EHLO.
    async fn greeted(world: &World, listener: Kind) -> Client {
        let mut client = Client::connect(world.address(listener)).await;
        assert_eq!(client.code().await, 220);
        assert_eq!(client.says("EHLO client.example\r\n").await, 250);
        client
    }

    async fn sends(&mut self, octets: &[u8]) {
        timeout(PATIENCE, self.0.write_all(octets))
            .await
            .expect("the server reads")
            .unwrap();
    }

    /// The next reply, all its lines; empty at the end of the stream.
    async fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let read = timeout(PATIENCE, self.0.read_line(&mut reply)).await;
            let octets = read.expect("a reply").unwrap();
            let last = reply.lines().last().unwrap_or_default();
            if octets == 0 || last.as_bytes().get(3) != Some(&b'-') {
                return reply;
            }
        }
    }

    async fn code(&mut self) -> u16 {
        let reply = self.reply().await;
        reply
            .get(..3)
            .and_then(|code| code.parse().ok())
            .unwrap_or_default()
    }

    /// The text of a 334 reply, decoded.
    async fn challenge(&mut self) -> String {
        let reply = self.reply().await;
        let coded = reply
            .strip_prefix("334 ")
            .unwrap_or_else(|| panic!("{reply}"));
        String::from_utf8(BASE64.decode(coded.trim_end()).unwrap()).unwrap()
    }

    async fn says(&mut self, text: &str) -> u16 {
        self.sends(text.as_bytes()).await;
        self.code().await
    }

    /// MAIL, RCPT and DATA for alice, up to the 354.
    async fn begins_message(&mut self) {
        assert_eq!(self.says("MAIL FROM:<a@client.example>\r\n").await, 250);
        assert_eq!(self.says("RCPT TO:<alice@example.com>\r\n").await, 250);
        assert_eq!(self.says("DATA\r\n").await, 354);
    }

    async fn is_closed(&mut self) {
        let mut rest = Vec::new();
        let read = timeout(PATIENCE, self.0.read_to_end(&mut rest)).await;
        // A reset is an end too.
        let _ = read.expect("the server closes");
        assert_eq!(rest.escape_ascii().to_string(), "");
    }
}

/// The newest message in alice's INBOX.
async fn newest(world: &World) -> String {
    let store = &world.services().store;
    let body = store
        .read(|tx| {
            let account = store::account::by_address(tx, "alice@example.com")?.unwrap();
            let inbox = store::mailbox::by_name(tx, account.id, "INBOX")?.unwrap();
            let all = [1..=u32::MAX];
            let found = store::entry::scan_contents(tx, account.id, inbox.id, &all, None, 1000)?;
            Ok(found.last().unwrap().1.body.clone())
        })
        .await
        .unwrap();
    let octets = store.read_body(&body, 0, body.size).await.unwrap();
    String::from_utf8(octets).unwrap()
}

fn with(key: &str, value: &str) -> Setup {
    Setup {
        settings: vec![(key.to_owned(), value.to_owned())],
        ..Setup::default()
    }
}

/// A PROXY v2 header for a client at 192.0.2.9.
fn proxy_header() -> Vec<u8> {
    let addresses = [192, 0, 2, 9, 127, 0, 0, 1, 0xc0, 0, 0, 25];
    [
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c".as_slice(),
        &addresses,
    ]
    .concat()
}

/// A33: behind a proxy, the client is who the proxy says; A29: its name is looked up, and is not known here.
#[tokio::test(flavor = "multi_thread")]
async fn a33_proxy_header() {
    let mut setup = with("listen.smtp.proxies", "[\"127.0.0.1\"]");
    // A stranger without a name whose message has almost no header would be asked to come again.
    setup
        .settings
        .push(("gate.greylist".to_owned(), "\"off\"".to_owned()));
    let world = World::start_with(&setup).await;
    let mut client = Client::connect(world.address(Kind::Smtp)).await;
    client.sends(&proxy_header()).await;
    assert_eq!(client.code().await, 220);
    assert_eq!(client.says("EHLO client.example\r\n").await, 250);
    client.begins_message().await;
    assert_eq!(client.says("Subject: x\r\n\r\n.\r\n").await, 250);
    let message = newest(&world).await;
    assert!(message.contains("[192.0.2.9]"), "{message}");
    assert_eq!(client.says("QUIT\r\n").await, 221);

    // Without the header there is no session.
    let mut rude = Client::connect(world.address(Kind::Smtp)).await;
    rude.sends(b"EHLO client.example\r\n").await;
    rude.is_closed().await;
    world.finish().await;
}

/// A33: who is not a proxy is not believed.
#[tokio::test(flavor = "multi_thread")]
async fn a33_others_are_not_believed() {
    let world = World::start_with(&with("listen.smtp.proxies", "[\"192.0.2.1\"]")).await;
    let mut client = Client::connect(world.address(Kind::Smtp)).await;
    client.sends(&proxy_header()).await;
    assert_eq!(client.code().await, 220);
    assert_eq!(client.code().await, 500);
    world.finish().await;
}

/// A7: the largest message goes through, one octet more does not; both arrive in pieces.
#[tokio::test(flavor = "multi_thread")]
async fn a07_the_largest_message() {
    const LIMIT: usize = 1 << 20;
    let world = World::start_with(&with("limits.message_size", "\"1M\"")).await;
    let mut client = Client::greeted(&world, Kind::Smtp).await;
    for (extra, code) in [(0, 250), (1, 552)] {
        client.begins_message().await;
        let head = "Subject: large\r\n\r\n";
        let body = "x".repeat(LIMIT + extra - head.len() - 2);
        for piece in format!("{head}{body}\r\n.\r\n").as_bytes().chunks(50_000) {
            client.sends(piece).await;
        }
        assert_eq!(client.code().await, code);
    }
    assert_eq!(world.messages_in("alice@example.com", "INBOX").await, Ok(1));
    assert_eq!(client.says("QUIT\r\n").await, 221);
    world.finish().await;
}

/// Dots and line ends come out as they went in, wherever the packets are cut.
#[tokio::test(flavor = "multi_thread")]
async fn octets_come_through_in_any_pieces() {
    let world = World::start().await;
    let mut client = Client::greeted(&world, Kind::Smtp).await;
    let text = "Subject: x\r\n\r\n..\r\n..a\r\n\r\n b..\r\n.c\r\n.\r\n";
    for size in [1, 2, 3, 7] {
        client.begins_message().await;
        for piece in text.as_bytes().chunks(size) {
            client.sends(piece).await;
            tokio::task::yield_now().await;
        }
        assert_eq!(client.code().await, 250);
        let message = newest(&world).await;
        assert!(
            message.ends_with("\r\n\r\n.\r\n.a\r\n\r\n b..\r\nc\r\n"),
            "{message}"
        );
    }
    world.finish().await;
}

/// 250 means stored: a client that hangs up before the end of its message leaves nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_without_end_is_not_stored() {
    let world = World::start().await;
    let mut client = Client::greeted(&world, Kind::Smtp).await;
    client.begins_message().await;
    client.sends(b"Subject: half\r\n\r\nand then").await;
    drop(client);
    let mut other = Client::greeted(&world, Kind::Smtp).await;
    other.begins_message().await;
    assert_eq!(other.says("Subject: whole\r\n\r\n.\r\n").await, 250);
    assert_eq!(world.messages_in("alice@example.com", "INBOX").await, Ok(1));
    world.finish().await;
}

/// A server that goes down finishes a message, and says goodbye to those who wait (421 4.3.2).
#[tokio::test(flavor = "multi_thread")]
async fn going_down_finishes_what_has_begun() {
    let world = World::start().await;
    let mut idle = Client::greeted(&world, Kind::Smtp).await;
    let mut busy = Client::greeted(&world, Kind::Smtp).await;
    busy.begins_message().await;
    world.services().shutdown.cancel();
    assert!(idle.reply().await.starts_with("421 4.3.2 "));
    idle.is_closed().await;
    busy.sends(b"Subject: last\r\n\r\n").await;
    assert_eq!(busy.says("one more line\r\n.\r\n").await, 250);
    assert_eq!(world.messages_in("alice@example.com", "INBOX").await, Ok(1));
    assert!(busy.reply().await.starts_with("421 4.3.2 "));
    busy.is_closed().await;
    world.finish().await;
}

/// The last reply reaches a client that keeps sending: the connection is not reset under it.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_reply_arrives() {
    let world = World::start().await;
    for _ in 0..10 {
        let mut client = Client::greeted(&world, Kind::Smtp).await;
        let flood = [b"BDAT nonsense\r\n".to_vec(), b"x".repeat(100_000)].concat();
        client.sends(&flood).await;
        assert_eq!(client.code().await, 501);
    }
    world.finish().await;
}

/// Many sessions at once, several messages each, over one connection each.
#[tokio::test(flavor = "multi_thread")]
async fn sessions_side_by_side() {
    const SESSIONS: usize = 20;
    const MESSAGES: usize = 5;
    let world = World::start().await;
    let address = world.address(Kind::Smtp);
    let send = move || async move {
        let mut client = Client::connect(address).await;
        assert_eq!(client.code().await, 220);
        assert_eq!(client.says("EHLO client.example\r\n").await, 250);
        for _ in 0..MESSAGES {
            client.begins_message().await;
            assert_eq!(client.says("Subject: one of many\r\n\r\n.\r\n").await, 250);
        }
        assert_eq!(client.says("QUIT\r\n").await, 221);
    };
    let senders: Vec<_> = (0..SESSIONS).map(|_| tokio::spawn(send())).collect();
    for sender in senders {
        sender.await.unwrap();
    }
    let stored = world.messages_in("alice@example.com", "INBOX").await;
    assert_eq!(stored, Ok((SESSIONS * MESSAGES) as u32));
    world.finish().await;
}

/// The SCRAM client's last message (RFC 5802 §3), and the signature that the server must show.
fn scram_final(first_bare: &str, challenge: &str) -> (String, String) {
    let field = |name: &str| {
        challenge
            .split(',')
            .find_map(|f| f.strip_prefix(name))
            .unwrap()
    };
    let mut salted = [0; 32];
    aws_lc_rs::pbkdf2::derive(
        aws_lc_rs::pbkdf2::PBKDF2_HMAC_SHA256,
        field("i=").parse().unwrap(),
        &BASE64.decode(field("s=")).unwrap(),
        world::PASSWORD.as_bytes(),
        &mut salted,
    );
    let mac = |key: &[u8], text: &[u8]| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text);
    let client_key = mac(&salted, b"Client Key");
    let stored_key = digest(&SHA256, client_key.as_ref());
    let without_proof = format!("c=biws,r={}", field("r="));
    let everything = format!("{first_bare},{challenge},{without_proof}");
    let signature = mac(stored_key.as_ref(), everything.as_bytes());
    let proof: Vec<u8> = std::iter::zip(client_key.as_ref(), signature.as_ref())
        .map(|(key, sign)| key ^ sign)
        .collect();
    let server_key = mac(&salted, b"Server Key");
    let shown = mac(server_key.as_ref(), everything.as_bytes());
    (
        format!("{without_proof},p={}", BASE64.encode(proof)),
        format!("v={}", BASE64.encode(shown)),
    )
}

/// Y12, B5: SCRAM within SMTP. The server proves itself in one more challenge, which the client answers with an empty line
/// (RFC 4954 §4, RFC 5802 §5).
#[tokio::test(flavor = "multi_thread")]
async fn y12_scram() {
    let world = World::start().await;
    let mut client = Client::greeted(&world, Kind::Submission).await;
    let first_bare = "n=alice@example.com,r=rOprNGfwEbeRWgbNEkqO";
    let first = BASE64.encode(format!("n,,{first_bare}"));
    client
        .sends(format!("AUTH SCRAM-SHA-256 {first}\r\n").as_bytes())
        .await;
    let challenge = client.challenge().await;
    let (last, signature) = scram_final(first_bare, &challenge);
    client
        .sends(format!("{}\r\n", BASE64.encode(last)).as_bytes())
        .await;
    assert_eq!(client.challenge().await, signature);
    assert_eq!(client.says("\r\n").await, 235);
    assert_eq!(client.says("MAIL FROM:<alice@example.com>\r\n").await, 250);
    world.finish().await;
}

/// X25: what happened is counted.
#[tokio::test(flavor = "multi_thread")]
async fn x25_sessions_are_counted() {
    let world = World::start().await;
    let mut client = Client::greeted(&world, Kind::Smtp).await;
    assert_eq!(client.says("MAIL FROM:<a@client.example>\r\n").await, 250);
    assert_eq!(client.says("RCPT TO:<nobody@example.com>\r\n").await, 550);
    let open = "pennyblack_connections{proto=\"smtp\",tls=\"no\"} 1";
    let text = world.services().metrics.text();
    assert!(text.contains(open), "{text}");
    assert_eq!(client.says("QUIT\r\n").await, 221);
    client.is_closed().await;
    let services = world.services().clone();
    world.finish().await;
    let text = services.metrics.text();
    for line in [
        "pennyblack_smtp_in_rejects_total{reason=\"rcpt\"} 1",
        "pennyblack_connections_total{proto=\"smtp\",result=\"ok\"} 1",
        "pennyblack_connections{proto=\"smtp\",tls=\"no\"} 0",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

/// A client that goes without TLS's own goodbye has hung up; that is no error of anybody.
#[tokio::test(flavor = "multi_thread")]
async fn hanging_up_without_close_notify_is_no_error() {
    let world = World::start().await;
    let stream = TcpStream::connect(world.address(Kind::Submissions)).await;
    let connector =
        tokio_rustls::TlsConnector::from(std::sync::Arc::new(world.client_tls().unwrap()));
    let name = rustls::pki_types::ServerName::try_from("mx1.example.com").unwrap();
    let mut tls = connector.connect(name, stream.unwrap()).await.unwrap();
    let mut greeting = [0; 3];
    tls.read_exact(&mut greeting).await.unwrap();
    assert_eq!(&greeting, b"220");
    // The connection below the TLS is closed, and the TLS never told.
    let (mut below, _) = tls.into_inner();
    below.shutdown().await.unwrap();
    let services = world.services().clone();
    let ended = async {
        while !services
            .metrics
            .text()
            .contains("proto=\"submissions\",result=")
        {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, ended).await.expect("the session ends");
    let text = services.metrics.text();
    let line = "pennyblack_connections_total{proto=\"submissions\",result=\"ok\"} 1";
    assert!(text.contains(line), "{text}");
    world.finish().await;
}

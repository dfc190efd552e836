//! Plays a dialog against a running server and says where the two part.

use super::pattern::{Captures, Pattern, expand};
use super::script::{Act, Script, Step};
use crate::world::World;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use server::listen::Kind;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a server may think before the dialog counts as broken. Nothing waits this long in a run that passes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Plays the dialog. The error is a message for people: where, what was expected, what came, and the whole conversation.
pub(crate) async fn play(name: &str, script: &Script, world: &World) -> Result<(), String> {
    let mut player = Player {
        script,
        world,
        wires: BTreeMap::new(),
        captures: Captures::new(),
        transcript: Vec::new(),
    };
    for step in &script.steps {
        player.step(step).await.map_err(|fault| {
            let said = player.transcript.join("\n    ");
            format!(
                "{name}:{}: {}\n  {fault}\n  the conversation:\n    {said}",
                step.line, step.text
            )
        })?;
    }
    Ok(())
}

struct Player<'a> {
    script: &'a Script,
    world: &'a World,
    wires: BTreeMap<u8, Wire>,
    captures: Captures,
    transcript: Vec<String>,
}

impl Player<'_> {
    async fn step(&mut self, step: &Step) -> Result<(), String> {
        let connection = step.connection;
        match &step.act {
            Act::Send(text) => {
                let line = expand(text, &self.captures) + "\r\n";
                self.send(connection, line.as_bytes()).await
            }
            Act::SendOctets(octets) => self.send(connection, octets).await,
            Act::Expect(pattern) => self.expect(connection, pattern).await,
            Act::SkipTo(pattern) => self.skip_to(connection, pattern).await,
            Act::Handshake => self.handshake(connection).await,
            Act::Compress => self.wire(connection).await?.compress(),
            Act::ExpectClose => self.expect_close(connection).await,
            Act::HangUp => {
                self.wires.remove(&connection);
                Ok(())
            }
            Act::Advance(time) => {
                self.world.advance(*time);
                Ok(())
            }
            Act::Holds {
                address,
                mailbox,
                messages,
            } => {
                let held = self.world.messages_in(address, mailbox).await?;
                equal(*messages, held, "messages in it")
            }
            Act::Ban(network) => self.world.ban(network).await,
            Act::Trap(address) => self.world.trap(address).await,
            Act::Queued(number) => equal(*number, self.world.queued().await?, "messages queued"),
        }
    }

    async fn wire(&mut self, connection: u8) -> Result<&mut Wire, String> {
        if !self.wires.contains_key(&connection) {
            let listener = self.script.listener(connection);
            let origin = self.script.origin(connection);
            let wire = Wire::open(listener, origin, self.world).await?;
            self.wires.insert(connection, wire);
        }
        Ok(self.wires.get_mut(&connection).expect("just opened"))
    }

    async fn send(&mut self, connection: u8, octets: &[u8]) -> Result<(), String> {
        self.note(connection, "C", octets);
        let wire = self.wire(connection).await?;
        // A server that has closed already is no fault here: `!close` or `S:` will tell.
        let _ = timeout(PATIENCE, wire.write(octets)).await;
        Ok(())
    }

    async fn line(&mut self, connection: u8) -> Result<String, String> {
        let line = self.wire(connection).await?.line().await?;
        self.note(connection, "S", &line);
        match line.strip_suffix(b"\r\n") {
            Some(text) => Ok(String::from_utf8_lossy(text).into_owned()),
            None => Err(format!("got a line that does not end in CRLF: {line:?}")),
        }
    }

    async fn expect(&mut self, connection: u8, pattern: &Pattern) -> Result<(), String> {
        let line = self.line(connection).await?;
        match pattern.matches(&line, &self.captures) {
            Some(captures) => {
                self.captures = captures;
                Ok(())
            }
            None => Err(format!("got:      {line}")),
        }
    }

    async fn skip_to(&mut self, connection: u8, pattern: &Pattern) -> Result<(), String> {
        while self.expect(connection, pattern).await.is_err() {
            let wire = self.wire(connection).await?;
            if let Some(end) = &wire.ended {
                return Err(format!("no such line came; {end}"));
            }
        }
        Ok(())
    }

    async fn handshake(&mut self, connection: u8) -> Result<(), String> {
        self.wire(connection).await?;
        let wire = self.wires.remove(&connection).expect("opened above");
        let wire = wire.handshake(self.world).await?;
        self.wires.insert(connection, wire);
        Ok(())
    }

    async fn expect_close(&mut self, connection: u8) -> Result<(), String> {
        match self.wire(connection).await?.line().await {
            Ok(line) => Err(format!("got:      {}", String::from_utf8_lossy(&line))),
            Err(_) if self.wires[&connection].ended == Some(End::Closed) => Ok(()),
            Err(why) => Err(why),
        }
    }

    fn note(&mut self, connection: u8, who: &str, octets: &[u8]) {
        let mut text = octets.escape_ascii().to_string();
        if text.len() > 400 {
            text = format!("{}… ({} octets)", &text[..400], octets.len());
        }
        self.transcript
            .push(format!("[{connection}] {who}: {text}"));
    }
}

fn equal<T: PartialEq + std::fmt::Display>(expected: T, got: T, what: &str) -> Result<(), String> {
    match expected == got {
        true => Ok(()),
        false => Err(format!("expected {expected} {what}, got {got}")),
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Why nothing more can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Closed,
    Silent,
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            End::Closed => "the server closed the connection",
            End::Silent => "the server said nothing",
        })
    }
}

/// PROXY v2: a TCP connection from there to port 25 here.
fn proxy_header(origin: IpAddr) -> Vec<u8> {
    let (family, client, server) = match origin {
        IpAddr::V4(four) => (0x11, four.octets().to_vec(), vec![127, 0, 0, 1]),
        IpAddr::V6(six) => (
            0x21,
            six.octets().to_vec(),
            Ipv6Addr::LOCALHOST.octets().to_vec(),
        ),
    };
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21".to_vec();
    header.extend([family, 0, client.len() as u8 * 2 + 4]);
    header.extend([client, server].concat());
    header.extend([0xc0, 0, 0, 25]);
    header
}

/// A client's end of a connection.
struct Wire {
    stream: Box<dyn Stream>,
    received: Vec<u8>,
    ended: Option<End>,
    /// After `!compress`.
    deflate: Option<Deflate>,
}

/// Both directions of a connection that is deflated (RFC 4978).
struct Deflate {
    out: Compress,
    back: Decompress,
}

impl Deflate {
    fn deflated(&mut self, octets: &[u8]) -> Vec<u8> {
        // Deflated text that does not shrink grows by a few octets.
        let mut out = Vec::with_capacity(octets.len() + 1024);
        let done = self.out.compress_vec(octets, &mut out, FlushCompress::Sync);
        done.expect("a stream that goes on");
        assert!(out.len() < out.capacity(), "all of it fits");
        out
    }

    fn inflated(&mut self, mut octets: &[u8]) -> Result<Vec<u8>, String> {
        let mut all = Vec::new();
        while !octets.is_empty() {
            let (before, mut piece) = (self.back.total_in(), Vec::with_capacity(64 * 1024));
            let done = self
                .back
                .decompress_vec(octets, &mut piece, FlushDecompress::Sync);
            done.map_err(|why| format!("what the server sent is not deflated: {why}"))?;
            octets = &octets[(self.back.total_in() - before) as usize..];
            all.extend(piece);
        }
        Ok(all)
    }
}

impl Wire {
    async fn open(listener: Kind, origin: Option<IpAddr>, world: &World) -> Result<Wire, String> {
        let mut stream = TcpStream::connect(world.address(listener))
            .await
            .map_err(|e| format!("could not connect: {e}"))?;
        if let Some(origin) = origin {
            let header = proxy_header(origin);
            let sent = stream.write_all(&header).await;
            sent.map_err(|e| format!("could not send the PROXY header: {e}"))?;
        }
        let wire = Wire {
            stream: Box::new(stream),
            received: Vec::new(),
            ended: None,
            deflate: None,
        };
        match listener {
            Kind::Submissions | Kind::Imaps | Kind::Pop3s => wire.handshake(world).await,
            _ => Ok(wire),
        }
    }

    async fn handshake(self, world: &World) -> Result<Wire, String> {
        if !self.received.is_empty() {
            return Err("the server sent octets before the handshake".into());
        }
        let connector = tokio_rustls::TlsConnector::from(Arc::new(world.client_tls()?));
        let name = rustls::pki_types::ServerName::try_from("mx1.example.com").expect("a name");
        let stream = timeout(PATIENCE, connector.connect(name, self.stream))
            .await
            .map_err(|_| "the handshake did not end")?
            .map_err(|e| format!("the handshake failed: {e}"))?;
        Ok(Wire {
            stream: Box::new(stream),
            received: Vec::new(),
            ended: None,
            deflate: None,
        })
    }

    fn compress(&mut self) -> Result<(), String> {
        if !self.received.is_empty() {
            return Err("the server went on before it deflated".into());
        }
        self.deflate = Some(Deflate {
            out: Compress::new(Compression::default(), false),
            back: Decompress::new(false),
        });
        Ok(())
    }

    async fn write(&mut self, octets: &[u8]) -> std::io::Result<()> {
        match &mut self.deflate {
            None => self.stream.write_all(octets).await?,
            Some(deflate) => {
                let deflated = deflate.deflated(octets);
                self.stream.write_all(&deflated).await?;
            }
        }
        self.stream.flush().await
    }

    /// The next line with its end.
    async fn line(&mut self) -> Result<Vec<u8>, String> {
        loop {
            if let Some(at) = self.received.iter().position(|&b| b == b'\n') {
                return Ok(self.received.drain(..=at).collect());
            }
            let mut buffer = [0; 8192];
            let end = match timeout(PATIENCE, self.stream.read(&mut buffer)).await {
                Ok(Ok(0)) | Ok(Err(_)) => End::Closed,
                Err(_) => End::Silent,
                Ok(Ok(n)) => {
                    match &mut self.deflate {
                        None => self.received.extend_from_slice(&buffer[..n]),
                        Some(deflate) => self.received.extend(deflate.inflated(&buffer[..n])?),
                    }
                    continue;
                }
            };
            self.ended = Some(end);
            let rest = self.received.escape_ascii();
            return Err(format!("{end} (unfinished line: \"{rest}\")"));
        }
    }
}

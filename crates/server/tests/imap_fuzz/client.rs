//! A client that reads whole responses and says what is wrong with them.

use crate::world::{PASSWORD, World};
use server::listen::Kind;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long the server may think. Nothing waits this long in a run that passes.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    tags: u32,
}

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Untagged responses before it.
    pub(crate) untagged: Vec<String>,
    /// OK, NO or BAD; empty if the server closed the connection.
    pub(crate) condition: String,
    /// What came behind that.
    pub(crate) text: String,
}

impl Answer {
    /// The server closed the connection.
    pub(crate) fn ended(&self) -> bool {
        self.condition.is_empty()
    }
}

impl Client {
    pub(crate) async fn connect(world: &World) -> Client {
        let stream = TcpStream::connect(world.address(Kind::Imap)).await.unwrap();
        let mut client = Client {
            stream: BufReader::new(stream),
            tags: 0,
        };
        client.response().await.expect("a greeting");
        client
    }

    pub(crate) async fn log_in(world: &World, who: &str) -> Client {
        let mut client = Client::connect(world).await;
        let login = format!("LOGIN {who}@example.com \"{PASSWORD}\"");
        assert_eq!(client.command(login.as_bytes()).await.condition, "OK");
        client
    }

    /// Sends octets as they are.
    pub(crate) async fn send(&mut self, octets: &[u8]) {
        // A server that has closed already is no fault here: the answer will tell.
        let _ = self.stream.get_mut().write_all(octets).await;
    }

    /// A command with its answer. A server that asks for more gets what ends the exchange.
    pub(crate) async fn command(&mut self, command: &[u8]) -> Answer {
        self.tags += 1;
        let tag = format!("T{}", self.tags);
        let mut octets = format!("{tag} ").into_bytes();
        octets.extend_from_slice(command);
        octets.extend_from_slice(b"\r\n");
        self.send(&octets).await;
        let mut untagged = Vec::new();
        loop {
            let Some(response) = self.response().await else {
                return Answer {
                    untagged,
                    condition: String::new(),
                    text: String::new(),
                };
            };
            if let Some(answer) = response.strip_prefix(&format!("{tag} ")) {
                let (condition, text) = answer.split_once(' ').unwrap_or((answer, ""));
                return Answer {
                    untagged,
                    condition: condition.into(),
                    text: text.trim_end().into(),
                };
            }
            if response.starts_with("+ idling") {
                self.send(b"DONE\r\n").await;
            } else if response.starts_with('+') {
                self.send(b"*\r\n").await;
            } else {
                untagged.push(response);
            }
        }
    }

    /// The next response with its literals; `None` if the server closed the connection.
    pub(crate) async fn response(&mut self) -> Option<String> {
        let mut octets = Vec::new();
        loop {
            let begin = octets.len();
            let read = self.stream.read_until(b'\n', &mut octets);
            let read = timeout(PATIENCE, read).await.expect("the server answers");
            if read.unwrap_or(0) == 0 || octets.last() != Some(&b'\n') {
                return None;
            }
            let Some(size) = literal(&octets[begin..]) else {
                break;
            };
            let begin = octets.len();
            octets.resize(begin + size, 0);
            let read = self.stream.read_exact(&mut octets[begin..]);
            let read = timeout(PATIENCE, read).await.expect("the server answers");
            read.ok()?;
        }
        let response = String::from_utf8_lossy(&octets).into_owned();
        if let Err(why) = well_formed(&octets) {
            panic!("{why}: {response}");
        }
        Some(response)
    }
}

/// The size of the literal that a line announces.
fn literal(line: &[u8]) -> Option<usize> {
    let line = line.strip_suffix(b"}\r\n")?;
    let open = line.iter().rposition(|octet| *octet == b'{')?;
    std::str::from_utf8(&line[open + 1..]).ok()?.parse().ok()
}

/// Lines end in CRLF, quotes and parentheses are closed, no octet is NUL. Texts for people may hold anything.
fn well_formed(octets: &[u8]) -> Result<(), &'static str> {
    let text = String::from_utf8_lossy(octets);
    let words: Vec<&str> = text.splitn(3, ' ').collect();
    if words
        .get(1)
        .is_some_and(|word| ["OK", "NO", "BAD", "BYE", "PREAUTH"].contains(word))
        || octets.starts_with(b"+")
    {
        return match octets.ends_with(b"\r\n") {
            true => Ok(()),
            false => Err("a line without CRLF"),
        };
    }
    if !octets.starts_with(b"* ") {
        return Err("neither tagged nor untagged");
    }
    let (mut depth, mut rest) = (0i32, octets);
    while let [first, after @ ..] = rest {
        rest = after;
        match first {
            b'"' => rest = after_quoted(rest)?,
            b'{' => {
                let end = rest
                    .iter()
                    .position(|o| *o == b'\n')
                    .ok_or("a literal without octets")?;
                let size = literal(
                    &octets[octets.len() - rest.len() - 1..octets.len() - rest.len() + end + 1],
                );
                let size = size.ok_or("a brace that is no literal")?;
                rest = rest
                    .get(end + 1 + size..)
                    .ok_or("a literal that is too short")?;
            }
            b'(' => depth += 1,
            b')' if depth == 0 => return Err("a parenthesis too many"),
            b')' => depth -= 1,
            b'\0' => return Err("a NUL"),
            b'\r' if rest != b"\n" => return Err("CR in the middle"),
            _ => {}
        }
    }
    match depth == 0 && octets.ends_with(b"\r\n") {
        true => Ok(()),
        false => Err("not closed"),
    }
}

fn after_quoted(mut rest: &[u8]) -> Result<&[u8], &'static str> {
    loop {
        match rest {
            [b'\\', _, after @ ..] => rest = after,
            [b'"', after @ ..] => return Ok(after),
            [b'\r' | b'\n' | b'\0', ..] | [] => return Err("a quote that is not closed"),
            [_, after @ ..] => rest = after,
        }
    }
}

#[test]
fn what_is_wrong_is_seen() {
    for right in [
        "* LIST (\\x) \"/\" a\r\n",
        "* 1 FETCH (BODY[] {3}\r\n)\"( X {0}\r\n)\r\n",
        "t OK )\r\n",
        "* X \"(\\\"\"\r\n",
    ] {
        assert_eq!(well_formed(right.as_bytes()), Ok(()), "{right}");
    }
    for wrong in [
        "* LIST (\r\n",
        "* X )\r\n",
        "* X \"\r\n",
        "x\r\n",
        "* X\n",
        "* {9}\r\nabc\r\n",
        "* a\rb\r\n",
    ] {
        assert!(well_formed(wrong.as_bytes()).is_err(), "{wrong}");
    }
}

//! Hands a message to the running server over its local socket, where the user id of this process says who sends. SMTP is spoken,
//! with one difference to a mail server's dealings: it goes to all recipients or, if one is refused, to nobody, so that the caller knows.

use super::failure::{Exit, Failure};
use super::input::Input;
use super::letter::Letter;
use super::options::Dialogue;
use message::Address;
use smtp::Reply;
use smtp::client::Replies;
use std::io::{self, BufRead, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(600);
/// Octets that are gathered before they are written.
const GATHERED: usize = 64 * 1024;

/// Why the server does not have the message.
#[derive(Debug)]
pub enum Missed {
    /// It cannot take any now, and has not been given the message: it may be kept for later.
    NotNow(String),
    /// For good, or after the message was read.
    Failed(Failure),
}

impl From<Failure> for Missed {
    fn from(failure: Failure) -> Missed {
        Missed::Failed(failure)
    }
}

/// A conversation with the server.
pub struct Server {
    stream: UnixStream,
    replies: Replies,
    hostname: String,
    /// Whether it knows NOTIFY, RET and ENVID.
    dsn: bool,
    dialogue: Dialogue,
}

impl Server {
    /// Calls the server.
    pub fn call(socket: &Path, dialogue: Dialogue) -> Result<Server, Missed> {
        let away = |why: io::Error| match why.kind() {
            io::ErrorKind::PermissionDenied => Missed::Failed(Failure::new(
                Exit::NoPermission,
                format!("may not use {}: {why}", socket.display()),
            )),
            _ => Missed::NotNow(format!("no server answers on {}: {why}", socket.display())),
        };
        let stream = UnixStream::connect(socket).map_err(away)?;
        let _ = stream.set_read_timeout(Some(PATIENCE));
        let mut server = Server {
            stream,
            replies: Replies::default(),
            hostname: String::new(),
            dsn: false,
            dialogue,
        };
        let greeting = server.reply()?;
        accepted(&greeting, None)?;
        let first = greeting
            .lines
            .first()
            .map(String::as_str)
            .unwrap_or_default();
        server.hostname = first.split(' ').next().unwrap_or_default().to_owned();
        let hello = server.command("EHLO localhost")?;
        accepted(&hello, None)?;
        server.dsn = hello.lines.iter().any(|line| line == "DSN");
        Ok(server)
    }

    /// The server's own name.
    pub fn hostname(&self) -> &str {
        &self.hostname
    }

    /// Says who sends and to whom; then the server waits for the message.
    pub fn envelope(&mut self, letter: &Letter) -> Result<(), Missed> {
        let mail = self.command(&self.mail(letter))?;
        accepted(&mail, None)?;
        for recipient in &letter.recipients {
            let mut line = format!("RCPT TO:<{recipient}>");
            if let Some(notify) = letter.notify.as_ref().filter(|_| self.dsn) {
                line += &format!(" NOTIFY={notify}");
            }
            let rcpt = self.command(&line)?;
            accepted(&rcpt, Some(recipient))?;
        }
        let data = self.command("DATA")?;
        match data.code {
            354 => Ok(()),
            _ => Err(accepted(&data, None).err().unwrap_or_else(misunderstood)),
        }
    }

    /// Gives the message: what is known of it, and the rest of the input. Says how the server calls it.
    pub fn message<R: BufRead>(
        mut self,
        begin: &[u8],
        mut rest: Input<R>,
    ) -> Result<String, Failure> {
        let mut out = Vec::with_capacity(GATHERED + 4096);
        let mut fresh = stuffed(begin, true, &mut out);
        let mut piece = Vec::new();
        loop {
            rest.next(&mut piece)?;
            if piece.is_empty() {
                break;
            }
            fresh = stuffed(&piece, fresh, &mut out);
            if out.len() >= GATHERED {
                self.write(&out)?;
                out.clear();
            }
        }
        out.extend_from_slice(b".\r\n");
        self.write(&out)?;
        let done = self.reply_to_message()?;
        if done.code != 250 {
            return Err(Failure::refused(&done, None));
        }
        let _ = self.write(b"QUIT\r\n");
        Ok(done.lines.join(" "))
    }

    fn reply_to_message(&mut self) -> Result<Reply, Failure> {
        self.reply().map_err(|missed| match missed {
            Missed::Failed(failure) => failure,
            Missed::NotNow(why) => Failure::new(Exit::TempFail, why),
        })
    }

    fn command(&mut self, line: &str) -> Result<Reply, Missed> {
        if self.dialogue == Dialogue::Shown {
            eprintln!(">>> {line}");
        }
        self.write(format!("{line}\r\n").as_bytes())
            .map_err(|why| Missed::NotNow(why.message))?;
        self.reply()
    }

    fn write(&mut self, octets: &[u8]) -> Result<(), Failure> {
        let written = self.stream.write_all(octets);
        written.map_err(|why| Failure::new(Exit::TempFail, format!("the server hung up: {why}")))
    }

    fn reply(&mut self) -> Result<Reply, Missed> {
        let lost = |why: io::Error| Missed::NotNow(format!("the server hung up: {why}"));
        loop {
            if let Some(reply) = self.replies.next().map_err(|_| misunderstood())? {
                if self.dialogue == Dialogue::Shown {
                    eprintln!("<<< {}", smtp::client::spoken(&reply));
                }
                return Ok(reply);
            }
            let mut octets = [0; 4096];
            match self.stream.read(&mut octets).map_err(lost)? {
                0 => return Err(lost(io::ErrorKind::UnexpectedEof.into())),
                read => self.replies.feed(&octets[..read]),
            }
        }
    }

    fn mail(&self, letter: &Letter) -> String {
        let mut line = format!("MAIL FROM:<{}> BODY=8BITMIME", letter.sender);
        let addresses = letter.recipients.iter().chain([&letter.sender]);
        if addresses.clone().any(|address| needs_smtputf8(address)) {
            line += " SMTPUTF8";
        }
        if let Some(ret) = letter.ret.as_ref().filter(|_| self.dsn) {
            line += &format!(" RET={ret}");
        }
        if let Some(envid) = letter.envid.as_ref().filter(|_| self.dsn) {
            line += &format!(" ENVID={}", smtp::xtext::encode(envid));
        }
        line
    }
}

fn needs_smtputf8(address: &str) -> bool {
    Address::parse(address).is_ok_and(|address| address.needs_smtputf8()) || !address.is_ascii()
}

/// A server that cannot now says 4xx before it has the message.
fn accepted(reply: &Reply, whom: Option<&str>) -> Result<(), Missed> {
    match reply.code {
        200..300 => Ok(()),
        400..500 => Err(Missed::NotNow(smtp::client::spoken(reply))),
        _ => Err(Failure::refused(reply, whom).into()),
    }
}

fn misunderstood() -> Missed {
    let message = "the server answered something that is no reply: is it of another version?";
    Missed::Failed(Failure::new(Exit::Software, message))
}

/// Appends octets with their dots doubled at the beginning of lines; says whether the next ones begin a line.
fn stuffed(octets: &[u8], fresh: bool, out: &mut Vec<u8>) -> bool {
    let mut fresh = fresh;
    for line in octets.split_inclusive(|octet| *octet == b'\n') {
        if fresh && line.starts_with(b".") {
            out.push(b'.');
        }
        out.extend_from_slice(line);
        fresh = line.ends_with(b"\n");
    }
    fresh
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_doubled_where_lines_begin() {
        let mut out = Vec::new();
        let fresh = stuffed(b".a\r\nb.\r\n..\r\n.", true, &mut out);
        assert!(!fresh);
        assert_eq!(out, b"..a\r\nb.\r\n...\r\n..");
        assert!(stuffed(b".x\n", false, &mut out));
        assert!(out.ends_with(b"...x\n"));
    }
}

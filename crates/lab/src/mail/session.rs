//! One conversation of a mail host: plain SMTP (RFC 5321), line by line, with no more cleverness than a peer needs.

use super::{Behaviour, Host, Received, Starttls, State};
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A client that says nothing for so long is left.
const IDLE: Duration = Duration::from_secs(120);
/// Octets of a message, or of a command.
const LARGEST: usize = 60_000_000;

/// A connection, encrypted or not.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// What follows a command.
enum Next {
    Continue,
    StartTls,
    /// Close without another word.
    End,
}

struct Session {
    state: Arc<State>,
    host: Host,
    connection: u64,
    stream: BufReader<Box<dyn Stream>>,
    tls: bool,
    peer: IpAddr,
    login: Option<String>,
    /// LHLO was said: a reply for each recipient.
    lmtp: bool,
    hello: Option<String>,
    /// The argument of MAIL FROM.
    mail: Option<String>,
    /// The arguments of RCPT TO.
    rcpt: Vec<String>,
    /// What BDAT has brought so far.
    chunks: Vec<u8>,
}

/// Holds a conversation until either side ends it.
pub(super) async fn serve(stream: TcpStream, host: usize, state: Arc<State>) {
    let connection = *state.connections.borrow();
    let peer = stream
        .peer_addr()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    let mut session = Session {
        host: state.hosts[host].clone(),
        state,
        connection,
        stream: BufReader::new(Box::new(stream)),
        tls: false,
        peer,
        login: None,
        lmtp: false,
        hello: None,
        mail: None,
        rcpt: Vec::new(),
        chunks: Vec::new(),
    };
    // A lost connection is the client's affair.
    let _ = session.run().await;
}

impl Session {
    async fn run(&mut self) -> io::Result<()> {
        let greeting = self.host.greeting.clone();
        self.say(&greeting).await?;
        if !greeting.starts_with("220") {
            return Ok(());
        }
        loop {
            let Some(line) = self.line().await? else {
                return Ok(());
            };
            match self.command(&line).await? {
                Next::Continue => {}
                Next::StartTls => self.start_tls().await?,
                Next::End => return self.stream.get_mut().shutdown().await,
            }
        }
    }

    /// A line without CRLF; `None` at the end of the connection.
    async fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        let mut bounded = (&mut self.stream).take(LARGEST as u64);
        tokio::time::timeout(IDLE, bounded.read_until(b'\n', &mut line)).await??;
        if line.is_empty() {
            return Ok(None);
        }
        self.check_line(&line);
        let text = String::from_utf8_lossy(&line)
            .trim_end_matches(['\r', '\n'])
            .to_string();
        Ok(Some(text))
    }

    /// RFC 5321 §2.3.8: CR and LF only ever come together.
    fn check_line(&self, line: &[u8]) {
        let inside = line.strip_suffix(b"\r\n");
        if inside.is_none_or(|inside| inside.iter().any(|octet| matches!(octet, b'\r' | b'\n'))) {
            let shown = String::from_utf8_lossy(line);
            self.state.fault(format!("bare CR or LF in {shown:?}"));
        }
    }

    async fn say(&mut self, reply: &str) -> io::Result<()> {
        let reply = format!("{reply}\r\n");
        let stream = self.stream.get_mut();
        stream.write_all(reply.as_bytes()).await?;
        stream.flush().await
    }

    async fn drip(&mut self, reply: &str) -> io::Result<()> {
        for octet in format!("{reply}\r\n").bytes() {
            tokio::time::sleep(self.state.drip).await;
            self.stream.get_mut().write_all(&[octet]).await?;
            self.stream.get_mut().flush().await?;
        }
        Ok(())
    }

    async fn command(&mut self, line: &str) -> io::Result<Next> {
        let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => self.ehlo(argument).await,
            "LHLO" => {
                self.lmtp = true;
                self.ehlo(argument).await
            }
            "AUTH" => self.auth(argument).await,
            "HELO" => {
                self.hello = Some(argument.to_string());
                self.answer("250 mx.lab").await
            }
            "STARTTLS" if !self.tls && !matches!(self.host.starttls, Starttls::Missing) => {
                self.say("220 2.0.0 Go ahead").await?;
                Ok(Next::StartTls)
            }
            "MAIL" => self.mail(argument).await,
            "RCPT" => self.rcpt(argument).await,
            "DATA" => self.data().await,
            "BDAT" => self.bdat(argument).await,
            "RSET" => {
                self.reset();
                self.answer("250 2.0.0 Forgotten").await
            }
            "NOOP" => self.answer("250 2.0.0 Here").await,
            "QUIT" => {
                self.say("221 2.0.0 Bye").await?;
                Ok(Next::End)
            }
            _ => self.answer("500 5.5.2 No such command").await,
        }
    }

    async fn answer(&mut self, reply: &str) -> io::Result<Next> {
        self.say(reply).await?;
        Ok(Next::Continue)
    }

    fn reset(&mut self) {
        self.mail = None;
        self.rcpt.clear();
        self.chunks.clear();
    }

    async fn ehlo(&mut self, name: &str) -> io::Result<Next> {
        self.reset();
        self.hello = Some(name.to_string());
        let mut lines = vec!["mx.lab".to_string()];
        lines.extend(self.host.extensions.iter().cloned());
        if !self.tls && !matches!(self.host.starttls, Starttls::Missing) {
            lines.push("STARTTLS".to_string());
        }
        let last = lines.pop().unwrap_or_default();
        let mut reply: String = lines.iter().map(|line| format!("250-{line}\r\n")).collect();
        reply += &format!("250 {last}");
        self.answer(&reply).await
    }

    async fn start_tls(&mut self) -> io::Result<()> {
        let Starttls::Works(config) = self.host.starttls.clone() else {
            // First let the client begin its handshake: octets before that would be another fault.
            self.stream.read_u8().await?;
            self.stream
                .get_mut()
                .write_all(b"this is not TLS\r\n")
                .await?;
            return Err(io::ErrorKind::ConnectionAborted.into());
        };
        let plain: Box<dyn Stream> = Box::new(tokio::io::empty());
        let plain = std::mem::replace(&mut self.stream, BufReader::new(plain)).into_inner();
        let acceptor = tokio_rustls::TlsAcceptor::from(config);
        self.stream = BufReader::new(Box::new(acceptor.accept(plain).await?));
        self.tls = true;
        self.hello = None;
        Ok(())
    }

    /// PLAIN with an initial response; `wrong` as the password is wrong.
    async fn auth(&mut self, argument: &str) -> io::Result<Next> {
        let response = argument.strip_prefix("PLAIN ").unwrap_or_default();
        let login = plain(response);
        if login.is_empty() || login.ends_with("\0wrong") {
            return self.answer("535 5.7.8 Who are you?").await;
        }
        self.login = Some(login);
        self.answer("235 2.7.0 Welcome").await
    }

    async fn mail(&mut self, argument: &str) -> io::Result<Next> {
        let Some(path) = argument.strip_prefix("FROM:") else {
            return self.answer("501 5.5.4 MAIL FROM:<address>").await;
        };
        if self.hello.is_none() || self.mail.is_some() {
            self.state.fault(format!("MAIL out of order: {argument}"));
            return self.answer("503 5.5.1 Not now").await;
        }
        if Behaviour::of(&address(path)) == Some(Behaviour::TempfailMail) {
            return self.answer("451 4.3.0 Not from you, not now").await;
        }
        self.mail = Some(path.to_string());
        self.answer("250 2.1.0 Sender ok").await
    }

    async fn rcpt(&mut self, argument: &str) -> io::Result<Next> {
        let (Some(mail), Some(path)) = (self.mail.clone(), argument.strip_prefix("TO:")) else {
            return self
                .answer("503 5.5.1 MAIL first, then RCPT TO:<address>")
                .await;
        };
        let to = address(path);
        let behaviour = Behaviour::of(&to);
        if let Some(refusal) = behaviour.and_then(Behaviour::refuses_rcpt) {
            return self.answer(refusal).await;
        }
        match behaviour {
            Some(Behaviour::Greylist) if self.first_time(Behaviour::Greylist, &mail, &to) => {
                return self
                    .answer("451 4.7.1 I do not know you yet, come again in a few minutes")
                    .await;
            }
            Some(Behaviour::NoStarttls) if !matches!(self.host.starttls, Starttls::Missing) => {
                return self.elsewhere().await;
            }
            Some(Behaviour::BadTls) if !matches!(self.host.starttls, Starttls::Broken) => {
                return self.elsewhere().await;
            }
            _ => {}
        }
        self.rcpt.push(path.to_string());
        match behaviour {
            Some(Behaviour::Slow) => self.drip("250 2.1.5 Recipient ok, at last").await?,
            _ => self.say("250 2.1.5 Recipient ok").await?,
        }
        Ok(Next::Continue)
    }

    async fn elsewhere(&mut self) -> io::Result<Next> {
        self.say("421 4.3.2 This recipient is served by another host of the domain")
            .await?;
        Ok(Next::End)
    }

    fn first_time(&self, behaviour: Behaviour, mail: &str, to: &str) -> bool {
        self.state.first_time(behaviour, &address(mail), to)
    }

    async fn data(&mut self) -> io::Result<Next> {
        if self.rcpt.is_empty() {
            self.state.fault("DATA without a recipient".to_string());
            return self.answer("503 5.5.1 RCPT first").await;
        }
        self.say("354 Go ahead, end with a dot").await?;
        let mut data = Vec::new();
        loop {
            let start = data.len();
            if self.stream.read_until(b'\n', &mut data).await? == 0 || data.len() > LARGEST {
                return Ok(Next::End);
            }
            self.check_line(&data[start..]);
            match &data[start..] {
                b".\r\n" => {
                    data.truncate(start);
                    return self.end_of_message(data).await;
                }
                [b'.', ..] => drop(data.remove(start)),
                _ => {}
            }
        }
    }

    async fn bdat(&mut self, argument: &str) -> io::Result<Next> {
        let mut words = argument.split(' ');
        let length = words.next().and_then(|word| word.parse::<usize>().ok());
        let Some(length) = length.filter(|length| *length <= LARGEST) else {
            return self.answer("501 5.5.4 BDAT length [LAST]").await;
        };
        let mut chunk = vec![0; length];
        self.stream.read_exact(&mut chunk).await?;
        self.chunks.append(&mut chunk);
        if self.rcpt.is_empty() {
            return self.answer("503 5.5.1 RCPT first").await;
        }
        match words.next() {
            Some("LAST") => {
                let data = std::mem::take(&mut self.chunks);
                data.split_inclusive(|octet| *octet == b'\n')
                    .for_each(|line| self.check_line(line));
                self.end_of_message(data).await
            }
            _ => self.answer("250 2.0.0 More").await,
        }
    }

    async fn end_of_message(&mut self, data: Vec<u8>) -> io::Result<Next> {
        let message = self.received(data);
        let message_recipients = message.to.len();
        let behaviours: Vec<Behaviour> = message
            .to
            .iter()
            .filter_map(|to| Behaviour::of(to))
            .collect();
        self.reset();
        if let Some(refusal) = behaviours
            .iter()
            .find_map(|behaviour| behaviour.refuses_data())
        {
            return self.answer(refusal).await;
        }
        if self.first_of(Behaviour::Drop, &message) {
            return Ok(Next::End);
        }
        let doubt = self.first_of(Behaviour::Doubt, &message);
        self.state.record(message)?;
        if doubt {
            return Ok(Next::End);
        }
        let replies = if self.lmtp { message_recipients } else { 1 };
        for _ in 0..replies {
            self.say("250 2.0.0 Taken").await?;
        }
        match behaviours.contains(&Behaviour::Late) {
            true => Ok(Next::End),
            false => Ok(Next::Continue),
        }
    }

    /// Is somebody of this behaviour among the recipients, for the first time?
    fn first_of(&self, behaviour: Behaviour, message: &Received) -> bool {
        let fitting = |to: &&String| Behaviour::of(to) == Some(behaviour);
        let mut first = false;
        for to in message.to.iter().filter(fitting) {
            first |= self.first_time(behaviour, &message.mail, to);
        }
        first
    }

    fn received(&self, data: Vec<u8>) -> Received {
        let mail = self.mail.clone().unwrap_or_default();
        Received {
            host: self.host.address,
            connection: self.connection,
            peer: self.peer,
            login: self.login.clone(),
            hello: self.hello.clone().unwrap_or_default(),
            tls: self.tls,
            from: address(&mail),
            mail,
            to: self.rcpt.iter().map(|path| address(path)).collect(),
            rcpt: self.rcpt.clone(),
            data,
        }
    }
}

/// Base64 of `\0user\0password`, decoded, without its first NUL.
fn plain(response: &str) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count, mut octets) = (0u32, 0, Vec::new());
    for letter in response
        .bytes()
        .filter_map(|octet| LETTERS.iter().position(|one| *one == octet))
    {
        bits = bits << 6 | letter as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            octets.push((bits >> count) as u8);
        }
    }
    String::from_utf8_lossy(&octets)
        .trim_start_matches('\0')
        .to_string()
}

/// The address in `<address> PARAMETERS`.
fn address(path: &str) -> String {
    let inside = path.trim_start().strip_prefix('<').unwrap_or(path);
    inside
        .rsplit_once('>')
        .map_or(inside, |(address, _)| address)
        .to_string()
}

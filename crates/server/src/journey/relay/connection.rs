//! A connection to a mail host: dials, starts TLS where it is offered, and carries out what the SMTP client asks for.
//!
//! TLS is opportunistic (RFC 7435; C2): any certificate will do, and if the handshake fails the host is dialled again without.

use super::hosts::loops_back;
use super::outcome::Remote;
use crate::Services;
use crate::dial::{self, Sources};
use crate::session::metrics::{Direction, Verified};
use crate::session::tls::{TlsFacts, Verify};
use smtp::client::{Client, Command, Envelope, Event, Failure, Settings, StartTls};
use smtp::{Enhanced, Reply};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use store::body::BodyReader;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A host that takes nothing for so long is given up (RFC 5321 §4.5.3.2.5).
const WRITE: Duration = Duration::from_secs(180);
/// A host that closed the connection on us may have said why just before.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// Messages over one connection; then the host gets a fresh one.
const MESSAGES: u32 = 100;

/// A host and one of its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    host: String,
    address: SocketAddr,
}

/// Why a host could not be used, or broke off before it had decided.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotOpened {
    /// It cannot be reached.
    #[error("{0}")]
    Unreachable(String),
    /// It is this server.
    #[error("{0}")]
    Ourselves(String),
    /// The TLS handshake failed.
    #[error("TLS handshake failed: {0}")]
    Tls(io::Error),
    /// The conversation failed.
    #[error("{0}")]
    Session(Failure),
}

/// What stops a delivery without any fault of the host.
pub(super) enum Trouble {
    /// The message cannot be read.
    Store(store::Error),
}

impl NotOpened {
    pub(super) fn is_temporary(&self) -> bool {
        match self {
            NotOpened::Unreachable(_) | NotOpened::Tls(_) => true,
            NotOpened::Ourselves(_) => false,
            NotOpened::Session(failure) => failure.is_temporary(),
        }
    }

    pub(super) fn status(&self) -> Enhanced {
        match self {
            NotOpened::Unreachable(_) => Enhanced(4, 4, 1),
            NotOpened::Ourselves(_) => Enhanced(5, 4, 6),
            NotOpened::Tls(_) => Enhanced(4, 7, 5),
            NotOpened::Session(failure) => failure.enhanced(),
        }
    }
}

impl Target {
    pub(super) fn new(host: &str, address: SocketAddr) -> Target {
        Target {
            host: host.to_string(),
            address,
        }
    }

    /// For the log, when the host was not reached.
    pub(super) fn remote(&self) -> Remote {
        Remote {
            host: self.host.clone(),
            address: self.address,
            source: None,
            tls: None,
            dsn: false,
        }
    }

    async fn dial(&self) -> Result<TcpStream, NotOpened> {
        match dial::dial(&[self.address], Sources::default()).await {
            Ok(dialled) => Ok(dialled.stream),
            Err(why) => Err(NotOpened::Unreachable(why.to_string())),
        }
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A session with a host.
pub(crate) struct Connection {
    client: Client,
    stream: Box<dyn Stream>,
    remote: Remote,
    ready: bool,
    messages: u32,
}

impl Connection {
    /// Dials, and leads the session to where a message may be sent.
    pub(super) async fn open(
        services: &Services,
        target: &Target,
    ) -> Result<Connection, NotOpened> {
        match Connection::attempt(services, target, StartTls::WhenOffered).await {
            Err(NotOpened::Tls(error)) => {
                tracing::info!(relay = %target.host, error = %error, "TLS handshake failed, going on without TLS");
                Connection::attempt(services, target, StartTls::Never).await
            }
            opened => opened,
        }
    }

    async fn attempt(
        services: &Services,
        target: &Target,
        starttls: StartTls,
    ) -> Result<Connection, NotOpened> {
        let hostname = services.config.load().hostname.clone();
        let stream = target.dial().await?;
        let source = stream.local_addr().ok().map(|address| address.ip());
        let mut connection = Connection {
            client: Client::new(Settings {
                hello: hostname.clone(),
                starttls,
                ..Settings::default()
            }),
            stream: Box::new(stream),
            remote: Remote {
                source,
                ..target.remote()
            },
            ready: false,
            messages: 0,
        };
        connection.lead(services).await?;
        if connection
            .client
            .capabilities()
            .name
            .eq_ignore_ascii_case(&hostname)
        {
            connection.close().await;
            return Err(NotOpened::Ourselves(loops_back(&target.host).words));
        }
        connection.remote.dsn = connection.client.capabilities().dsn;
        Ok(connection)
    }

    /// To the point where the session is ready.
    async fn lead(&mut self, services: &Services) -> Result<(), NotOpened> {
        loop {
            match self.next().await {
                Event::Ready => {
                    self.ready = true;
                    return Ok(());
                }
                Event::Handshake => self.secure(services).await?,
                Event::Closed(Some(failure)) => return Err(NotOpened::Session(failure)),
                other => {
                    let words = format!("the session went wrong: {other:?}");
                    return Err(NotOpened::Unreachable(words));
                }
            }
        }
    }

    async fn secure(&mut self, services: &Services) -> Result<(), NotOpened> {
        let connector = services
            .tls
            .connector(Verify::Nothing)
            .map_err(|error| NotOpened::Tls(io::Error::other(error)))?;
        let plain: Box<dyn Stream> = Box::new(tokio::io::empty());
        let plain = std::mem::replace(&mut self.stream, plain);
        let shaken: io::Result<(_, TlsFacts)> = connector.connect(&self.remote.host, plain).await;
        let (stream, facts) = shaken.map_err(NotOpened::Tls)?;
        services
            .metrics
            .smtp_tls(Direction::Out, facts.version, Verified::No);
        self.remote.tls = Some(facts.version);
        self.stream = Box::new(stream);
        self.client.secured();
        Ok(())
    }

    /// The host.
    pub(super) fn remote(&self) -> &Remote {
        &self.remote
    }

    /// Has the session not ended?
    pub(super) fn is_open(&self) -> bool {
        !self.client.is_closed()
    }

    /// Waits until another message may be sent, which takes a reply to RSET after a refusal. False: it may not.
    pub(super) async fn is_ready(&mut self) -> bool {
        if !self.ready {
            self.ready = self.next().await == Event::Ready;
        }
        self.ready && self.messages < MESSAGES
    }

    /// Sends a message; one result per recipient.
    pub(super) async fn send(
        &mut self,
        envelope: Envelope,
        mut body: BodyReader,
    ) -> Result<Vec<Result<Reply, Failure>>, Trouble> {
        self.ready = false;
        self.messages += 1;
        let recipients = envelope.recipients.len();
        self.client.send(envelope);
        loop {
            match self.next().await {
                Event::Body => match body.next().await.map_err(Trouble::Store)? {
                    Some(octets) => self.client.body(&octets),
                    None => self.client.end_of_body(),
                },
                Event::Outcome(results) => return Ok(results),
                Event::Closed(_) => return Ok(vec![Err(Failure::Lost(Command::Mail)); recipients]),
                Event::Ready | Event::Handshake => {}
            }
        }
    }

    /// Says goodbye. The answer is waited for, briefly: some servers log a lost connection otherwise.
    pub(crate) async fn close(mut self) {
        if let Ok(true) = timeout(LAST_WORDS, self.is_ready()).await {
            self.client.quit();
            let _ = timeout(LAST_WORDS, self.next()).await;
        }
        let _ = timeout(LAST_WORDS, self.stream.shutdown()).await;
    }

    /// Writes and reads until something is to be done.
    async fn next(&mut self) -> Event {
        loop {
            self.write().await;
            if let Some(event) = self.client.event() {
                return event;
            }
            if self.client.is_closed() {
                return Event::Closed(None);
            }
            self.read().await;
        }
    }

    async fn write(&mut self) {
        let octets = self.client.transmit();
        if octets.is_empty() {
            return;
        }
        let writing = async {
            self.stream.write_all(&octets).await?;
            self.stream.flush().await
        };
        match timeout(WRITE, writing).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => self.last_words().await,
            Err(_) => self.client.timed_out(),
        }
    }

    /// A host that refuses in the middle of a message says so and closes; its words are worth more than "connection lost".
    async fn last_words(&mut self) {
        let mut buffer = vec![0; 4096];
        while let Ok(Ok(length @ 1..)) = timeout(LAST_WORDS, self.stream.read(&mut buffer)).await {
            self.client.receive(&buffer[..length]);
        }
        self.client.disconnected();
    }

    async fn read(&mut self) {
        let mut buffer = vec![0; 4096];
        match timeout(self.client.timeout(), self.stream.read(&mut buffer)).await {
            Ok(Ok(length @ 1..)) => self.client.receive(&buffer[..length]),
            Ok(Ok(0) | Err(_)) => self.client.disconnected(),
            Err(_) => self.client.timed_out(),
        }
    }
}

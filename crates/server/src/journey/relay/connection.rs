//! A connection to a mail host: dials, starts TLS as far as is asked for and offered, and carries out what the SMTP client asks for.
//!
//! Where TLS is opportunistic (RFC 7435; C2) any certificate will do, and if the handshake fails the host is dialled again without.
//! Where it is required nothing is sent without it.

use super::hosts::loops_back;
use super::outcome::Remote;
use super::routes::Ticket;
use super::tls_results::{Failed, Watched};
use super::trust::Security;
use crate::Services;
use crate::config::Sources;
use crate::dial;
use crate::session::metrics::{Direction, Verified};
use crate::session::tls::{Connector, TlsFacts, Verify};
use smtp::client::{
    Client, Command, Envelope, Event, Failure, Login, Protocol, Settings, StartTls,
};
use smtp::{Enhanced, Reply};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use store::body::BodyReader;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// A host that takes nothing for so long is given up (RFC 5321 §4.5.3.2.5).
const WRITE: Duration = Duration::from_secs(180);
/// A host that closed the connection on us may have said why just before.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A host, its addresses, and how to talk to it.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) host: String,
    /// At least one.
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) protocol: Protocol,
    /// TLS begins with the first octet.
    pub(super) implicit_tls: bool,
    pub(super) security: Security,
    /// A failure of what `security` asks for is reported, and then forgiven (RFC 8461 §5, testing).
    pub(super) lenient: bool,
    pub(super) login: Option<Login>,
    /// The policy that sessions are counted under for TLSRPT.
    pub(super) watched: Option<Watched>,
    /// That it is a host for the recipient is known for sure: by DNSSEC, by an MTA-STS policy, or by the operator (RFC 8689 §4.2.1).
    pub(super) proved: bool,
}

/// What a destination's route says about connections.
#[derive(Clone, Debug, Default)]
pub(super) struct Manner {
    /// The name in EHLO.
    pub(super) hello: String,
    pub(super) sources: Sources,
}

/// Why a host could not be used, or broke off before it had decided.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotOpened {
    /// It cannot be reached.
    #[error("{0}")]
    Unreachable(String),
    /// It is left alone for a while, after failures (C18).
    #[error("{0}")]
    Disabled(String),
    /// It cannot give the protection that the sender requires (RFC 8689).
    #[error("{0}")]
    Unprotected(String),
    /// Its provider has refused our mail, and gets none for a while (U37).
    #[error("{0}")]
    Paused(String),
    /// It is this server.
    #[error("{0}")]
    Ourselves(String),
    /// The TLS handshake failed.
    #[error("TLS handshake failed: {0}")]
    Tls(io::Error),
    /// It does not deserve the trust that is asked for.
    #[error("{0}")]
    Untrusted(String),
    /// The conversation failed.
    #[error("{0}")]
    Session(Failure),
}

impl NotOpened {
    pub(super) fn is_temporary(&self) -> bool {
        match self {
            NotOpened::Ourselves(_) | NotOpened::Unprotected(_) => false,
            // U39: our name or password is wrong, and the operator can mend that.
            NotOpened::Session(Failure::Refused(Command::Auth, _)) => true,
            NotOpened::Session(failure) => failure.is_temporary(),
            _ => true,
        }
    }

    pub(super) fn status(&self) -> Enhanced {
        match self {
            NotOpened::Unreachable(_) | NotOpened::Disabled(_) => Enhanced(4, 4, 1),
            NotOpened::Paused(_) => Enhanced(4, 7, 0),
            NotOpened::Unprotected(_) => Enhanced(5, 7, 30),
            NotOpened::Ourselves(_) => Enhanced(5, 4, 6),
            NotOpened::Tls(_) | NotOpened::Untrusted(_) => Enhanced(4, 7, 5),
            NotOpened::Session(failure) => failure.enhanced(),
        }
    }

    /// Is it the host, rather than the message or what its domain asks for, that is not to be tried for a while (C18)? A certificate that
    /// does not satisfy one domain says nothing against mail to another at the same address, or with less to ask for.
    fn is_hosts_fault(&self) -> bool {
        !matches!(
            self,
            NotOpened::Disabled(_)
                | NotOpened::Paused(_)
                | NotOpened::Unprotected(_)
                | NotOpened::Untrusted(_)
                | NotOpened::Ourselves(_)
        )
    }
}

impl Target {
    /// For the log, when the host was not reached.
    pub(super) fn remote(&self) -> Remote {
        Remote {
            host: self.host.clone(),
            address: self
                .addresses
                .first()
                .copied()
                .unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], 0))),
            source: None,
            tls: None,
            dsn: false,
            deliver_by: false,
        }
    }

    /// Made so that a message with REQUIRETLS may go there (RFC 8689 §4.2.1).
    pub(super) fn protecting(self) -> Result<Target, NotOpened> {
        let host = self.host.clone();
        if !self.proved {
            return Err(NotOpened::Unprotected(format!(
                "the sender requires protection all the way, and neither DNSSEC nor MTA-STS proves that {host} is a host for the recipient"
            )));
        }
        let security = self.security.clone().required_by_sender();
        match security {
            Some(security) => Ok(Target {
                security,
                lenient: false,
                ..self
            }),
            None => Err(NotOpened::Unprotected(format!(
                "the sender requires protection all the way, and the route to {host} forbids TLS"
            ))),
        }
    }

    fn starttls(&self) -> StartTls {
        match (self.implicit_tls, &self.security) {
            (true, _) | (_, Security::Clear) => StartTls::Never,
            (_, Security::Opportunistic) => StartTls::WhenOffered,
            _ => StartTls::Required,
        }
    }

    /// The same host without the demands that may be waived.
    fn relaxed(&self) -> Target {
        Target {
            security: Security::Opportunistic,
            lenient: false,
            watched: None,
            ..self.clone()
        }
    }

    fn without_tls(&self) -> Target {
        Target {
            security: Security::Clear,
            ..self.relaxed()
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
    security: Security,
    watched: Option<Watched>,
    proved: bool,
    ready: bool,
    messages: u32,
    /// Its place among the connections to this host.
    _ticket: Ticket,
}

impl Connection {
    /// Dials, and leads the session to where a message may be sent: over the first address that gets so far.
    pub(super) async fn open(
        services: &Services,
        target: &Target,
        manner: &Manner,
    ) -> Result<Connection, NotOpened> {
        let now = services.clock.now();
        let login = target.login.as_ref().map(|login| login.user.as_str());
        let mut left = services.routes.usable(&target.addresses, login, now)?;
        loop {
            let (failed, why) = match Connection::through(services, target, manner, &left).await {
                Ok(connection) => {
                    services.routes.succeeded(connection.remote.address, login);
                    return Ok(connection);
                }
                Err(failure) => failure,
            };
            let blamed: Vec<SocketAddr> =
                failed.map_or_else(|| left.clone(), |address| vec![address]);
            if why.is_hosts_fault() {
                let now = services.clock.now();
                services
                    .routes
                    .failed(&target.host, (&blamed, login), &why.to_string(), now);
            }
            left.retain(|address| !blamed.contains(address));
            if left.is_empty() {
                return Err(why);
            }
        }
    }

    /// Gives up demands as far as they may be: what is reported only, and then TLS itself where it is opportunistic.
    async fn through(
        services: &Services,
        target: &Target,
        manner: &Manner,
        addresses: &[SocketAddr],
    ) -> Result<Connection, (Option<SocketAddr>, NotOpened)> {
        let first = Connection::attempt(services, target, manner, addresses).await;
        let (address, why) = match first {
            Err((Some(address), why)) if is_about_tls(&why) => (address, why),
            other => return other,
        };
        let relaxed = match &target.security {
            _ if target.lenient => target.relaxed(),
            Security::Opportunistic => target.without_tls(),
            _ => return Err((Some(address), untrusted(target, why))),
        };
        tracing::info!(relay = %target.host, error = %why, "TLS failed, going on with less");
        let again = Connection::attempt(services, &relaxed, manner, &[address]).await;
        match (again, &relaxed.security) {
            (Err((_, NotOpened::Tls(_))), Security::Opportunistic) => {
                Connection::attempt(services, &relaxed.without_tls(), manner, &[address]).await
            }
            (other, _) => other,
        }
    }

    async fn attempt(
        services: &Services,
        target: &Target,
        manner: &Manner,
        addresses: &[SocketAddr],
    ) -> Result<Connection, (Option<SocketAddr>, NotOpened)> {
        let ticket = match addresses.first() {
            Some(address) => {
                services
                    .routes
                    .ticket(address.ip(), services.config.load().relay.per_host)
                    .await
            }
            None => {
                return Err((
                    None,
                    NotOpened::Unreachable("no address to connect to".into()),
                ));
            }
        };
        let dialled = dial::dial(addresses, manner.sources)
            .await
            .map_err(|why| (None, NotOpened::Unreachable(why.to_string())))?;
        let address = dialled.address;
        let mut connection = Connection {
            client: Client::new(Settings {
                hello: manner.hello.clone(),
                protocol: target.protocol,
                starttls: target.starttls(),
                login: target.login.clone(),
            }),
            remote: Remote {
                address,
                source: dialled.stream.local_addr().ok().map(|local| local.ip()),
                ..target.remote()
            },
            stream: Box::new(dialled.stream),
            security: target.security.clone(),
            watched: target.watched.clone(),
            proved: target.proved,
            ready: false,
            messages: 0,
            _ticket: ticket,
        };
        let opened = connection.begin(services, target, &manner.hello).await;
        opened
            .map(|()| connection)
            .map_err(|why| (Some(address), why))
    }

    async fn begin(
        &mut self,
        services: &Services,
        target: &Target,
        hello: &str,
    ) -> Result<(), NotOpened> {
        if target.implicit_tls {
            self.secure(services).await?;
        }
        let led = self.lead(services).await;
        self.count(services, led.as_ref().err());
        led?;
        let name = &self.client.capabilities().name;
        if target.protocol == Protocol::Smtp && name.eq_ignore_ascii_case(hello) {
            let ours = NotOpened::Ourselves(loops_back(&target.host).words);
            self.goodbye().await;
            return Err(ours);
        }
        let offered = self.client.capabilities();
        let (dsn, deliver_by) = (offered.dsn, offered.deliver_by.is_some());
        (self.remote.dsn, self.remote.deliver_by) = (dsn, deliver_by);
        let trust = match self.remote.tls {
            Some(_) => self.security.name(),
            None => "clear",
        };
        services.metrics.relay_session(trust);
        Ok(())
    }

    /// RFC 8460: a session that was secured, or the failure to do so.
    fn count(&self, services: &Services, failure: Option<&NotOpened>) {
        let Some(watched) = &self.watched else { return };
        let failed = match failure {
            None if self.remote.tls.is_some() => None,
            None => Some(Failed::without_tls()),
            Some(NotOpened::Tls(error)) => Some(Failed::handshake(error, &self.security)),
            Some(NotOpened::Session(Failure::Incompatible(_))) => Some(Failed::without_tls()),
            // It did not come to TLS.
            Some(_) => return,
        };
        services
            .tls_results
            .count(watched, &self.remote, failed, services.clock.now());
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
        let (connector, name) = self.connector(services)?;
        let plain: Box<dyn Stream> = Box::new(tokio::io::empty());
        let plain = std::mem::replace(&mut self.stream, plain);
        let shaken: io::Result<(_, TlsFacts)> = connector.connect(&name, plain).await;
        let (stream, facts) = shaken.map_err(NotOpened::Tls)?;
        let verified = match self.security.proves_identity() {
            true => Verified::Yes,
            false => Verified::No,
        };
        services
            .metrics
            .smtp_tls(Direction::Out, facts.version, verified);
        self.remote.tls = Some(facts.version);
        self.stream = Box::new(stream);
        self.client.secured();
        Ok(())
    }

    /// Whose certificates are accepted, and the name that is asked for.
    fn connector(&self, services: &Services) -> Result<(Connector, String), NotOpened> {
        let verify = match &self.security {
            Security::Verified(_) => Verify::Roots,
            _ => Verify::Nothing,
        };
        let connector = match &self.security {
            Security::Dane { records, names } => services.tls.by_records(records.clone(), names),
            _ => services.tls.connector(verify),
        };
        let connector = connector.map_err(|error| NotOpened::Tls(io::Error::other(error)))?;
        let name = match &self.security {
            Security::Dane { names, .. } => names.first().cloned(),
            _ => None,
        };
        Ok((connector, name.unwrap_or_else(|| self.remote.host.clone())))
    }

    /// The host.
    pub(super) fn remote(&self) -> &Remote {
        &self.remote
    }

    /// May a message with REQUIRETLS go over it (RFC 8689 §4.2.1)?
    pub(super) fn protects(&self) -> bool {
        self.proved && self.security.proves_identity() && self.remote.tls.is_some()
    }

    /// Does the host take octets above 127 (RFC 6152)?
    pub(super) fn takes_eight_bit(&self) -> bool {
        self.client.capabilities().eight_bit_mime
    }

    /// Does it take addresses and header fields in UTF-8 (RFC 6531)?
    pub(super) fn takes_utf8(&self) -> bool {
        self.client.capabilities().smtputf8
    }

    /// Has the session not ended?
    pub(super) fn is_open(&self) -> bool {
        !self.client.is_closed()
    }

    /// Waits until another message may be sent, which takes a reply to RSET after a refusal. False: it may not.
    pub(super) async fn is_ready(&mut self, most: u32) -> bool {
        self.settle().await && self.messages < most
    }

    async fn settle(&mut self) -> bool {
        if !self.ready {
            self.ready = self.next().await == Event::Ready;
        }
        self.ready
    }

    /// Sends a message; one result per recipient. It fails if the message cannot be read, without any fault of the host.
    pub(super) async fn send(
        &mut self,
        envelope: Envelope,
        mut body: BodyReader,
    ) -> store::Result<Vec<Result<Reply, Failure>>> {
        self.ready = false;
        self.messages += 1;
        let recipients = envelope.recipients.len();
        self.client.send(envelope);
        loop {
            match self.next().await {
                Event::Body => match body.next().await? {
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
        self.goodbye().await;
    }

    async fn goodbye(&mut self) {
        if let Ok(true) = timeout(LAST_WORDS, self.settle()).await {
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

/// Is this about TLS, so that less of it may help?
fn is_about_tls(why: &NotOpened) -> bool {
    match why {
        NotOpened::Tls(_) => true,
        NotOpened::Session(failure) => matches!(
            failure,
            Failure::Incompatible(smtp::client::Incompatible::NoTls)
                | Failure::Refused(Command::StartTls, _)
        ),
        _ => false,
    }
}

/// In words that say who asks for more than the host has.
fn untrusted(target: &Target, why: NotOpened) -> NotOpened {
    let demands = target.security.demands();
    NotOpened::Untrusted(match why {
        NotOpened::Tls(error) => format!(
            "{} failed the check of its certificate, which {demands} demands: {error}",
            target.host
        ),
        other => format!(
            "{} does not offer the TLS that {demands} demands: {other}",
            target.host
        ),
    })
}

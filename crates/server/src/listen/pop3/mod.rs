//! POP3 sessions (RFC 1939; docs/pop3.md): INBOX alone, for programs that fetch mail.
//!
//! The protocol is in [`pop3::server`], the mail in [`maildrop`]; here a socket is connected with both. Nothing is locked: other sessions
//! go on as they please, and what they remove meanwhile is missing when it is asked for. A log-in needs TLS, except from loopback where a
//! setting allows it.

mod login;
mod maildrop;

use super::stream::{Stream, is_hang_up};
use super::{Kind, proxy};
use crate::Services;
use crate::config::PlaintextAuth;
use crate::session::limits::Permit;
use crate::session::login::{Authenticator, Login};
use crate::session::presence::Present;
use crate::session::sasl::Offer;
use crate::session::{Peer, Protocol, SessionId};
use login::LogIn;
use maildrop::Mailbox;
use pop3::server::{self, Closing, Event, Security};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::Instrument as _;

/// How long a client may stay without logging in.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a client that has logged in may be silent (RFC 1939 §3: ten minutes at least).
const IDLE_TIMEOUT: Duration = Duration::from_secs(600);
/// How long a client may take to read a piece of what it asked for.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// Serves one connection until it ends.
pub async fn serve(services: Arc<Services>, stream: TcpStream, tls_first: bool) {
    let kind = match tls_first {
        true => Kind::Pop3s,
        false => Kind::Pop3,
    };
    let id = SessionId::random();
    let span = tracing::info_span!("session", sid = %id);
    let metrics = services.metrics.clone();
    let ended = async {
        match Box::pin(connect(services, stream, kind, id)).await {
            Ok(mut session) => Box::pin(session.hold()).await,
            Err(error) => Err(error),
        }
    };
    let result = match ended.instrument(span.clone()).await {
        Ok(Closing::TimedOut) => "timeout",
        Ok(Closing::TooManyErrors | Closing::Nonsense) => "refused",
        Ok(_) => "ok",
        Err(error) if is_hang_up(&error) => "ok",
        Err(error) => {
            span.in_scope(|| tracing::info!(%error, "connection broken"));
            "error"
        }
    };
    span.in_scope(|| tracing::info!(result, "disconnected"));
    metrics.connection_ended(Protocol::Pop3.name(), result);
}

/// Who is it (PROXY), and TLS where it comes first.
async fn connect(
    services: Arc<Services>,
    mut stream: TcpStream,
    kind: Kind,
    id: SessionId,
) -> io::Result<Session> {
    let config = services.config.load_full();
    let listener = kind.settings(&config);
    let ends = proxy::ends(&mut stream, listener).await?;
    let mut peer = Peer {
        protocol: Protocol::Pop3,
        session: id,
        remote: ends.remote,
        local: ends.local,
        tls: None,
    };
    tracing::info!(
        proto = %peer.protocol,
        listener = kind.name(),
        raddr = %peer.remote.ip(),
        rport = peer.remote.port(),
        "connected"
    );
    let mut stream = Stream::Clear(stream);
    if kind == Kind::Pop3s {
        shake_hands(&services, &mut stream, &mut peer).await?;
    }
    let plaintext_auth = listener.plaintext_auth;
    let security = match peer.tls {
        Some(_) => Security::Tls,
        None => Security::Clear,
    };
    Ok(Session {
        protocol: server::Session::new(
            security,
            mechanisms(&peer, plaintext_auth, &services.login),
        ),
        services,
        stream,
        peer,
        plaintext_auth,
        log_in: LogIn::None,
        inside: None,
    })
}

async fn shake_hands(services: &Services, stream: &mut Stream, peer: &mut Peer) -> io::Result<()> {
    let Stream::Clear(clear) = std::mem::replace(stream, Stream::Gone) else {
        return Err(io::Error::other("TLS is on already"));
    };
    let acceptor = services.tls.acceptor();
    let handshake = timeout(LOGIN_TIMEOUT, Box::pin(acceptor.accept(clear)));
    let shaken = services.shutdown.run_until_cancelled(handshake).await;
    let shaken = shaken.ok_or_else(|| io::Error::other("the server is going down"))?;
    let (secured, facts) = shaken.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    *stream = Stream::Tls(Box::new(secured));
    peer.tls = Some(facts);
    Ok(())
}

/// A session under way.
struct Session {
    services: Arc<Services>,
    stream: Stream,
    peer: Peer,
    protocol: server::Session,
    plaintext_auth: PlaintextAuth,
    log_in: LogIn,
    inside: Option<Inside>,
}

/// What a client has that has logged in.
struct Inside {
    login: Login,
    mailbox: Mailbox,
    /// The session's place in the account's limit.
    _permit: Permit,
    /// Ends the session when the account may not be used any more.
    present: Present,
}

impl Session {
    /// Talks until one side has enough.
    async fn hold(&mut self) -> io::Result<Closing> {
        let mut buffer = Vec::new();
        loop {
            let digested = self.digest().await;
            for (command, times) in self.protocol.take_counts() {
                self.services.metrics.pop3_commands(command, times);
            }
            if let Some(why) = digested? {
                // Whoever sees the end of this session can begin another.
                self.inside = None;
                // Whether the client hears the end makes no difference any more.
                let _ = timeout(WRITE_TIMEOUT, self.stream.shutdown()).await;
                return Ok(why);
            }
            self.read(&mut buffer).await?;
            self.protocol.feed(&buffer);
            buffer = Vec::new();
        }
    }

    /// Does all that was read says, and writes the answers.
    async fn digest(&mut self) -> io::Result<Option<Closing>> {
        loop {
            match self.protocol.next_event() {
                Event::NeedInput => {
                    self.write().await?;
                    return Ok(None);
                }
                Event::Flush => self.write().await?,
                Event::Close(why) => {
                    self.write().await?;
                    return Ok(Some(why));
                }
                Event::StartTls => self.start_tls().await?,
                Event::Password { user, password } => self.password(&user, &password).await,
                Event::Authenticate { mechanism, initial } => {
                    self.authenticate(mechanism, initial).await;
                }
                Event::AuthResponse(response) => self.auth_response(&response).await,
                Event::AuthCancelled => self.log_in = LogIn::None,
                Event::Retrieve { message, lines } => self.retrieve(message, lines).await?,
                Event::Update(uids) => self.update(uids).await,
            }
        }
    }

    async fn read(&mut self, buffer: &mut Vec<u8>) -> io::Result<()> {
        let patience = match self.protocol.is_logged_in() {
            true => IDLE_TIMEOUT,
            false => LOGIN_TIMEOUT,
        };
        let deadline = Instant::now() + patience;
        let end = match &self.inside {
            Some(inside) => inside.present.ends(),
            None => self.services.shutdown.clone(),
        };
        tokio::select! {
            read = self.stream.read(buffer) => {
                read?;
                match buffer.is_empty() {
                    true => Err(io::ErrorKind::UnexpectedEof.into()),
                    false => Ok(()),
                }
            }
            () = end.cancelled() => {
                match self.services.shutdown.is_cancelled() {
                    true => self.protocol.shut_down(),
                    false => self.protocol.dismiss(),
                }
                Ok(())
            }
            () = sleep_until(deadline) => {
                self.protocol.time_out();
                Ok(())
            }
        }
    }

    async fn write(&mut self) -> io::Result<()> {
        let output = self.protocol.take_output();
        if output.is_empty() {
            return Ok(());
        }
        let writing = async {
            self.stream.write_all(&output).await?;
            self.stream.flush().await
        };
        let written = timeout(WRITE_TIMEOUT, writing).await;
        written.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    /// RFC 2595 §4.
    async fn start_tls(&mut self) -> io::Result<()> {
        self.write().await?;
        shake_hands(&self.services, &mut self.stream, &mut self.peer).await?;
        let mechanisms = mechanisms(&self.peer, self.plaintext_auth, &self.services.login);
        self.protocol.secured(mechanisms);
        Ok(())
    }
}

fn mechanisms(peer: &Peer, setting: PlaintextAuth, login: &Authenticator) -> Vec<&'static str> {
    Offer::new(peer, setting, login).mechanisms()
}

//! ManageSieve sessions (RFC 5804): a file per command about scripts.
//!
//! The protocol is in [`managesieve::server`], what scripts may be in [`crate::scripts`]; here a socket is connected with both. A log-in
//! needs TLS, except from loopback where a setting allows it.

mod authenticate;
mod checkscript;
mod deletescript;
mod failure;
mod getscript;
mod havespace;
mod listscripts;
mod putscript;
mod renamescript;
mod setactive;

use super::stream::{Stream, is_hang_up};
use super::{Kind, proxy};
use crate::Services;
use crate::config::{Config, PlaintextAuth};
use crate::scripts;
use crate::session::limits::Permit;
use crate::session::login::{Authenticator, Login};
use crate::session::presence::Present;
use crate::session::sasl::Offer;
use crate::session::{Peer, Protocol, SessionId};
use authenticate::LogIn;
use managesieve::Command;
use managesieve::server::{self, Closing, Event, Security};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::Instrument as _;

/// How long a client may stay without logging in (RFC 5804 §1.2 asks for nothing here).
const LOGIN_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a client that has logged in may be silent (RFC 5804 §1.2: 30 minutes at least).
const IDLE_TIMEOUT: Duration = Duration::from_secs(1800);
/// How long a client may take to read what it asked for.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);
const NAME: &str = "managesieve";

/// Serves one connection until it ends.
pub async fn serve(services: Arc<Services>, stream: TcpStream) {
    let id = SessionId::random();
    let span = tracing::info_span!("session", sid = %id);
    let metrics = services.metrics.clone();
    let ended = async {
        let connected = connect(services, stream, id).await;
        match connected {
            Ok(mut session) => Box::pin(session.hold()).await,
            Err(error) => Err(error),
        }
    };
    let result = match ended.instrument(span.clone()).await {
        Ok(Closing::TimedOut) => "timeout",
        Ok(Closing::TooManyErrors | Closing::OutOfStep) => "refused",
        Ok(_) => "ok",
        Err(error) if is_hang_up(&error) => "ok",
        Err(error) => {
            span.in_scope(|| tracing::info!(%error, "connection broken"));
            "error"
        }
    };
    span.in_scope(|| tracing::info!(result, "disconnected"));
    metrics.connection_ended(NAME, result);
}

async fn connect(
    services: Arc<Services>,
    mut stream: TcpStream,
    id: SessionId,
) -> io::Result<Session> {
    let config = services.config.load_full();
    let listener = Kind::ManageSieve.settings(&config);
    let ends = proxy::ends(&mut stream, listener).await?;
    let peer = Peer {
        protocol: Protocol::ManageSieve,
        session: id,
        remote: ends.remote,
        local: ends.local,
        tls: None,
    };
    tracing::info!(
        proto = %peer.protocol,
        listener = Kind::ManageSieve.name(),
        raddr = %peer.remote.ip(),
        rport = peer.remote.port(),
        "connected"
    );
    Ok(Session::new(services, config, Stream::Clear(stream), peer))
}

/// A session under way.
struct Session {
    services: Arc<Services>,
    config: Arc<Config>,
    stream: Stream,
    peer: Peer,
    protocol: server::Session,
    plaintext_auth: PlaintextAuth,
    log_in: LogIn,
    /// Who has logged in, and the place that takes among the sessions of the account.
    login: Option<(Login, Permit)>,
    /// As long as somebody is logged in.
    present: Option<Present>,
}

impl Session {
    fn new(services: Arc<Services>, config: Arc<Config>, stream: Stream, peer: Peer) -> Session {
        let plaintext_auth = Kind::ManageSieve.settings(&config).plaintext_auth;
        let mechanisms = mechanisms(&peer, plaintext_auth, &services.login);
        let protocol = server::Session::new(offer(&config), Security::Clear, mechanisms);
        Session {
            services,
            config,
            stream,
            peer,
            protocol,
            plaintext_auth,
            log_in: LogIn::None,
            login: None,
            present: None,
        }
    }

    /// Talks until one side has enough.
    async fn hold(&mut self) -> io::Result<Closing> {
        let mut buffer = Vec::new();
        loop {
            if let Some(why) = self.digest().await? {
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
                Event::Close(why) => {
                    self.write().await?;
                    return Ok(Some(why));
                }
                Event::StartTls => self.start_tls().await?,
                Event::Authenticate { mechanism, initial } => {
                    self.authenticate(mechanism, initial).await;
                }
                Event::AuthResponse(response) => self.auth_response(&response).await,
                Event::AuthCancelled => self.log_in = LogIn::None,
                Event::Unauthenticated => {
                    self.login = None;
                    self.present = None;
                }
                Event::Command(command) => {
                    self.command(command).await;
                    // A large script is not kept while more commands are read.
                    self.write().await?;
                }
            }
        }
    }

    async fn read(&mut self, buffer: &mut Vec<u8>) -> io::Result<()> {
        let patience = match self.protocol.is_logged_in() {
            true => IDLE_TIMEOUT,
            false => LOGIN_TIMEOUT,
        };
        let deadline = Instant::now() + patience;
        let end = match &self.present {
            Some(present) => present.ends(),
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

    /// RFC 5804 §2.2.
    async fn start_tls(&mut self) -> io::Result<()> {
        self.write().await?;
        let Stream::Clear(clear) = std::mem::replace(&mut self.stream, Stream::Gone) else {
            return Err(io::Error::other("TLS is on already"));
        };
        let acceptor = self.services.tls.acceptor();
        let handshake = Box::pin(acceptor.accept(clear));
        let shaken = self.services.shutdown.run_until_cancelled(handshake).await;
        let (secured, facts) =
            shaken.unwrap_or_else(|| Err(io::Error::other("the server is going down")))?;
        self.stream = Stream::Tls(Box::new(secured));
        self.peer.tls = Some(facts);
        let mechanisms = mechanisms(&self.peer, self.plaintext_auth, &self.services.login);
        self.protocol.secured(mechanisms);
        Ok(())
    }

    async fn command(&mut self, command: Command) {
        let Some((login, _)) = &self.login else {
            return;
        };
        let account = login.account;
        self.services.metrics.managesieve_command(command.name());
        match command {
            Command::HaveSpace(name, octets) => self.have_space(account, name, octets).await,
            Command::PutScript(name, content) => self.put_script(account, name, content).await,
            Command::ListScripts => self.list_scripts(account).await,
            Command::SetActive(name) => self.set_active(account, name).await,
            Command::GetScript(name) => self.get_script(account, name).await,
            Command::DeleteScript(name) => self.delete_script(account, name).await,
            Command::RenameScript(old, new) => self.rename_script(account, old, new).await,
            Command::CheckScript(content) => self.check_script(content).await,
            // These the state machine answers itself.
            Command::Authenticate { .. }
            | Command::StartTls
            | Command::Logout
            | Command::Capability
            | Command::Noop(_)
            | Command::Unauthenticate => {}
        }
    }

    /// Scripts that are files of the admin's machine are changed there.
    fn scripts_are_files(&self) -> bool {
        self.config.sieve.personal.is_some() && self.config.sieve.personal_active.is_some()
    }
}

fn mechanisms(peer: &Peer, setting: PlaintextAuth, login: &Authenticator) -> Vec<&'static str> {
    let mut mechanisms = Offer::new(peer, setting, login).mechanisms();
    // RFC 5804 §2.1: SASL mechanisms; LOGIN was never one.
    mechanisms.retain(|name| *name != "LOGIN");
    mechanisms
}

fn offer(config: &Config) -> server::Offer {
    server::Offer {
        sieve: scripts::capability_line(config),
        notify: "mailto".into(),
        redirects: config.sieve.max_redirects.into(),
        largest_script: usize::try_from(config.sieve.max_script_size).unwrap_or(usize::MAX),
    }
}

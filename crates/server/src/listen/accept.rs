//! Takes connections: counts them against the limits, refuses politely what is too much (421, `* BYE`), and starts sessions.
//!
//! It goes on when the process has no file descriptor left (S5): one is kept in reserve, with which the next connection is taken,
//! told to come back later, and closed.

use super::stream::Client;
use super::{Ear, Kind, Place, Socket, imap, managesieve, pop3, smtp};
use crate::Services;
use crate::session::Protocol;
use smtp::SmtpKind;
use std::fs::File;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long to wait after an error that the next accept would meet again.
const PAUSE: Duration = Duration::from_millis(100);

/// How often answers to a ping are looked for.
const GLANCE: Duration = Duration::from_millis(5);

/// The open listeners and what runs behind them.
pub(crate) struct Doors {
    /// All accept loops and sessions.
    pub(crate) tasks: TaskTracker,
    /// Cancelled to end sessions at once.
    pub(crate) abort: CancellationToken,
    /// Asks each accept loop whether it is alive; see [`Doors::alive`].
    ping: watch::Sender<u64>,
    pongs: Vec<Arc<AtomicU64>>,
}

/// One listener's accept loop.
struct Door {
    kind: Kind,
    listener: Listener,
    /// The file of a Unix socket; it goes with the door.
    _file: Option<SocketFile>,
    services: Arc<Services>,
    tasks: TaskTracker,
    abort: CancellationToken,
    ping: watch::Receiver<u64>,
    pong: Arc<AtomicU64>,
    reserve: Option<File>,
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    fn new(ear: Ear) -> io::Result<Listener> {
        Ok(match ear {
            Ear::Tcp(listener) => Listener::Tcp(TcpListener::from_std(listener)?),
            Ear::Unix(listener) => Listener::Unix(UnixListener::from_std(listener)?),
        })
    }

    /// The next client, and where it is; who comes over a Unix socket is on this machine.
    async fn accept(&self) -> io::Result<(Client, SocketAddr)> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, from) = listener.accept().await?;
                // Replies are small and wait for nobody.
                let _ = stream.set_nodelay(true);
                Ok((Client::Tcp(stream), from))
            }
            Listener::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                Ok((Client::Unix(stream), HERE))
            }
        }
    }
}

/// Stands for a client that has no address.
const HERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The file of a Unix socket, removed when nobody listens any more.
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Starts to accept on all sockets.
pub(crate) fn open(sockets: Vec<Socket>, services: &Arc<Services>) -> io::Result<Doors> {
    let (ping, _) = watch::channel(0);
    let mut doors = Doors {
        tasks: TaskTracker::new(),
        abort: CancellationToken::new(),
        ping,
        pongs: Vec::new(),
    };
    for socket in sockets {
        let pong = Arc::new(AtomicU64::new(0));
        doors.pongs.push(pong.clone());
        let door = Door {
            kind: socket.kind,
            listener: Listener::new(socket.ear)?,
            _file: match &socket.place {
                Place::Path(path) => Some(SocketFile(path.clone())),
                Place::Address(_) => None,
            },
            services: services.clone(),
            tasks: doors.tasks.clone(),
            abort: doors.abort.clone(),
            ping: doors.ping.subscribe(),
            pong,
            reserve: reserve(),
        };
        tracing::info!(listener = socket.kind.name(), address = %socket.place, "listening");
        doors.tasks.spawn(door.accept());
    }
    Ok(doors)
}

impl Doors {
    /// Whether each accept loop answers within `patience` (X8).
    pub(crate) async fn alive(&self, patience: Duration) -> bool {
        let mut asked = 0;
        self.ping.send_modify(|round| {
            *round += 1;
            asked = *round;
        });
        let answered = async {
            let late = |pong: &Arc<AtomicU64>| pong.load(Relaxed) < asked;
            while self.pongs.iter().any(late) {
                tokio::time::sleep(GLANCE).await;
            }
        };
        tokio::time::timeout(patience, answered).await.is_ok()
    }
}

impl Door {
    async fn accept(mut self) {
        let shutdown = self.services.shutdown.clone();
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                Ok(()) = self.ping.changed() => self.pong.store(*self.ping.borrow_and_update(), Relaxed),
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, from)) => self.admit(stream, from),
                    Err(why) => self.failed(&why).await,
                },
            }
        }
    }

    /// Starts a session if the limits and the operator allow it.
    fn admit(&self, stream: Client, from: SocketAddr) {
        let now = self.services.clock.now();
        if self.services.gate.is_banned(now, from.ip()) {
            // J30: closed without a word; the log would be the attacker's.
            self.services
                .metrics
                .connection_ended(self.kind.name(), "banned");
            return;
        }
        let takes_mail = !matches!(
            self.kind.protocol(),
            Protocol::Imap | Protocol::Pop3 | Protocol::ManageSieve
        );
        if takes_mail && *self.services.paused.smtp.borrow() {
            return self.turn_away(&stream, "takes no mail at the moment; try again later");
        }
        let (proto, metrics) = (self.kind.name(), self.services.metrics.clone());
        let permit = match self.services.limits.connection(self.counted(from)) {
            Ok(permit) => permit,
            Err(why) => {
                metrics.ratelimited(why.kind());
                metrics.connection_ended(proto, "refused");
                tracing::info!(listener = self.kind.name(), raddr = %from.ip(), reason = %why, "connection refused");
                return self.turn_away(&stream, &why.to_string());
            }
        };
        let session = session(self.kind, self.services.clone(), stream);
        let abort = self.abort.clone();
        let tls = matches!(self.kind, Kind::Submissions | Kind::Imaps | Kind::Pop3s);
        self.tasks.spawn(async move {
            let open = metrics.connected(proto, tls);
            let ended = abort.run_until_cancelled(session).await;
            if ended.is_none() {
                metrics.connection_ended(proto, "cut");
            }
            drop((permit, open));
        });
    }

    /// The address to count: clients behind a proxy share its address, so they count towards the total alone, as loopback does.
    fn counted(&self, from: SocketAddr) -> IpAddr {
        let config = self.services.config.load();
        match self.kind.settings(&config).proxies.contains(&from.ip()) {
            true => Ipv4Addr::LOCALHOST.into(),
            false => from.ip(),
        }
    }

    /// Says why there is no session, if that can be said without TLS, and closes.
    fn turn_away(&self, stream: &Client, why: &str) {
        let config = self.services.config.load();
        let line = match self.kind {
            Kind::Smtp | Kind::Submission | Kind::Lmtp | Kind::Local => {
                format!("421 {} {why}\r\n", config.hostname)
            }
            Kind::Imap => format!("* BYE [UNAVAILABLE] {why}\r\n"),
            Kind::ManageSieve => format!("BYE (TRYLATER) \"{why}\"\r\n"),
            Kind::Pop3 => format!("-ERR [SYS/TEMP] {why}\r\n"),
            Kind::Submissions | Kind::Imaps | Kind::Pop3s => return,
        };
        // The buffer of a new connection has room for a line; if not, nobody is owed it.
        let _ = stream.try_write(line.as_bytes());
    }

    async fn failed(&mut self, why: &io::Error) {
        use rustix::io::Errno;
        match Errno::from_io_error(why) {
            Some(Errno::MFILE | Errno::NFILE) => self.out_of_descriptors().await,
            // The client was gone before we looked.
            Some(Errno::CONNABORTED | Errno::CONNRESET | Errno::PROTO | Errno::INTR) => {}
            _ => {
                tracing::error!(listener = self.kind.name(), error = %why, "cannot accept connections");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// S5: takes one connection with the reserved descriptor, turns it away, and waits a moment for sessions to end.
    async fn out_of_descriptors(&mut self) {
        if self.reserve.take().is_some() {
            tracing::warn!(
                listener = self.kind.name(),
                "out of file descriptors: new connections are turned away until sessions end"
            );
            let accepted = tokio::time::timeout(PAUSE, self.listener.accept()).await;
            if let Ok(Ok((stream, _))) = accepted {
                self.turn_away(&stream, "is too busy; try again later");
            }
        }
        self.reserve = reserve();
        tokio::time::sleep(PAUSE).await;
    }
}

/// A descriptor to give up when there is no other.
fn reserve() -> Option<File> {
    File::open("/dev/null").ok()
}

async fn session(kind: Kind, services: Arc<Services>, client: Client) {
    let stream = match client {
        Client::Tcp(stream) => stream,
        Client::Unix(stream) => return smtp::serve_unix(services, stream, kind).await,
    };
    match kind {
        Kind::Smtp => smtp::serve(services, stream, SmtpKind::Mx).await,
        Kind::Submission => smtp::serve(services, stream, SmtpKind::Submission).await,
        Kind::Submissions => smtp::serve(services, stream, SmtpKind::Submissions).await,
        Kind::Lmtp => smtp::serve(services, stream, SmtpKind::Lmtp).await,
        // It has no addresses.
        Kind::Local => {}
        Kind::Imap => imap::serve(services, stream, false).await,
        Kind::Imaps => imap::serve(services, stream, true).await,
        Kind::ManageSieve => managesieve::serve(services, stream).await,
        Kind::Pop3 => pop3::serve(services, stream, false).await,
        Kind::Pop3s => pop3::serve(services, stream, true).await,
    }
}

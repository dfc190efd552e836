//! Mail servers on loopback that behave as a recipient's local part says ([`Behaviour`]) and remember what they were sent.
//!
//! All hosts listen on the same port, each on an address of its own, as hosts on the Internet all use port 25.

mod behaviour;
mod folder;
mod session;

pub use behaviour::Behaviour;

use std::collections::{HashSet, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Messages that are remembered; older ones are forgotten (their files stay).
const REMEMBERED: usize = 2000;
/// Tries to find a port that is free on all addresses.
const TRIES: usize = 20;

/// What a host does about STARTTLS.
#[derive(Clone)]
pub enum Starttls {
    /// Offers it and does it.
    Works(Arc<rustls::ServerConfig>),
    /// Does not offer it.
    Missing,
    /// Offers it and answers the handshake with nonsense.
    Broken,
}

/// A mail host.
#[derive(Clone)]
pub struct Host {
    address: Ipv4Addr,
    starttls: Starttls,
    extensions: Vec<String>,
    greeting: String,
}

impl Host {
    /// A host on this loopback address with the usual extensions.
    pub fn new(address: Ipv4Addr, starttls: Starttls) -> Host {
        let usual = [
            "PIPELINING",
            "SIZE 52428800",
            "8BITMIME",
            "SMTPUTF8",
            "ENHANCEDSTATUSCODES",
        ];
        Host {
            address,
            starttls,
            extensions: usual.map(String::from).to_vec(),
            greeting: "220 mx.lab ESMTP".to_string(),
        }
    }

    /// The same host with exactly these extensions (besides STARTTLS).
    pub fn offering(mut self, extensions: &[&str]) -> Host {
        self.extensions = extensions.iter().map(ToString::to_string).collect();
        self
    }

    /// The same host with this first line (`554 go away`).
    pub fn greeting(mut self, line: &str) -> Host {
        self.greeting = line.to_string();
        self
    }
}

/// How the hosts are set up.
pub struct Options {
    /// At least one.
    pub hosts: Vec<Host>,
    /// Where to write delivered messages.
    pub folder: Option<PathBuf>,
    /// Pause between the octets that `slow` drips.
    pub drip: Duration,
}

/// A message that a host has taken.
#[derive(Clone, Debug)]
pub struct Received {
    /// Which host.
    pub host: Ipv4Addr,
    /// Number of the connection it came over.
    pub connection: u64,
    /// Where the client came from.
    pub peer: IpAddr,
    /// What AUTH PLAIN said, decoded: `user\0password`, if the client logged in.
    pub login: Option<String>,
    /// The name in EHLO.
    pub hello: String,
    /// Whether it came over TLS.
    pub tls: bool,
    /// The MAIL command's path and parameters, e.g. `<a@b> SIZE=3`.
    pub mail: String,
    /// Sender; empty for the null reverse-path.
    pub from: String,
    /// The RCPT commands' paths and parameters.
    pub rcpt: Vec<String>,
    /// Recipients.
    pub to: Vec<String>,
    /// The message, without doubled dots.
    pub data: Vec<u8>,
}

impl Received {
    /// The message as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.data).into_owned()
    }
}

/// What all sessions share.
struct State {
    hosts: Vec<Host>,
    folder: Option<PathBuf>,
    drip: Duration,
    received: Mutex<VecDeque<Received>>,
    /// (behaviour, sender, recipient) that have had their first time.
    seen: Mutex<HashSet<(Behaviour, String, String)>>,
    faults: Mutex<Vec<String>>,
    count: watch::Sender<u64>,
    connections: watch::Sender<u64>,
    open: watch::Sender<u64>,
}

/// Running mail hosts. They end when dropped.
pub struct Server {
    port: u16,
    state: Arc<State>,
    _end: DropGuard,
}

impl Server {
    /// Starts all hosts on one free port.
    pub async fn start(options: Options) -> io::Result<Server> {
        let (port, listeners) = bind(&options.hosts).await?;
        let end = CancellationToken::new();
        let state = Arc::new(State {
            hosts: options.hosts,
            folder: options.folder,
            drip: options.drip,
            received: Mutex::default(),
            seen: Mutex::default(),
            faults: Mutex::default(),
            count: watch::Sender::new(0),
            connections: watch::Sender::new(0),
            open: watch::Sender::new(0),
        });
        for (host, listener) in listeners.into_iter().enumerate() {
            let accepting = accept(listener, host, state.clone(), end.clone());
            tokio::spawn(end.clone().run_until_cancelled_owned(accepting));
        }
        Ok(Server {
            port,
            state,
            _end: end.drop_guard(),
        })
    }

    /// The port of all hosts.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What has been delivered, oldest first.
    pub fn received(&self) -> Vec<Received> {
        locked(&self.state.received).iter().cloned().collect()
    }

    /// Waits until so many messages in all have been delivered; `None` if it takes longer than `within`.
    pub async fn wait_for(&self, messages: u64, within: Duration) -> Option<Vec<Received>> {
        let mut count = self.state.count.subscribe();
        let enough = count.wait_for(|count| *count >= messages);
        tokio::time::timeout(within, enough).await.ok()?.ok()?;
        Some(self.received())
    }

    /// Connections so far.
    pub fn connections(&self) -> u64 {
        *self.state.connections.borrow()
    }

    /// Waits until there have been so many connections; false if it takes longer than `within`.
    pub async fn wait_for_connections(&self, connections: u64, within: Duration) -> bool {
        let mut count = self.state.connections.subscribe();
        let enough = count.wait_for(|count| *count >= connections);
        matches!(tokio::time::timeout(within, enough).await, Ok(Ok(_)))
    }

    /// Waits until no connection is open; false if it takes longer than `within`.
    pub async fn wait_until_idle(&self, within: Duration) -> bool {
        let mut open = self.state.open.subscribe();
        let idle = open.wait_for(|open| *open == 0);
        matches!(tokio::time::timeout(within, idle).await, Ok(Ok(_)))
    }

    /// How clients broke the protocol (a bare CR or LF, a command too early), one sentence each.
    pub fn faults(&self) -> Vec<String> {
        locked(&self.state.faults).clone()
    }
}

impl State {
    /// Is this the first time that this sender tries this recipient?
    fn first_time(&self, behaviour: Behaviour, from: &str, to: &str) -> bool {
        locked(&self.seen).insert((behaviour, from.to_string(), to.to_string()))
    }

    fn fault(&self, sentence: String) {
        locked(&self.faults).push(sentence);
    }

    fn record(&self, message: Received) -> io::Result<()> {
        if let Some(folder) = &self.folder {
            for recipient in &message.to {
                folder::write(folder, recipient, &message)?;
            }
        }
        let mut received = locked(&self.received);
        if received.len() == REMEMBERED {
            received.pop_front();
        }
        received.push_back(message);
        drop(received);
        self.count.send_modify(|count| *count += 1);
        Ok(())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One listener for each host, all on the same port.
async fn bind(hosts: &[Host]) -> io::Result<(u16, Vec<TcpListener>)> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..TRIES {
        match bind_once(hosts).await {
            Ok(bound) => return Ok(bound),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn bind_once(hosts: &[Host]) -> io::Result<(u16, Vec<TcpListener>)> {
    let (mut port, mut listeners) = (0, Vec::new());
    for host in hosts {
        let listener = TcpListener::bind(SocketAddr::from((host.address, port))).await?;
        port = listener.local_addr()?.port();
        listeners.push(listener);
    }
    Ok((port, listeners))
}

async fn accept(listener: TcpListener, host: usize, state: Arc<State>, end: CancellationToken) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        state.open.send_modify(|open| *open += 1);
        state.connections.send_modify(|count| *count += 1);
        let session = session::serve(stream, host, state.clone());
        let (end, state) = (end.clone(), state.clone());
        tokio::spawn(async move {
            end.run_until_cancelled_owned(session).await;
            state.open.send_modify(|open| *open -= 1);
        });
    }
}

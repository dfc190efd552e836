//! Authoritative DNS on loopback, over UDP and TCP (RFC 1035). What it says is a [`Zone`], which can be changed while it runs.
//! It signs nothing and delegates nothing.

mod zone;

pub use zone::{Fault, Zone};
pub(crate) use zone::{a, mx, ptr, reversed};

use hickory_proto::op::Message;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio_util::sync::{CancellationToken, DropGuard};

/// A connection that asks nothing for so long is closed.
const IDLE: Duration = Duration::from_secs(10);
/// A free port for UDP may be taken for TCP; then another one is tried.
const TRIES: usize = 20;

/// A running name server. It ends when dropped.
pub struct Server {
    address: SocketAddr,
    zone: Shared,
    _end: DropGuard,
}

type Shared = Arc<Mutex<Zone>>;

impl Server {
    /// Serves a zone on a free port of 127.0.0.1, or on this one.
    pub async fn start(zone: Zone, port: Option<u16>) -> io::Result<Server> {
        let (udp, tcp) = bind(port).await?;
        let address = udp.local_addr()?;
        let zone = Arc::new(Mutex::new(zone));
        let end = CancellationToken::new();
        tokio::spawn(
            end.clone()
                .run_until_cancelled_owned(datagrams(udp, zone.clone())),
        );
        tokio::spawn(
            end.clone()
                .run_until_cancelled_owned(connections(tcp, zone.clone())),
        );
        Ok(Server {
            address,
            zone,
            _end: end.drop_guard(),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes what it says from now on.
    pub fn edit(&self, change: impl FnOnce(&mut Zone)) {
        change(&mut self.zone.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

async fn bind(port: Option<u16>) -> io::Result<(UdpSocket, TcpListener)> {
    let mut last = None;
    for _ in 0..TRIES {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, port.unwrap_or(0))).await?;
        match TcpListener::bind(udp.local_addr()?).await {
            Ok(tcp) => return Ok((udp, tcp)),
            Err(error) => last = Some(error),
        }
        if port.is_some() {
            break;
        }
    }
    Err(last.unwrap_or_else(|| io::ErrorKind::AddrInUse.into()))
}

async fn datagrams(socket: UdpSocket, zone: Shared) {
    let mut buffer = [0; 4096];
    loop {
        // An error here is one datagram's (ICMP unreachable), not the socket's.
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else {
            continue;
        };
        if let Some(answer) = answer(&zone, &buffer[..length], Transport::Udp) {
            let _ = socket.send_to(&answer, from).await;
        }
    }
}

async fn connections(listener: TcpListener, zone: Shared) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(tokio::time::timeout(IDLE, connection(stream, zone.clone())));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// RFC 1035 §4.2.2: each message with its length in front.
async fn connection(mut stream: TcpStream, zone: Shared) -> io::Result<()> {
    loop {
        let mut question = vec![0; usize::from(stream.read_u16().await?)];
        stream.read_exact(&mut question).await?;
        let Some(answer) = answer(&zone, &question, Transport::Tcp) else {
            return Ok(());
        };
        let length = u16::try_from(answer.len()).map_err(io::Error::other)?;
        stream.write_u16(length).await?;
        stream.write_all(&answer).await?;
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Transport {
    Udp,
    Tcp,
}

/// `None`: say nothing, because the octets are no question or the zone says so.
fn answer(zone: &Shared, question: &[u8], transport: Transport) -> Option<Vec<u8>> {
    let question = Message::from_vec(question).ok()?;
    let reply = zone
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .answer(&question)?;
    let octets = reply.to_vec().ok()?;
    if transport == Transport::Udp && octets.len() > usize::from(question.max_payload()) {
        return reply.truncate().to_vec().ok();
    }
    Some(octets)
}

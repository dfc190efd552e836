//! Reads the PROXY v2 header (A33) that a listener's configured proxies must send first. Others do not send it and are not believed.

use crate::config::Listener;
use smtp::proxy::{self, Proxied};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A proxy sends its header at once.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where a connection comes from and which of our addresses it came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) remote: SocketAddr,
    pub(crate) local: SocketAddr,
}

/// The ends of a new connection, behind the proxy if there is one. Takes only the header from the stream.
pub(crate) async fn ends(stream: &mut TcpStream, listener: &Listener) -> io::Result<Ends> {
    let seen = Ends {
        remote: canonical(stream.peer_addr()?),
        local: canonical(stream.local_addr()?),
    };
    if !listener.proxies.contains(&seen.remote.ip()) {
        return Ok(seen);
    }
    let header = timeout(PATIENCE, header(stream)).await;
    match header.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?? {
        Proxied::Local => Ok(seen),
        Proxied::Client {
            source,
            destination,
        } => Ok(Ends {
            remote: source,
            local: destination,
        }),
    }
}

async fn header(stream: &mut TcpStream) -> io::Result<Proxied> {
    let broken = |why| io::Error::new(io::ErrorKind::InvalidData, why);
    let mut prefix = [0; proxy::PREFIX];
    stream.read_exact(&mut prefix).await?;
    let mut rest = vec![0; proxy::rest_length(&prefix).map_err(broken)?];
    stream.read_exact(&mut rest).await?;
    proxy::parse(&prefix, &rest).map_err(broken)
}

/// An IPv4 client is one, whatever socket it came through.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

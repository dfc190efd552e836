//! Opens TCP connections to other machines, and knows which addresses are not on the Internet (R4, R5).
//!
//! All addresses of a host are tried in one go, both families interleaved, each a moment after the one before, and the first that
//! answers is taken (RFC 8305, "happy eyeballs"). It looks nothing up and speaks no protocol.

use crate::config::Sources;
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// One address may take this long to answer.
const ANSWER: Duration = Duration::from_secs(30);
/// The head start of an address before the next one (RFC 8305 §5).
const HEAD_START: Duration = Duration::from_millis(250);

/// What became of dialling a host.
pub(crate) struct Dialled {
    /// The connection.
    pub(crate) stream: TcpStream,
    /// The address that answered.
    pub(crate) address: SocketAddr,
}

/// Nobody answered: each address with what the system said.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.words())]
pub(crate) struct NoAnswer {
    failures: Vec<(SocketAddr, io::Error)>,
}

impl NoAnswer {
    fn words(&self) -> String {
        let words = |(address, why): &(SocketAddr, io::Error)| {
            format!("cannot connect to {address}: {}", reason(why))
        };
        match self.failures.is_empty() {
            true => "no address to connect to".to_string(),
            false => self
                .failures
                .iter()
                .map(words)
                .collect::<Vec<_>>()
                .join("; "),
        }
    }
}

fn reason(why: &io::Error) -> String {
    match why.kind() {
        io::ErrorKind::TimedOut => "no answer".to_string(),
        _ => why.to_string(),
    }
}

impl Sources {
    /// Whether an address of this family can be reached: who fixes the source for one family alone means that one.
    fn reach(self, to: IpAddr) -> bool {
        match (self.four, self.six) {
            (None, None) => true,
            (four, six) => match to {
                IpAddr::V4(_) => four.is_some(),
                IpAddr::V6(_) => six.is_some(),
            },
        }
    }

    fn for_address(self, to: IpAddr) -> Option<IpAddr> {
        match to {
            IpAddr::V4(_) => self.four.map(IpAddr::V4),
            IpAddr::V6(_) => self.six.map(IpAddr::V6),
        }
    }
}

/// Connects to one of `addresses`.
pub(crate) async fn dial(addresses: &[SocketAddr], sources: Sources) -> Result<Dialled, NoAnswer> {
    let reachable = addresses
        .iter()
        .copied()
        .filter(|to| sources.reach(to.ip()))
        .collect();
    let mut waiting: VecDeque<SocketAddr> = interleaved(reachable).into();
    let mut running = JoinSet::new();
    let mut failures = Vec::new();
    loop {
        if let Some(address) = waiting.pop_front() {
            running.spawn(async move { (address, connect(address, sources).await) });
        }
        let next = async {
            match waiting.is_empty() {
                true => std::future::pending().await,
                false => sleep(HEAD_START).await,
            }
        };
        tokio::select! {
            ended = running.join_next() => match ended {
                None => return Err(NoAnswer { failures }),
                Some(Ok((address, Ok(stream)))) => return Ok(Dialled { stream, address }),
                Some(Ok((address, Err(why)))) => failures.push((address, why)),
                // Only a panic or the end of the program can do that.
                Some(Err(_)) => {}
            },
            () = next => {}
        }
    }
}

async fn connect(to: SocketAddr, sources: Sources) -> io::Result<TcpStream> {
    let socket = match to {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    if let Some(source) = sources.for_address(to.ip()) {
        socket.bind(SocketAddr::new(source, 0))?;
    }
    let connected = timeout(ANSWER, socket.connect(to)).await;
    let stream = connected.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    // Commands are small and wait for replies. A failure here only costs time.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// The families take turns, beginning with that of the first address, each in its own order.
fn interleaved(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_six = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == first_is_six);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut all = Vec::with_capacity(first.len() + second.len());
    loop {
        let pair = (first.next(), second.next());
        if pair == (None, None) {
            return all;
        }
        all.extend([pair.0, pair.1].into_iter().flatten());
    }
}

/// Not reachable over the Internet, by the registries of RFC 6890. An IPv6 address that holds an IPv4 one (RFC 4291 §2.5.5.2,
/// RFC 6052, RFC 3056) is judged by that.
pub(crate) fn is_private(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => is_private_four(ip),
        IpAddr::V6(ip) => {
            ip.is_unspecified()
                || ip.is_loopback()
                || ip.is_unique_local()
                || ip.is_unicast_link_local()
                || ip.is_multicast()
                || inside(ip).is_some_and(is_private_four)
        }
    }
}

fn is_private_four(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let shared = a == 100 && b & 0xc0 == 64;
    let protocols = (a, b, c) == (192, 0, 0);
    let benchmarks = a == 198 && b & 0xfe == 18;
    a == 0
        || a >= 240
        || ip.is_loopback()
        || ip.is_private()
        || ip.is_link_local()
        || ip.is_multicast()
        || shared
        || protocols
        || benchmarks
}

/// The IPv4 address that a translated or tunnelled IPv6 address stands for.
fn inside(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = ip.segments();
    let four = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match (a, b) {
        (0x64, 0xff9b) if [c, d, e, f] == [0; 4] => Some(four(g, h)),
        (0x2002, _) => Some(four(b, c)),
        (0, 0) if [c, d, e, f] == [0; 4] => Some(four(g, h)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    fn addresses(text: &[&str]) -> Vec<SocketAddr> {
        text.iter().map(|one| one.parse().unwrap()).collect()
    }

    #[test]
    fn rfc_8305_4_families_take_turns() {
        let mixed = addresses(&["[::1]:1", "[::1]:2", "[::1]:3", "1.1.1.1:4", "1.1.1.1:5"]);
        let order = addresses(&["[::1]:1", "1.1.1.1:4", "[::1]:2", "1.1.1.1:5", "[::1]:3"]);
        assert_eq!(interleaved(mixed), order);
        assert_eq!(interleaved(Vec::new()), []);
    }

    /// U30: an address where nothing listens gives way to the next one, in one go.
    #[tokio::test]
    async fn u30_the_first_that_answers() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let alive = listener.local_addr().unwrap();
        let dead = SocketAddr::new("127.0.0.99".parse().unwrap(), alive.port());
        let dialled = dial(&[dead, alive], Sources::default()).await.unwrap();
        assert_eq!(dialled.address, alive);
        let nobody = dial(&[dead], Sources::default()).await.err().unwrap();
        assert!(nobody.to_string().contains("127.0.0.99"), "{nobody}");
        assert!(dial(&[], Sources::default()).await.is_err());
    }

    /// C5: the peer sees the chosen address; a family without a source is not used.
    #[tokio::test]
    async fn c5_source_addresses() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sources = Sources {
            four: Some("127.0.0.7".parse().unwrap()),
            six: None,
        };
        let to = listener.local_addr().unwrap();
        let six = SocketAddr::new("::1".parse().unwrap(), to.port());
        let dialled = dial(&[six, to], sources).await.unwrap();
        let (_, seen) = listener.accept().await.unwrap();
        assert_eq!(seen.ip().to_string(), "127.0.0.7");
        assert_eq!(dialled.address, to);
    }

    #[test]
    fn r4_private_addresses() {
        for private in [
            "127.0.0.1",
            "10.1.1.1",
            "192.168.0.1",
            "172.16.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.0.8",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "64:ff9b::10.0.0.1",
            "2002:7f00:1::1",
            "ff02::1",
        ] {
            assert!(is_private(private.parse().unwrap()), "{private}");
        }
        for public in [
            "9.9.9.9",
            "100.128.0.1",
            "172.32.0.1",
            "2620:fe::fe",
            "64:ff9b::9.9.9.9",
        ] {
            assert!(!is_private(public.parse().unwrap()), "{public}");
        }
    }
}

//! The PROXY protocol, version 2 (haproxy's `proxy-protocol.txt` §2.2): a proxy in front of us says where a connection really comes
//! from (A33). It stands before everything else, TLS included. Whether the sender may be believed is for the owner to know.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Octets of the fixed part.
pub const PREFIX: usize = 16;
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Octets of addresses and type-length-values that are read; real proxies send a few hundred.
const MAX_REST: usize = 4096;

/// What a header says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Proxied {
    /// The proxy speaks for itself (a health check), or for a client without an IP address.
    Local,
    /// It passes on a client's connection.
    Client {
        /// Where the client is.
        source: SocketAddr,
        /// Which address it connected to.
        destination: SocketAddr,
    },
}

/// Why something is not a header.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProxyError {
    /// It does not begin with the signature.
    #[error("no PROXY v2 header")]
    Signature,
    /// Another version, or a command, protocol or length that there is not.
    #[error("a PROXY header that is not understood")]
    Unknown,
    /// Longer than is sensible.
    #[error("a PROXY header that is too long")]
    TooLong,
}

/// How many octets follow the fixed part.
pub fn rest_length(prefix: &[u8; PREFIX]) -> Result<usize, ProxyError> {
    if !prefix.starts_with(SIGNATURE) {
        return Err(ProxyError::Signature);
    }
    let length = usize::from(u16::from_be_bytes([prefix[14], prefix[15]]));
    match length {
        0..=MAX_REST => Ok(length),
        _ => Err(ProxyError::TooLong),
    }
}

/// Reads the fixed part and the rest.
pub fn parse(prefix: &[u8; PREFIX], rest: &[u8]) -> Result<Proxied, ProxyError> {
    if rest_length(prefix)? != rest.len() {
        return Err(ProxyError::Unknown);
    }
    let [family_and_protocol, command] = [prefix[13], prefix[12]];
    match (command, family_and_protocol >> 4) {
        (0x20, _) => Ok(Proxied::Local),
        (0x21, 0) => Ok(Proxied::Local),
        (0x21, 1) => v4(rest).ok_or(ProxyError::Unknown),
        (0x21, 2) => v6(rest).ok_or(ProxyError::Unknown),
        _ => Err(ProxyError::Unknown),
    }
}

fn v4(rest: &[u8]) -> Option<Proxied> {
    let (source, rest) = rest.split_first_chunk::<4>()?;
    let (destination, rest) = rest.split_first_chunk::<4>()?;
    client(
        Ipv4Addr::from(*source).into(),
        Ipv4Addr::from(*destination).into(),
        rest,
    )
}

fn v6(rest: &[u8]) -> Option<Proxied> {
    let (source, rest) = rest.split_first_chunk::<16>()?;
    let (destination, rest) = rest.split_first_chunk::<16>()?;
    client(
        Ipv6Addr::from(*source).to_canonical(),
        Ipv6Addr::from(*destination).to_canonical(),
        rest,
    )
}

fn client(source: IpAddr, destination: IpAddr, rest: &[u8]) -> Option<Proxied> {
    let (source_port, rest) = rest.split_first_chunk::<2>()?;
    let (destination_port, _) = rest.split_first_chunk::<2>()?;
    Some(Proxied::Client {
        source: SocketAddr::new(source, u16::from_be_bytes(*source_port)),
        destination: SocketAddr::new(destination, u16::from_be_bytes(*destination_port)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn prefix(command: u8, family: u8, length: u16) -> [u8; PREFIX] {
        let mut prefix = [0; PREFIX];
        prefix[..12].copy_from_slice(SIGNATURE);
        prefix[12..14].copy_from_slice(&[command, family]);
        prefix[14..].copy_from_slice(&length.to_be_bytes());
        prefix
    }

    #[test]
    fn a33_addresses() {
        let rest = [192, 0, 2, 9, 203, 0, 113, 1, 0xc0, 0, 0, 25];
        let want = Proxied::Client {
            source: "192.0.2.9:49152".parse().unwrap(),
            destination: "203.0.113.1:25".parse().unwrap(),
        };
        assert_eq!(parse(&prefix(0x21, 0x11, 12), &rest), Ok(want));
        let tlv = [rest.as_slice(), &[4, 0, 1, 0]].concat();
        assert_eq!(parse(&prefix(0x21, 0x11, 16), &tlv), Ok(want));

        let [v6, local]: [Ipv6Addr; 2] = ["2001:db8::9", "2001:db8::1"].map(|a| a.parse().unwrap());
        let rest = [&v6.octets()[..], &local.octets(), &[0, 9, 0, 25]].concat();
        let Ok(Proxied::Client { source, .. }) = parse(&prefix(0x21, 0x21, 36), &rest) else {
            panic!("a client")
        };
        assert_eq!(source, "[2001:db8::9]:9".parse().unwrap());
    }

    #[test]
    fn a33_health_checks_and_nonsense() {
        assert_eq!(parse(&prefix(0x20, 0, 0), &[]), Ok(Proxied::Local));
        assert_eq!(parse(&prefix(0x21, 0, 0), &[]), Ok(Proxied::Local));
        assert_eq!(parse(&prefix(0x22, 0x11, 0), &[]), Err(ProxyError::Unknown));
        assert_eq!(parse(&prefix(0x11, 0x11, 0), &[]), Err(ProxyError::Unknown));
        assert_eq!(
            parse(&prefix(0x21, 0x11, 3), &[1, 2, 3]),
            Err(ProxyError::Unknown)
        );
        assert_eq!(parse(&prefix(0x21, 0x31, 0), &[]), Err(ProxyError::Unknown));
        assert_eq!(rest_length(b"EHLO client.exam"), Err(ProxyError::Signature));
        assert_eq!(
            rest_length(&prefix(0x21, 0x11, 5000)),
            Err(ProxyError::TooLong)
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn no_octets_panic(command in any::<u8>(), family in any::<u8>(), rest in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = parse(&prefix(command, family, rest.len() as u16), &rest);
        }
    }
}

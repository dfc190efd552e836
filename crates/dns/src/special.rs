//! Names that are answered here and never asked for elsewhere: the machine itself, what cannot exist, and the reverse names of
//! private networks (RFC 6761, RFC 6303, RFC 7686). Asking for them would tell strangers about our network, and bring nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What is known of a name without asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// This machine.
    Loopback,
    /// It does not exist.
    Nowhere,
}

/// What is known of `name` (without a final dot).
pub(crate) fn known(name: &str) -> Option<Known> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    match name.rsplit('.').next()? {
        "localhost" => Some(Known::Loopback),
        "invalid" | "onion" | "local" => Some(Known::Nowhere),
        _ => None,
    }
}

/// What is known of an address's name.
pub(crate) fn known_address(address: IpAddr) -> Option<Known> {
    match address {
        ip if ip.is_loopback() => Some(Known::Loopback),
        IpAddr::V4(ip) => is_local_four(ip).then_some(Known::Nowhere),
        IpAddr::V6(ip) => is_local_six(ip).then_some(Known::Nowhere),
    }
}

fn is_local_four(ip: Ipv4Addr) -> bool {
    let shared = ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64;
    ip.is_private() || ip.is_link_local() || ip.is_broadcast() || ip.octets()[0] == 0 || shared
}

fn is_local_six(ip: Ipv6Addr) -> bool {
    ip.is_unspecified() || ip.is_unique_local() || ip.is_unicast_link_local()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_6761_6_and_rfc_6303_4() {
        assert_eq!(known("a.LOCALHOST."), Some(Known::Loopback));
        assert_eq!(known("x.invalid"), Some(Known::Nowhere));
        assert_eq!(known("example.com"), None);
        assert_eq!(known(""), None);
        let address = |text: &str| known_address(text.parse().unwrap());
        assert_eq!(address("127.9.9.9"), Some(Known::Loopback));
        assert_eq!(address("192.168.1.1"), Some(Known::Nowhere));
        assert_eq!(address("fd00::1"), Some(Known::Nowhere));
        assert_eq!(address("9.9.9.9"), None);
    }
}

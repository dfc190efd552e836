//! Texts of settings that are more than a string: sizes (`35M`), times (`4h`), rates (`100/10s`), addresses (`[::]:25`).
//!
//! Each kind has a parser and a printer, and what is printed parses to the same value.

use super::Rate;
use super::interfaces::Interfaces;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::time::Duration;

const SIZE_UNITS: [(&str, u64); 4] = [
    ("T", 1 << 40),
    ("G", 1 << 30),
    ("M", 1 << 20),
    ("K", 1 << 10),
];

/// Octets: a number, with `K`, `M`, `G` or `T` (powers of 1024), optionally followed by `B` or `iB`.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let wrong = || {
        format!(
            "\"{text}\" is not a size: write octets or a number with K, M, G or T, like \"35M\""
        )
    };
    let upper = text.trim().to_ascii_uppercase();
    let bare = upper
        .strip_suffix("IB")
        .or_else(|| upper.strip_suffix('B'))
        .unwrap_or(&upper);
    let (digits, unit) = SIZE_UNITS
        .iter()
        .find_map(|(name, unit)| bare.strip_suffix(name).map(|digits| (digits, *unit)))
        .unwrap_or((bare, 1));
    let number = parse_digits(digits.trim_end()).ok_or_else(wrong)?;
    number.checked_mul(unit).ok_or_else(wrong)
}

/// The shortest text of a size.
pub fn print_size(octets: u64) -> String {
    SIZE_UNITS
        .iter()
        .find(|(_, unit)| octets != 0 && octets.is_multiple_of(*unit))
        .map_or_else(
            || octets.to_string(),
            |(name, unit)| format!("{}{name}", octets / unit),
        )
}

const TIME_UNITS: [(&str, u64); 6] = [
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("ms", 1),
    ("m", 60_000),
    ("s", 1000),
];

/// A time: a number with `ms`, `s`, `m`, `h`, `d` or `w`; a bare number is seconds.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || {
        format!(
            "\"{text}\" is not a time: write a number with s, m, h, d or w, like \"300s\" or \"4h\""
        )
    };
    let bare = text.trim();
    let (digits, unit) = TIME_UNITS
        .iter()
        .filter(|(name, _)| bare.ends_with(name))
        .max_by_key(|(name, _)| name.len())
        .and_then(|(name, unit)| bare.strip_suffix(name).map(|digits| (digits, *unit)))
        .unwrap_or((bare, 1000));
    let number = parse_digits(digits.trim_end()).ok_or_else(wrong)?;
    number
        .checked_mul(unit)
        .map(Duration::from_millis)
        .ok_or_else(wrong)
}

/// The shortest text of a time in whole milliseconds.
pub(super) fn print_duration(time: Duration) -> String {
    let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    if milliseconds == 0 {
        return "0s".into();
    }
    let mut units = TIME_UNITS;
    units.sort_by_key(|(_, unit)| std::cmp::Reverse(*unit));
    units
        .iter()
        .find(|(_, unit)| milliseconds.is_multiple_of(*unit))
        .map_or_else(
            || format!("{milliseconds}ms"),
            |(name, unit)| format!("{}{name}", milliseconds / unit),
        )
}

/// A rate: `100/10s`; `off` is no limit.
pub(super) fn parse_rate(text: &str) -> Result<Rate, String> {
    let wrong =
        || format!("\"{text}\" is not a rate: write number/time, like \"100/10s\", or \"off\"");
    if text == "off" {
        return Ok(Rate {
            count: 0,
            per: Duration::from_secs(1),
        });
    }
    let (count, per) = text.split_once('/').ok_or_else(wrong)?;
    let count = parse_digits(count.trim())
        .and_then(|n| u32::try_from(n).ok())
        .ok_or_else(wrong)?;
    let per = parse_duration(per).map_err(|_| wrong())?;
    if count == 0 || per.is_zero() {
        return Err(wrong());
    }
    Ok(Rate { count, per })
}

/// The text of a rate.
pub(super) fn print_rate(rate: Rate) -> String {
    match rate.count {
        0 => "off".into(),
        count => format!("{count}/{}", print_duration(rate.per)),
    }
}

/// Where to listen (A2): `127.0.0.1:2525`, `[::1]:2525`, `lo:2525`, `mx1.example.com:2525`, or one of these without port; a bare port
/// and `[::]:PORT` mean all addresses, IPv6 and IPv4. With `inet4` or `inet6` behind it, the addresses of that family alone. The
/// interfaces of the machine are looked at only if one is named.
pub(super) fn parse_listen(
    text: &str,
    default_port: u16,
    interfaces: impl FnOnce() -> Result<Interfaces, String>,
) -> Result<Vec<SocketAddr>, String> {
    let (place, family) = match text.rsplit_once(' ') {
        Some((place, "inet4")) => (place, Some(Family::Inet4)),
        Some((place, "inet6")) => (place, Some(Family::Inet6)),
        _ => (text, None),
    };
    let mut found = parse_place(place.trim_end(), default_port, interfaces)?;
    if let Some(family) = family {
        found.retain(|address| family.has(address));
        if found.is_empty() {
            return Err(format!("\"{place}\" has no address of the family {family}"));
        }
    }
    Ok(found)
}

/// The addresses of one family.
#[derive(Clone, Copy)]
enum Family {
    Inet4,
    Inet6,
}

impl Family {
    fn has(self, address: &SocketAddr) -> bool {
        match self {
            Family::Inet4 => address.is_ipv4(),
            Family::Inet6 => address.is_ipv6(),
        }
    }
}

impl std::fmt::Display for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Family::Inet4 => "inet4",
            Family::Inet6 => "inet6",
        })
    }
}

fn parse_place(
    text: &str,
    default_port: u16,
    interfaces: impl FnOnce() -> Result<Interfaces, String>,
) -> Result<Vec<SocketAddr>, String> {
    if let Ok(port) = text.parse::<u16>() {
        return Ok(all_addresses(port));
    }
    let bare = text.parse::<IpAddr>().ok();
    let address = bare.map(|ip| SocketAddr::new(ip, default_port));
    match address.or_else(|| text.parse().ok()) {
        Some(all) if all.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ok(all_addresses(all.port())),
        Some(address) => Ok(vec![address]),
        None => parse_interface(text, default_port, interfaces),
    }
}

/// An interface, `egress` or the name of a host, with or without port.
fn parse_interface(
    text: &str,
    default_port: u16,
    interfaces: impl FnOnce() -> Result<Interfaces, String>,
) -> Result<Vec<SocketAddr>, String> {
    let wrong = || {
        format!(
            "\"{text}\" is no address to listen on: write a port, \"127.0.0.1:2525\", \"[::1]:2525\" or \"lo:2525\""
        )
    };
    // An alias such as `eth0:1` has the address of a label, not an interface; what follows the colon is always the port.
    let (name, port) = match text.split_once(':') {
        Some((name, port)) => (name, port.parse().map_err(|_| wrong())?),
        None => (text, default_port),
    };
    let clean = |b: u8| b.is_ascii_alphanumeric() || b"-_.@".contains(&b);
    let number = name.parse::<u64>().is_ok() || name.parse::<IpAddr>().is_ok();
    if name.is_empty() || number || !name.bytes().all(clean) {
        return Err(wrong());
    }
    let found = match interfaces()?.named(name) {
        // An interface may have a dot in its name too (`eth0.100`), so it comes first.
        Err(_) if name.contains('.') || name == "localhost" => host_addresses(name)?,
        found => found?,
    };
    Ok(found
        .into_iter()
        .map(|ip| SocketAddr::new(ip, port))
        .collect())
}

/// The addresses of a host as this machine knows it, usually from /etc/hosts.
fn host_addresses(name: &str) -> Result<Vec<IpAddr>, String> {
    let unknown = |why| format!("\"{name}\" is no interface, and as a host it is not known: {why}");
    let mut found = Vec::new();
    for address in (name, 0).to_socket_addrs().map_err(unknown)? {
        if !found.contains(&address.ip()) {
            found.push(address.ip());
        }
    }
    Ok(found)
}

/// The IPv6 and the IPv4 wildcard: two sockets, so that no client ever appears as an IPv4-mapped IPv6 address.
pub(super) fn all_addresses(port: u16) -> Vec<SocketAddr> {
    vec![
        SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port),
        SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port),
    ]
}

/// A server to ask: an address with or without port.
pub(super) fn parse_server(text: &str, port: u16) -> Result<SocketAddr, String> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Ok(SocketAddr::new(ip, port));
    }
    text.parse().map_err(|_| {
        format!("\"{text}\" is no server address: write \"192.0.2.53\" or \"[2001:db8::53]:53\"")
    })
}

/// A host or domain name in its lower-case A-label form.
pub fn parse_name(text: &str) -> Result<String, String> {
    let name = idna::domain_to_ascii_strict(text.trim_end_matches('.'))
        .map_err(|_| format!("\"{text}\" is not a domain name, like \"mx1.example.com\""))?;
    let last = name.rsplit('.').next().unwrap_or_default();
    // RFC 3696 §2: no top-level domain is all digits; what looks like one is a number or an address.
    if last.bytes().all(|b| b.is_ascii_digit()) || name.parse::<IpAddr>().is_ok() {
        return Err(format!(
            "\"{text}\" is not a domain name, like \"mx1.example.com\""
        ));
    }
    Ok(name)
}

fn parse_digits(digits: &str) -> Option<u64> {
    let clean: String = digits.chars().filter(|c| *c != '_').collect();
    if clean.is_empty() || !clean.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    clean.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::interfaces;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_as_people_write_them() {
        assert_eq!(parse_size("35M"), Ok(36_700_160));
        assert_eq!(parse_size("15 GiB"), Ok(15 << 30));
        assert_eq!(parse_size("1000"), Ok(1000));
        assert_eq!(parse_size("100kb"), Ok(102_400));
        for wrong in ["", "M", "35 MX", "-1", "1.5G", "99999999999T", "٣K"] {
            assert!(parse_size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_as_people_write_them() {
        assert_eq!(parse_duration("300s"), Ok(Duration::from_secs(300)));
        assert_eq!(parse_duration("4h"), Ok(Duration::from_secs(14_400)));
        assert_eq!(parse_duration("4d"), Ok(Duration::from_secs(345_600)));
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_duration("60"), Ok(Duration::from_secs(60)));
        for wrong in ["", "s", "4 parsecs", "-4h", "99999999999999999w"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    fn parse_listen(text: &str) -> Result<Vec<SocketAddr>, String> {
        super::parse_listen(text, 25, || Ok(interfaces::example()))
    }

    /// A2: an interface is all its addresses; the port of the listener stands where none is written.
    #[test]
    fn a02_an_interface_is_its_addresses() {
        let text = |written| parse_listen(written).map(|all| format!("{all:?}"));
        assert_eq!(text("lo"), Ok("[127.0.0.1:25, [::1]:25]".into()));
        assert_eq!(text("lo:2525"), Ok("[127.0.0.1:2525, [::1]:2525]".into()));
        assert_eq!(text("egress"), Ok("[192.0.2.7:25]".into()));
        assert_eq!(text("192.0.2.7"), Ok("[192.0.2.7:25]".into()));
        assert_eq!(text("::1"), Ok("[[::1]:25]".into()));
        assert_eq!(parse_listen("::"), parse_listen("25"));
        assert_eq!(text("lo inet4"), Ok("[127.0.0.1:25]".into()));
        assert_eq!(text("lo:2525 inet6"), Ok("[[::1]:2525]".into()));
        assert_eq!(text("25 inet6"), Ok("[[::]:25]".into()));
        assert_eq!(
            text("egress inet6"),
            Err("\"egress\" has no address of the family inet6".into())
        );
        assert_eq!(
            text("ens9:26"),
            Err("this machine has no interface \"ens9\" with an address; it has ens3, lo".into())
        );
    }

    /// A2: a host that this machine knows.
    #[test]
    fn a02_a_name_is_its_addresses() {
        let found = parse_listen("localhost:2525 inet4").unwrap();
        assert!(
            found
                .iter()
                .all(|address| address.ip().is_loopback() && address.port() == 2525)
        );
    }

    #[test]
    fn a_bare_port_listens_on_both_families() {
        assert_eq!(parse_listen("25"), parse_listen("[::]:25"));
        assert_eq!(parse_listen("25").map(|a| a.len()), Ok(2));
        assert_eq!(parse_listen("127.0.0.1:2530").map(|a| a.len()), Ok(1));
        for wrong in [
            "",
            "localhost:x",
            "25 inet5",
            "127.0.0.1 inet6",
            "inet4",
            "lo:",
            "lo:x",
            "70000",
            "::1:25x",
            "127.0.0.1:70000",
        ] {
            assert!(parse_listen(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_are_normalised_and_addresses_are_not_names() {
        assert_eq!(parse_name("MX1.Example.COM."), Ok("mx1.example.com".into()));
        assert_eq!(
            parse_name("bücher.example"),
            Ok("xn--bcher-kva.example".into())
        );
        for wrong in [
            "",
            "3",
            "example.25",
            "192.0.2.1",
            "a b.example",
            "-x-.example",
            "exa\u{0}mple",
        ] {
            assert!(parse_name(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_is_printed_parses_to_the_same(octets: u64, milliseconds in 0u64..10_000_000_000, count in 0u32..1_000_000) {
            prop_assert_eq!(parse_size(&print_size(octets)), Ok(octets));
            let time = Duration::from_millis(milliseconds);
            prop_assert_eq!(parse_duration(&print_duration(time)), Ok(time));
            let rate = Rate { count, per: Duration::from_secs(if count == 0 { 1 } else { 1 + milliseconds }) };
            prop_assert_eq!(parse_rate(&print_rate(rate)), Ok(rate));
        }

        #[test]
        fn no_text_makes_a_parser_panic(text in "\\PC{0,24}") {
            let _ = (parse_size(&text), parse_duration(&text), parse_rate(&text), parse_listen(&text));
            let _ = (parse_server(&text, 53), parse_name(&text));
        }
    }
}

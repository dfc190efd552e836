//! Which hosts take mail for a domain, and in which order (RFC 5321 §5.1, RFC 7505 null MX; catalogue C1, U11).
//!
//! Absence is final, failure is temporary: a domain that does not exist is told apart from one that could not be looked up.
//! Addresses that mail must not go to (our own, and by default private ones) are left out here.

use super::connection::Target;
use crate::Services;
use crate::config::Config;
use crate::dial::is_private;
use dns::MxAnswer;
use smtp::Enhanced;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Hosts of a domain that are looked up at most.
const HOSTS: usize = 8;

/// Why there is no host to try. Temporary if its status is 4.x.y.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unroutable {
    pub(super) status: Enhanced,
    pub(super) words: String,
}

impl Unroutable {
    fn new(status: Enhanced, words: String) -> Unroutable {
        Unroutable { status, words }
    }

    /// A look-up failed.
    fn unknown(error: &dns::Error) -> Unroutable {
        Unroutable::new(Enhanced(4, 4, 3), error.to_string())
    }
}

/// The addresses to try, in order; never empty.
pub(super) async fn targets(services: &Services, domain: &str) -> Result<Vec<Target>, Unroutable> {
    let config = services.config.load();
    if let Some(address) = literal(domain) {
        return usable(&config, domain, &[(address.to_string(), vec![address])]);
    }
    let hosts = exchangers(services, domain).await?;
    let hosts = nearer_than_us(hosts, &config.hostname, domain)?;
    let found = addresses(services, domain, in_order(hosts, random)).await?;
    usable(&config, domain, &found)
}

/// `[192.0.2.1]` and `[IPv6:2001:db8::1]` (RFC 5321 §4.1.3).
fn literal(domain: &str) -> Option<IpAddr> {
    let inside = domain.strip_prefix('[')?.strip_suffix(']')?;
    match inside.get(..5) {
        Some(tag) if tag.eq_ignore_ascii_case("ipv6:") => {
            inside[5..].parse::<Ipv6Addr>().ok().map(IpAddr::V6)
        }
        _ => inside.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    }
}

async fn exchangers(services: &Services, domain: &str) -> Result<Vec<(u16, String)>, Unroutable> {
    let refused = |status, words: &str| Err(Unroutable::new(status, format!("{domain} {words}")));
    match services.dns.mx(domain).await {
        Err(error) => Err(Unroutable::unknown(&error)),
        Ok(MxAnswer::NoDomain) => refused(Enhanced(5, 1, 2), "does not exist"),
        Ok(MxAnswer::Null) => refused(Enhanced(5, 1, 10), "does not take mail (null MX)"),
        Ok(MxAnswer::NoRecord) => Ok(vec![(0, domain.to_string())]),
        Ok(MxAnswer::Hosts(hosts)) => Ok(hosts),
    }
}

/// RFC 5321 §5.1: a host that finds itself among the exchangers leaves out itself and all that are not nearer.
fn nearer_than_us(
    hosts: Vec<(u16, String)>,
    hostname: &str,
    domain: &str,
) -> Result<Vec<(u16, String)>, Unroutable> {
    let ours = hosts
        .iter()
        .filter(|(_, host)| host.eq_ignore_ascii_case(hostname));
    let Some(limit) = ours.map(|(preference, _)| *preference).min() else {
        return Ok(hosts);
    };
    let nearer: Vec<_> = hosts
        .into_iter()
        .filter(|(preference, _)| *preference < limit)
        .collect();
    match nearer.is_empty() {
        false => Ok(nearer),
        true => Err(loops_back(domain)),
    }
}

/// The domain's mail is sent to this server, which does not host it.
pub(super) fn loops_back(domain: &str) -> Unroutable {
    let words =
        format!("mail for {domain} is sent to this server, which does not host that domain");
    Unroutable::new(Enhanced(5, 4, 6), words)
}

/// C1: lowest preference first, equal ones in random order.
fn in_order(mut hosts: Vec<(u16, String)>, mut random: impl FnMut() -> u32) -> Vec<String> {
    hosts.sort_by_cached_key(|(preference, _)| (*preference, random()));
    hosts
        .into_iter()
        .map(|(_, host)| host)
        .take(HOSTS)
        .collect()
}

/// Without randomness from the system the order of equal hosts is that of DNS, which does no harm.
fn random() -> u32 {
    getrandom::u32().unwrap_or_default()
}

/// The addresses of each host. A host that cannot be looked up is left out, unless there is no other.
async fn addresses(
    services: &Services,
    domain: &str,
    hosts: Vec<String>,
) -> Result<Vec<(String, Vec<IpAddr>)>, Unroutable> {
    let (mut found, mut failure) = (Vec::new(), None);
    for host in hosts {
        match services.dns.addresses(&host).await {
            Ok(addresses) if addresses.is_empty() => {}
            Ok(addresses) => found.push((host, addresses)),
            Err(error) => failure = Some(Unroutable::unknown(&error)),
        }
    }
    match (found.is_empty(), failure) {
        (false, _) => Ok(found),
        (true, Some(failure)) => Err(failure),
        (true, None) => {
            let words = format!("{domain} has no mail host with an address");
            Err(Unroutable::new(Enhanced(5, 4, 4), words))
        }
    }
}

/// What is left when forbidden addresses are taken away.
fn usable(
    config: &Config,
    domain: &str,
    found: &[(String, Vec<IpAddr>)],
) -> Result<Vec<Target>, Unroutable> {
    let mut targets = Vec::new();
    let mut forbidden = None;
    for (host, addresses) in found {
        for ip in addresses {
            match objection(config, *ip) {
                None => targets.push(Target::new(host, SocketAddr::new(*ip, config.queue.port))),
                Some(objection) => forbidden = Some(objection),
            }
        }
    }
    match (targets.is_empty(), forbidden) {
        (false, _) => Ok(targets),
        (true, Some(Objection::Ourselves)) => Err(loops_back(domain)),
        (true, _) => {
            let words =
                format!("the mail hosts of {domain} have only addresses that mail is not sent to");
            Err(Unroutable::new(Enhanced(5, 4, 4), words))
        }
    }
}

/// Why an address is not tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Objection {
    /// This server listens there.
    Ourselves,
    /// Not an address on the Internet.
    Private,
    /// IPv6 is switched off.
    Family,
}

fn objection(config: &Config, ip: IpAddr) -> Option<Objection> {
    let port = config.queue.port;
    if config
        .listen
        .smtp
        .addresses
        .contains(&SocketAddr::new(ip, port))
    {
        return Some(Objection::Ourselves);
    }
    if ip.is_ipv6() && !config.queue.ipv6 {
        return Some(Objection::Family);
    }
    (!config.queue.allow_private && is_private(ip)).then_some(Objection::Private)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(list: &[(u16, &str)]) -> Vec<(u16, String)> {
        list.iter()
            .map(|(preference, host)| (*preference, host.to_string()))
            .collect()
    }

    /// C1: 13 before 42, and equal ones about evenly.
    #[test]
    fn c1_order_of_exchangers() {
        let mut seed = 1u32;
        let mut random = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed
        };
        let two = hosts(&[(42, "c"), (13, "a"), (13, "b")]);
        let first = (0..200)
            .filter(|_| in_order(two.clone(), &mut random)[0] == "a")
            .count();
        assert!((60..140).contains(&first), "{first}");
        assert_eq!(in_order(two, random)[2], "c");
    }

    /// C26: only exchangers nearer than ourselves; no loop.
    #[test]
    fn rfc_5321_5_1_never_away_from_the_goal() {
        let all = hosts(&[(10, "mx1.x"), (20, "Us.Example"), (30, "mx3.x")]);
        let nearer = nearer_than_us(all, "us.example", "x").unwrap();
        assert_eq!(nearer, hosts(&[(10, "mx1.x")]));
        let loops = nearer_than_us(hosts(&[(5, "us.example")]), "us.example", "x");
        assert_eq!(loops.unwrap_err().status, Enhanced(5, 4, 6));
        let strangers = hosts(&[(5, "mx.x")]);
        assert_eq!(
            nearer_than_us(strangers.clone(), "us.example", "x"),
            Ok(strangers)
        );
    }

    #[test]
    fn rfc_5321_4_1_3_address_literals() {
        assert_eq!(literal("[192.0.2.1]"), Some("192.0.2.1".parse().unwrap()));
        assert_eq!(
            literal("[IPv6:2001:db8::1]"),
            Some("2001:db8::1".parse().unwrap())
        );
        assert_eq!(literal("192.0.2.1"), None);
        assert_eq!(literal("[x]"), None);
    }
}

//! Which hosts take mail for a domain or a route, and in which order (RFC 5321 §5.1, RFC 7505 null MX; catalogue C1, C6, C26, U11), and what
//! is asked of the connection to each.
//!
//! Absence is final, failure is temporary: a domain that does not exist is told apart from one that could not be looked up.
//! Addresses that mail must not go to (our own, and by default private ones) are left out here.

use super::Destination;
use super::connection::Target;
use super::secrets;
use super::tls_results::Watched;
use super::trust::{self, Because, Dane, Security, Sts};
use crate::Services;
use crate::config::{Config, Hop, RouteTls, Scheme};
use crate::dial::is_private;
use ::dns::{Located, MxAnswer, Proved};
use smtp::Enhanced;
use smtp::client::Protocol;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Hosts of a domain that are looked up at most.
const HOSTS: usize = 8;
/// Addresses of a host that are tried.
const ADDRESSES: usize = 6;

/// Why there is no host to try. Temporary if its status is 4.x.y.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unroutable {
    pub(super) status: Enhanced,
    pub(super) words: String,
}

impl Unroutable {
    pub(super) fn new(status: Enhanced, words: String) -> Unroutable {
        Unroutable { status, words }
    }

    /// A look-up failed.
    fn unknown(error: &::dns::Error) -> Unroutable {
        Unroutable::new(Enhanced(4, 4, 3), error.to_string())
    }
}

/// The hosts to try, in order; never empty.
pub(super) async fn targets(
    services: &Services,
    destination: &Destination,
) -> Result<Vec<Target>, Unroutable> {
    match destination.route.via.is_empty() {
        true => by_mx(services, destination).await,
        false => by_route(services, destination).await,
    }
}

/// The hosts of a route (C6, C7). One that cannot be used now is left out, unless there is no other.
async fn by_route(
    services: &Services,
    destination: &Destination,
) -> Result<Vec<Target>, Unroutable> {
    let (mut targets, mut failure) = (Vec::new(), None);
    for hop in &destination.route.via {
        match hop_target(services, destination, hop).await {
            Ok(target) => targets.push(target),
            Err(why) => failure = Some(why),
        }
    }
    match (targets.is_empty(), failure) {
        (true, Some(failure)) => Err(failure),
        _ => Ok(targets),
    }
}

async fn hop_target(
    services: &Services,
    destination: &Destination,
    hop: &Hop,
) -> Result<Target, Unroutable> {
    let addresses = match hop.host.parse::<IpAddr>() {
        Ok(address) => vec![address],
        Err(_) => services
            .dns
            .addresses(&hop.host)
            .await
            .map_err(|error| Unroutable::unknown(&error))?,
    };
    if addresses.is_empty() {
        // The operator's mistake, and the operator can mend it: no reason to return mail.
        let words = format!("the route's host {} has no address", hop.host);
        return Err(Unroutable::new(Enhanced(4, 4, 4), words));
    }
    let login = match &hop.label {
        Some(label) => Some(secrets::by_label(services, label).await?),
        None => None,
    };
    let port = hop.port();
    Ok(Target {
        host: hop.host.clone(),
        addresses: addresses
            .into_iter()
            .take(ADDRESSES)
            .map(|ip| SocketAddr::new(ip, port))
            .collect(),
        protocol: match hop.scheme {
            Scheme::Lmtp => Protocol::Lmtp,
            _ => Protocol::Smtp,
        },
        implicit_tls: hop.scheme == Scheme::Smtps,
        security: hop_security(hop.scheme, destination.route.tls),
        lenient: false,
        login,
        watched: None,
        proved: true,
    })
}

/// The URL says it, and `tls-no-verify` relaxes it (C3).
fn hop_security(scheme: Scheme, tls: RouteTls) -> Security {
    match (scheme, tls) {
        (Scheme::SmtpNoTls, _) | (Scheme::Smtp | Scheme::Lmtp, RouteTls::Off) => Security::Clear,
        (Scheme::SmtpTls | Scheme::Smtps, RouteTls::Unverified) => {
            Security::Encrypted(Because::Settings)
        }
        (Scheme::SmtpTls | Scheme::Smtps, _) => Security::Verified(Because::Settings),
        (Scheme::Smtp | Scheme::Lmtp, tls) => Security::wanted(tls),
    }
}

async fn by_mx(services: &Services, destination: &Destination) -> Result<Vec<Target>, Unroutable> {
    let (config, domain) = (services.config.load_full(), destination.domain.as_str());
    let wanted = Wanted::new(&config, destination);
    if let Some(address) = literal(domain) {
        let located = Proved::unproved(Located {
            addresses: vec![address],
            canonical: address.to_string(),
            alias: None,
        });
        return usable(
            &config,
            domain,
            vec![wanted.target(address.to_string(), &located)],
        );
    }
    let exchangers = exchangers(services, domain).await?;
    let ours = destination.backup_name(&config);
    let hosts = nearer_than_us(sane(exchangers.value, domain)?, &ours, domain)?;
    let found = located(services, domain, in_order(hosts, random)).await?;
    let sts = match config.relay.mta_sts && destination.obeys_policies() {
        true => trust::sts(services, domain).await,
        false => Sts::None,
    };
    let (mut targets, mut refused) = (Vec::new(), None);
    for (host, located) in found {
        let mut target = wanted.target(host, &located);
        let dane =
            match config.relay.dane && destination.obeys_policies() && exchangers.proof.is_secure()
            {
                true => trust::dane(services, &target.host, &located, config.queue.port).await,
                false => Dane::None,
            };
        match protect(&mut target, dane, &sts, domain) {
            Ok(()) => {
                target.proved = exchangers.proof.is_secure() || matches!(sts, Sts::Enforce(_));
                targets.push(target);
            }
            Err(why) => refused = Some(why),
        }
    }
    match (targets.is_empty(), refused) {
        (true, Some(refused)) => Err(refused),
        _ => usable(&config, domain, targets),
    }
}

/// What the settings say about the targets of a destination.
struct Wanted<'a> {
    config: &'a Config,
    security: Security,
}

impl Wanted<'_> {
    fn new<'a>(config: &'a Config, destination: &Destination) -> Wanted<'a> {
        let tls = match destination.route.tls {
            RouteTls::Opportunistic => config.relay.tls,
            stated => stated,
        };
        Wanted {
            config,
            security: Security::wanted(tls),
        }
    }

    fn target(&self, host: String, located: &Proved<Located>) -> Target {
        let port = self.config.queue.port;
        let addresses = located.value.addresses.iter();
        Target {
            host,
            addresses: addresses.map(|ip| SocketAddr::new(*ip, port)).collect(),
            protocol: Protocol::Smtp,
            implicit_tls: false,
            security: self.security.clone(),
            lenient: false,
            login: None,
            watched: None,
            proved: false,
        }
    }
}

/// Raises what is asked of a host to what its domain asks for. DANE comes first, and a policy does not make up for it (RFC 8461 §2).
fn protect(target: &mut Target, dane: Dane, sts: &Sts, domain: &str) -> Result<(), Unroutable> {
    match dane {
        Dane::Records { records, base } => {
            target.watched = Some(Watched::dane(domain, &target.host, &records));
            target.security = Security::Dane {
                names: vec![base, target.host.clone(), domain.to_string()],
                records,
            };
            return Ok(());
        }
        Dane::Unusable => {
            target.watched = Some(Watched::dane(domain, &target.host, &[]));
            target.security = Security::Encrypted(Because::Dane);
            return Ok(());
        }
        Dane::Unknown(why) => {
            let words = format!(
                "whether {} has TLSA records could not be learned: {why}",
                target.host
            );
            return Err(Unroutable::new(Enhanced(4, 7, 5), words));
        }
        Dane::None => {}
    }
    match sts {
        Sts::Enforce(policy) => {
            target.watched = Some(Watched::sts(domain, policy));
            if !policy.covers(&target.host) {
                let words = format!("{} is not in the MTA-STS policy of {domain}", target.host);
                return Err(Unroutable::new(Enhanced(4, 7, 5), words));
            }
            target.security = Security::Verified(Because::Sts);
        }
        Sts::Testing(policy) => {
            target.watched = Some(Watched::sts(domain, policy));
            if target.security == Security::Opportunistic {
                target.security = Security::Verified(Because::Sts);
                target.lenient = true;
            }
        }
        Sts::None | Sts::Unavailable(_) => target.watched = Some(Watched::nothing(domain)),
    }
    Ok(())
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

async fn exchangers(
    services: &Services,
    domain: &str,
) -> Result<Proved<Vec<(u16, String)>>, Unroutable> {
    let refused = |status, words: &str| Err(Unroutable::new(status, format!("{domain} {words}")));
    let answer = services.dns.proved_mx(domain).await;
    let Proved { value, proof } = answer.map_err(|error| Unroutable::unknown(&error))?;
    match value {
        MxAnswer::NoDomain => refused(Enhanced(5, 1, 2), "does not exist"),
        MxAnswer::Null => refused(Enhanced(5, 1, 10), "does not take mail (null MX)"),
        MxAnswer::NoRecord => Ok(Proved {
            value: vec![(0, domain.to_string())],
            proof,
        }),
        MxAnswer::Hosts(hosts) => Ok(Proved {
            value: hosts,
            proof,
        }),
    }
}

/// Leaves out what cannot be the name of a mail host: an address written as a name, and this machine's name for itself. Some domains have
/// such records to be rid of mail.
fn sane(hosts: Vec<(u16, String)>, domain: &str) -> Result<Vec<(u16, String)>, Unroutable> {
    let (good, bad): (Vec<_>, Vec<_>) = hosts.into_iter().partition(|(_, host)| {
        let local =
            host == "localhost" || host.ends_with(".localhost") || host.ends_with(".invalid");
        !local && host.parse::<IpAddr>().is_err()
    });
    match (good.is_empty(), bad.first()) {
        (true, Some((_, bad))) => {
            let words = format!("the MX record of {domain} names {bad}, which is no mail host");
            Err(Unroutable::new(Enhanced(5, 4, 4), words))
        }
        _ => Ok(good),
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

/// Where each host is. A host that cannot be looked up is left out, unless there is no other.
async fn located(
    services: &Services,
    domain: &str,
    hosts: Vec<String>,
) -> Result<Vec<(String, Proved<Located>)>, Unroutable> {
    let (mut found, mut failure) = (Vec::new(), None);
    for host in hosts {
        match services.dns.located(&host).await {
            Ok(located) if located.value.addresses.is_empty() => {}
            Ok(located) => found.push((host, located)),
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
fn usable(config: &Config, domain: &str, targets: Vec<Target>) -> Result<Vec<Target>, Unroutable> {
    let (mut left, mut forbidden) = (Vec::new(), None);
    for mut target in targets {
        target
            .addresses
            .retain(|address| match objection(config, address.ip()) {
                None => true,
                Some(objection) => {
                    forbidden = Some(objection);
                    false
                }
            });
        target.addresses.truncate(ADDRESSES);
        if !target.addresses.is_empty() {
            left.push(target);
        }
    }
    match (left.is_empty(), forbidden) {
        (false, _) => Ok(left),
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

    /// U11: MX records that name no host.
    #[test]
    fn u11_mx_sanity() {
        let mixed = hosts(&[(1, "192.0.2.1"), (2, "localhost"), (3, "mx.x")]);
        assert_eq!(sane(mixed, "x"), Ok(hosts(&[(3, "mx.x")])));
        let bad = sane(hosts(&[(1, "localhost")]), "x").unwrap_err();
        assert_eq!(bad.status, Enhanced(5, 4, 4));
    }

    /// C3, C7: what a URL asks for.
    #[test]
    fn c7_schemes_and_tls() {
        let verified = Security::Verified(Because::Settings);
        assert_eq!(
            hop_security(Scheme::SmtpTls, RouteTls::Opportunistic),
            verified
        );
        assert_eq!(
            hop_security(Scheme::Smtps, RouteTls::Unverified),
            Security::Encrypted(Because::Settings)
        );
        assert_eq!(
            hop_security(Scheme::SmtpNoTls, RouteTls::Verified),
            Security::Clear
        );
        assert_eq!(
            hop_security(Scheme::Smtp, RouteTls::Opportunistic),
            Security::Opportunistic
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

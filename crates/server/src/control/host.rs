//! Whether DNS says of this machine what the server says of itself (A5, M5): the name of each address that other servers see is `hostname`,
//! and `hostname` leads back to the address.
//!
//! Absent, different and not answered are three findings. It only asks; nothing is changed.

use super::{Failure, FailureKind, World};
use crate::config::interfaces::Interfaces;
use crate::dial::is_private;
use crate::run;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// What the check of the host found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The name that the server gives itself.
    pub hostname: String,
    /// One for each address of the SMTP listener.
    pub findings: Vec<Finding>,
}

/// What holds for one address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The address.
    pub address: IpAddr,
    /// How it is.
    pub verdict: Verdict,
    /// What was found, what is wanted, and what to do.
    pub says: String,
}

/// How the names of an address are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// They are as they should be.
    Equal,
    /// The address is private, and nothing contradicts: the public one was not seen.
    Unseen,
    /// The PTR shows another name.
    Differs,
    /// There is no PTR.
    Missing,
    /// The name does not lead to the address.
    Unconfirmed,
    /// The look-up failed: nobody knows.
    Unknown,
}

impl Verdict {
    /// Whether somebody should do something.
    pub fn warns(self) -> bool {
        !matches!(self, Verdict::Equal | Verdict::Unseen)
    }
}

pub(super) async fn check(world: &World) -> Result<Report, Failure> {
    let failed = |why: String| Failure::new(FailureKind::Unavailable, why);
    let bound = match &world.running {
        Some(running) => &running.bound.smtp,
        None => &world.config.listen.smtp.addresses,
    };
    let dns: Arc<dyn dns::Resolver> = match &world.running {
        Some(running) => running.services.dns.clone(),
        None => run::resolver(&world.config).map_err(|why| failed(why.to_string()))?,
    };
    let machine = Interfaces::of_this_machine().map_err(failed)?;
    let hostname = world.config.hostname.clone();
    let mut findings = Vec::new();
    for address in reached(bound, &machine.reachable()) {
        findings.push(examine(&*dns, &hostname, address).await);
    }
    Ok(Report { hostname, findings })
}

/// The addresses that others reach a listener at, so no loopback: a wildcard stands for all of the machine in its family.
fn reached(bound: &[SocketAddr], machine: &[IpAddr]) -> Vec<IpAddr> {
    let mut all = Vec::new();
    for ip in bound.iter().map(SocketAddr::ip) {
        let family = |other: &&IpAddr| other.is_ipv4() == ip.is_ipv4();
        match ip.is_unspecified() {
            true => all.extend(machine.iter().filter(family)),
            false => all.push(ip),
        }
    }
    all.retain(|ip: &IpAddr| !ip.is_loopback());
    all.sort();
    all.dedup();
    all
}

async fn examine(dns: &dyn dns::Resolver, hostname: &str, address: IpAddr) -> Finding {
    let (verdict, mut says) = match dns.names(address).await {
        Err(why) => unknown(&format!("the name of {address}"), &why),
        Ok(names) if names.is_empty() && is_private(address) => {
            (Verdict::Unseen, format!("{address} has no PTR"))
        }
        Ok(names) if names.is_empty() => (
            Verdict::Missing,
            format!(
                "{address} has no PTR, and {hostname} is wanted: have the owner of the address (mostly the hoster) set it"
            ),
        ),
        Ok(names) if names.iter().any(|name| name.eq_ignore_ascii_case(hostname)) => {
            confirm(dns, hostname, address).await
        }
        Ok(names) => (
            Verdict::Differs,
            format!(
                "the PTR of {address} is {}, and {hostname} is wanted: have the owner of the address (mostly the hoster) change it, or set \
                 `hostname` to that name",
                names.join(", ")
            ),
        ),
    };
    if is_private(address) {
        says += "; the address is private: check the PTR of the public one too, which cannot be seen from here";
    }
    Finding {
        address,
        verdict,
        says,
    }
}

/// The PTR is right; whether the name leads back.
async fn confirm(dns: &dyn dns::Resolver, hostname: &str, address: IpAddr) -> (Verdict, String) {
    let record = if address.is_ipv4() { "A" } else { "AAAA" };
    match dns.addresses(hostname).await {
        Err(why) => unknown(&format!("the addresses of {hostname}"), &why),
        Ok(found) if found.contains(&address) => (
            Verdict::Equal,
            format!("{address} is {hostname}, both ways"),
        ),
        // Behind NAT the name leads to the public address.
        Ok(found) if is_private(address) && !found.is_empty() => (
            Verdict::Unseen,
            format!("the PTR of {address} is {hostname}"),
        ),
        Ok(found) => (
            Verdict::Unconfirmed,
            format!(
                "the PTR of {address} is {hostname}, but that name leads to {}: add the record {hostname} {record} {address}",
                listed(&found)
            ),
        ),
    }
}

fn unknown(what: &str, why: &dns::Error) -> (Verdict, String) {
    let says = format!("could not look up {what}: {why}; try again, or check `dns.servers`");
    (Verdict::Unknown, says)
}

fn listed(addresses: &[IpAddr]) -> String {
    if addresses.is_empty() {
        return "no address".into();
    }
    let texts: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use dns::{Answer, Error, MxAnswer};

    /// The PTR of every address, and the addresses of every name; `None` cannot be looked up.
    struct Zone(Option<Vec<&'static str>>, Option<Vec<&'static str>>);

    impl dns::Resolver for Zone {
        fn mx<'a>(&'a self, _: &'a str) -> Answer<'a, MxAnswer> {
            Box::pin(async { Ok(MxAnswer::NoRecord) })
        }
        fn addresses<'a>(&'a self, _: &'a str) -> Answer<'a, Vec<IpAddr>> {
            let all = self.1.clone().ok_or(Error("no answer".into()));
            Box::pin(async { all.map(|all| all.iter().map(|ip| ip.parse().unwrap()).collect()) })
        }
        fn names<'a>(&'a self, _: IpAddr) -> Answer<'a, Vec<String>> {
            let all = self.0.clone().ok_or(Error("no answer".into()));
            Box::pin(async { all.map(|all| all.iter().map(ToString::to_string).collect()) })
        }
        fn txt<'a>(&'a self, _: &'a str) -> Answer<'a, Vec<String>> {
            Box::pin(async { Ok(Vec::new()) })
        }
    }

    async fn verdict(zone: Zone, address: &str) -> (Verdict, String) {
        let finding = examine(&zone, "mx1.example.com", address.parse().unwrap()).await;
        (finding.verdict, finding.says)
    }

    /// A5, M5: equal is silent; a failed look-up is not a difference.
    #[tokio::test]
    async fn a05_verdicts() {
        const NAME: &str = "MX1.example.com";
        let public = "203.0.113.7";
        let cases = [
            (Some(vec![NAME]), Some(vec![public]), Verdict::Equal),
            (
                Some(vec!["x.example"]),
                Some(vec![public]),
                Verdict::Differs,
            ),
            (Some(vec![]), Some(vec![public]), Verdict::Missing),
            (
                Some(vec![NAME]),
                Some(vec!["203.0.113.8"]),
                Verdict::Unconfirmed,
            ),
            (Some(vec![NAME]), Some(vec![]), Verdict::Unconfirmed),
            (None, Some(vec![public]), Verdict::Unknown),
            (Some(vec![NAME]), None, Verdict::Unknown),
        ];
        for (names, addresses, wanted) in cases {
            let (found, says) = verdict(Zone(names, addresses), public).await;
            assert_eq!(found, wanted, "{says}");
            assert_eq!(found.warns(), wanted != Verdict::Equal);
            assert!(
                says.contains("mx1.example.com") || wanted == Verdict::Unknown,
                "{says}"
            );
            assert_eq!(
                says.contains("could not look up"),
                wanted == Verdict::Unknown
            );
        }
    }

    /// A5: of a private address only a contradiction is a warning, and the note says what was not seen.
    #[tokio::test]
    async fn a05_private_addresses() {
        let nat = Zone(Some(vec!["mx1.example.com"]), Some(vec!["203.0.113.7"]));
        let cases = [
            (Zone(Some(vec![]), Some(vec![])), Verdict::Unseen),
            (nat, Verdict::Unseen),
            (Zone(Some(vec!["box.lan"]), Some(vec![])), Verdict::Differs),
        ];
        for (zone, wanted) in cases {
            let (found, says) = verdict(zone, "10.0.0.7").await;
            assert_eq!(found, wanted, "{says}");
            assert!(says.contains("the address is private"), "{says}");
        }
    }

    #[test]
    fn wildcards_stand_for_the_machine() {
        let parse = |text: &str| -> IpAddr { text.parse().unwrap() };
        let machine = [parse("192.0.2.7"), parse("2001:db8::7")];
        let bound = |texts: &[&str]| {
            let texts = texts.iter().map(|text| text.parse().unwrap());
            reached(&texts.collect::<Vec<SocketAddr>>(), &machine)
        };
        assert_eq!(bound(&["[::]:25", "0.0.0.0:25"]), machine);
        assert_eq!(bound(&["0.0.0.0:25", "192.0.2.7:26"]), machine[..1]);
        assert_eq!(bound(&["198.51.100.1:25"]), [parse("198.51.100.1")]);
        assert!(bound(&["127.0.0.1:25", "[::1]:25"]).is_empty());
    }
}

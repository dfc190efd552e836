//! The machine's network interfaces: their addresses, and which of them hold the default route (A2).
//!
//! Link-local addresses are left out: no mail server elsewhere can reach them. Linux keeps the routes in /proc; where there is no such file,
//! no interface holds the default route.

use nix::ifaddrs::getifaddrs;
use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
#[cfg(test)]
use std::net::{Ipv4Addr, Ipv6Addr};

/// The word for all interfaces that hold a default route.
const EGRESS: &str = "egress";
/// RTF_UP and RTF_REJECT of <linux/route.h>.
const UP: u32 = 0x0001;
const REJECT: u32 = 0x0200;

/// The interfaces with their addresses, in the order of the system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Interfaces {
    addresses: Vec<(String, IpAddr)>,
    /// The interfaces of the default routes, by family.
    egress_v4: BTreeSet<String>,
    egress_v6: BTreeSet<String>,
}

impl Interfaces {
    /// Looks at the machine.
    pub(crate) fn of_this_machine() -> Result<Interfaces, String> {
        let all = getifaddrs().map_err(|why| format!("cannot list the interfaces: {why}"))?;
        let addresses = all.filter_map(|one| {
            let address = one.address?;
            let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
            let v6 = address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip()));
            Some((one.interface_name, v4.or(v6)?))
        });
        Ok(Interfaces {
            addresses: addresses.filter(|(_, ip)| !is_link_local(*ip)).collect(),
            egress_v4: default_v4(&fs::read_to_string("/proc/net/route").unwrap_or_default()),
            egress_v6: default_v6(&fs::read_to_string("/proc/net/ipv6_route").unwrap_or_default()),
        })
    }

    /// The addresses of an interface, or of those that `egress` stands for.
    pub(super) fn named(&self, name: &str) -> Result<Vec<IpAddr>, String> {
        let held = |(interface, ip): &&(String, IpAddr)| match (name, ip) {
            (EGRESS, IpAddr::V4(_)) => self.egress_v4.contains(interface),
            (EGRESS, IpAddr::V6(_)) => self.egress_v6.contains(interface),
            _ => interface == name,
        };
        let found = self.addresses.iter().filter(held);
        let found: Vec<IpAddr> = found.map(|(_, ip)| *ip).collect();
        match (found.is_empty(), name) {
            (false, _) => Ok(found),
            (true, EGRESS) => Err("this machine has no default route to listen on".into()),
            (true, _) => Err(format!(
                "this machine has no interface \"{name}\" with an address; it has {}",
                self.names()
            )),
        }
    }

    /// All addresses that other machines may reach.
    pub(crate) fn reachable(&self) -> Vec<IpAddr> {
        let all = self.addresses.iter().map(|(_, ip)| *ip);
        all.filter(|ip| !ip.is_loopback()).collect()
    }

    fn names(&self) -> String {
        let names: BTreeSet<&str> = self.addresses.iter().map(|(name, _)| &**name).collect();
        names.into_iter().collect::<Vec<_>>().join(", ")
    }
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

/// Interface, destination, gateway, flags, …, mask in the eighth column; a line of headings first.
fn default_v4(table: &str) -> BTreeSet<String> {
    let default = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let zero = |n: usize| columns.get(n).and_then(|text| hex(text)) == Some(0);
        let default = zero(1) && zero(7) && in_use(columns.get(3)?);
        default.then(|| columns[0].to_owned())
    };
    table.lines().filter_map(default).collect()
}

/// Destination and its prefix length first, flags in the ninth column, interface in the tenth.
fn default_v6(table: &str) -> BTreeSet<String> {
    let default = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let any = columns.first()?.bytes().all(|b| b == b'0') && *columns.get(1)? == "00";
        (any && in_use(columns.get(8)?)).then(|| columns.get(9).map(|name| (*name).to_owned()))?
    };
    table.lines().filter_map(default).collect()
}

fn in_use(flags: &str) -> bool {
    hex(flags).is_some_and(|flags| flags & (UP | REJECT) == UP)
}

fn hex(text: &str) -> Option<u32> {
    u32::from_str_radix(text, 16).ok()
}

#[cfg(test)]
pub(super) fn example() -> Interfaces {
    let on = |name: &str, ip: IpAddr| (name.to_owned(), ip);
    Interfaces {
        addresses: vec![
            on("lo", Ipv4Addr::LOCALHOST.into()),
            on("ens3", Ipv4Addr::new(192, 0, 2, 7).into()),
            on("lo", Ipv6Addr::LOCALHOST.into()),
            on(
                "ens3",
                Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7).into(),
            ),
        ],
        egress_v4: ["ens3".to_owned()].into(),
        egress_v6: BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A2: the routes as Linux writes them; the one that refuses (on lo) is none.
    #[test]
    fn a02_default_routes() {
        let v4 = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n\
                  ens3\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
                  tun0\t00000000\t010200C0\t0003\t0\t0\t0\t00000080\t0\t0\t0\n\
                  ens4\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";
        assert_eq!(default_v4(v4), ["ens3".to_owned()].into());
        let (zero, gateway) = ("0".repeat(32), "fd000000000000000000000000000001");
        let v6 = format!(
            "{zero} 00 {zero} 00 {gateway} 00000400 00000003 00000000 00000003     ens3\n\
             {zero} 00 {zero} 00 {zero} ffffffff 00000001 00000000 00200200       lo\n\
             {zero} 80 {zero} 00 {zero} 00000000 00000004 00000000 80200001       ens5\n"
        );
        assert_eq!(default_v6(&v6), ["ens3".to_owned()].into());
    }

    #[test]
    fn a02_addresses_of_an_interface() {
        let machine = example();
        let text = |name| machine.named(name).map(|ips| format!("{ips:?}"));
        assert_eq!(text("lo"), Ok("[127.0.0.1, ::1]".into()));
        assert_eq!(text("ens3"), Ok("[192.0.2.7, 2001:db8::7]".into()));
        assert_eq!(text("egress"), Ok("[192.0.2.7]".into()));
        assert_eq!(
            text("ens9"),
            Err("this machine has no interface \"ens9\" with an address; it has ens3, lo".into())
        );
        assert_eq!(
            Interfaces::default().named("egress"),
            Err("this machine has no default route to listen on".into())
        );
        assert_eq!(
            format!("{:?}", machine.reachable()),
            "[192.0.2.7, 2001:db8::7]"
        );
    }

    #[test]
    fn a02_lo_of_this_machine() {
        let lo = Interfaces::of_this_machine().unwrap().named("lo").unwrap();
        assert!(lo.contains(&Ipv4Addr::LOCALHOST.into()), "{lo:?}");
        assert!(lo.iter().all(|ip| ip.is_loopback()), "{lo:?}");
    }
}

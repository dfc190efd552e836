//! The pretend Internet: a name server for which every domain exists, and three mail hosts for all of them.
//!
//! Every domain has `mx1` (127.0.0.1, with STARTTLS), `mx2` (127.0.0.2, without) and `mx3` (127.0.0.3, whose STARTTLS is broken).
//! A label in a domain's name changes what DNS says: `null-mx` (RFC 7505), `nxdomain`, `no-mx` (address only), `dead` (nothing
//! listens there). `dns-fail.example` and all below it cannot be looked up (SERVFAIL).

use crate::Ca;
use crate::dns::{self, Fault, Zone};
use crate::mail::{self, Starttls};
use hickory_proto::rr::{RData, RecordType};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// Addresses of the three hosts, and of one where nothing listens.
const HOSTS: [Ipv4Addr; 3] = [
    Ipv4Addr::new(127, 0, 0, 1),
    Ipv4Addr::new(127, 0, 0, 2),
    Ipv4Addr::new(127, 0, 0, 3),
];
const DEAD: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 99);

/// How the pretend Internet is set up.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Port of the name server; any free one if not given.
    pub dns_port: Option<u16>,
    /// Where to write each delivered message, as `DOMAIN/LOCALPART/new/…` (maildir).
    pub folder: Option<PathBuf>,
    /// Pause between the octets that `slow` drips; 100 ms if not given.
    pub drip: Option<Duration>,
}

/// A running pretend Internet. It ends when dropped.
pub struct Internet {
    /// The name server.
    pub dns: dns::Server,
    /// The mail hosts.
    pub mail: mail::Server,
    /// Who signed the hosts' certificates.
    pub ca: Ca,
}

impl Internet {
    /// Starts it.
    pub async fn start(options: Options) -> io::Result<Internet> {
        let ca = Ca::new("The pretend Internet")?;
        let certificate = ca.issue(&["mx1.example", "*.example", "*.invalid"])?;
        let hosts = vec![
            mail::Host::new(HOSTS[0], Starttls::Works(certificate.server_config()?)),
            mail::Host::new(HOSTS[1], Starttls::Missing),
            mail::Host::new(HOSTS[2], Starttls::Broken),
        ];
        let mail = mail::Server::start(mail::Options {
            hosts,
            folder: options.folder,
            drip: options.drip.unwrap_or(Duration::from_millis(100)),
        })
        .await?;
        let mut zone = Zone::new();
        zone.otherwise(everywhere)
            .fault("dns-fail.example", Some(Fault::Fails));
        let dns = dns::Server::start(zone, options.dns_port).await?;
        Ok(Internet { dns, mail, ca })
    }

    /// Where the name server listens.
    pub fn resolver(&self) -> SocketAddr {
        self.dns.address()
    }

    /// The port of all mail hosts.
    pub fn port(&self) -> u16 {
        self.mail.port()
    }

    /// Breaks the look-up of a name, or mends it.
    pub fn break_name(&self, name: &str, fault: Option<Fault>) {
        self.dns.edit(|zone| {
            zone.fault(name, fault);
        });
    }
}

/// What holds for every name.
fn everywhere(name: &str, kind: RecordType) -> Option<Vec<RData>> {
    if let Some(address) = dns::reversed(name) {
        let local = address.is_loopback() && kind == RecordType::PTR;
        return local.then(|| vec![dns::ptr("localhost")]);
    }
    let labelled = |label| name.split('.').any(|part| part == label);
    if labelled("nxdomain") {
        return None;
    }
    Some(match kind {
        RecordType::MX if labelled("null-mx") => vec![dns::mx(0, ".")],
        RecordType::MX if labelled("no-mx") || name == "localhost" => Vec::new(),
        RecordType::MX => (1..=3)
            .map(|n| dns::mx(n * 10, &format!("mx{n}.{name}")))
            .collect(),
        RecordType::A => vec![dns::a(host_address(name))],
        _ => Vec::new(),
    })
}

fn host_address(name: &str) -> Ipv4Addr {
    if name.split('.').any(|label| label == "dead") {
        return DEAD;
    }
    match name.split('.').next() {
        Some("mx2") => HOSTS[1],
        Some("mx3") => HOSTS[2],
        _ => HOSTS[0],
    }
}

//! Whether the TLSA records that DNS has for this server fit the keys that it serves (L26): where they do not, servers that obey DANE send nothing
//! here. And which records fit (L23, M24): one of each key, to which the ports lead by CNAME.
//!
//! It only asks; nothing is changed.

use super::{Running, World};
use crate::listen::Kind;
use crate::session::tls::{self, Chain};
use dns::Resolver;
use serde::{Deserialize, Serialize};

/// Listeners that others reach with TLS.
const KINDS: [Kind; 8] = [
    Kind::Smtp,
    Kind::Submission,
    Kind::Submissions,
    Kind::Imap,
    Kind::Imaps,
    Kind::Pop3,
    Kind::Pop3s,
    Kind::ManageSieve,
];

/// What the check of TLSA records found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The name of the server.
    pub hostname: String,
    /// One for each port. None: no server runs, so none serves a key.
    pub findings: Vec<Finding>,
    /// The records that fit, as lines of a zone file; those of keys that wait to be served too (L24).
    pub records: Vec<String>,
    /// Keys that wait for their records, by their hash.
    pub waiting: Vec<String>,
}

/// What holds for one port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The port.
    pub port: u16,
    /// How it is.
    pub verdict: Verdict,
    /// What was found, and what to do.
    pub says: String,
}

/// How the records of a port are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// They fit.
    Fit,
    /// There are none, so nobody asks for anything.
    Absent,
    /// They are not signed, so nobody obeys them.
    Unsigned,
    /// The look-up failed: nobody knows.
    Unknown,
    /// They do not fit what is served.
    Wrong,
}

impl Verdict {
    /// As exit codes count: 0 well, 1 a warning, 2 bad.
    pub fn code(self) -> u8 {
        match self {
            Verdict::Fit | Verdict::Absent => 0,
            Verdict::Unsigned | Verdict::Unknown => 1,
            Verdict::Wrong => 2,
        }
    }
}

pub(super) async fn check(world: &World) -> Report {
    let hostname = world.config.hostname.clone();
    let mut report = Report {
        hostname: hostname.clone(),
        findings: Vec::new(),
        records: Vec::new(),
        waiting: Vec::new(),
    };
    let Some(running) = &world.running else {
        return report;
    };
    let served = running.services.tls.served(&hostname);
    let ports = ports(running);
    let mut keys: Vec<String> = served
        .iter()
        .filter_map(|chain| tls::key_hash(chain))
        .collect();
    report.waiting = running.services.tls.waiting_for(&served);
    keys.extend(report.waiting.iter().cloned());
    report.records = fitting(&hostname, &keys, &ports);
    for port in ports {
        let dns = &*running.services.dns;
        report
            .findings
            .push(examine(dns, &hostname, port, &served).await);
    }
    report
}

fn ports(running: &Running) -> Vec<u16> {
    let bound = KINDS.iter().flat_map(|kind| running.bound.of(*kind));
    let mut ports: Vec<u16> = bound.map(|address| address.port()).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// L23, M24: one name with a record for each key, and a CNAME to it for each port.
fn fitting(hostname: &str, keys: &[String], ports: &[u16]) -> Vec<String> {
    let mut records: Vec<String> = keys
        .iter()
        .map(|hash| format!("tlsa._dane.{hostname}. IN TLSA 3 1 1 {hash}"))
        .collect();
    records.sort();
    records.dedup();
    let leading = |port| format!("_{port}._tcp.{hostname}. IN CNAME tlsa._dane.{hostname}.");
    records.extend(ports.iter().map(leading));
    records
}

async fn examine(dns: &dyn Resolver, hostname: &str, port: u16, served: &[Chain]) -> Finding {
    let name = format!("_{port}._tcp.{hostname}");
    let (verdict, says) = match dns.tlsa(&name).await {
        Err(why) => (
            Verdict::Unknown,
            format!("could not look up {name}: {why}; try again, or check `dns.servers`"),
        ),
        Ok(found) if found.value.is_empty() => {
            (Verdict::Absent, format!("{name} has no TLSA record"))
        }
        // Wrong ones stop mail as soon as the zone is signed.
        Ok(found) if !served.iter().all(|chain| tls::fits(&found.value, chain)) => (
            Verdict::Wrong,
            format!(
                "the TLSA records of {name} do not fit the certificate that is served: servers that obey DANE send nothing here. Publish the \
                 records below beside the old ones, or serve the old key again"
            ),
        ),
        Ok(found) if !found.proof.is_secure() => (
            Verdict::Unsigned,
            format!(
                "the TLSA records of {name} fit, but nothing here proves that they are signed, and unsigned ones are not obeyed: sign the zone, \
                 or let the resolver of this server verify (`dns.mode`, `dns.validate`)"
            ),
        ),
        Ok(_) => (
            Verdict::Fit,
            format!("the TLSA records of {name} fit the key that is served"),
        ),
    };
    Finding {
        port,
        verdict,
        says,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dns::{Answer, Error, MxAnswer, Proof, Proved, Tlsa};
    use std::net::IpAddr;

    struct Zone(Option<(Vec<Tlsa>, Proof)>);

    impl Resolver for Zone {
        fn mx<'a>(&'a self, _: &'a str) -> Answer<'a, MxAnswer> {
            Box::pin(async { Ok(MxAnswer::NoRecord) })
        }
        fn addresses<'a>(&'a self, _: &'a str) -> Answer<'a, Vec<IpAddr>> {
            Box::pin(async { Ok(Vec::new()) })
        }
        fn names<'a>(&'a self, _: IpAddr) -> Answer<'a, Vec<String>> {
            Box::pin(async { Ok(Vec::new()) })
        }
        fn txt<'a>(&'a self, _: &'a str) -> Answer<'a, Vec<String>> {
            Box::pin(async { Ok(Vec::new()) })
        }
        fn tlsa<'a>(&'a self, name: &'a str) -> Answer<'a, Proved<Vec<Tlsa>>> {
            assert_eq!(name, "_25._tcp.mx1.example.com");
            let answer = self.0.clone();
            Box::pin(async {
                let (value, proof) = answer.ok_or(Error("no answer".into()))?;
                Ok(Proved { value, proof })
            })
        }
    }

    fn chain() -> Chain {
        let made = rcgen::generate_simple_self_signed(["mx1.example.com".to_string()]).unwrap();
        vec![made.cert.der().clone()]
    }

    fn record(hash: &str) -> Tlsa {
        let octet = |at: usize| u8::from_str_radix(&hash[at..at + 2], 16).unwrap();
        Tlsa {
            usage: 3,
            selector: 1,
            matching: 1,
            data: (0..hash.len()).step_by(2).map(octet).collect(),
        }
    }

    /// L26, L23: what is printed fits; another key is bad, with more than one certificate too.
    #[tokio::test]
    async fn l26_verdicts() {
        let (old, new) = (chain(), chain());
        let hash = tls::key_hash(&old).unwrap();
        let lines = fitting("mx1.example.com", std::slice::from_ref(&hash), &[25]);
        assert_eq!(
            lines[0],
            format!("tlsa._dane.mx1.example.com. IN TLSA 3 1 1 {hash}")
        );
        assert_eq!(
            lines[1],
            "_25._tcp.mx1.example.com. IN CNAME tlsa._dane.mx1.example.com."
        );
        let records = vec![record(&hash)];
        let both = [old.clone(), new.clone()];
        for (zone, served, verdict) in [
            (None, &both[..1], Verdict::Unknown),
            (Some((vec![], Proof::Secure)), &both[..1], Verdict::Absent),
            (
                Some((records.clone(), Proof::Secure)),
                &both[..1],
                Verdict::Fit,
            ),
            (
                Some((records.clone(), Proof::Insecure)),
                &both[..1],
                Verdict::Unsigned,
            ),
            (
                Some((records.clone(), Proof::Secure)),
                &both[1..],
                Verdict::Wrong,
            ),
            (
                Some((records.clone(), Proof::Secure)),
                &both[..],
                Verdict::Wrong,
            ),
        ] {
            let finding = examine(&Zone(zone), "mx1.example.com", 25, served).await;
            assert_eq!(finding.verdict, verdict, "{}", finding.says);
        }
        let rolled = vec![record(&hash), record(&tls::key_hash(&new).unwrap())];
        let zone = Zone(Some((rolled, Proof::Secure)));
        let finding = examine(&zone, "mx1.example.com", 25, &both).await;
        assert_eq!(finding.verdict, Verdict::Fit);
    }
}

//! Look-ups answered from a table: what the dialogs' world knows of DNS.

use dns::{Answer, Error, MxAnswer, Resolver};
use std::net::{IpAddr, Ipv4Addr};

/// The table, or a resolver that is away.
pub(crate) struct Table(pub(crate) super::Dns);

/// TXT records. The client of the travels is 198.51.100.7.
const TEXTS: [(&str, &str); 7] = [
    ("reject.example", "v=spf1 ip4:198.51.100.7 -all"),
    ("_dmarc.reject.example", "v=DMARC1; p=reject"),
    ("_dmarc.testing.example", "v=DMARC1; p=reject; t=y"),
    ("_dmarc.quarantine.example", "v=DMARC1; p=quarantine"),
    ("_dmarc.none.example", "v=DMARC1; p=none"),
    ("other.example", "v=spf1 ip4:198.51.100.7 -all"),
    ("forwarder.example", "v=spf1 ip4:198.51.100.7 -all"),
];

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Clients whose names lead back to them. 198.51.100.2 has a name that does not; all other addresses have none.
const CLIENTS: &[(&str, &str)] = &[
    ("mail.good.example", "198.51.100.1"),
    ("a.dyn.isp.example", "198.51.100.3"),
    ("mail.listed.example", "198.51.100.9"),
    ("mail.scored.example", "198.51.100.50"),
    ("mail.scored-low.example", "198.51.100.5"),
];

/// Lists in DNS: one that is well, one that lists everybody, and sender scores.
const LISTED: &[(&str, &str)] = &[
    ("2.0.0.127.bl.test.example", "127.0.0.2"),
    ("9.100.51.198.bl.test.example", "127.0.0.2"),
    ("2.0.0.127.dead.test.example", "127.0.0.2"),
    ("1.0.0.127.dead.test.example", "127.0.0.2"),
    ("1.100.51.198.dead.test.example", "127.0.0.2"),
    ("1.100.51.198.refuses.test.example", "127.255.255.254"),
    ("50.100.51.198.score.test.example", "127.0.1.50"),
    ("5.100.51.198.score.test.example", "127.0.1.5"),
    // Domains that mail links to, and an address by its SHA-1 (fraud@none.example).
    ("evil.example.urls.test.example", "127.0.0.2"),
    (
        "5ac48551d4f12e3ee0f548391b0cb45790bc7f18.hashes.test.example",
        "127.0.0.2",
    ),
];

impl Table {
    fn answer<'a, T: Send + 'a>(&self, found: T) -> Answer<'a, T> {
        let answer = match self.0 {
            super::Dns::Works => Ok(found),
            super::Dns::Down => Err(Error("no resolver answers".into())),
        };
        Box::pin(std::future::ready(answer))
    }
}

impl Resolver for Table {
    fn mx<'a>(&'a self, domain: &'a str) -> Answer<'a, MxAnswer> {
        self.answer(match domain {
            "elsewhere.example" => MxAnswer::Hosts(vec![(10, "mx.elsewhere.example".into())]),
            "nomail.example" => MxAnswer::Null,
            "client.example" => MxAnswer::NoRecord,
            _ => MxAnswer::NoDomain,
        })
    }

    fn addresses<'a>(&'a self, host: &'a str) -> Answer<'a, Vec<IpAddr>> {
        self.answer(match host {
            "client.example" | "mx.elsewhere.example" => vec![LOOPBACK],
            other => CLIENTS
                .iter()
                .chain(LISTED)
                .filter(|(name, _)| *name == other)
                .map(|(_, address)| address.parse().expect("an address"))
                .collect(),
        })
    }

    fn names<'a>(&'a self, address: IpAddr) -> Answer<'a, Vec<String>> {
        self.answer(match address {
            LOOPBACK => vec!["client.example".into()],
            // Its name leads elsewhere.
            IpAddr::V4(four) if four == Ipv4Addr::new(198, 51, 100, 2) => {
                vec!["mail.good.example".into()]
            }
            other => CLIENTS
                .iter()
                .filter(|(_, address)| address.parse() == Ok(other))
                .map(|(name, _)| (*name).into())
                .collect(),
        })
    }

    fn txt<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<String>> {
        if name.ends_with(".away.example") {
            return Box::pin(std::future::ready(Err(Error("no answer in time".into()))));
        }
        // RFC 8463 Appendix A.2: everybody's key is the one whose private half is known.
        if name.starts_with("brisbane._domainkey.") {
            let key = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
            return self.answer(vec![key.into()]);
        }
        let found = TEXTS.iter().filter(|(known, _)| *known == name);
        self.answer(found.map(|(_, text)| (*text).into()).collect())
    }
}

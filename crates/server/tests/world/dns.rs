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
            _ => Vec::new(),
        })
    }

    fn names<'a>(&'a self, address: IpAddr) -> Answer<'a, Vec<String>> {
        self.answer(match address {
            LOOPBACK => vec!["client.example".into()],
            _ => Vec::new(),
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

//! DNS look-ups. Absence and failure are different types: "there is no MX" is an answer, "could not ask" is an [`Error`]. What DNSSEC
//! (RFC 4033 §5) proves of an answer comes with it as a [`Proof`].
//!
//! [`Lookups`] asks other resolvers (`forwarding`) or the authoritative servers from the root on (`recursing`).

mod anchors;
mod engine;
mod forwarding;
mod lookups;
mod recursing;
mod silence;
mod special;

pub use forwarding::Validation;
pub use lookups::{Counts, Lookups, is_record_type};
pub use recursing::{Private, Recursion};

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;

/// A look-up that failed: nobody knows whether the name exists. Always temporary.
#[derive(Debug, Clone, thiserror::Error)]
#[error("DNS look-up failed: {0}")]
pub struct Error(pub String);

/// What DNSSEC says of an answer (RFC 4033 §5).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    /// Should be signed, and is not, or wrongly: an attack or a fault. Where records are asked for this is an [`Error`].
    Bogus,
    /// Not known: nobody validates.
    #[default]
    Indeterminate,
    /// Proved to be unsigned.
    Insecure,
    /// Signed, and the chain of signatures leads to a trust anchor. Of absence: it is proved.
    Secure,
}

impl Proof {
    /// Is it proved to be what the owner of the zone said?
    pub fn is_secure(self) -> bool {
        self == Proof::Secure
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Proof::Bogus => "bogus",
            Proof::Indeterminate => "indeterminate",
            Proof::Insecure => "insecure",
            Proof::Secure => "secure",
        })
    }
}

/// An answer with what DNSSEC says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proved<T> {
    /// The answer.
    pub value: T,
    /// The weakest proof of all records it rests on, CNAMEs included; of an absence, the proof of that.
    pub proof: Proof,
}

impl<T> Proved<T> {
    /// An answer that nobody has validated.
    pub fn unproved(value: T) -> Proved<T> {
        Proved {
            value,
            proof: Proof::Indeterminate,
        }
    }
}

/// The answer to an MX question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MxAnswer {
    /// The domain does not exist (NXDOMAIN).
    NoDomain,
    /// The domain exists and has no MX: its own addresses are the mail host (RFC 5321 §5.1).
    NoRecord,
    /// `MX 0 .`: the domain takes no mail (RFC 7505).
    Null,
    /// Preference and host, lower-case without the final dot, unsorted.
    Hosts(Vec<(u16, String)>),
}

/// A kind of address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// A records.
    V4,
    /// AAAA records.
    V6,
}

impl Family {
    /// Is this address of this kind?
    pub fn holds(self, address: &IpAddr) -> bool {
        match self {
            Family::V4 => address.is_ipv4(),
            Family::V6 => address.is_ipv6(),
        }
    }
}

/// Where a host is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Located {
    /// IPv6 and IPv4.
    pub addresses: Vec<IpAddr>,
    /// The name at the end of its CNAMEs, lower-case without the final dot; its own if it has none.
    pub canonical: String,
    /// The proof of the first CNAME, if the host's name is one (RFC 7672 §2.2.2).
    pub alias: Option<Proof>,
}

/// A TLSA record (RFC 6698 §2.1), its fields as numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tlsa {
    /// Certificate usage: 2 is a trust anchor, 3 the server's own.
    pub usage: u8,
    /// 0 the certificate, 1 its public key.
    pub selector: u8,
    /// 0 the octets themselves, 1 their SHA-256, 2 their SHA-512.
    pub matching: u8,
    /// What must match.
    pub data: Vec<u8>,
}

/// Any records, for people to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Whether anything is there.
    pub presence: Presence,
    /// The weakest proof of all of it; here it may be [`Proof::Bogus`].
    pub proof: Proof,
    /// The records, CNAMEs on the way included.
    pub records: Vec<Line>,
}

/// Whether anything is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Records of the type.
    Records,
    /// The name exists, without records of the type.
    NoRecord,
    /// The name does not exist.
    NoDomain,
}

/// A record in the form of a zone file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Owner.
    pub name: String,
    /// Seconds it may be remembered.
    pub ttl: u32,
    /// `MX`, `TLSA`…
    pub kind: String,
    /// Its data.
    pub data: String,
    /// What DNSSEC says of it.
    pub proof: Proof,
}

/// A boxed future, so that the trait can be used behind `dyn`.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// What the server asks of DNS. Empty vectors mean the name or record does not exist.
///
/// The methods with proofs have bodies, so that a resolver for tests that knows nothing of DNSSEC needs none of them.
pub trait Resolver: Send + Sync {
    /// Mail exchangers of a domain.
    fn mx<'a>(&'a self, domain: &'a str) -> Answer<'a, MxAnswer>;
    /// IPv4 and IPv6 addresses of a host, CNAMEs followed.
    fn addresses<'a>(&'a self, host: &'a str) -> Answer<'a, Vec<IpAddr>>;
    /// The addresses of one family alone: that there is none of it is told from "could not be asked" even if the other answers.
    fn family<'a>(&'a self, host: &'a str, family: Family) -> Answer<'a, Vec<IpAddr>> {
        Box::pin(async move {
            let mut found = self.addresses(host).await?;
            found.retain(|address| family.holds(address));
            Ok(found)
        })
    }
    /// Names of an address (PTR), without the final dot.
    fn names<'a>(&'a self, address: IpAddr) -> Answer<'a, Vec<String>>;
    /// TXT records, each with its strings joined.
    fn txt<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<String>>;

    /// Mail exchangers with their proof.
    fn proved_mx<'a>(&'a self, domain: &'a str) -> Answer<'a, Proved<MxAnswer>> {
        Box::pin(async move { self.mx(domain).await.map(Proved::unproved) })
    }

    /// Addresses with their proof.
    fn located<'a>(&'a self, host: &'a str) -> Answer<'a, Proved<Located>> {
        Box::pin(async move {
            let addresses = self.addresses(host).await?;
            Ok(Proved::unproved(Located {
                addresses,
                canonical: host.to_ascii_lowercase(),
                alias: None,
            }))
        })
    }

    /// TLSA records with their proof (RFC 6698).
    fn tlsa<'a>(&'a self, _name: &'a str) -> Answer<'a, Proved<Vec<Tlsa>>> {
        Box::pin(std::future::ready(Ok(Proved::unproved(Vec::new()))))
    }

    /// Any records, for people; `kind` is a name like `MX`.
    fn listing<'a>(&'a self, _name: &'a str, kind: &'a str) -> Answer<'a, Listing> {
        let words = format!("this resolver cannot list {kind} records");
        Box::pin(std::future::ready(Err(Error(words))))
    }

    /// How many questions there were, and how they ended (M33).
    fn counts(&self) -> Counts {
        Counts::default()
    }
}

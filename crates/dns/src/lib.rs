//! DNS look-ups. Absence and failure are different types: "there is no MX" is an answer, "could not ask" is an [`Error`].

mod forwarding;

pub use forwarding::Forwarding;

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;

/// A look-up that failed: nobody knows whether the name exists. Always temporary.
#[derive(Debug, Clone, thiserror::Error)]
#[error("DNS look-up failed: {0}")]
pub struct Error(pub String);

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

/// A boxed future, so that the trait can be used behind `dyn`.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// What the server asks of DNS. Empty vectors mean the name or record does not exist.
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
}

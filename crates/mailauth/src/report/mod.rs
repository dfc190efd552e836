//! Reports about mail in a domain's name: aggregate reports of DMARC (RFC 9990), and of TLS (RFC 8460). Written, addressed, and read
//! from whatever they come in: a message, an archive, or the bare document.
//!
//! What is not done here: counting, keeping, sending. Reading is bounded ([`unpack`]), resolves no entity of XML and fetches nothing.

mod aggregate;
mod destination;
mod read;
#[cfg(test)]
mod tests;
mod tls;
mod unpack;
mod write;

pub use aggregate::{
    Aggregate, DkimEvidence, Evaluated, Published, Reason, Row, SpfEvidence, Totals,
};
pub use destination::{Destinations, addresses};
pub use tls::{TlsFailure, TlsPolicy, TlsReport};
pub use unpack::{LARGEST, may_hold_reports};

use serde::{Deserialize, Serialize};

/// A report of either kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Report {
    /// On mail that names a domain as its author's.
    Dmarc(Aggregate),
    /// On TLS of sessions that brought mail to a domain.
    Tls(TlsReport),
}

/// Why nothing could be read, as a clause for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

impl Unreadable {
    fn because(why: impl Into<String>) -> Unreadable {
        Unreadable(why.into())
    }
}

/// Reads the reports in a message, an archive (gzip, zip) or a document. The octets are untrusted.
pub fn read(octets: &[u8]) -> Result<Vec<Report>, Unreadable> {
    let documents = unpack::documents(octets)?;
    documents.iter().map(one).collect()
}

fn one(document: &unpack::Document) -> Result<Report, Unreadable> {
    match document {
        unpack::Document::Xml(octets) => read::aggregate(octets).map(Report::Dmarc),
        unpack::Document::Json(octets) => tls::parse(octets).map(Report::Tls),
    }
}

/// At most so many characters, none of which could steer a terminal.
fn plain(text: &str, most: usize) -> String {
    let shown: String = text
        .trim()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(most)
        .collect();
    shown.trim().to_string()
}

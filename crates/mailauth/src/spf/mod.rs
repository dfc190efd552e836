//! SPF: may this address send mail for this domain? (RFC 7208)
//!
//! [`check`] is the function `check_host()` of §4 with all its limits. It asks DNS through the resolver it is given; a time limit is
//! the caller's, who drops the future and says `temperror`. What follows from a result is not decided here.

mod evaluate;
mod macros;
mod name;
mod record;
#[cfg(test)]
mod suite;
#[cfg(test)]
mod tests;
mod walk;

pub use record::{Record, SyntaxError};
pub use walk::{Gap, Permitted, Walk, walk};

use dns::Resolver;
use std::fmt;
use std::net::IpAddr;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// The client.
    pub ip: IpAddr,
    /// What it said in HELO or EHLO.
    pub helo: &'a str,
    /// The reverse-path; `None` for `<>`, which is checked as postmaster of the HELO name (§2.4).
    pub sender: Option<&'a str>,
    /// Our own name, for explanations (§7.3).
    pub receiver: &'a str,
    /// Seconds since 1970, for explanations.
    pub now: i64,
}

/// §2.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SpfResult {
    /// There is no record, or no domain that could have one.
    None,
    /// The domain says nothing about this address.
    Neutral,
    /// The address may send for the domain.
    Pass,
    /// It may not.
    Fail,
    /// It probably may not.
    SoftFail,
    /// DNS could not be asked: nobody knows now.
    TempError,
    /// The records cannot be understood.
    PermError,
}

impl SpfResult {
    /// The word of RFC 8601 §2.7.2.
    pub fn word(self) -> &'static str {
        match self {
            SpfResult::None => "none",
            SpfResult::Neutral => "neutral",
            SpfResult::Pass => "pass",
            SpfResult::Fail => "fail",
            SpfResult::SoftFail => "softfail",
            SpfResult::TempError => "temperror",
            SpfResult::PermError => "permerror",
        }
    }
}

impl fmt::Display for SpfResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A result and how it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The result.
    pub result: SpfResult,
    /// The domain that was checked, lower-case: of the reverse-path, or the HELO name.
    pub domain: String,
    /// One sentence for people, without line ends: which mechanism matched, or what is wrong.
    pub reason: String,
    /// What the domain wants a refused sender to be told (§6.2); printable ASCII, at most [`EXPLANATION`] octets.
    pub explanation: Option<String>,
}

/// Explanations are cut off here.
pub const EXPLANATION: usize = 400;

/// Checks the reverse-path, or the HELO name if there is none.
pub async fn check(resolver: &dyn Resolver, query: &Query<'_>) -> Outcome {
    evaluate::Evaluation::new(resolver, query).run().await
}

/// Checks the HELO name by itself (§2.3).
pub async fn check_helo(resolver: &dyn Resolver, query: &Query<'_>) -> Outcome {
    let query = Query {
        sender: None,
        ..*query
    };
    check(resolver, &query).await
}

//! What SORT can be asked (RFC 5256 §3, RFC 5957 SORT=DISPLAY, RFC 5267 ESORT).

use crate::search::Search;

/// A SORT command without its tag.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sort {
    /// By what, the most important first; never empty. Where all are alike, the message number decides.
    pub criteria: Vec<Criterion>,
    /// Which messages, and how to answer.
    pub search: Search,
}

/// A sort criterion and its direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Criterion {
    /// What is compared.
    pub key: SortKey,
    /// REVERSE stood before it.
    pub reverse: bool,
}

/// What is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // the names are those of the criteria
pub enum SortKey {
    Arrival,
    Cc,
    Date,
    From,
    Size,
    Subject,
    To,
    DisplayFrom,
    DisplayTo,
}

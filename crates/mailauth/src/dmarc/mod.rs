//! DMARC: is the author that a message shows the one who is proved, and what does his domain want if not? (RFC 9989)
//!
//! [`evaluate`] takes what SPF and DKIM have proved, and says pass or fail with the policy that holds. The tree walk takes the place
//! of lists of public suffixes. Carrying the policy out is not done here; reports are [`crate::report`]'s.

mod author;
mod evaluate;
mod record;
#[cfg(test)]
mod tests;
mod walk;

pub use author::author_domains;
pub use evaluate::{DmarcResult, Evidence, Outcome, evaluate};
pub use record::{AlignmentMode, Policy, Psd, Record, ReportUri, is_dmarc};
pub use walk::{QUERIES, Walk, organizational_domain, record_at, walk};

//! ARC: what forwarders say they have verified, in a chain of seals (RFC 8617).
//!
//! ARC is experimental and on its way to Historic, so nothing else in this crate needs it. A valid chain says only that nobody
//! changed what its sealers wrote; whether they are believed is a matter of a short list, kept elsewhere.

mod chain;
mod seal;
#[cfg(test)]
mod tests;
mod validate;

pub use seal::{SealError, Sealing};
pub use validate::{ArcResult, Validated, Validator};

/// Sets of a chain at most (§4.2.1).
pub const MOST_SETS: u32 = 50;

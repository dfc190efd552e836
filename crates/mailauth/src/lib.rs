//! Who sent a message, and is that proved: SPF, DKIM, DMARC, ARC, what we add to mail that we send, and reports about all of it.
//!
//! What it does not do: decide what happens to the message, or ask the network by itself; DNS stands behind a trait, and time is
//! passed in. Every look-up keeps "there is none" and "nobody could be asked" apart, and so does every result.

pub mod arc;
pub mod dkim;
pub mod dmarc;
pub mod mta_sts;
pub mod report;
pub mod results;
pub mod spf;
pub mod srs;
pub mod suffix;
pub mod tags;

#[cfg(test)]
mod table;

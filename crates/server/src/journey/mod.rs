//! The life of a message, in the order of its stages.
//!
//! ```text
//! receive      envelope and octets arrive                    -> Received
//! authenticate who sent this (MX road)                       -> Authenticated
//! authorize    may this account use this sender (submission) -> Authorized
//! judge        is it wanted, and why                         -> Judged
//! route        per recipient: file, relay or refuse          -> Routed
//! commit       one transaction, synced                       -> Committed
//! relay        delivers what the queue holds
//! bounce       tells the sender when it cannot
//! ```
//!
//! Each stage takes the type before it **by value** and returns the next, so that skipping one, or answering 250 before the
//! commit, does not compile.

pub mod envelope;
pub mod receive;

pub use envelope::{ClientName, ForwardPath, Mail, Notify, Rcpt, Refusal, Ret, Road, SessionFacts};
pub use receive::{Receiving, Transaction};

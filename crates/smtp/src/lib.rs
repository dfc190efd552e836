//! SMTP and LMTP (RFC 5321, RFC 2033): grammar, server-side and client-side state machines. No I/O, no clock, no async.

pub mod client;
pub mod reply;
pub mod server;

pub use reply::{Enhanced, Reply};

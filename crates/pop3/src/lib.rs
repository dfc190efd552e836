//! POP3 (RFC 1939) as a server speaks it, with CAPA (RFC 2449), STLS (RFC 2595), AUTH (RFC 5034) and response codes (RFC 2449, RFC 3206).
//!
//! No sockets, no clock, no mail: [`server::Session`] is fed octets and asked for events. [`command`] is the grammar, [`line`] divides
//! what comes in into lines and sets limits before anything is parsed, [`maildrop`] is the list of messages that a session sees from its
//! beginning to its end, [`dots`] writes messages line by line.

pub mod command;
pub mod dots;
pub mod line;
pub mod maildrop;
pub mod server;

pub use command::Command;
pub use maildrop::{Listed, Maildrop};

//! IMAP4rev1 (RFC 3501) and its extensions, the server's side: framing, grammar, response encoding. No I/O, no clock, no async.
//!
//! Octets from the client go into a [`framer::Framer`], which finds whole commands and applies every size limit *before* anything is
//! parsed. [`Command::parse`] turns the octets of one command into types that cannot be wrong. [`encode`] and [`response`] append
//! answers to a buffer that the caller owns and reuses.

pub mod acl;
pub mod command;
pub mod date;
pub mod encode;
pub mod fetch;
pub mod flag;
pub mod framer;
pub mod list;
pub mod mailbox;
pub mod metadata;
pub mod response;
pub mod search;
pub mod sequence;
pub mod status;
pub mod tag;

mod parse;
mod utf7;

pub use command::{Body, Command};
pub use flag::Flag;
pub use framer::Framer;
pub use mailbox::MailboxName;
pub use parse::{AppendHead, Malformed, Rejected, Rejection};
pub use sequence::SequenceSet;
pub use tag::Tag;

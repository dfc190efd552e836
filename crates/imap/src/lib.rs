//! IMAP4rev1 (RFC 3501), IMAP4rev2 (RFC 9051) and their extensions, the server's side: framing, grammar, response encoding. No I/O, no clock, no async.
//!
//! Octets from the client go into a [`framer::Framer`], which finds whole commands and applies every size limit *before* anything is
//! parsed. [`Command::parse`] turns the octets of one command into types that cannot be wrong. [`encode`] and [`response`] append
//! answers to a buffer that the caller owns and reuses.

pub mod acl;
pub mod append;
pub mod command;
pub mod date;
pub mod encode;
pub mod fetch;
pub mod flag;
pub mod framer;
pub mod list;
pub mod mailbox;
pub mod metadata;
pub mod notify;
pub mod redact;
pub mod response;
pub mod search;
pub mod sequence;
pub mod sort;
pub mod status;
pub mod tag;
pub mod thread;
pub mod url;

mod parse;
mod utf7;

pub use append::AppendHead;
pub use command::{Body, Command};
pub use flag::Flag;
pub use framer::Framer;
pub use mailbox::MailboxName;
pub use parse::{Malformed, Rejected, Rejection};
pub use sequence::SequenceSet;
pub use tag::Tag;

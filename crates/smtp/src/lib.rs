//! SMTP and LMTP (RFC 5321, RFC 2033): grammar, server-side and client-side state machines. No I/O, no clock, no async.
//!
//! * [`path`], [`command`], [`xtext`]: what a client may say, as types that only the parsers build.
//! * [`reply`]: what a server may answer.
//! * [`data`]: where a message ends, and which octets are its own (dot-stuffing, BDAT, line ends).
//! * [`server`]: the receiving side of a session. Fed with octets, it asks its owner what it cannot know (is this recipient
//!   ours? is this password right?) and writes the replies.
//! * [`client`]: the sending side.
//! * [`proxy`]: the PROXY protocol header that may come before everything else.

pub mod client;
pub mod command;
pub mod data;
pub mod path;
pub mod proxy;
pub mod reply;
pub mod server;
pub mod xtext;

pub use command::{Command, CommandError, MailCommand, RcptCommand};
pub use path::{ForwardPath, Mailbox};
pub use reply::{Enhanced, Reply};

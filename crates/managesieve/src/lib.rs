//! ManageSieve (RFC 5804): grammar, replies and the state of a session, on the server's side.
//!
//! What it does not do: sockets, TLS, passwords, a place for scripts, or the Sieve language itself. Its owner feeds a
//! [`server::Session`] with octets and answers its questions.

mod command;
mod framer;
mod name;
mod response;
pub mod server;

pub use command::{Command, CommandError};
pub use framer::{Framer, Item, Limits, Refusal, Token};
pub use name::{NameError, ScriptName};
pub use response::{Code, Condition, Response, quoted_or_literal};

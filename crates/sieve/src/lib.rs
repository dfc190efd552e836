//! The Sieve mail filtering language (RFC 5228 and its extensions): parse, check, run.
//!
//! What it does not do: touch a mailbox, send mail, or know the time; the host supplies facts and carries out effects.
//!
//! ```
//! use sieve::{Compiler, Envelope, Host, Mail, Run, Scope, render};
//!
//! /// A host must know the time; what else scripts may ask has an answer already.
//! struct Now;
//!
//! impl Host for Now {
//!     fn now(&mut self) -> jiff::Timestamp {
//!         jiff::Timestamp::UNIX_EPOCH
//!     }
//! }
//!
//! let source = br#"require "fileinto"; if header :contains "list-id" "dev" { fileinto "Lists"; }"#;
//! let script = Compiler::new(Scope::Personal).compile(source)?;
//! let message = b"From: bob@example.net\r\nList-Id: <dev.lists.example>\r\n\r\nHello\r\n";
//! let envelope = Envelope::new("bob@example.net", "alice@example.com");
//! let outcome = Run::new(Mail::whole(message), &envelope)
//!     .personal("alice", &script)
//!     .execute(&mut Now);
//! assert_eq!(render::lines(&outcome), "fileinto \"Lists\"\n");
//! # Ok::<(), sieve::CompileErrors>(())
//! ```
//!
//! A script that does not compile gives all its problems at once, with line, column and a hint ([`CompileErrors`]). One that fails while it
//! runs leaves a keep and the reason ([`Outcome::error`]). What scripts may cost is bounded by [`Limits`].

pub mod render;
pub mod syntax;

mod action;
mod capability;
mod code;
mod compare;
mod compile;
mod error;
mod host;
mod limits;
mod mail;
mod run;
mod script;

pub use action::{
    Action, DeliverBy, FileInto, Importance, Keep, Mailto, Notify, NotifyMethod, Performed, Pipe,
    Redirect, RedirectTo, Reject, Report, Vacation, Version,
};
pub use capability::{Capabilities, Capability, Scope};
pub use compile::Compiler;
pub use error::{CompileErrors, Fault, HostError, Place, Problem, RuntimeError};
pub use host::{
    DuplicateKey, Executed, Host, Included, Location, Program, ProgramInput, SpamScore,
    VirusVerdict,
};
pub use limits::Limits;
pub use mail::{Envelope, EnvelopeBy, EnvelopeDsn, Mail};
pub use run::{Occasion, Outcome, Remember, Run, Stage, TraceLine};
pub use script::Script;

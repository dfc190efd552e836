//! The Sieve mail filtering language (RFC 5228 and its extensions): parse, check, run.
//!
//! What it does not do: touch a mailbox, send mail, or know the time; the host supplies facts and carries out effects.

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

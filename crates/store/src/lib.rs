//! The only crate that opens the database or a body.
//!
//! It keeps accounts, domains, aliases, mailboxes, messages, flags, the outbound queue and the change log in one SQL schema that
//! runs on SQLite (the default) and on PostgreSQL, and message bodies beside them. It knows nothing of SMTP, IMAP or filters.
//!
//! Everything happens in a transaction: [`Store::write`] runs a closure over a [`Tx`] and returns once what it did is committed
//! **and synced**; [`Store::read`] runs one over a consistent snapshot.

pub mod account;
pub mod acquaintance;
pub mod alias;
pub mod annotation;
pub mod body;
pub mod change;
pub mod check;
pub mod dkim;
pub mod dmarc_result;
pub mod domain;
pub mod entry;
pub mod filing;
pub mod gate;
pub mod judgement;
pub mod learn;
pub mod lesson;
pub mod mailbox;
pub mod model;
pub mod news;
pub mod policy;
pub mod queue;
pub mod quota;
pub mod ramp;
pub mod refusal;
pub mod rejection;
pub mod removed;
pub mod report;
pub mod script;
pub mod search;
pub mod secret;
pub mod sending;
pub mod share;
pub mod table;

mod context;
mod engine;
mod error;
mod history;
mod id;
mod lock;
pub mod near_copy;
mod open;
mod ranges;
mod schema;
mod sweep;
mod time;
pub mod tls_result;
mod tx;
mod vault;
mod watch;
pub mod wish;

pub use error::{Error, Result};
pub use id::{AccountId, MailboxId, MessageId, ModSeq, QueueId, Uid, UidValidity};
/// Seconds-and-nanoseconds time as everything in the store holds it.
pub use jiff::Timestamp;
pub use open::{Engine, Options, Store};
pub use sweep::Swept;
pub use tx::Tx;

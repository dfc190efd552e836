//! The life of a message, in the order of its stages.
//!
//! ```text
//! receive       envelope and octets arrive                     -> Received
//! authenticate  who sent this (MX road)                        -> Authenticated
//! authorize     may this account use this sender (submission)  -> Authorized
//! judge         is it wanted, and why                          -> Judged
//! strangers     is the sender asked to come again (MX road)     -> Judged
//! route         per recipient: file, relay or refuse           -> Routed
//! file          per account: which mailboxes, which flags      -> Filed
//! sign          what leaves: signatures, a seal, a sender      -> Signed
//! commit        one transaction, synced                        -> Committed
//! relay         delivers what the queue holds
//! bounce        tells the sender when it cannot
//! ```
//!
//! Each stage takes the type before it **by value** and returns the next, so that skipping one, or answering 250 before the
//! commit, does not compile: only [`commit`] makes a `Committed`, and only that has the reply.
//!
//! A session knows two types of this folder: a [`Transaction`] takes MAIL and RCPT and answers each at once, since whatever can be
//! refused is refused in the dialogue; [`Receiving`] takes the octets, runs all stages when they are complete, and has the reply.
//! Around the stages stand [`envelope`] (what the session hands over), `brake` (how much an account may send), [`lookup`] (what an address leads to), `head` and `trace`
//! (what is changed in the header section, and put in front of it), `outsider` (senders that nobody outside may use), `srs` (senders by which
//! bounces of forwarded mail come back), `deliver` and `place` (what is written for one account), `dmarc_results` (what we report to others) and `reported` (what others report to us), `passed_on` (what scripts pass on after events over IMAP), `refusals`
//! (the words of every refusal) and [`codes`] (by which they are known).

pub mod authenticate;
mod authorize;
pub(crate) mod bounce;
pub(crate) mod brake;
pub mod codes;
mod commit;
mod deliver;
mod dmarc_results;
pub mod envelope;
mod file;
mod head;
pub mod judge;
pub mod lookup;
mod outsider;
pub(crate) mod passed_on;
mod place;
pub mod receive;
mod refusals;
mod refused;
pub mod relay;
mod reported;
pub(crate) mod returned;
mod route;
pub(crate) mod sign;
pub(crate) mod srs;
mod strangers;
mod trace;

pub use dmarc_results::DmarcResults;
pub use envelope::{
    ClientName, ForwardPath, LocalUser, Mail, Notify, Rcpt, Refusal, Ret, Road, SessionFacts,
};
pub use lookup::explain;
pub use receive::{MailId, Receiving, Transaction};
pub(crate) use route::Inbox;
pub(crate) use sign::Unsigned;

//! Searching texts of messages: what of a message is searched ([`text`]), and keeping the index that spares looking into most of
//! them ([`build`]).
//!
//! The index is a filter and never an answer: a search takes its candidates from it, adds the messages that the index does not have
//! yet, and looks into all of these (`listen/imap/search`). So results are the same with and without it (U49), and its absence costs
//! time alone. Deliveries do not touch it; the job `index` fills it from what has changed.

pub(crate) mod build;
pub(crate) mod envelope;
pub(crate) mod text;

pub use build::{Progress, progress, rebuild};

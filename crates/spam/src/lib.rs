//! Is a message wanted, and why: features, classifier, rules, lists, greylist and tarpit logic.
//!
//! What it does not do: keep anything; what it knows comes through a trait.

pub mod arrived;
pub mod classifier;
pub mod document;
pub mod features;
pub mod gate;
pub mod link_list;
pub mod mail;
pub mod near;
pub mod reputation;
pub mod rules;
pub mod sender_list;
pub mod verdict;

pub use document::registered as registered_domain;
pub use mail::Mail;

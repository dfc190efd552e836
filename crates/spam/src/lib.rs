//! Is a message wanted, and why: features, classifier, rules, lists, greylist and tarpit logic.
//!
//! What it does not do: keep anything; what it knows comes through a trait.

pub mod arrived;
pub mod classifier;
pub mod document;
pub mod features;
pub mod gate;
pub mod mail;
pub mod rules;
pub mod verdict;

pub use mail::Mail;

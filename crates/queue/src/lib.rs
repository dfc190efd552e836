//! The outbound queue's judgement: when to try again ([`Schedule`]), whom to tell about what ([`notices`]), and how the queue
//! is listed ([`listing`]). Pure functions: no network, no store, no clock of its own. The rows are [`store::queue`]'s.

pub mod listing;
pub mod notices;

mod schedule;
#[cfg(test)]
mod week;

pub use notices::{Event, Notify};
pub use schedule::{AfterFailure, Schedule};

//! The outbound queue's judgement: when to try again ([`Schedule`]), whom to tell about what ([`notices`]), what is too much for
//! an account ([`brake`]), where an address is ([`countries`]), what refusals of others mean ([`refusal`]), how much
//! a new address may send ([`ramp`]), and how the queue is listed ([`listing`]). Pure functions: no network, no store, no clock of its own. The rows are [`store::queue`]'s.

pub mod brake;
pub mod countries;
pub mod listing;
pub mod notices;
pub mod ramp;
pub mod refusal;

mod schedule;
#[cfg(test)]
mod week;

pub use notices::{Event, Notify};
pub use schedule::{AfterFailure, Schedule};

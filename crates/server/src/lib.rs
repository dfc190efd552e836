//! The mail server: the journey of a message (`journey`), listeners (`listen`), sessions (`session`), configuration and jobs.
//!
//! Start reading at [`journey`].

mod admin;
pub mod config;
pub mod control;
mod countries;
mod dial;
pub mod fetch;
pub mod filter;
pub mod gate;
pub mod jobs;
pub mod journey;
pub mod learning;
pub mod listen;
pub mod local;
pub mod log;
mod quota;
mod reports;
pub mod run;
pub mod scripts;
pub mod search;
mod secrets;
pub mod session;
mod signing;

mod services;
pub use services::{Clock, Paused, Services, SystemClock};

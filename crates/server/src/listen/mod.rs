//! Listeners and the sessions behind them.

pub mod imap;
pub mod smtp;

//! Messages on their way through a whole server: what RCPT answers, what is stored for whom, and what goes into the queue.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

mod travels;
mod world;

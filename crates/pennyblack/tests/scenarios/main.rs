//! Scenarios with real mail clients against a whole server, as a user would start it (`pennyblack trial`).
//!
//! A test whose client is not installed is skipped and says so: see docs/testing.md.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

mod bad_input;
mod counters;
mod internet;
mod lifecycle;
mod memory;
mod python;
mod reading;
mod remote_servers;
mod roles;
mod scripts;
mod sending;
mod size;
mod soak;
mod tls;
mod tools;
mod trial;
mod wire;

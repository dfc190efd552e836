//! The commands from outside: the binary itself, on a server of its own or without one.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

mod configuration;
mod gate;
mod import;
mod judges;
mod lookup;
mod oauth;
mod others;
mod people;
mod pop3;
mod record;
mod report;
mod scanners;
mod sendmail;
mod serving;
mod sieve;
mod spam;
mod world;

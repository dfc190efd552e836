//! Two fuzzers of whole IMAP sessions: one sends every command there is, in every state, with arguments made at random; the other lets
//! several sessions work on the same mailboxes at once and compares what each of them has been told with what the store holds (G12).
//!
//! `FUZZ_SEED=n` repeats a run, as far as its sessions do not race. The long forms are for `make soak`; `SOAK_ROUNDS` changes their number of rounds.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

mod client;
mod commands;
mod picture;
mod random;
#[path = "../world/mod.rs"]
mod world;

//! The store from outside, on both engines: every test here runs on SQLite and, where its programs are found, on PostgreSQL.
//! Each ends with a check of the whole store.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

mod accounts;
mod bodies;
mod cluster;
mod concurrency;
mod digests;
mod dkim;
mod gate;
mod history;
mod judging;
mod lessons;
mod mailboxes;
mod messages;
mod model;
mod opening;
mod outage;
mod queue;
mod quota;
mod removed;
mod reports;
mod scripts;
mod searching;
mod sharing;
mod syncing;
mod world;

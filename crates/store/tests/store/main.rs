//! The store from outside, on both engines: every test here runs on SQLite and, where its programs are found, on PostgreSQL.
//! Each ends with a check of the whole store.

mod accounts;
mod bodies;
mod cluster;
mod mailboxes;
mod messages;
mod world;

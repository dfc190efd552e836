//! The commands from outside: the binary itself, on a server of its own or without one.

#![allow(missing_docs)]

mod configuration;
mod people;
mod serving;
mod world;

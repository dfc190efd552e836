//! Mail to other servers, in a whole server with the pretend Internet around it: delivered, put off, returned, and never lost.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

mod deadline;
mod express;
mod jobs;
mod notices;
mod operator;
mod refusals;
mod relay;
mod reports;
mod retries;
mod routes;
mod seven_bit;
mod signing;
mod tlsa;
mod trust;
mod world;

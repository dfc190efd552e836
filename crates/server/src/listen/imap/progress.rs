//! Tells a client that its command goes on, and how far it is (RFC 9585).

use super::connection::{Connection, Ended};
use imap::Tag;
use imap::response::{Code, Status};
use std::time::Duration;
use tokio::time::Instant;

/// How far a command is.
pub(super) struct Progress {
    tag: Tag,
    /// Messages to look at.
    total: u64,
    done: u64,
    every: Duration,
    told: Instant,
}

impl Progress {
    /// Nothing of `total` messages is done yet.
    pub(super) fn new(connection: &Connection, tag: &Tag, total: u64) -> Progress {
        Progress {
            tag: tag.clone(),
            total,
            done: 0,
            every: connection.services.config.load().limits.imap_progress,
            told: Instant::now(),
        }
    }

    /// There are fewer messages to look at than was thought.
    pub(super) fn narrow(&mut self, total: u64) {
        self.total = total;
    }

    /// So many messages more are done: tells it, if the client has heard nothing for a while. Nothing else may be in the middle of
    /// being written.
    pub(super) async fn add(
        &mut self,
        connection: &mut Connection,
        messages: usize,
    ) -> Result<(), Ended> {
        self.done += messages as u64;
        let now = Instant::now();
        let early = now.duration_since(self.told) < self.every;
        if messages == 0 || self.done >= self.total || early {
            return Ok(());
        }
        self.told = now;
        let status = Status::ok("Still at it.");
        let code = Code::InProgress(self.tag.as_str().to_owned(), self.done, self.total);
        status.code(code).encode(None, &mut connection.out);
        connection.flush().await
    }
}

//! IDLE (RFC 2177): news as they happen, until the client says DONE; a line every four minutes keeps the connection alive on
//! the way (catalogue G6).

use super::connection::{Connection, Ended};
use super::state::{Authenticated, Selected};
use super::updates::Expunges;
use imap::Tag;
use imap::response::Status;
use std::time::Duration;
use tokio::time::{Instant, Interval, interval_at};

const KEEP_ALIVE: Duration = Duration::from_secs(240);

/// What happened first.
enum Woken {
    /// The client sent something.
    Input,
    /// The account changed.
    News,
    /// Time for a sign of life.
    Quiet,
}

/// IDLE with no mailbox selected: there is nothing to tell, but what NOTIFY asked for.
pub(super) async fn without_mailbox(
    state: &mut Authenticated,
    connection: &mut Connection,
    tag: &Tag,
) -> Result<(), Ended> {
    let mut waiting = Waiting::begin(connection);
    state.tell_news(connection).await?;
    loop {
        if let Some(line) = connection.buffered_line() {
            finish(connection, tag, &line);
            return Ok(());
        }
        if let Woken::News = waiting.step(connection, state.news()).await? {
            state.tell_news(connection).await?;
        }
    }
}

/// IDLE on the selected mailbox.
pub(super) async fn with_mailbox(
    state: &mut Selected,
    connection: &mut Connection,
    tag: &Tag,
) -> Result<(), Ended> {
    let mut waiting = Waiting::begin(connection);
    // What happened since the last command is news too.
    state.tell_news(connection, Expunges::Report).await?;
    loop {
        if let Some(line) = connection.buffered_line() {
            finish(connection, tag, &line);
            return Ok(());
        }
        if let Woken::News = waiting.step(connection, state.news()).await? {
            state.tell_news(connection, Expunges::Report).await?;
        }
    }
}

/// The clocks of one IDLE.
struct Waiting {
    keep_alive: Interval,
    until: Instant,
}

impl Waiting {
    fn begin(connection: &mut Connection) -> Waiting {
        connection.out.extend_from_slice(b"+ idling\r\n");
        let now = Instant::now();
        let patience = connection.services.config.load().limits.imap_timeout;
        Waiting {
            keep_alive: interval_at(now + KEEP_ALIVE, KEEP_ALIVE),
            until: now + patience,
        }
    }

    /// Waits for whatever comes first.
    async fn step(
        &mut self,
        connection: &mut Connection,
        news: impl Future<Output = ()>,
    ) -> Result<Woken, Ended> {
        connection.flush().await?;
        let end = connection.end();
        let woken = tokio::select! {
            biased;
            filled = connection.fill() => filled.map(|()| Woken::Input)?,
            () = news => Woken::News,
            _ = self.keep_alive.tick() => Woken::Quiet,
            () = end.cancelled() => return Err(connection.why_it_ends()),
            () = tokio::time::sleep_until(self.until) => return Err(Ended::Idle),
        };
        if let Woken::Quiet = woken {
            Status::ok("Still here").encode(None, &mut connection.out);
        }
        Ok(woken)
    }
}

fn finish(connection: &mut Connection, tag: &Tag, line: &[u8]) {
    let status = match line.eq_ignore_ascii_case(b"DONE") {
        true => Status::ok("Done idling."),
        false => Status::bad("Only DONE ends IDLE."),
    };
    connection.answer(tag, &status);
}

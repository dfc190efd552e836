//! How long a client is waited for (RFC 5321 §4.5.3.2, A30): so long for each command, and for a message as long as it keeps coming
//! at a rate that a telephone line had. A client that sends an octet a second holds nothing for ever (Y22).

use std::time::Duration;
use tokio::time::Instant;

/// Added to the time a message may take at the lowest rate.
const GRACE: Duration = Duration::from_secs(300);
/// Octets a second that a message must keep on average once the grace is used.
const LOWEST_RATE: u64 = 1024;

/// What a client is given.
#[derive(Debug)]
pub(super) struct Patience {
    silence: Duration,
    deadline: Instant,
    bulk: Option<Bulk>,
}

/// A message on its way.
#[derive(Clone, Copy, Debug)]
struct Bulk {
    since: Instant,
    octets: u64,
}

/// What a read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Brought {
    /// A command at least.
    Progress,
    /// Part of a line.
    Fragment,
    /// So many octets, and more of a message is to come.
    Content(usize),
}

impl Patience {
    /// From now on.
    pub(super) fn new(silence: Duration) -> Patience {
        Patience {
            silence,
            deadline: Instant::now() + silence,
            bulk: None,
        }
    }

    /// When it ends.
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Something came; what is expected next?
    pub(super) fn after(&mut self, brought: Brought) {
        let now = Instant::now();
        match brought {
            Brought::Fragment => {}
            Brought::Progress => {
                self.bulk = None;
                self.deadline = now + self.silence;
            }
            Brought::Content(octets) => {
                let bulk = self.bulk.get_or_insert(Bulk {
                    since: now,
                    octets: 0,
                });
                bulk.octets += octets as u64;
                let whole = GRACE + Duration::from_secs(bulk.octets / LOWEST_RATE);
                self.deadline = (now + self.silence).min(bulk.since + whole);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SILENCE: Duration = Duration::from_secs(300);

    /// A30: each command has its time; half a command has no more (Y22).
    #[tokio::test(start_paused = true)]
    async fn a30_commands() {
        let mut patience = Patience::new(SILENCE);
        let first = patience.deadline();
        tokio::time::advance(Duration::from_secs(100)).await;
        patience.after(Brought::Fragment);
        assert_eq!(patience.deadline(), first);
        patience.after(Brought::Progress);
        assert_eq!(patience.deadline(), first + Duration::from_secs(100));
    }

    /// Y22: an octet a second is cut off after the grace; a slow line is not.
    #[tokio::test(start_paused = true)]
    async fn y22_messages() {
        let lasts = |octets: usize| async move {
            let mut patience = Patience::new(SILENCE);
            let begin = Instant::now();
            for _ in 0..3600 {
                patience.after(Brought::Content(octets));
                tokio::time::advance(Duration::from_secs(1)).await;
                if Instant::now() > patience.deadline() {
                    break;
                }
            }
            begin.elapsed().as_secs()
        };
        assert!((300..310).contains(&lasts(1).await));
        assert_eq!(lasts(2048).await, 3600);
    }
}

//! Bans (U6): who guesses too much may not log in from his address for a while. Everything else of ours stays open to him.
//!
//! Only new guesses count: a forgotten telephone that asks with its old password day and night is slowed, not banned. Never banned are
//! loopback and addresses from which somebody has logged in within the last 30 days.

use crate::session::limits::Source;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Guesses from one address within [`WITHIN`] that lead to a ban.
const GUESSES: u32 = 50;
const WITHIN: Duration = Duration::from_secs(3600);
const BAN_TIME: Duration = Duration::from_secs(3600);
/// How long an address is trusted after a log-in.
const KNOWN_TIME: Duration = Duration::from_secs(30 * 24 * 3600);
/// Addresses kept in each list.
const KEPT: usize = 65_536;

/// A ban that is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ban {
    /// The address, or the first of the IPv6 /64.
    pub address: IpAddr,
    /// How long it still lasts.
    pub left: Duration,
}

#[derive(Default)]
pub(super) struct Bans {
    lists: Mutex<Lists>,
}

#[derive(Default)]
struct Lists {
    /// Guesses, and since when they are counted.
    guesses: HashMap<Source, (u32, Instant)>,
    /// Until when.
    banned: HashMap<Source, Instant>,
    /// The last log-in.
    known: HashMap<Source, Instant>,
    /// Guesses at an account, from wherever, and since when they are counted.
    accounts: HashMap<String, (u32, Instant)>,
}

impl Bans {
    /// Counts a guess; true if it was the one too many.
    pub(super) fn guessed(&self, source: Source) -> bool {
        self.lock().guessed(source, Instant::now())
    }

    /// Counts a guess at an account, from wherever it came; true if an hour has had so many of them that somebody should know (R10).
    pub(super) fn guessed_at(&self, name: &str) -> bool {
        let (mut lists, now) = (self.lock(), Instant::now());
        let (count, since) = match lists.accounts.get(name) {
            Some(&(count, since)) if now.duration_since(since) < WITHIN => (count + 1, since),
            _ => (1, now),
        };
        insert(
            &mut lists.accounts,
            name.to_owned(),
            (count, since),
            |&(_, since)| now.duration_since(since) < WITHIN,
        );
        count == GUESSES
    }

    /// Whether somebody has logged in from there lately.
    pub(super) fn knows(&self, source: Source) -> bool {
        self.lock().knows(source, Instant::now())
    }

    /// Somebody has logged in from there.
    pub(super) fn succeeded(&self, source: Source) {
        let mut lists = self.lock();
        let now = Instant::now();
        lists.guesses.remove(&source);
        insert(&mut lists.known, source, now, |&last| {
            now.duration_since(last) < KNOWN_TIME
        });
    }

    pub(super) fn is_banned(&self, source: Source) -> bool {
        let now = Instant::now();
        self.lock()
            .banned
            .get(&source)
            .is_some_and(|&until| until > now)
    }

    /// The bans in force, by address.
    pub(super) fn list(&self) -> Vec<Ban> {
        let now = Instant::now();
        let mut lists = self.lock();
        lists.banned.retain(|_, until| *until > now);
        let ban = |(source, until): (&Source, &Instant)| Ban {
            address: source.address(),
            left: until.duration_since(now),
        };
        let mut bans: Vec<Ban> = lists.banned.iter().map(ban).collect();
        bans.sort_by_key(|ban| ban.address);
        bans
    }

    /// Ends the ban of an address; false if there was none.
    pub(super) fn lift(&self, source: Source) -> bool {
        let mut lists = self.lock();
        lists.guesses.remove(&source);
        lists
            .banned
            .remove(&source)
            .is_some_and(|until| until > Instant::now())
    }

    /// Nothing panics under the lock.
    fn lock(&self) -> MutexGuard<'_, Lists> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lists {
    fn knows(&self, source: Source, now: Instant) -> bool {
        let last = self.known.get(&source);
        last.is_some_and(|&last| now.duration_since(last) < KNOWN_TIME)
    }

    fn guessed(&mut self, source: Source, now: Instant) -> bool {
        if self.knows(source, now) || source.is_loopback() {
            return false;
        }
        let (count, since) = match self.guesses.get(&source) {
            Some(&(count, since)) if now.duration_since(since) < WITHIN => (count + 1, since),
            _ => (1, now),
        };
        insert(&mut self.guesses, source, (count, since), |&(_, since)| {
            now.duration_since(since) < WITHIN
        });
        if count < GUESSES {
            return false;
        }
        self.guesses.remove(&source);
        insert(&mut self.banned, source, now + BAN_TIME, |&until| {
            until > now
        });
        true
    }
}

/// Inserts; a full list first loses what no longer counts, and takes nothing new if that is not enough.
fn insert<K: Eq + Hash, T>(
    list: &mut HashMap<K, T>,
    source: K,
    value: T,
    counts: impl Fn(&T) -> bool,
) {
    if list.len() >= KEPT {
        list.retain(|_, value| counts(value));
    }
    if list.len() < KEPT || list.contains_key(&source) {
        list.insert(source, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(address: &str) -> Source {
        Source::of(address.parse().unwrap())
    }

    fn guess(bans: &Bans, from: Source, times: u32) -> u32 {
        (0..times).map(|_| u32::from(bans.guessed(from))).sum()
    }

    /// U6
    #[tokio::test(start_paused = true)]
    async fn u06_fifty_guesses_in_an_hour_are_a_ban_for_an_hour() {
        let (bans, bad) = (Bans::default(), source("192.0.2.1"));
        assert_eq!(guess(&bans, bad, 49), 0);
        tokio::time::advance(WITHIN).await;
        assert_eq!(guess(&bans, bad, 49), 0);
        assert!(!bans.is_banned(bad));
        assert_eq!(guess(&bans, bad, 1), 1);
        assert!(bans.is_banned(bad) && !bans.is_banned(source("192.0.2.2")));
        assert_eq!(bans.list()[0].left, BAN_TIME);
        tokio::time::advance(BAN_TIME).await;
        assert!(!bans.is_banned(bad) && bans.list().is_empty());
    }

    /// U6
    #[tokio::test(start_paused = true)]
    async fn u06_never_banned_and_lifted() {
        let (bans, home) = (Bans::default(), source("2001:db8::1"));
        bans.succeeded(home);
        assert_eq!(guess(&bans, source("2001:db8::2"), 100), 0);
        assert_eq!(guess(&bans, source("127.0.0.1"), 100), 0);
        tokio::time::advance(KNOWN_TIME).await;
        assert_eq!(guess(&bans, home, 50), 1);
        assert!(bans.lift(home) && !bans.is_banned(home) && !bans.lift(home));
    }
}

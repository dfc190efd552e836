//! Remembers which passwords were right and which wrong (B22), so that a client that comes each minute costs one hash an hour.
//!
//! It holds no password: keys are HMACs under a key of this process. An answer counts only for the credentials it was found with,
//! which the caller reads from the store each time; a changed password makes it worthless at once.

use aws_lc_rs::{digest, hmac};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use store::account::Credentials;
use tokio::time::Instant;

/// Names a pair of user name and password.
pub(super) type Key = [u8; 32];

/// Answers of each kind in one generation; two generations of both kinds come to under 10 MB.
const GENERATION: usize = 20_000;

/// Whether a password was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Right,
    Wrong,
}

/// Remembered verdicts. A flood of wrong passwords cannot push out the right ones.
pub(super) struct Cache {
    key: hmac::Key,
    right: Mutex<Generations>,
    wrong: Mutex<Generations>,
}

#[derive(Clone, Copy)]
struct Entry {
    credentials: Key,
    until: Instant,
}

/// A map that forgets the older half when it is full.
#[derive(Default)]
struct Generations {
    young: HashMap<Key, Entry>,
    old: HashMap<Key, Entry>,
}

impl Cache {
    /// `secret`: random, of this process.
    pub(super) fn new(secret: &[u8]) -> Cache {
        Cache {
            key: hmac::Key::new(hmac::HMAC_SHA256, secret),
            right: Mutex::default(),
            wrong: Mutex::default(),
        }
    }

    /// The key for a name and a password.
    pub(super) fn key(&self, name: &str, password: &str) -> Key {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(name.as_bytes());
        context.update(b"\0");
        context.update(password.as_bytes());
        octets(context.sign().as_ref())
    }

    /// What was found for this key with the same credentials. `None` of credentials: the user does not exist.
    pub(super) fn verdict(&self, key: &Key, credentials: Option<&Credentials>) -> Option<Verdict> {
        let fingerprint = fingerprint(credentials);
        let known = |side: &Mutex<Generations>| {
            lock(side)
                .find(key)
                .is_some_and(|entry| entry.credentials == fingerprint)
        };
        match () {
            () if known(&self.right) => Some(Verdict::Right),
            () if known(&self.wrong) => Some(Verdict::Wrong),
            () => None,
        }
    }

    /// Whether this was tried before and wrong, whatever the credentials were.
    pub(super) fn was_wrong(&self, key: &Key) -> bool {
        lock(&self.wrong).find(key).is_some()
    }

    pub(super) fn remember(
        &self,
        key: Key,
        credentials: Option<&Credentials>,
        verdict: Verdict,
        time: Duration,
    ) {
        let entry = Entry {
            credentials: fingerprint(credentials),
            until: Instant::now() + time,
        };
        let side = match verdict {
            Verdict::Right => &self.right,
            Verdict::Wrong => &self.wrong,
        };
        lock(side).insert(key, entry);
    }
}

impl Generations {
    fn find(&self, key: &Key) -> Option<Entry> {
        let entry = self.young.get(key).or_else(|| self.old.get(key)).copied()?;
        (entry.until > Instant::now()).then_some(entry)
    }

    fn insert(&mut self, key: Key, entry: Entry) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, entry);
    }
}

/// What a password is weighed against, and no more: keys for SCRAM-SHA-1 come and go with a setting.
fn fingerprint(credentials: Option<&Credentials>) -> Key {
    let mut context = digest::Context::new(&digest::SHA256);
    let fields = credentials.map(|c| [c.hash.as_deref(), c.scram.as_deref()]);
    for field in fields.iter().flatten() {
        context.update(field.unwrap_or_default().as_bytes());
        context.update(b"\0");
    }
    octets(context.finish().as_ref())
}

fn octets(digest: &[u8]) -> Key {
    let mut octets = [0; 32];
    octets.copy_from_slice(digest);
    octets
}

/// Nothing panics under the lock; a map left by a panic would still be whole.
fn lock(side: &Mutex<Generations>) -> std::sync::MutexGuard<'_, Generations> {
    side.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn credentials(hash: &str) -> Credentials {
        Credentials {
            hash: Some(hash.into()),
            ..Credentials::default()
        }
    }

    /// B22
    #[tokio::test(start_paused = true)]
    async fn b22_an_answer_counts_for_an_hour_and_for_its_credentials() {
        let cache = Cache::new(b"secret");
        let key = cache.key("alice@example.com", "correct horse");
        cache.remember(key, Some(&credentials("a")), Verdict::Right, HOUR);
        assert_eq!(
            cache.verdict(&key, Some(&credentials("a"))),
            Some(Verdict::Right)
        );
        assert_eq!(cache.verdict(&key, Some(&credentials("b"))), None);
        assert_eq!(cache.verdict(&key, None), None);
        tokio::time::advance(HOUR).await;
        assert_eq!(cache.verdict(&key, Some(&credentials("a"))), None);
    }

    #[tokio::test]
    async fn b22_it_is_bounded_and_wrong_ones_do_not_push_out_right_ones() {
        let cache = Cache::new(b"secret");
        let key = cache.key("alice@example.com", "correct horse");
        cache.remember(key, Some(&credentials("a")), Verdict::Right, HOUR);
        for guess in 0..2 * GENERATION + 10 {
            let key = cache.key("alice@example.com", &guess.to_string());
            cache.remember(key, Some(&credentials("a")), Verdict::Wrong, HOUR);
        }
        assert_eq!(
            cache.verdict(&key, Some(&credentials("a"))),
            Some(Verdict::Right)
        );
        let wrong = lock(&cache.wrong);
        assert!(wrong.young.len() + wrong.old.len() <= 2 * GENERATION);
    }

    #[test]
    fn names_and_passwords_do_not_run_together() {
        let cache = Cache::new(b"secret");
        assert_ne!(cache.key("a", "bc"), cache.key("ab", "c"));
    }
}

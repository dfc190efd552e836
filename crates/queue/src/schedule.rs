//! When to try, when to warn, and when to give up (catalogue C11, C12, C13).

use jiff::{SignedDuration, Timestamp};
use std::time::Duration;
use store::queue::{DeliverBy, Queued};

/// No two tries of one message are farther apart than this, however long it is kept.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(4);

/// The settings that decide.
#[derive(Clone, Debug)]
pub struct Schedule {
    base: SignedDuration,
    lifetime: SignedDuration,
    warn_after: Vec<SignedDuration>,
}

/// What follows a try that failed for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    /// Try again.
    Retry {
        /// When.
        at: Timestamp,
        /// The age of another delay warning has been reached.
        warn: bool,
    },
    /// The message is too old: it failed for good.
    Expired,
}

impl Schedule {
    /// `base`: the n-th retry comes n² times this after the message was accepted. `lifetime`: how long it is tried.
    /// `warn_after`: ages at which its sender is warned.
    pub fn new(base: Duration, lifetime: Duration, warn_after: &[Duration]) -> Schedule {
        let mut warn_after: Vec<SignedDuration> =
            warn_after.iter().map(|age| signed(*age)).collect();
        warn_after.sort();
        Schedule {
            base: signed(base).max(SignedDuration::from_secs(1)),
            lifetime: signed(lifetime),
            warn_after,
        }
    }

    /// The schedule of one message, which may have a deadline (RFC 2852): then it is given up, or its sender is warned.
    pub fn of(&self, message: &Queued) -> Schedule {
        match &message.deliver_by {
            None => self.clone(),
            Some(by) => self.by(message.created, by),
        }
    }

    fn by(&self, created: Timestamp, by: &DeliverBy) -> Schedule {
        let mut schedule = self.clone();
        let age = by.time.duration_since(created);
        match by.or_return {
            true => schedule.lifetime = schedule.lifetime.min(age),
            false => {
                schedule.warn_after.push(age);
                schedule.warn_after.sort();
            }
        }
        schedule
    }

    /// When a message that was accepted then is given up.
    pub fn expires(&self, created: Timestamp) -> Timestamp {
        later(created, self.lifetime)
    }

    /// When a recipient that is tried at `now` is due again if this try fails, or if we die during it.
    ///
    /// That is the next square on the scale from acceptance on, at most [`LONGEST_PAUSE`] away. A warning and the end of the
    /// message's life get a try of their own, so that what the sender is told is true at that moment.
    pub fn next_attempt(&self, created: Timestamp, now: Timestamp) -> Timestamp {
        let mut next = self
            .next_square(created, now)
            .min(later(now, LONGEST_PAUSE));
        let landmarks = self.warn_after.iter().chain([&self.lifetime]);
        for landmark in landmarks.map(|age| later(created, *age)) {
            if landmark > now {
                next = next.min(landmark);
            }
        }
        next
    }

    /// What follows a try at `now` that failed for now, when `warnings` have been sent so far.
    pub fn after_failure(&self, created: Timestamp, now: Timestamp, warnings: u32) -> AfterFailure {
        if now >= self.expires(created) {
            return AfterFailure::Expired;
        }
        AfterFailure::Retry {
            at: self.next_attempt(created, now),
            warn: self.warnings_reached(created, now) > warnings,
        }
    }

    /// How many of the warning ages a message has reached. After one warning all reached ages count as warned of: a server that
    /// was down for a day does not send three warnings in a row.
    pub fn warnings_reached(&self, created: Timestamp, now: Timestamp) -> u32 {
        let age = now.duration_since(created);
        let reached = self
            .warn_after
            .iter()
            .filter(|warning| **warning <= age)
            .count();
        u32::try_from(reached).unwrap_or(u32::MAX)
    }

    /// The first `created + base·n²` that is at least half a base away.
    fn next_square(&self, created: Timestamp, now: Timestamp) -> Timestamp {
        let age = now.duration_since(created).max(SignedDuration::ZERO);
        let bases = (age + self.base / 2).as_secs_f64() / self.base.as_secs_f64();
        // 2^15 squared times a base of one second is 34 years.
        let n = bases.sqrt().ceil().clamp(1.0, 32768.0) as i32;
        later(created, self.base.saturating_mul(n.saturating_mul(n)))
    }
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.saturating_add(by).unwrap_or(Timestamp::MAX)
}

//! What is done while DNS says nothing at all: mail is not held up by every question in turn.
//!
//! When several questions in a row brought nothing for a good while, the others are given up soon, as temporary failures. One at a time is
//! still asked with all patience; the first that is answered ends this for all.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// A question that took this long and brought nothing met silence; what comes sooner is somebody's answer.
const SILENT: Duration = Duration::from_secs(2);
/// Silent questions in a row from which on DNS is taken to be away.
const IN_A_ROW: u32 = 5;
/// How long a question waits then.
const SHORT: Duration = Duration::from_millis(500);

/// Whether DNS answers.
#[derive(Debug, Default)]
pub(crate) struct Silence {
    in_a_row: AtomicU32,
    /// A question is being asked with all patience.
    probing: AtomicBool,
}

/// A question under way. Dropped before it ended, it has met silence if it was given the time.
pub(crate) struct Turn<'a> {
    silence: &'a Silence,
    begun: Instant,
    probes: bool,
    /// How long to wait; `None`: as long as it takes.
    pub(crate) patience: Option<Duration>,
    answered: bool,
}

impl Silence {
    /// A question begins.
    pub(crate) fn turn(&self) -> Turn<'_> {
        let away = self.in_a_row.load(Ordering::Relaxed) >= IN_A_ROW;
        let probes = away && !self.probing.swap(true, Ordering::Relaxed);
        Turn {
            silence: self,
            begun: Instant::now(),
            probes,
            patience: (away && !probes).then_some(SHORT),
            answered: false,
        }
    }
}

impl Turn<'_> {
    /// It has ended, with records or without.
    pub(crate) fn ended(&mut self, found_something: bool) {
        self.answered = found_something || self.begun.elapsed() < SILENT;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.probes {
            self.silence.probing.store(false, Ordering::Relaxed);
        }
        let in_a_row = &self.silence.in_a_row;
        if self.answered {
            in_a_row.store(0, Ordering::Relaxed);
        } else if self.begun.elapsed() >= SILENT {
            let more = |count: u32| Some(count.saturating_add(1));
            let _ = in_a_row.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn in_vain(silence: &Silence, waited: Duration) {
        let turn = silence.turn();
        tokio::time::sleep(turn.patience.unwrap_or(waited).min(waited)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn one_asks_on_while_the_others_give_up_soon() {
        let silence = Silence::default();
        for _ in 0..IN_A_ROW {
            assert_eq!(silence.turn().patience, None);
            in_vain(&silence, Duration::from_secs(5)).await;
        }
        let mut probe = silence.turn();
        assert_eq!(probe.patience, None);
        assert_eq!(silence.turn().patience, Some(SHORT));
        assert_eq!(silence.turn().patience, Some(SHORT));
        tokio::time::sleep(Duration::from_secs(20)).await;
        probe.ended(false);
        drop(probe);
        let mut probe = silence.turn();
        assert_eq!(probe.patience, None);
        tokio::time::sleep(Duration::from_secs(20)).await;
        probe.ended(true);
        drop(probe);
        assert_eq!(silence.turn().patience, None);
        assert_eq!(silence.turn().patience, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_an_answer_and_a_caller_in_a_hurry_proves_nothing() {
        let silence = Silence::default();
        for _ in 0..2 * IN_A_ROW {
            in_vain(&silence, Duration::from_secs(1)).await;
        }
        assert_eq!(silence.turn().patience, None);
        for _ in 0..IN_A_ROW - 1 {
            in_vain(&silence, Duration::from_secs(5)).await;
        }
        silence.turn().ended(false);
        in_vain(&silence, Duration::from_secs(5)).await;
        assert_eq!(silence.turn().patience, None);
    }
}

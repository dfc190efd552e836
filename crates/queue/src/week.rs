//! A week of virtual time: what becomes of messages under a schedule.

use crate::schedule::{AfterFailure, Schedule};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use std::time::Duration;

const HOUR: u64 = 3600;

fn schedule(base: u64, lifetime: u64, warn_after: &[u64]) -> Schedule {
    let seconds = |s: &u64| Duration::from_secs(*s);
    let warn_after: Vec<Duration> = warn_after.iter().map(seconds).collect();
    Schedule::new(
        Duration::from_secs(base),
        Duration::from_secs(lifetime),
        &warn_after,
    )
}

/// What happened to a message that always fails for now.
#[derive(Default)]
struct Life {
    tries: Vec<i64>,
    warnings: Vec<i64>,
    expired: Option<i64>,
}

/// Lives through a message's life; each try takes `took` seconds, and the server is down in the given span of ages.
fn live(schedule: &Schedule, took: i64, down: std::ops::Range<i64>) -> Life {
    let created = Timestamp::from_second(1_700_000_000).unwrap();
    let (mut life, mut due, mut warned) = (Life::default(), created, 0);
    for _ in 0..10_000 {
        let mut age = due.duration_since(created).as_secs();
        if down.contains(&age) {
            age = down.end;
        }
        life.tries.push(age);
        let end = created + SignedDuration::from_secs(age + took);
        match schedule.after_failure(created, end, warned) {
            AfterFailure::Expired => {
                life.expired = Some(age);
                return life;
            }
            AfterFailure::Retry { at, warn } => {
                assert!(at > end, "a retry lies in the future");
                if warn {
                    life.warnings.push(age);
                    warned = schedule.warnings_reached(created, end);
                }
                due = at;
            }
        }
    }
    panic!("the message lives for ever");
}

/// C12: about 0, 400, 1600, 3600 s.
#[test]
fn c12_quadratic_back_off() {
    let life = live(&schedule(400, 4 * 24 * HOUR, &[]), 0, 0..0);
    assert_eq!(life.tries[..6], [0, 400, 1600, 3600, 6400, 10_000]);
    let longest = life.tries.windows(2).map(|pair| pair[1] - pair[0]).max();
    assert!(longest.unwrap() <= 4 * 3600);
}

/// C12: a slow try does not shift the scale, and is not followed by another at once.
#[test]
fn c12_slow_tries_stay_on_the_scale() {
    let life = live(&schedule(400, 4 * 24 * HOUR, &[]), 300, 0..0);
    assert_eq!(life.tries[..4], [0, 1600, 3600, 6400]);
}

/// C11: the last try is at the end of the lifetime.
#[test]
fn c11_lifetime() {
    assert_eq!(live(&schedule(400, 60, &[]), 0, 0..0).expired, Some(60));
    let life = live(&schedule(400, 4 * 24 * HOUR, &[]), 0, 0..0);
    assert_eq!(life.expired, Some(345_600));
}

/// C13: three warnings, each once, at those ages.
#[test]
fn c13_warnings_at_their_ages() {
    let life = live(
        &schedule(400, 4 * 24 * HOUR, &[HOUR, 6 * HOUR, 48 * HOUR]),
        0,
        0..0,
    );
    assert_eq!(life.warnings, [3600, 21_600, 172_800]);
}

/// C13: after a day without power there is one warning, not three.
#[test]
fn c13_one_warning_after_a_long_pause() {
    let warn_after = [HOUR, 6 * HOUR, 12 * HOUR];
    let life = live(&schedule(400, 4 * 24 * HOUR, &warn_after), 0, 100..86_400);
    assert_eq!(life.warnings, [86_400]);
    assert_eq!(life.tries[..2], [0, 86_400]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn every_message_ends_in_time(base in 1u64..5000, lifetime in 1u64..7 * 24 * HOUR, took in 0i64..400) {
        let life = live(&schedule(base, lifetime, &[HOUR]), took, 0..0);
        let last = life.expired.unwrap();
        prop_assert!(last <= lifetime as i64 && last + took >= lifetime as i64);
        prop_assert!(life.warnings.len() <= 1);
        prop_assert!(life.tries.windows(2).all(|pair| pair[0] < pair[1]));
    }
}

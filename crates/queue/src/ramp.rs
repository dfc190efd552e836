//! How much mail a new address may send to a provider in a day (V9): little at first, more with every day that goes well, less at once when the
//! provider asks for less, and as much as there is in the end.

use store::ramp::Ramp;

/// Each good day allows so many per cent of the day before.
const GROWTH: u64 = 135;
/// So many refusals on a day are a burst.
const BURST: u32 = 3;
/// What a burst takes back, in days.
const SETBACK: u32 = 2;

/// How fast it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Messages on the first day.
    pub first: u32,
    /// Good days until there is no ceiling any more.
    pub days: u32,
}

impl Plan {
    /// The most messages today; `None`: as many as there are.
    pub fn ceiling(&self, ramp: &Ramp) -> Option<u32> {
        (ramp.level < self.days).then(|| {
            let grown = (0..ramp.level).fold(u64::from(self.first), |ceiling, _| {
                (ceiling * GROWTH / 100).max(ceiling + 1)
            });
            u32::try_from(grown).unwrap_or(u32::MAX)
        })
    }

    /// Is there room for one more message?
    pub fn has_room(&self, ramp: &Ramp) -> bool {
        self.ceiling(ramp).is_none_or(|most| ramp.sent < most)
    }
}

/// As it is on this day: a day on which mail went, and hardly any was refused, is a good one.
pub fn on(ramp: Ramp, today: i64) -> Ramp {
    if ramp.day >= today {
        return ramp;
    }
    let good = ramp.sent > 0 && ramp.refused < BURST;
    Ramp {
        level: ramp.level + u32::from(good),
        day: today,
        sent: 0,
        refused: 0,
    }
}

/// The provider has asked for less: a burst of that lowers the ceiling at once.
pub fn refused(ramp: Ramp) -> Ramp {
    let refused = ramp.refused.saturating_add(1);
    let setback = if refused.is_multiple_of(BURST) {
        SETBACK
    } else {
        0
    };
    Ramp {
        level: ramp.level.saturating_sub(setback),
        refused,
        ..ramp
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: Plan = Plan {
        first: 50,
        days: 30,
    };

    /// V9: thirty days of more mail than may go: never above the ceiling, which grows; what is left waits, and nothing is lost.
    #[test]
    fn v9_thirty_days() {
        let (mut ramp, mut waiting, mut sent, mut last) = (Ramp::default(), 0_u64, 0_u64, 0);
        for day in 20_000..20_030 {
            ramp = on(ramp, day);
            let ceiling = PLAN.ceiling(&ramp).unwrap();
            assert!(ceiling > last, "day {day}: {ceiling} after {last}");
            last = ceiling;
            waiting += 5_000;
            while waiting > 0 && PLAN.has_room(&ramp) {
                ramp.sent += 1;
                waiting -= 1;
                sent += 1;
            }
            assert!(ramp.sent <= ceiling);
            assert_eq!(sent + waiting, (day - 19_999) as u64 * 5_000);
        }
        assert_eq!(PLAN.ceiling(&on(ramp, 20_030)), None);
        assert!(last > 100_000 && waiting == 0);
    }

    /// V9: a burst of 421 lowers the ceiling at once; such a day is not a good one, nor is one without mail.
    #[test]
    fn v9_a_burst_lowers_the_ceiling() {
        let grown = Ramp {
            level: 10,
            day: 20_000,
            sent: 300,
            refused: 0,
        };
        let before = PLAN.ceiling(&grown).unwrap();
        let after = (0..BURST).fold(grown, |ramp, _| refused(ramp));
        assert!(PLAN.ceiling(&after).unwrap() < before * 2 / 3);
        assert_eq!(
            PLAN.ceiling(&refused(grown)),
            Some(before),
            "one is no burst"
        );
        assert_eq!(on(after, 20_001).level, 8);
        assert_eq!(on(on(grown, 20_001), 20_009).level, 11, "days without mail");
        assert_eq!(on(grown, 19_999), grown, "a clock that was put back");
    }
}

//! Random choices that a seed repeats (SplitMix64).

/// A source of random choices.
#[derive(Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.number() % end as u64) as usize
    }

    /// One time in so many.
    pub(crate) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// The seed of this run: of the variable `FUZZ_SEED`, or this one.
pub(crate) fn seed(default: u64) -> u64 {
    let given = std::env::var("FUZZ_SEED").ok();
    given.and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// How many rounds a long run has.
pub(crate) fn rounds(default: u64) -> u64 {
    let given = std::env::var("SOAK_ROUNDS").ok();
    given.and_then(|text| text.parse().ok()).unwrap_or(default)
}

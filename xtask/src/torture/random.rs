//! Random numbers from a seed.
//!
//! A schedule is named by its seed, so the numbers must stay the same in all later versions;
//! a library promises that for its newest generator only as long as nobody updates it.

/// `SplitMix64`.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// An independent stream of the same seed, for one of many tasks.
    pub(crate) fn of(seed: u64, stream: u64) -> Self {
        let mut random = Self(seed ^ stream.wrapping_mul(0xA24B_AED4_963E_E407));
        random.draw();
        random
    }

    pub(crate) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number of this range, its end included.
    pub(crate) fn within(&mut self, range: std::ops::RangeInclusive<u64>) -> u64 {
        let (first, last) = range.into_inner();
        first + self.draw() % (last - first + 1)
    }

    /// True in so many of a hundred cases.
    pub(crate) fn percent(&mut self, chance: u64) -> bool {
        self.draw() % 100 < chance
    }

    /// An index below `count`.
    pub(crate) fn index(&mut self, count: usize) -> usize {
        (self.draw() % count.max(1) as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_same_in_every_version() {
        let mut random = Random::new(1);
        assert_eq!(random.draw(), 10_451_216_379_200_822_465);
        assert_eq!(random.draw(), 13_757_245_211_066_428_519);
    }

    #[test]
    fn a_range_holds_both_its_ends() {
        let mut random = Random::new(7);
        let drawn: std::collections::BTreeSet<u64> =
            (0..200).map(|_| random.within(3..=5)).collect();
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [3, 4, 5]);
        assert!(!random.percent(0) && random.percent(100));
    }
}

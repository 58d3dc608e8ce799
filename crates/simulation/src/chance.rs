//! Chance that repeats itself.

/// A small generator (SplitMix64): the same seed, the same story.
#[derive(Clone, Debug)]
pub(crate) struct Chance {
    state: u64,
}

impl Chance {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    const fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub(crate) const fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    /// Whether something of so many percent happens.
    pub(crate) const fn percent(&mut self, likelihood: u64) -> bool {
        self.between(1, 100) <= likelihood
    }

    /// One of these.
    pub(crate) fn one_of<T: Copy>(&mut self, from: &[T]) -> T {
        let last = from.len().saturating_sub(1) as u64;
        from[self.between(0, last) as usize]
    }

    /// A number up to `most` of which the small ones are the likely ones.
    pub(crate) const fn early(&mut self, most: u64) -> u64 {
        let reach = self.between(1, most);
        self.between(0, reach)
    }
}

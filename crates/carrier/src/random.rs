//! Chance that repeats itself.

use crate::settings::Habit;

/// A small generator (SplitMix64): the same seed, the same run.
#[derive(Debug)]
pub(crate) struct Chance {
    state: u64,
    id_salt: u64,
}

impl Chance {
    pub(crate) const fn new(seed: u64, id_salt: u64) -> Self {
        Self { state: seed, id_salt }
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to, not including, 1.
    pub(crate) fn fraction(&mut self) -> f64 {
        // 53 bits are what an f64 holds exactly.
        let bits = (self.next() >> 11) as f64;
        bits / 9_007_199_254_740_992.0
    }

    /// Whether something of this habit and this likelihood happens now.
    pub(crate) fn happens(&mut self, habit: Habit, likelihood: f64) -> bool {
        match habit {
            Habit::Never => false,
            Habit::Seeded => self.fraction() < likelihood,
            Habit::Always => true,
        }
    }

    /// A part of an id.
    pub(crate) const fn id(&mut self) -> u64 {
        self.next() ^ self.id_salt
    }

    /// 32 hexadecimal digits.
    pub(crate) fn hex32(&mut self) -> String {
        format!("{:016x}{:016x}", self.id(), self.id())
    }

    /// An identifier in the form of a UUID.
    pub(crate) fn uuid(&mut self) -> String {
        let hex = self.hex32();
        format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
    }
}

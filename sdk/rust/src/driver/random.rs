//! Chance that a replay repeats: numbers from the session's seed. Refuses real entropy.

/// SplitMix64: small, and as good as a choice among samples needs.
#[derive(Clone, Debug)]
pub struct Random(u64);

// === impl Random ===
impl Random {
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number; same seed, same row of numbers.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 where there is none.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.draw().checked_rem(bound).unwrap_or(0)
    }

    /// A seed for one model call, of the 31 bits that every vendor takes.
    pub fn seed(&mut self) -> u64 {
        self.draw() >> 33
    }
}

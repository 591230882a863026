//! Numbers from a seed: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). Not fit for secrets.

pub(super) struct Random(u64);

// === impl Random ===
impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From `low` to `high`, both possible. Minutely uneven, which matters to nobody's arithmetic.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = high.abs_diff(low) + 1;
        low + (self.next() % span) as i64
    }

    pub(super) fn one_of<'a, T>(&mut self, list: &'a [T; 8]) -> &'a T {
        &list[(self.next() % 8) as usize]
    }
}

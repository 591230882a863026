//! A number for each request that nobody could foresee, for strategies that draw. Good enough to spread requests; guards
//! nothing.
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Default)]
pub(super) struct Dice {
    /// Seeded by the system.
    state: RandomState,
    rolls: AtomicU64,
}

impl Dice {
    pub(super) fn roll(&self) -> u64 {
        self.state.hash_one(self.rolls.fetch_add(1, Ordering::Relaxed))
    }
}

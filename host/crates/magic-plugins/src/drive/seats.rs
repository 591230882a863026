//! Where the live instances of all drives are kept: few seats, each taken by a call or by an instance that waits for the
//! next one. Who has waited longest makes room.
use crate::defaults;
use crate::drive::instance::Instance;
use crate::gate::Gate;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

pub(crate) struct Seats {
    /// A call holds one of its places for as long as it lasts, so that calls alone never need more seats than there are.
    pub(super) gate: Gate,
    seats: usize,
    taken: Mutex<Taken>,
    ids: AtomicU64,
}

/// Invariant: `calls` and `waiting` together are no more than the seats.
#[derive(Default)]
struct Taken {
    calls: usize,
    /// By drive; the one that has waited longest is first.
    waiting: VecDeque<(u64, Instance)>,
}

/// A call's seat, free again when it is dropped.
pub(super) struct Seat<'a> {
    seats: &'a Seats,
    id: u64,
    /// The drive's own, if it is still there.
    pub(super) instance: Option<Instance>,
}

// === impl Seats ===
impl Seats {
    pub(crate) fn new(seats: u32) -> Self {
        let gate = Gate::new(seats, u32::MAX, defaults::DRIVE_WAIT_MAX);
        Self { gate, seats: seats as usize, taken: Mutex::default(), ids: AtomicU64::new(0) }
    }

    pub(super) fn next_id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }

    /// For a call that has passed the gate.
    pub(super) fn take(&self, id: u64) -> Seat<'_> {
        let (instance, evicted) = self.with(|taken| {
            taken.calls += 1;
            let instance = taken.remove(id);
            let is_full = taken.calls + taken.waiting.len() > self.seats;
            (instance, if is_full { taken.waiting.pop_front() } else { None })
        });
        // Not under the lock: to drop an instance is to give its memory back.
        drop(evicted);
        Seat { seats: self, id, instance }
    }

    pub(super) fn evict(&self, id: u64) {
        let evicted = self.with(|taken| taken.remove(id));
        drop(evicted);
    }

    fn with<T>(&self, act: impl FnOnce(&mut Taken) -> T) -> T {
        act(&mut self.taken.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

// === impl Taken ===
impl Taken {
    fn remove(&mut self, id: u64) -> Option<Instance> {
        let at = self.waiting.iter().position(|(owner, _)| *owner == id)?;
        self.waiting.remove(at).map(|(_, instance)| instance)
    }
}

// === impl Seat ===
impl Seat<'_> {
    /// Keeps the instance for the next call; without this it is gone.
    pub(super) fn give_back(mut self, instance: Instance) {
        self.instance = Some(instance);
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let kept = self.instance.take();
        self.seats.with(|taken| {
            taken.calls = taken.calls.saturating_sub(1);
            taken.waiting.extend(kept.map(|instance| (self.id, instance)));
        });
    }
}

//! What is alive right now, for metrics and tests. A number goes down when the thing it counts is dropped.
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// A reading of the counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Live {
    /// Loaded components whose last `Arc` is still held, replaced ones included.
    pub components: usize,
    /// Stores with an instance, that is, calls under way; those of drives are counted apart.
    pub instances: usize,
    /// Instances of drives, in a call or waiting for the next.
    pub drivers: usize,
    /// Calls waiting for a place.
    pub waiting: usize,
    /// Calls begun since the start, first calls of new files included.
    pub calls: u64,
    /// Calls that a limit or a trap ended since the start.
    pub stopped: u64,
    /// Instances of drives built again from their history since the start.
    pub rebuilds: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) components: AtomicUsize,
    pub(crate) instances: AtomicUsize,
    pub(crate) drivers: AtomicUsize,
    pub(crate) waiting: AtomicUsize,
    pub(crate) calls: AtomicU64,
    pub(crate) stopped: AtomicU64,
    pub(crate) rebuilds: AtomicU64,
}

/// Which of the counters a guard holds up.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Counted {
    Component,
    Instance,
    Driver,
    Waiting,
}

/// Counts one thing for as long as it lives.
#[derive(Debug)]
pub(crate) struct Guard {
    counters: Arc<Counters>,
    counted: Counted,
}

// === impl Counters ===
impl Counters {
    pub(crate) fn read(&self) -> Live {
        Live {
            components: self.components.load(Ordering::Relaxed),
            instances: self.instances.load(Ordering::Relaxed),
            drivers: self.drivers.load(Ordering::Relaxed),
            waiting: self.waiting.load(Ordering::Relaxed),
            calls: self.calls.load(Ordering::Relaxed),
            stopped: self.stopped.load(Ordering::Relaxed),
            rebuilds: self.rebuilds.load(Ordering::Relaxed),
        }
    }

    fn of(&self, counted: Counted) -> &AtomicUsize {
        match counted {
            Counted::Component => &self.components,
            Counted::Instance => &self.instances,
            Counted::Driver => &self.drivers,
            Counted::Waiting => &self.waiting,
        }
    }
}

// === impl Guard ===
impl Guard {
    pub(crate) fn new(counters: &Arc<Counters>, counted: Counted) -> Self {
        counters.of(counted).fetch_add(1, Ordering::Relaxed);
        Self { counters: Arc::clone(counters), counted }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.counters.of(self.counted).fetch_sub(1, Ordering::Relaxed);
    }
}

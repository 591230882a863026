//! What waits for the exporter: bounded by items and by bytes. Whoever puts into it never waits; what does not fit is dropped
//! and counted.
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Spans or lines that wait.
const ITEMS_WAITING_MAX: usize = 8192;
/// Of all that wait together: with prompts and answers in them items are large.
const BYTES_WAITING_MAX: usize = 16 << 20;
/// Of one export, as OpenTelemetry's own batches are.
const BATCH_ITEMS_MAX: usize = 512;
/// Collectors refuse requests of more than some megabytes. One item that is larger goes alone.
const BATCH_BYTES_MAX: usize = 2 << 20;

/// How much memory it takes, about.
pub(in super::super) trait Weighed {
    fn bytes(&self) -> usize;
}

pub(in super::super) struct Queue<T> {
    waiting: Mutex<Waiting<T>>,
    dropped: AtomicU64,
    /// Told when it is half full.
    wake: Arc<Notify>,
}

struct Waiting<T> {
    items: VecDeque<(T, usize)>,
    bytes: usize,
}

// === impl Queue ===
impl<T: Weighed> Queue<T> {
    pub(super) fn new(wake: &Arc<Notify>) -> Self {
        let waiting = Waiting { items: VecDeque::new(), bytes: 0 };
        Self { waiting: Mutex::new(waiting), dropped: AtomicU64::new(0), wake: Arc::clone(wake) }
    }

    pub(in super::super) fn push(&self, item: T) {
        let weight = item.bytes();
        let became_half_full = {
            let mut waiting = self.waiting();
            if waiting.items.len() >= ITEMS_WAITING_MAX || waiting.bytes.saturating_add(weight) > BYTES_WAITING_MAX {
                self.dropped.fetch_add(1, Relaxed);
                return;
            }
            let was_half_full = waiting.is_half_full();
            waiting.items.push_back((item, weight));
            waiting.bytes += weight;
            !was_half_full && waiting.is_half_full()
        };
        if became_half_full {
            self.wake.notify_one();
        }
    }

    /// The oldest, as many as one export may hold; empty where nothing waits.
    pub(super) fn take_batch(&self) -> Vec<T> {
        let mut waiting = self.waiting();
        let (mut batch, mut bytes) = (Vec::new(), 0_usize);
        while batch.len() < BATCH_ITEMS_MAX {
            let fits = |(_, weight): &mut (T, usize)| batch.is_empty() || bytes + *weight <= BATCH_BYTES_MAX;
            let Some((item, weight)) = waiting.items.pop_front_if(fits) else { break };
            waiting.bytes = waiting.bytes.saturating_sub(weight);
            bytes += weight;
            batch.push(item);
        }
        batch
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Waiting ===
impl<T> Waiting<T> {
    fn is_half_full(&self) -> bool {
        self.items.len() >= ITEMS_WAITING_MAX / 2 || self.bytes >= BYTES_WAITING_MAX / 2
    }
}

#[cfg(test)]
mod tests;

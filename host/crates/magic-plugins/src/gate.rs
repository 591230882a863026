//! The doors before the pool: how many calls at once, how many may wait, for how long. Full is `Busy`, never a trap.
use crate::live::{Counted, Counters, Guard};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

pub(crate) struct Gate {
    places: Arc<Semaphore>,
    waiting: AtomicU32,
    waiting_max: u32,
    wait_max: Duration,
}

/// No place, and none to wait in or none in time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

struct Queued<'a>(&'a AtomicU32);

// === impl Gate ===
impl Gate {
    pub(crate) fn new(places: u32, waiting_max: u32, wait_max: Duration) -> Self {
        let places = Arc::new(Semaphore::new(places.max(1) as usize));
        Self { places, waiting: AtomicU32::new(0), waiting_max, wait_max }
    }

    pub(crate) async fn enter(&self, counters: &Arc<Counters>) -> Result<OwnedSemaphorePermit, Full> {
        if let Ok(permit) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(permit);
        }
        let Some(_queued) = Queued::new(&self.waiting, self.waiting_max) else { return Err(Full) };
        let _counted = Guard::new(counters, Counted::Waiting);
        match timeout(self.wait_max, Arc::clone(&self.places).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(Full),
        }
    }
}

// === impl Queued ===
impl<'a> Queued<'a> {
    fn new(waiting: &'a AtomicU32, waiting_max: u32) -> Option<Self> {
        let taken = waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n < waiting_max).then(|| n + 1));
        taken.ok().map(|_| Self(waiting))
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

//! A key in use, as a guard: whatever becomes of the request, the lease is settled exactly once.
use magic_routing::{Fate, Lease, Pools};
use magic_types::{KeyId, Secret};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Dropping it ends the lease and blames nobody: the reply is over, or the client went away. A failure before the first
/// event takes the lease out and reports it.
pub(super) struct Guard {
    pools: Arc<Mutex<Pools>>,
    lease: Option<Lease>,
}

impl Guard {
    pub(super) fn new(pools: &Arc<Mutex<Pools>>, lease: Option<Lease>) -> Self {
        Self { pools: Arc::clone(pools), lease }
    }

    pub(super) fn secret(&self) -> Option<&Secret> {
        self.lease.as_ref().map(|lease| &lease.secret)
    }

    pub(super) fn key_id(&self) -> Option<KeyId> {
        self.lease.as_ref().map(|lease| lease.key_id.clone())
    }

    /// Some vendors repeat the key that they refuse.
    pub(super) fn redact(&self, text: &mut String) {
        if let Some(lease) = self.lease.as_ref().filter(|lease| text.contains(lease.secret.expose())) {
            *text = text.replace(lease.secret.expose(), lease.key_id.as_str());
        }
    }

    /// Gives the lease to someone who settles it himself.
    pub(super) fn take(mut self) -> Option<Lease> {
        self.lease.take()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(lease) = self.lease.take() {
            self.pools.lock().unwrap_or_else(PoisonError::into_inner).settle(lease, Fate::Untouched, now());
        }
    }
}

/// The clock of keys and attempts. Tokio's, so that a test can pause it.
pub(super) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

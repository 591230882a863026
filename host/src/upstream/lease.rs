//! A try under way, as a guard: whatever becomes of the request, its key and its place are given back exactly once.
use crate::telemetry::Span;
use magic_routing::{Health, Ticket};
use magic_types::{Failure, KeyId, Secret};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Dropping it ends the try and blames nobody: the reply is over, or the client went away. A failure before the first
/// event takes the ticket out and reports it.
pub(super) struct Guard {
    health: Arc<Mutex<Health>>,
    ticket: Option<Ticket>,
    /// Of the try; it ends with it.
    pub(super) span: Span,
}

impl Guard {
    pub(super) fn new(health: &Arc<Mutex<Health>>, ticket: Ticket) -> Self {
        Self { health: Arc::clone(health), ticket: Some(ticket), span: Span::default() }
    }

    pub(super) fn secret(&self) -> Option<&Secret> {
        Some(&self.ticket.as_ref()?.lease.as_ref()?.secret)
    }

    pub(super) fn key_id(&self) -> Option<KeyId> {
        Some(self.ticket.as_ref()?.lease.as_ref()?.key_id.clone())
    }

    /// Some vendors repeat the key that they refuse.
    pub(super) fn redact(&self, text: &mut String) {
        let lease = self.ticket.as_ref().and_then(|ticket| ticket.lease.as_ref());
        if let Some(lease) = lease.filter(|lease| text.contains(lease.secret.expose())) {
            *text = text.replace(lease.secret.expose(), lease.key_id.as_str());
        }
    }

    /// The same wherever a failure holds the vendor's words: for the log, for strangers, and as they came.
    pub(super) fn redact_all(&self, failure: &mut Failure) {
        self.redact(&mut failure.private);
        self.redact(&mut failure.public);
        let lease = self.ticket.as_ref().and_then(|ticket| ticket.lease.as_ref());
        if let (Some(reply), Some(lease)) = (&mut failure.upstream, lease) {
            let body = String::from_utf8_lossy(&reply.body);
            if body.contains(lease.secret.expose()) {
                reply.body = body.replace(lease.secret.expose(), lease.key_id.as_str()).into();
            }
        }
    }

    pub(super) fn ticket(&mut self) -> Option<&mut Ticket> {
        self.ticket.as_mut()
    }

    /// Gives the ticket to someone who reports it himself.
    pub(super) fn take(mut self) -> Option<Ticket> {
        self.ticket.take()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            lock(&self.health).settle(ticket, now());
        }
    }
}

/// Short sections only: never held across an await. A poisoned lock still holds good counts.
pub(super) fn lock(health: &Mutex<Health>) -> MutexGuard<'_, Health> {
    health.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The clock of keys and attempts. Tokio's, so that a test can pause it.
pub(super) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

//! What the host knows of the call that is being carried out. Refuses to remember it.

use crate::bindings::tool::magic::proxy::call_context;

/// Names this call for ever, also when it is repeated after a crash. None outside a session.
#[must_use]
pub fn idempotency_key() -> Option<String> {
    call_context::idempotency_key()
}

/// The session on whose behalf the tool is called. None outside a session.
#[must_use]
pub fn session_id() -> Option<String> {
    call_context::session_id()
}

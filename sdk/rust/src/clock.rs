//! The wall clock, granted by `clock: true` in the tool's policy file. Refuses time zones.

/// Milliseconds since 1970-01-01T00:00:00Z. Without the grant the host ends the call and says which key to add.
#[must_use]
pub fn now_ms() -> u64 {
    crate::bindings::tool::magic::proxy::clock::now_ms()
}

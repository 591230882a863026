//! Every default of the config: value, unit and reason. Nothing else chooses one.
use std::time::Duration;

/// A text of a million tokens is about 4 MiB; the rest is for images and sound in base64.
pub(crate) const BODY_BYTES_MAX: u64 = 20 << 20;
/// Connections of clients: as many as requests, since an HTTP/1 connection carries one at a time.
pub(crate) const CONNECTIONS_MAX: u64 = 1024;
/// Requests. At 100 KiB of buffers each, a guess, that is 100 MiB.
pub(crate) const REQUESTS_IN_FLIGHT_MAX: u64 = 1024;
/// Kubernetes kills 30 s after it asked: this leaves time to close the rest.
pub(crate) const DRAIN: Duration = Duration::from_secs(20);
/// Sessions thinking at once. Each holds one model call, so vendors' rate limits bite long before memory does.
pub(crate) const SESSIONS_PARALLEL_MAX: u64 = 64;
/// Sessions waiting for a place: four rounds of the above; more would wait for minutes and is better told 503.
pub(crate) const SESSIONS_QUEUED_MAX: u64 = 256;
/// An hour: long enough to come back to a browser tab.
pub(crate) const SESSION_RETENTION: Duration = Duration::from_secs(3600);
/// Finished sessions whose log is still readable. At 100 KiB each, a guess, that is 100 MiB.
pub(crate) const SESSIONS_KEPT_MAX: u64 = 1000;

/// A handshake takes a fraction of a second from anywhere; ten seconds survive a few lost packets.
pub(crate) const CONNECT: Duration = Duration::from_secs(10);
/// Reasoning models may think for a minute or more before the first token.
pub(crate) const FIRST_EVENT: Duration = Duration::from_secs(120);
/// The same silence may fall between two events.
pub(crate) const IDLE: Duration = Duration::from_secs(120);
/// Fifteen minutes: a long answer of a slow model, with room.
pub(crate) const TOTAL: Duration = Duration::from_secs(900);

pub(crate) const ENABLE_QUARANTINE: bool = true;
/// Vendors mostly count per minute: after five the window is empty, and other keys serve meanwhile.
pub(crate) const QUARANTINE_DURATION: Duration = Duration::from_secs(300);
/// An empty account is filled by a person: an hour.
pub(crate) const QUOTA_QUARANTINE: Duration = Duration::from_secs(3600);

/// Steps. Ten rounds for a hard question and two for repairs.
pub(crate) const MAX_STEPS: u32 = 12;
/// Tool calls of a session: two or three a step.
pub(crate) const TOOL_CALLS_MAX: u32 = 32;
/// Ten minutes for a whole session.
pub(crate) const SESSION: Duration = Duration::from_secs(600);
/// Ten minutes, as in PRODUCT.md's example.
pub(crate) const CACHE_TTL: Duration = Duration::from_secs(600);

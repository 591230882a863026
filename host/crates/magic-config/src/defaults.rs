//! Every default of the config: value, unit and reason. Nothing else chooses one.
use std::time::Duration;

/// OpenAI's own ceiling for a request with images is near this; a text of a million tokens is 4 MiB.
pub(crate) const BODY_BYTES_MAX: u64 = 20 << 20;
/// Connections. Stays under the common soft limit of 1024 descriptors only together with keep-alive; the host raises it.
pub(crate) const CONNECTIONS_MAX: u64 = 1024;
/// Requests. With 100 KiB of buffers each that is 100 MiB at the worst.
pub(crate) const REQUESTS_IN_FLIGHT_MAX: u64 = 1024;
/// Container runtimes kill after 30 s: this leaves time to close the rest.
pub(crate) const DRAIN: Duration = Duration::from_secs(20);
/// Sessions thinking at once. Each holds one model call, so vendors' rate limits bite long before memory does.
pub(crate) const SESSIONS_PARALLEL_MAX: u64 = 64;
/// Sessions waiting for a place: four rounds of the above; more would wait for minutes and is better told 503.
pub(crate) const SESSIONS_QUEUED_MAX: u64 = 256;
/// An hour: long enough to come back to a browser tab.
pub(crate) const SESSION_RETENTION: Duration = Duration::from_secs(3600);
/// Finished sessions whose log is still readable. At 100 KiB each that is 100 MiB at the worst.
pub(crate) const SESSIONS_KEPT_MAX: u64 = 1000;

/// A vendor's front door answers in 300 ms from anywhere; ten seconds survives a lost packet or two.
pub(crate) const CONNECT: Duration = Duration::from_secs(10);
/// Reasoning models think for a minute or more before the first token.
pub(crate) const FIRST_EVENT: Duration = Duration::from_secs(120);
/// Some vendors send nothing at all while a model thinks between two events.
pub(crate) const IDLE: Duration = Duration::from_secs(120);
/// Fifteen minutes: the longest answers of 2026's models, with room.
pub(crate) const TOTAL: Duration = Duration::from_secs(900);

pub(crate) const ENABLE_QUARANTINE: bool = true;
/// Vendors count per minute; five of them let the window empty and cost little, as other keys serve meanwhile.
pub(crate) const QUARANTINE_DURATION: Duration = Duration::from_secs(300);
/// An empty account is filled by a person: an hour.
pub(crate) const QUOTA_QUARANTINE: Duration = Duration::from_secs(3600);

/// Steps. Published ReAct runs finish in fewer than ten; twelve leaves room for two repairs.
pub(crate) const MAX_STEPS: u32 = 12;
/// Tool calls of a session: two or three a step.
pub(crate) const TOOL_CALLS_MAX: u32 = 32;
/// Ten minutes for a whole session.
pub(crate) const SESSION: Duration = Duration::from_secs(600);
/// Tokens of free reasoning before a constrained action: half a page.
pub(crate) const THOUGHT_TOKENS_MAX: u32 = 512;
/// Ten minutes: the value the documentation has always shown.
pub(crate) const CACHE_TTL: Duration = Duration::from_secs(600);

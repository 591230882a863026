//! Every default of the config: value, unit and reason. Nothing else chooses one; what is known of a vendor is in `provider`.
use crate::check::Word;
use std::time::Duration;

/// Azure's last API version that is not a preview: the one that it keeps stable for `deployments/…`.
pub(crate) const AZURE_API_VERSION: &str = "2024-10-21";

/// A text of a million tokens is about 4 MiB; the rest is for images and sound in base64.
pub(crate) const BODY_BYTES_MAX: u64 = 20 << 20;
/// Connections of clients: as many as requests, since an HTTP/1 connection carries one at a time.
pub(crate) const CONNECTIONS_MAX: u64 = 1024;
/// Seconds: a head is one packet, so whoever needs longer is slow on purpose or gone. As long a connection may lie idle.
pub(crate) const HEAD: Duration = Duration::from_secs(30);
/// Cookies and tracing headers of browsers behind company proxies come to some 8 KiB; no client of an API sends half of this.
pub(crate) const HEADER_BYTES_MAX: u64 = 32 << 10;
/// The longest path of ours with two ids has 200 bytes; the rest is for queries.
pub(crate) const URL_BYTES_MAX: u64 = 8 << 10;
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
/// Stored replies of `/v1/responses`. They lie on disk: at 50 KiB each, a guess, that is 500 MiB.
pub(crate) const RESPONSES_KEPT_MAX: u64 = 10_000;
/// Thirty days, as OpenAI keeps them, so that clients written for it find what they expect.
pub(crate) const RESPONSES_RETENTION: Duration = Duration::from_secs(30 * 24 * 3600);

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
/// Ten minutes: a key that is good again is missed for no longer, and one free call a key in that time bothers no vendor.
pub(crate) const RECHECK: Duration = Duration::from_secs(600);

pub(crate) const BREAKER_ENABLED: bool = true;
/// Failures in a row. Two or three are a bad minute; five are a vendor that is down.
pub(crate) const BREAKER_FAILURES: u32 = 5;
/// Ten seconds: a restart behind a load balancer takes about that long.
pub(crate) const BREAKER_OPEN: Duration = Duration::from_secs(10);
/// Five minutes: an outage of hours costs a probe in that time, and its end is noticed no later.
pub(crate) const BREAKER_OPEN_MAX: Duration = Duration::from_secs(300);

/// What the file says first is what is asked first: nothing else can be foreseen by reading it.
pub(crate) const STRATEGY: Word = Word::Ordered;
/// Millionths: 1, so that `weighted` without weights draws evenly.
pub(crate) const WEIGHT_MILLIONTHS: u64 = 1_000_000;

/// Of a hundred requests. A vendor that is slow for all must not be asked twice as much; one in twenty is the slow tail.
pub(crate) const HEDGING_BUDGET_PERCENT: u32 = 5;

/// Characters. Several times as fast as people read, slow enough to smooth the bursts of a fast vendor.
pub(crate) const CHARACTERS_PER_SECOND: u32 = 80;
/// Proxies and load balancers hang up after 30 to 60 s of silence: two comments fit into the shorter.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Steps. Ten rounds for a hard question and two for repairs.
pub(crate) const MAX_STEPS: u32 = 12;
/// Tool calls of a session: two or three a step.
pub(crate) const TOOL_CALLS_MAX: u32 = 32;
/// Ten minutes for a whole session.
pub(crate) const SESSION: Duration = Duration::from_secs(600);
/// Model and tool calls of one session side by side: a vendor's rate limit is met before this one.
pub(crate) const SESSION_PARALLEL_MAX: u32 = 4;
/// An expert that asks an expert: deeper than that nobody follows it any more.
pub(crate) const DELEGATION_DEPTH_MAX: u32 = 2;
/// All replies: sixty-four of the largest, or some ten thousand of a few KiB.
pub(crate) const CACHE_BYTES_MAX: u64 = 64 << 20;
/// One reply: a text of 200 000 words; what is longer is a file, and hardly asked for twice.
pub(crate) const CACHE_ENTRY_BYTES_MAX: u64 = 1 << 20;
/// Ten minutes, as in PRODUCT.md's example.
pub(crate) const CACHE_TTL: Duration = Duration::from_secs(600);

/// Counting costs a fraction of a microsecond a request, and who looks at a gateway wants to find something.
pub(crate) const PROMETHEUS: bool = true;
pub(crate) const SERVICE_NAME: &str = "magic-proxy";
/// Prompts are other people's words: whoever wants them in a collector says so.
pub(crate) const CAPTURE_CONTENT: bool = false;
/// Five seconds, the delay of OpenTelemetry's own batches.
pub(crate) const EXPORT: Duration = Duration::from_secs(5);
/// A minute, as OpenTelemetry's own readers of metrics.
pub(crate) const METRICS_EXPORT: Duration = Duration::from_secs(60);

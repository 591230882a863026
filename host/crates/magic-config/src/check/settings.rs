//! The sections without references to others: server, timeouts, keys, breaker, hedging, streaming.
use crate::config::{
    BreakerSettings, HedgingSettings, KeyManagementSettings, ServerSettings, StreamingSettings, TimeoutSettings,
    TypewriterMode,
};
use crate::defaults;
use crate::walk::{Fields, Given};
use std::ops::RangeInclusive;
use std::time::Duration;

const A_MOMENT: Duration = Duration::from_millis(1);
pub(super) const A_SECOND: Duration = Duration::from_secs(1);
pub(super) const A_DAY: Duration = Duration::from_secs(24 * 3600);
/// Counts of connections, requests and sessions: far beyond what one machine serves.
const COUNT_MAX: u64 = 1_000_000;
/// Failures in a row before a breaker opens; with more it would never open.
const FAILURES_MAX: u32 = 1000;
/// Characters a second: nobody would see the pace of more.
const PACE_MAX: u32 = 100_000;

const MODES: [(&str, TypewriterMode); 2] = [("client", TypewriterMode::Client), ("proxy", TypewriterMode::Proxy)];

pub(crate) fn server(mut fields: Fields<'_>) -> ServerSettings {
    let settings = ServerSettings {
        body_bytes_max: size(&mut fields, "body_bytes_max", 1024..=1 << 30, defaults::BODY_BYTES_MAX),
        connections_max: count(&mut fields, "connections_max", defaults::CONNECTIONS_MAX),
        requests_in_flight_max: count(&mut fields, "requests_in_flight_max", defaults::REQUESTS_IN_FLIGHT_MAX),
        drain: time(&mut fields, "drain_seconds", Duration::ZERO..=A_DAY, defaults::DRAIN),
        sessions_parallel_max: count(&mut fields, "sessions_parallel_max", defaults::SESSIONS_PARALLEL_MAX),
        sessions_queued_max: count(&mut fields, "sessions_queued_max", defaults::SESSIONS_QUEUED_MAX),
        session_retention: time(
            &mut fields,
            "session_retention_seconds",
            Duration::ZERO..=30 * A_DAY,
            defaults::SESSION_RETENTION,
        ),
        sessions_kept_max: count(&mut fields, "sessions_kept_max", defaults::SESSIONS_KEPT_MAX),
        responses_kept_max: count(&mut fields, "responses_kept_max", defaults::RESPONSES_KEPT_MAX),
        responses_retention: time(
            &mut fields,
            "responses_retention_seconds",
            Duration::ZERO..=365 * A_DAY,
            defaults::RESPONSES_RETENTION,
        ),
        listener: super::listener::listener(&mut fields),
        allow_link_local_vendors: truth(&mut fields, "allow_link_local_vendors", false),
    };
    fields.finish();
    settings
}

/// Reads a section over `global`, key by key.
pub(crate) fn timeouts(mut fields: Fields<'_>, global: Option<TimeoutSettings>) -> TimeoutSettings {
    let base = global.unwrap_or(TimeoutSettings {
        connect: defaults::CONNECT,
        first_event: defaults::FIRST_EVENT,
        idle: defaults::IDLE,
        total: defaults::TOTAL,
    });
    let settings = TimeoutSettings {
        connect: time(&mut fields, "connect_seconds", A_MOMENT..=A_DAY, base.connect),
        first_event: time(&mut fields, "first_event_seconds", A_MOMENT..=A_DAY, base.first_event),
        idle: time(&mut fields, "idle_seconds", A_MOMENT..=A_DAY, base.idle),
        total: time(&mut fields, "total_seconds", A_MOMENT..=A_DAY, base.total),
    };
    fields.finish();
    settings
}

pub(crate) fn keys(mut fields: Fields<'_>) -> KeyManagementSettings {
    let range = A_SECOND..=30 * A_DAY;
    let settings = KeyManagementSettings {
        enable_quarantine: truth(&mut fields, "enable_quarantine", defaults::ENABLE_QUARANTINE),
        quarantine_duration: time(
            &mut fields,
            "quarantine_duration_seconds",
            range.clone(),
            defaults::QUARANTINE_DURATION,
        ),
        quota_quarantine: time(&mut fields, "quota_quarantine_seconds", range, defaults::QUOTA_QUARANTINE),
        recheck: recheck(&mut fields),
    };
    fields.finish();
    settings
}

/// Zero is off. More often than once a second would be an attack on the vendor.
fn recheck(fields: &mut Fields<'_>) -> Option<Duration> {
    let Some(value) = fields.take("recheck_seconds") else { return Some(defaults::RECHECK) };
    let every = value.seconds(Duration::ZERO..=30 * A_DAY).filter(|every| !every.is_zero())?;
    if every < A_SECOND {
        value.problem_hint("must be 0 (never) or at least 1", "e.g. 10m");
    }
    Some(every)
}

pub(crate) fn breaker(mut fields: Fields<'_>) -> BreakerSettings {
    let enabled = truth(&mut fields, "enabled", defaults::BREAKER_ENABLED);
    let failures = number(&mut fields, "failures", 1..=FAILURES_MAX, defaults::BREAKER_FAILURES);
    let open = time(&mut fields, "open_seconds", A_MOMENT..=A_DAY, defaults::BREAKER_OPEN);
    // Whoever sets only `open_seconds`, and sets it long, means that it never gets longer.
    let open_max = time(&mut fields, "open_seconds_max", A_MOMENT..=A_DAY, defaults::BREAKER_OPEN_MAX.max(open));
    if open_max < open {
        fields.problem_hint(
            format!("open_seconds_max ({}) is less than open_seconds ({})", open_max.as_secs_f64(), open.as_secs_f64()),
            "raise open_seconds_max, or leave it out",
        );
    }
    fields.finish();
    BreakerSettings { enabled, failures, open, open_max }
}

pub(crate) fn hedging(mut fields: Fields<'_>) -> HedgingSettings {
    let settings = HedgingSettings {
        after: hedge_after(&mut fields, "after_seconds", None),
        budget_percent: number(&mut fields, "budget_percent", 0..=100, defaults::HEDGING_BUDGET_PERCENT),
    };
    fields.finish();
    settings
}

/// `null` is an answer: never.
pub(super) fn hedge_after(fields: &mut Fields<'_>, key: &'static str, global: Option<Duration>) -> Option<Duration> {
    match fields.take_nullable(key) {
        Given::Absent => global,
        Given::Null => None,
        Given::Value(value) => value.seconds(A_MOMENT..=A_DAY),
    }
}

pub(crate) fn streaming(mut fields: Fields<'_>) -> StreamingSettings {
    let mode = fields.take("typewriter_mode").and_then(|value| value.word("typewriter mode", &MODES));
    let settings = StreamingSettings {
        typewriter_mode: mode.unwrap_or(TypewriterMode::Client),
        characters_per_second: number(
            &mut fields,
            "characters_per_second",
            1..=PACE_MAX,
            defaults::CHARACTERS_PER_SECOND,
        ),
        keep_alive: time(&mut fields, "keep_alive_seconds", A_MOMENT..=A_DAY, defaults::KEEP_ALIVE),
    };
    fields.finish();
    settings
}

pub(super) fn truth(fields: &mut Fields<'_>, key: &'static str, default: bool) -> bool {
    fields.take(key).and_then(|value| value.boolean()).unwrap_or(default)
}

fn number(fields: &mut Fields<'_>, key: &'static str, range: RangeInclusive<u32>, default: u32) -> u32 {
    fields.take(key).and_then(|value| value.integer_u32(range)).unwrap_or(default)
}

fn count(fields: &mut Fields<'_>, key: &'static str, default: u64) -> usize {
    to_usize(fields.take(key).and_then(|value| value.integer(1..=COUNT_MAX)), default)
}

pub(super) fn count_if(fields: &mut Fields<'_>, key: &'static str) -> Option<usize> {
    usize::try_from(fields.take(key)?.integer(1..=COUNT_MAX)?).ok()
}

pub(super) fn size(fields: &mut Fields<'_>, key: &'static str, range: RangeInclusive<u64>, default: u64) -> usize {
    to_usize(fields.take(key).and_then(|value| value.bytes(range)), default)
}

fn to_usize(number: Option<u64>, default: u64) -> usize {
    usize::try_from(number.unwrap_or(default)).unwrap_or(usize::MAX)
}

pub(super) fn time(
    fields: &mut Fields<'_>,
    key: &'static str,
    range: RangeInclusive<Duration>,
    default: Duration,
) -> Duration {
    fields.take(key).and_then(|value| value.seconds(range)).unwrap_or(default)
}

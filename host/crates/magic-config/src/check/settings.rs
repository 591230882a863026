//! The sections without references to others: server, timeouts, keys, streaming, cache.
use super::models::Catalogue;
use crate::config::{
    CacheRule, CacheSettings, KeyManagementSettings, ServerSettings, StreamingSettings, TimeoutSettings, TypewriterMode,
};
use crate::defaults;
use crate::problem::{did_you_mean, quoted};
use crate::walk::{Fields, Value};
use std::ops::RangeInclusive;
use std::time::Duration;

const A_MOMENT: Duration = Duration::from_millis(1);
const A_DAY: Duration = Duration::from_secs(24 * 3600);
/// Counts of connections, requests and sessions: far beyond what one machine serves.
const COUNT_MAX: u64 = 1_000_000;

pub(crate) fn server(mut fields: Fields<'_>) -> ServerSettings {
    let settings = ServerSettings {
        body_bytes_max: to_usize(
            fields.take("body_bytes_max").and_then(|value| value.bytes(1024..=1 << 30)),
            defaults::BODY_BYTES_MAX,
        ),
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
    let range = Duration::from_secs(1)..=30 * A_DAY;
    let settings = KeyManagementSettings {
        enable_quarantine: fields
            .take("enable_quarantine")
            .and_then(|value| value.boolean())
            .unwrap_or(defaults::ENABLE_QUARANTINE),
        quarantine_duration: time(
            &mut fields,
            "quarantine_duration_seconds",
            range.clone(),
            defaults::QUARANTINE_DURATION,
        ),
        quota_quarantine: time(&mut fields, "quota_quarantine_seconds", range, defaults::QUOTA_QUARANTINE),
    };
    fields.finish();
    settings
}

pub(crate) fn streaming(mut fields: Fields<'_>) -> StreamingSettings {
    let words = [("client", Some(TypewriterMode::Client)), ("proxy", None)];
    if let Some(value) = fields.take("typewriter_mode")
        && value.word("typewriter mode", &words) == Some(None)
    {
        value.problem_hint("typewriter mode `proxy` arrives with a later version", "use client meanwhile");
    }
    fields.finish();
    StreamingSettings { typewriter_mode: TypewriterMode::Client }
}

pub(crate) fn cache(mut fields: Fields<'_>, models: Option<&Catalogue>) -> CacheSettings {
    if let Some(value) = fields.take("enabled")
        && value.boolean() == Some(true)
    {
        value
            .problem_hint("the cache arrives with a later version", "use enabled: false meanwhile; the rules may stay");
    }
    let rules = fields.take("rules").and_then(|value| value.list()).unwrap_or_default();
    let settings = CacheSettings { rules: rules.iter().filter_map(|rule| cache_rule(rule, models)).collect() };
    fields.finish();
    settings
}

fn cache_rule(rule: &Value<'_>, models: Option<&Catalogue>) -> Option<CacheRule> {
    let mut fields = rule.fields()?;
    let names = fields.need("model_names", "list the profiles that the rule is for").and_then(|value| value.list());
    let mut model_names = Vec::new();
    for item in names.unwrap_or_default() {
        let Some(name) = item.text() else { continue };
        if let Some(models) = models
            && !models.names().contains(&name.as_str())
        {
            item.problem_hint(format!("no profile {}", quoted(item.raw())), did_you_mean(item.raw(), &models.names()));
        }
        model_names.push(name);
    }
    let include_in_key =
        fields.need("include_in_key", "e.g. [messages, temperature, max_tokens]").and_then(|value| value.texts());
    let ttl = time(&mut fields, "ttl_seconds", Duration::from_secs(1)..=30 * A_DAY, defaults::CACHE_TTL);
    fields.finish();
    Some(CacheRule { model_names, include_in_key: include_in_key?, ttl })
}

fn count(fields: &mut Fields<'_>, key: &'static str, default: u64) -> usize {
    to_usize(fields.take(key).and_then(|value| value.integer(1..=COUNT_MAX)), default)
}

fn to_usize(number: Option<u64>, default: u64) -> usize {
    usize::try_from(number.unwrap_or(default)).unwrap_or(usize::MAX)
}

fn time(fields: &mut Fields<'_>, key: &'static str, range: RangeInclusive<Duration>, default: Duration) -> Duration {
    fields.take(key).and_then(|value| value.seconds(range)).unwrap_or(default)
}

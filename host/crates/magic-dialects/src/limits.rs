//! What vendors say of their rate limits, in headers and bodies, as one duration. Pure: the wall clock's time comes in.
//! `header` looks a header up by its lower-case name.
use jiff::Timestamp;
use serde_json::Value;
use std::time::Duration;

/// A vendor that names a longer wait is asked again after a day.
const LONGEST: Duration = Duration::from_hours(24);

/// Pairs of what remains and when it is filled again. OpenAI, Groq, Azure; Anthropic; Mistral; OpenRouter, Together.
const BUCKETS: [(&str, &str); 8] = [
    ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    ("anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"),
    ("anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"),
    ("anthropic-ratelimit-input-tokens-remaining", "anthropic-ratelimit-input-tokens-reset"),
    ("anthropic-ratelimit-output-tokens-remaining", "anthropic-ratelimit-output-tokens-reset"),
    ("ratelimitbysize-remaining", "ratelimitbysize-reset"),
    ("x-ratelimit-remaining", "x-ratelimit-reset"),
];

/// How long a refused key shall rest, by the vendor's own words; at most a day. `wall_now` is Unix seconds.
///
/// The most exact word wins: `retry-after-ms`, `Retry-After` (RFC 9110, section 10.2.3; also `1m30s`), Google's
/// `RetryInfo`, then the reset of whatever bucket is empty, or the latest of all if none says what remains.
pub fn retry_after<'h>(header: &dyn Fn(&str) -> Option<&'h str>, body: &[u8], wall_now: u64) -> Option<Duration> {
    let milliseconds = || positive(header("retry-after-ms")?.trim().parse::<f64>().ok()? / 1000.0);
    let told = || moment(header("retry-after")?, wall_now);
    milliseconds().or_else(told).or_else(|| retry_info(body)).or_else(|| resets(header, wall_now)).map(bounded)
}

/// How long a key shall rest after a reply that was good but used its last request or token up; at most a day.
pub fn exhausted<'h>(header: &dyn Fn(&str) -> Option<&'h str>, wall_now: u64) -> Option<Duration> {
    empty_buckets(header, wall_now).max().map(bounded)
}

fn bounded(wait: Duration) -> Duration {
    wait.min(LONGEST)
}

fn resets<'h>(header: &dyn Fn(&str) -> Option<&'h str>, wall_now: u64) -> Option<Duration> {
    let somebody_says = BUCKETS.iter().any(|(remaining, _)| header(remaining).is_some());
    if somebody_says {
        return empty_buckets(header, wall_now).max();
    }
    BUCKETS.iter().filter_map(|(_, reset)| moment(header(reset)?, wall_now)).max()
}

fn empty_buckets<'h>(header: &dyn Fn(&str) -> Option<&'h str>, wall_now: u64) -> impl Iterator<Item = Duration> {
    let is_empty = |remaining: &str| header(remaining).is_some_and(|left| left.trim().parse::<f64>() == Ok(0.0));
    BUCKETS.iter().filter(move |(remaining, _)| is_empty(remaining)).filter_map(move |(_, reset)| {
        let wait = moment(header(reset)?, wall_now)?;
        (!wait.is_zero()).then_some(wait)
    })
}

/// A moment in any spelling, as the time until then; zero for the past.
fn moment(text: &str, wall_now: u64) -> Option<Duration> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        return seconds_or_epoch(number, wall_now);
    }
    go_duration(text).or_else(|| {
        let then = text.parse::<Timestamp>().ok().or_else(|| http_date(text))?;
        Some(Duration::from_secs(u64::try_from(then.as_second()).ok()?.saturating_sub(wall_now)))
    })
}

/// RFC 9110, section 5.6.7: the form that senders must use.
fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|then| then.timestamp())
}

/// Seconds from now; a number of this century's size is a Unix time, in seconds or in milliseconds (OpenRouter).
fn seconds_or_epoch(number: f64, wall_now: u64) -> Option<Duration> {
    #[expect(clippy::cast_precision_loss, reason = "Unix seconds are exact in an f64 for 285 million years")]
    let now = wall_now as f64;
    match number {
        1e11.. => positive((number / 1000.0 - now).max(0.0)),
        1e9.. => positive((number - now).max(0.0)),
        _ => positive(number),
    }
}

fn positive(seconds: f64) -> Option<Duration> {
    (seconds >= 0.0).then(|| Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST))
}

/// `1m30.5s`, `6ms`, `2h`: Go's durations, as OpenAI and Google write them.
fn go_duration(text: &str) -> Option<Duration> {
    let mut total = 0.0;
    let mut rest = text;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at_checked(digits)?;
        let unit_end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, after) = tail.split_at_checked(unit_end)?;
        let scale = match unit {
            "d" => 86_400.0,
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * scale;
        rest = after;
    }
    positive(total)
}

/// `google.rpc.RetryInfo` among an error's details: https://google.aip.dev/193
fn retry_info(body: &[u8]) -> Option<Duration> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let value = value.get(0).unwrap_or(&value);
    let details = value.pointer("/error/details")?.as_array()?;
    details.iter().find_map(|detail| go_duration(detail.get("retryDelay")?.as_str()?))
}

#[cfg(test)]
mod tests;

//! What a vendor's refusal means: status, headers and body in, a [`Failure`] out. Decides no retry.
use bytes::Bytes;
use magic_types::{Failure, Kind, UpstreamReply};
use serde_json::Value;
use std::time::Duration;

/// How much of a vendor's error text a client is shown.
const TEXT_CHARS_MAX: usize = 600;

/// Classifies a reply whose status is not 2xx. `retry_after` is the header's value.
pub fn classify(status: u16, retry_after: Option<&str>, content_type: Option<&str>, body: Bytes) -> Failure {
    let text = message(&body).unwrap_or_else(|| format!("the model's vendor answered {status}"));
    failure(kind_of(status, &body), &text).retry_after(retry_after.and_then(seconds)).upstream(UpstreamReply {
        status,
        content_type: content_type.map(str::to_owned),
        body,
    })
}

/// What a vendor says of a key may hold a part of it: strangers read words of ours, the log the vendor's.
pub(super) fn failure(kind: Kind, vendors_words: &str) -> Failure {
    let public = match kind {
        Kind::KeyRejected => "the model's vendor refused the key",
        Kind::QuotaExhausted => "the account at the model's vendor is exhausted",
        Kind::RateLimited => "the model's vendor limits the rate",
        _ => return Failure::new(kind, vendors_words),
    };
    Failure::new(kind, public).private(vendors_words)
}

/// The failure's kind by status, refined by the vendor's own code where the status says too little.
pub(super) fn kind_of(status: u16, body: &[u8]) -> Kind {
    let says = |needle: &str| memchr::memmem::find(body, needle.as_bytes()).is_some();
    match status {
        401 | 403 => Kind::KeyRejected,
        402 => Kind::QuotaExhausted,
        // OpenAI tells an empty account by 429 as well: waiting a minute does not fill it.
        429 if says("insufficient_quota") => Kind::QuotaExhausted,
        429 => Kind::RateLimited,
        408 | 504 => Kind::TimedOut,
        400 | 413
            if says("context_length_exceeded") || says("exceed_context_size") || says("maximum context length") =>
        {
            Kind::ContextTooLong
        }
        // Google answers 400 where others answer 401.
        400 if says("API_KEY_INVALID") || says("invalid_api_key") || says("API key not valid") => Kind::KeyRejected,
        // Redirects are not followed: the address in the config is not where the vendor is.
        300..=399 => Kind::BadReply,
        500.. => Kind::ServerError,
        _ => Kind::InvalidRequest,
    }
}

/// The vendor's own words: `error.message`, `error`, `message` or `detail`, cut to a bound.
pub(super) fn message(body: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(body).ok()?;
    // Google wraps the object in a list.
    let value = value.get(0).unwrap_or(&value);
    let found = [value.pointer("/error/message"), value.get("error"), value.get("message"), value.get("detail")];
    let text = found.into_iter().flatten().find_map(Value::as_str)?;
    Some(text.chars().take(TEXT_CHARS_MAX).collect())
}

/// A numeric `error.code` or `error.status` inside a stream.
pub(super) fn status_in(body: &[u8]) -> Option<u16> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let code = value.pointer("/error/code").or_else(|| value.pointer("/error/status"))?;
    u16::try_from(code.as_u64()?).ok().filter(|status| (400..600).contains(status))
}

/// `Retry-After` in seconds (RFC 9110, section 10.2.3), whole or with a fraction, bounded to a day.
fn seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.trim().parse().ok()?;
    (0.0..=86_400.0).contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests;

//! Google's errors, and what a reply means that is one: `{"error":{"code":429,"status":"RESOURCE_EXHAUSTED",…}}`, alone or
//! in a list. Kinds by status are decided in `crate::errors`; here stands what only Google does.
use crate::errors;
use bytes::Bytes;
use magic_types::{Failure, Kind};
use serde_json::Value;
use std::time::Duration;

use super::wire::Response;

/// Longer waits are not believed.
const WAIT_MAX: Duration = Duration::from_secs(86_400);

/// When Google says to come again. It sends no `Retry-After`: the wait stands in the body, as `google.rpc.RetryInfo`
/// (`"retryDelay":"39s"`). <https://cloud.google.com/apis/design/errors#error_details>
pub fn retry_delay(body: &[u8]) -> Option<Duration> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let error = value.get(0).unwrap_or(&value).get("error")?;
    let details = error.get("details")?.as_array()?;
    let delay = details.iter().find_map(|detail| detail.get("retryDelay")?.as_str())?;
    let seconds: f64 = delay.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok().filter(|wait| *wait <= WAIT_MAX)
}

/// An error inside a 200. `json` is the whole of it.
pub(crate) fn in_band(json: &[u8]) -> Failure {
    let value: Value = serde_json::from_slice(json).unwrap_or(Value::Null);
    let code = value.get(0).unwrap_or(&value).pointer("/error/code").and_then(Value::as_u64);
    let status = code.and_then(|code| u16::try_from(code).ok()).filter(|code| (400..600).contains(code)).unwrap_or(500);
    // Without the vendor's reply: a 200 was under way, so that reply's status is not this one.
    let mut failure = errors::classify(status, &|_| None, Bytes::copy_from_slice(json), 0);
    failure.upstream = None;
    if failure.kind == Kind::InvalidRequest && failure.public.contains("maximum number of tokens") {
        failure.kind = Kind::ContextTooLong;
    }
    failure.retry_after(retry_delay(json))
}

/// The failure that a reply is, if it is one: an error, or a prompt that was refused.
pub(crate) fn of(response: &Response<'_>, json: &[u8]) -> Option<Failure> {
    if response.error.is_some() {
        return Some(in_band(json));
    }
    let reason = response.prompt_feedback.as_ref()?.block_reason.as_deref()?;
    if reason == "BLOCK_REASON_UNSPECIFIED" {
        return None;
    }
    let text = format!("the model's vendor refused the prompt: {reason}");
    Some(Failure::new(Kind::ContentPolicy, text))
}

pub(crate) fn bad_reply(why: impl Into<String>) -> Failure {
    Failure::new(Kind::BadReply, "the model's vendor sent a reply that cannot be read").private(why)
}

#[cfg(test)]
mod tests;

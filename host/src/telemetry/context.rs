//! W3C trace context: who a request belongs to, as headers. <https://www.w3.org/TR/trace-context/>
use http::{HeaderMap, HeaderName, HeaderValue};
use std::fmt;
use std::sync::Arc;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
/// The least that everybody must pass on; what is longer is not ours to cut.
const STATE_BYTES_MAX: usize = 512;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct TraceId(pub(super) [u8; 16]);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SpanId(pub(super) [u8; 8]);

/// What a client said.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Given {
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
    pub(super) sampled: bool,
    pub(super) state: Option<Arc<str>>,
}

/// `None`: there is none, or none that can be read.
pub(super) fn read(headers: &HeaderMap) -> Option<Given> {
    let (trace_id, span_id, sampled) = parse(headers.get(TRACEPARENT)?.to_str().ok()?)?;
    Some(Given { trace_id, span_id, sampled, state: state(headers) })
}

pub(super) fn write(headers: &mut HeaderMap, trace_id: TraceId, span_id: SpanId, sampled: bool, state: Option<&str>) {
    let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
    put_hex(&trace_id.0, &mut text[3..35]);
    put_hex(&span_id.0, &mut text[36..52]);
    put_hex(&[u8::from(sampled)], &mut text[53..]);
    if let Ok(value) = HeaderValue::from_bytes(&text) {
        headers.insert(TRACEPARENT, value);
    }
    if let Some(Ok(value)) = state.map(HeaderValue::from_str) {
        headers.insert(TRACESTATE, value);
    }
}

fn parse(text: &str) -> Option<(TraceId, SpanId, bool)> {
    let mut parts = text.split('-');
    let version = hex::<1>(parts.next()?)?;
    let trace_id = hex::<16>(parts.next()?)?;
    let span_id = hex::<8>(parts.next()?)?;
    let flags = hex::<1>(parts.next()?)?;
    // A later version may have more to say; this one may not.
    let is_known = version != [0xff] && (version != [0] || parts.next().is_none());
    let is_sound = is_known && trace_id != [0; 16] && span_id != [0; 8];
    is_sound.then(|| (TraceId(trace_id), SpanId(span_id), flags[0] & 1 == 1))
}

/// A trace's name as [`TraceId`] is shown.
pub(super) fn trace_id(text: &str) -> Option<[u8; 16]> {
    hex(text)
}

/// In lower case, as the standard has it.
fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        for digit in pair {
            let value = match digit {
                b'0'..=b'9' => digit - b'0',
                b'a'..=b'f' => digit - b'a' + 10,
                _ => return None,
            };
            *byte = *byte << 4 | value;
        }
    }
    Some(bytes)
}

/// Formatting byte by byte would cost more than the span.
fn put_hex(bytes: &[u8], out: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (pair, byte) in out.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
}

fn state(headers: &HeaderMap) -> Option<Arc<str>> {
    let mut all = String::new();
    for value in headers.get_all(TRACESTATE) {
        let text = value.to_str().ok()?.trim();
        if !all.is_empty() && !text.is_empty() {
            all.push(',');
        }
        all.push_str(text);
        if all.len() > STATE_BYTES_MAX {
            return None;
        }
    }
    (!all.is_empty()).then(|| all.into())
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 32];
        put_hex(&self.0, &mut text);
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;

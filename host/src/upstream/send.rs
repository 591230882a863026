//! One try: a body is written for the leg, sent, and its reply read up to the first event.
use super::client::{Incoming, Outgoing, key_header};
use super::lease::Guard;
use super::payload::{Google, Order, OrderBody, Payload, Reading};
use super::reply::{Good, Guarded, ReplyBody};
use super::stream::{ByteStream, EventStream, RawStream, Source, Times, within};
use super::target::Target;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use magic_dialects::dialect::Dialect;
use magic_dialects::operation::Answer;
use magic_dialects::vendor::Way;
use magic_dialects::{counting, errors, limits, onlook};
use magic_types::{Failure, Kind};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Boxed: the failure is large, and rare.
pub(super) type Sent = Result<Good, Box<(Failure, Guard)>>;

/// A refusal's body is waited for no longer than this: it only says why.
const REFUSAL_MAX: Duration = Duration::from_secs(5);

pub(super) async fn send(target: &Target, guard: Guard, payload: &Payload<'_>) -> Sent {
    let order = match payload.write(target).await {
        Ok(order) => order,
        Err(failure) => return Err(Box::new((failure, guard))),
    };
    let times = times(target, &order);
    let mut incoming = match head(target, &guard, payload, &order, times).await {
        Ok(incoming) => incoming,
        Err(failure) => return Err(Box::new((broken(payload).unwrap_or(failure), guard))),
    };
    let key_id = guard.key_id();
    let mut headers = incoming.take_headers();
    // Most vendors say nothing of it: then the names are not looked up one by one.
    let tells = headers.keys().any(|name| name.as_str().contains("ratelimit"));
    let exhausted = if tells { limits::exhausted(&|name| text(&headers, name), unix_now()) } else { None };
    let lost = order.lost.clone();
    let body = read(incoming, guard, &order, times, &mut headers, target).await.map_err(Box::new)?;
    Ok(Good { profile: Arc::clone(&target.profile), key_id, headers, lost, exhausted, body })
}

fn broken(payload: &Payload<'_>) -> Option<Failure> {
    match payload {
        Payload::Form(form) => form.broken(),
        Payload::Json(_) | Payload::Step(_) => None,
    }
}

fn times(target: &Target, order: &Order<'_>) -> Times {
    let timeouts = &target.profile.timeouts;
    let start = Instant::now();
    let total = start + timeouts.total;
    // A reply that does not stream has no first event: its head may come with its last token.
    let first = if order.streams { total.min(start + timeouts.first_event) } else { total };
    Times { first, idle: timeouts.idle, total }
}

async fn head(
    target: &Target,
    guard: &Guard,
    payload: &Payload<'_>,
    order: &Order<'_>,
    times: Times,
) -> Result<Incoming, Failure> {
    let url = if order.streams { &order.door.stream } else { &order.door.whole };
    let outgoing = match &order.body {
        OrderBody::Form(upload) => Outgoing::Form(upload.clone()),
        OrderBody::Json(body) => Outgoing::Json(body.clone()),
    };
    let mut headers = match payload {
        Payload::Json(asked) if order.door.way == Way::Same => target.headers(Some(asked.headers)),
        Payload::Json(_) | Payload::Form(_) | Payload::Step(_) => target.headers(None),
    };
    guard.span.trace().write(&mut headers);
    let key = guard.secret().map(|secret| key_header(target.auth, secret)).transpose()?;
    let sending = target.client.post(url, key, headers, outgoing);
    let incoming = within(times.first, sending).await?;
    if incoming.status().is_success() { Ok(incoming) } else { Err(refused(incoming, times.first, order).await) }
}

/// A refusal's body is read, since it says why; but no longer than the vendor had for its first event.
async fn refused(mut incoming: Incoming, deadline: Instant, order: &Order<'_>) -> Failure {
    let status = incoming.status().as_u16();
    let headers = incoming.take_headers();
    let deadline = deadline.min(Instant::now() + REFUSAL_MAX);
    let body = within(deadline, incoming.collect()).await.unwrap_or_default();
    let mut failure = errors::classify(status, &|name| text(&headers, name), body, unix_now());
    if let (true, Some(reply)) = (order.door.way != Way::Same, &mut failure.upstream) {
        // The status goes on, the vendor's own form of an error does not.
        reply.body = Bytes::new();
    }
    failure
}

async fn read(
    incoming: Incoming,
    guard: Guard,
    order: &Order<'_>,
    times: Times,
    headers: &mut HeaderMap,
    target: &Target,
) -> Result<Guarded, (Failure, Guard)> {
    let is_sse = text(headers, "content-type").is_some_and(|value| value.starts_with("text/event-stream"));
    let streams = order.streams && is_sse;
    if matches!(order.reading, Reading::Decode(_) | Reading::Google(_)) {
        // A body that is written anew has headers of ours.
        headers.clear();
    }
    match &order.reading {
        Reading::Pass(dialect) | Reading::PassWithoutUsage(dialect) if streams => {
            let mut stream = ByteStream::open(Source::new(incoming, guard, times), *dialect).await?;
            stream.hides_usage = matches!(order.reading, Reading::PassWithoutUsage(_));
            Ok(Guarded::Coming(ReplyBody::Bytes(Box::new(stream))))
        }
        Reading::Decode(dialect) if streams => {
            let Some(vendor) = dialect.vendor() else { return Err((unspoken(), guard)) };
            let stream = EventStream::open(Source::new(incoming, guard, times), vendor.decoder()).await?;
            Ok(Guarded::Coming(ReplyBody::Events(Box::new(stream))))
        }
        Reading::Raw => {
            let stream = RawStream::open(Source::new(incoming, guard, times)).await?;
            Ok(Guarded::Coming(ReplyBody::Raw(Box::new(stream))))
        }
        Reading::Pass(_) | Reading::PassWithoutUsage(_) | Reading::Decode(_) | Reading::Json | Reading::Google(_) => {
            let read = within(times.first, incoming.collect()).await;
            match read.and_then(|bytes| whole(bytes, &order.reading, headers, target)) {
                Ok(body) => Ok(Guarded::Here(body, guard)),
                Err(failure) => Err((failure, guard)),
            }
        }
    }
}

fn whole(bytes: Bytes, reading: &Reading, headers: &mut HeaderMap, target: &Target) -> Result<ReplyBody, Failure> {
    let answer = match reading {
        Reading::Pass(dialect) | Reading::PassWithoutUsage(dialect) => return inspected(bytes, *dialect),
        Reading::Json | Reading::Raw => return inspected(bytes, Dialect::Chat),
        Reading::Decode(dialect) => {
            let vendor = dialect.vendor().ok_or_else(unspoken)?;
            return vendor.decode_whole(&bytes).map(ReplyBody::Said);
        }
        Reading::Google(google) => answer(&bytes, google, target)?,
    };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    let usage = answer.usage.filter(|_| !answer.usage_is_estimated);
    Ok(ReplyBody::Whole { bytes: answer.body, usage, complete: true })
}

fn answer(bytes: &Bytes, google: &Google, target: &Target) -> Result<Answer, Failure> {
    match google {
        Google::Embeddings(asked) => asked.read(bytes, &target.profile.model),
        Google::Speech(asked) => asked.read(bytes),
        Google::Transcription(asked) => asked.read(bytes),
        Google::Images(asked) => asked.read(bytes, unix_now()),
        Google::Count => Ok(Answer::json(counting::reply(counting::read_google(bytes)?), None)),
    }
}

fn inspected(bytes: Bytes, dialect: Dialect) -> Result<ReplyBody, Failure> {
    let seen = onlook::inspect_whole(dialect, &bytes)?;
    Ok(ReplyBody::Whole { bytes, usage: seen.usage, complete: seen.is_complete })
}

fn unspoken() -> Failure {
    Failure::new(Kind::Internal, "no vendor speaks this dialect")
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Unix seconds, for dates in vendors' headers.
fn unix_now() -> u64 {
    crate::app::unix_now()
}

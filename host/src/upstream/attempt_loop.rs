//! Carries one request along its plan: lease, send, classify, report, next. The only retry loop there is.
use super::Upstream;
use super::client::Incoming;
use super::lease::{Guard, now};
use super::stream::ChatStream;
use super::target::{Route, Target};
use bytes::Bytes;
use http::{HeaderMap, header};
use magic_dialects::openai::{self, request::Head};
use magic_routing::{Attempt, Outcome, Step, Try};
use magic_types::chat::CompletionRequest;
use magic_types::{Failure, KeyId, Kind, ProfileName, Usage};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What is sent; each leg writes its own body from it.
pub(crate) enum Payload<'a> {
    /// The client's bytes, with the model's name spliced in.
    Verbatim { head: &'a Head<'a>, body: &'a Bytes },
    /// A step of a session. Always streamed.
    Canonical(&'a CompletionRequest),
}

/// A reply that is known to be good so far: whole, or past its first event.
pub(crate) struct Reply {
    pub(crate) profile: ProfileName,
    pub(crate) key_id: Option<KeyId>,
    /// What was sent, in order; the last is this reply's own.
    pub(crate) tries: Vec<Try>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: ReplyBody,
}

pub(crate) enum ReplyBody {
    Whole { bytes: Bytes, usage: Option<Usage> },
    Stream(Box<ChatStream>),
}

pub(super) async fn run(upstream: &Upstream, route: &Arc<Route>, payload: Payload<'_>) -> Result<Reply, Failure> {
    let mut attempt = Attempt::new(Arc::clone(&route.plan), route.settings);
    loop {
        let step = attempt.next(&mut upstream.pools(), now());
        let (leg, lease) = match step {
            Step::Send { leg, lease } => (leg, lease),
            Step::GiveUp(failure) => return Err(failure),
        };
        let guard = Guard::new(&upstream.pools, lease);
        let Some(target) = route.target(leg) else {
            return Err(Failure::new(Kind::Internal, "the route has no such leg"));
        };
        match send(upstream, target, guard, &payload).await {
            Ok((headers, key_id, body)) => {
                let profile = target.profile.name.clone();
                return Ok(Reply { profile, key_id, tries: attempt.tries().to_vec(), headers, body });
            }
            Err((mut failure, guard)) => {
                guard.redact(&mut failure.private);
                log_failed_send(target, guard.key_id().as_ref(), &failure);
                attempt.report(&mut upstream.pools(), guard.take(), Outcome::Failed(failure), now());
            }
        }
    }
}

type Sent = (HeaderMap, Option<KeyId>, ReplyBody);

async fn send(
    upstream: &Upstream,
    target: &Target,
    guard: Guard,
    payload: &Payload<'_>,
) -> Result<Sent, (Failure, Guard)> {
    let timeouts = &target.profile.timeouts;
    let start = Instant::now();
    let total = start + timeouts.total;
    let (body, streams) = write(target, payload);
    // A reply that does not stream has no first event: its head may come with its last token.
    let first = if streams { start + timeouts.first_event } else { total };
    let sending = target.endpoint.post(guard.secret(), body);
    let mut incoming = match within(first, sending).await {
        Ok(incoming) => incoming,
        Err(failure) => return Err((failure, guard)),
    };
    if !incoming.status().is_success() {
        return Err((refused(incoming, first).await, guard));
    }
    let key_id = guard.key_id();
    let is_sse = incoming.header(header::CONTENT_TYPE).is_some_and(|value| value.starts_with("text/event-stream"));
    let headers = incoming.take_headers();
    if streams && is_sse {
        let opening = ChatStream::open(incoming, guard, timeouts.idle, total);
        // Boxed: the stream outlives this function, and its state is large.
        return match tokio::time::timeout_at(first, opening).await {
            Ok(Ok(stream)) => Ok((headers, key_id, ReplyBody::Stream(Box::new(stream)))),
            Ok(Err(failed)) => Err(failed),
            Err(_) => Err((timed_out(), Guard::new(&upstream.pools, None))),
        };
    }
    whole(incoming, guard, first, headers, key_id).await
}

async fn whole(
    incoming: Incoming,
    guard: Guard,
    deadline: Instant,
    headers: HeaderMap,
    key_id: Option<KeyId>,
) -> Result<Sent, (Failure, Guard)> {
    let read = within(deadline, incoming.collect()).await;
    match read.and_then(|bytes| openai::stream::inspect(&bytes).map(|usage| (bytes, usage))) {
        Ok((bytes, usage)) => Ok((headers, key_id, ReplyBody::Whole { bytes, usage })),
        Err(failure) => Err((failure, guard)),
    }
}

fn write(target: &Target, payload: &Payload<'_>) -> (Bytes, bool) {
    match payload {
        Payload::Verbatim { head, body } => {
            let defaults = target.defaults.iter().map(|(key, json)| (key.as_str(), json.as_str()));
            (head.splice(body, &target.model_json, defaults), head.stream)
        }
        Payload::Canonical(request) => {
            (openai::upstream::encode(request, &target.profile.model, &target.profile.params), true)
        }
    }
}

/// A refusal's body is read, since it says why; but no longer than the vendor had for its first event.
async fn refused(incoming: Incoming, deadline: Instant) -> Failure {
    let status = incoming.status().as_u16();
    let retry_after = incoming.header(header::RETRY_AFTER).map(str::to_owned);
    let content_type = incoming.header(header::CONTENT_TYPE).map(str::to_owned);
    let deadline = deadline.min(Instant::now() + Duration::from_secs(5));
    let body = within(deadline, incoming.collect()).await.unwrap_or_default();
    openai::errors::classify(status, retry_after.as_deref(), content_type.as_deref(), body)
}

async fn within<T>(deadline: Instant, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::time::timeout_at(deadline, work).await.unwrap_or_else(|_| Err(timed_out()))
}

fn timed_out() -> Failure {
    Failure::new(Kind::TimedOut, "the model's vendor did not answer in time")
}

/// What failed before a reply: ` after openai_main (openai-3f9ac2d1) rate_limited, mistral_main upstream_error`.
pub(crate) fn after(tries: &[Try]) -> String {
    let failed = tries.iter().filter_map(|attempt| Some((attempt, attempt.kind?.as_str())));
    let told = failed.map(|(Try { profile, key_id, .. }, kind)| match key_id {
        Some(key) => format!("{profile} ({key}) {kind}"),
        None => format!("{profile} {kind}"),
    });
    let told = told.collect::<Vec<_>>().join(", ");
    if told.is_empty() { told } else { format!(" after {told}") }
}

fn log_failed_send(target: &Target, key_id: Option<&KeyId>, failure: &Failure) {
    tracing::debug!(
        profile = %target.profile.name,
        key.id = key_id.map_or("-", KeyId::as_str),
        kind = failure.kind.as_str(),
        "profile `{}` failed: {} ({})",
        target.profile.name,
        failure.public,
        failure.private,
    );
}

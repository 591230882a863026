//! One request with a JSON body, whatever its endpoint: from the bytes of a client to the bytes of its answer.
use super::auth::Caller;
use super::cached::{self, Cached, Recorder};
use super::error::Refusal;
use super::outgoing::{self, Tap, Wishes};
use super::story::Story;
use super::{limits, models, origin, reasoning};
use crate::app::{App, unix_now};
use crate::bill::{self, Bill};
use crate::snapshot::Snapshot;
use crate::telemetry;
use crate::upstream::{Asked, Declined, Payload, Previous, Reply, ReplyBody, Route};
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use magic_config::TypewriterMode;
use magic_dialects::dialect::{Dialect, Head, Writer};
use magic_dialects::openai::request;
use magic_dialects::operation::Operation;
use magic_routing::route_header;
use magic_types::Failure;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

/// The model that OpenAI takes where a moderation names none (<https://platform.openai.com/docs/api-reference/moderations>):
/// an alias of this name serves those.
const MODERATION: &str = "omni-moderation-latest";

/// Of one request, as OpenAI bounds `n`.
const ANSWERS_MAX: u64 = 128;

/// A request that has come in whole.
pub(super) struct Incoming {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) caller: Caller,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) previous: Previous,
    seen: telemetry::Request,
    start: Instant,
    place: OwnedSemaphorePermit,
}

/// # Errors
/// For a page of another origin, a full gateway, a body that is too large or did not arrive.
pub(super) async fn receive(app: &App, request: Request) -> Result<Incoming, Refusal> {
    let start = Instant::now();
    let snapshot = app.live.load();
    let (parts, body) = request.into_parts();
    let seen = app.upstream.telemetry().request("POST", parts.uri.path(), &parts.headers);
    let caller = Caller::of(&parts.extensions)?;
    let (body, place) = whole(app, &snapshot, &parts.headers, body).await?;
    Ok(Incoming { snapshot, caller, headers: parts.headers, body, previous: Previous::None, seen, start, place })
}

/// Something that whoever operates the gateway wants of it: no request to a model, and not counted as one.
pub(super) struct Order {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) caller: Caller,
    pub(super) body: Bytes,
}

/// # Errors
/// As of [`receive`].
pub(super) async fn order(app: &App, request: Request) -> Result<Order, Refusal> {
    let snapshot = app.live.load();
    let (parts, body) = request.into_parts();
    let caller = Caller::of(&parts.extensions)?;
    let (body, _place) = whole(app, &snapshot, &parts.headers, body).await?;
    Ok(Order { snapshot, caller, body })
}

/// A body that may come in, and the place that its request has among those in flight.
///
/// # Errors
/// As of [`receive`].
pub(super) async fn whole(
    app: &App,
    snapshot: &Snapshot,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Bytes, OwnedSemaphorePermit), Failure> {
    origin::check(headers)?;
    let place = limits::enter(&app.places)?;
    let body = limits::read(body, snapshot.config.server_settings.body_bytes_max).await?;
    Ok((body, place))
}

/// Answers it. `taps` read along what the client is sent.
pub(super) async fn answer(
    app: &Arc<App>,
    operation: Operation,
    incoming: Incoming,
    taps: Vec<Box<dyn Tap>>,
) -> Result<Response, Refusal> {
    let Incoming { snapshot, caller, headers, body, previous, mut seen, start, place } = incoming;
    let head = match operation {
        Operation::Moderations => request::head_or(&body, MODERATION)?,
        _ => request::head(&body)?,
    };
    let route = models::route(&snapshot, &caller, &head.model).inspect_err(|failure| seen.turned_away(failure.kind))?;
    let mut asked = Asked::new(operation, &head, &body, &headers);
    asked.previous = previous;
    asked.counted = !caller.principal.is_anonymous();
    if let (Some(_), Some(dialect)) = (&route.plan.reasoning_mode, operation.client_dialect()) {
        // Sessions have bounds of their own.
        drop(place);
        let request = asked.request()?;
        let answering = reasoning::Answering { dialect, taps, span: seen.into_span() };
        // Boxed, so that plain requests do not carry its state.
        return Box::pin(reasoning::completion(app, &snapshot, route, request, &caller, answering)).await;
    }
    let streaming = &snapshot.config.streaming_settings;
    let is_paced =
        head.stream && operation.client_dialect().is_some() && streaming.typewriter_mode == TypewriterMode::Proxy;
    asked.decode = is_paced;
    if is_paced {
        // Its reply is written anew: a body that nobody here can read is refused before anybody is asked.
        asked.request()?;
    }
    let bill = bill(app, &caller, thought_of(operation, route, &head, body.len())).await;
    let bill = bill.inspect_err(|failure| seen.turned_away(failure.kind))?;
    let mut story = Story { operation, alias: route.plan.alias.clone(), start, bill, seen, _place: place };
    let dialect = operation.client_dialect().unwrap_or(Dialect::Chat);
    // A stored response has an id of its own, which a second client must not get.
    let cached = if taps.is_empty() { cached::look_up(app, &snapshot, route, &asked).await } else { Cached::Off };
    if !matches!(cached, Cached::Off) {
        app.upstream.telemetry().looked_up(cached.as_str());
    }
    let cached = match cached {
        Cached::Hit(hit) => return Ok(cached::replay(hit, &mut story)),
        Cached::Follow(follower, head, idle) => return Ok(cached::follow(follower, head, idle, story, dialect)),
        asking @ (Cached::Miss(_) | Cached::Bypass | Cached::Off) => asking,
    };
    let stream = head.stream;
    let payload = Payload::Json(Box::new(asked));
    story.bill.sending(route);
    let reply = match app.upstream.complete(route, &payload, story.seen.trace()).await {
        Ok(reply) => reply,
        Err(declined) => return Err(refused(declined, &mut story)),
    };
    let mut wishes = Wishes {
        dialect,
        stream,
        writer: writer(&payload, &reply)?,
        pace: is_paced.then_some(streaming.characters_per_second),
        keep_alive: streaming.keep_alive,
        taps,
        previous: passed_previous(&payload),
        headers: HeaderMap::new(),
    };
    cached.note(&mut wishes.headers);
    if let Cached::Miss(leader) = cached {
        wishes.taps.push(Box::new(Recorder::new(leader, reply.profile.name.to_string())));
    }
    Ok(outgoing::respond(reply, story, wishes))
}

/// Lets it begin, as far as limits and budgets go.
pub(super) async fn bill(app: &App, caller: &Caller, order: bill::Order<'_>) -> Result<Bill, Failure> {
    Bill::open(&app.accounts, &caller.principal, &order).await.map_err(|denied| Failure::from(&denied))
}

/// Whether a session could begin now: one without a budget is told at once, and not by its first step. Its calls are
/// accounted one by one.
pub(super) async fn may_begin(app: &App, caller: &Caller, route: &Route) -> Result<(), Failure> {
    let order = bill::Order::of_nothing(Operation::ChatCompletions.as_str(), route);
    bill(app, caller, order).await.map(Bill::withdraw)
}

/// What a body says of what it will cost. Words are counted only where the answer is words, and to count them is free.
fn thought_of<'a>(
    operation: Operation,
    route: &'a Route,
    head: &request::Head<'_>,
    body_bytes: usize,
) -> bill::Order<'a> {
    let nothing = bill::Order::of_nothing(operation.as_str(), route);
    match operation.client_dialect() {
        Some(_) => bill::Order {
            body_bytes,
            output_tokens_max: head.number(&["max_tokens", "max_completion_tokens", "max_output_tokens"]),
            answers: head.number(&["n", "best_of"]).unwrap_or(1).clamp(1, ANSWERS_MAX),
            ..nothing
        },
        None if operation == Operation::CountTokens => nothing,
        None => bill::Order { body_bytes, ..nothing },
    }
}

/// Tells of a request that nobody answered.
pub(super) fn refused(declined: Declined, story: &mut Story) -> Refusal {
    let Declined { failure, route } = declined;
    let route = route_header(&route);
    story.failed(&failure, &route);
    Refusal::after(failure, route)
}

/// The vendor was not told of the response that this one goes on from, so its bytes do not name it.
fn passed_previous(payload: &Payload<'_>) -> Option<String> {
    match payload {
        Payload::Json(asked) => match &asked.previous {
            Previous::Known(id) => Some(id.clone()),
            Previous::None | Previous::Unknown(_) => None,
        },
        Payload::Form(_) | Payload::Step(_) => None,
    }
}

/// For a reply that comes as events.
fn writer(payload: &Payload<'_>, reply: &Reply) -> Result<Option<Box<dyn Writer>>, Failure> {
    let (ReplyBody::Events(_) | ReplyBody::Said(_), Payload::Json(asked)) = (&reply.body, payload) else {
        return Ok(None);
    };
    let Some(client) = asked.operation.client_dialect().and_then(Dialect::client) else { return Ok(None) };
    let head = Head { id: reasoning::new_id().to_string(), model: reply.profile.model.clone(), created: unix_now() };
    Ok(Some(client.writer(head, asked.request()?)))
}

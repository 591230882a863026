//! `/v1/react/sessions`: start a session, follow its log, look at it, cancel it.
use super::auth::Caller;
use super::error::Refusal;
use super::models;
use super::reply::{self, rfc3339};
use super::sse::{self, Encoder};
use super::{origin, reasoning, serve};
use crate::app::App;
use crate::sessions::{Fork, Job, Order, Ties};
use crate::snapshot::Snapshot;
use crate::telemetry::Span;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use magic_sessions::{Generation, Record, Status, Summary, Tail};
use magic_types::chat::{Message, Role};
use magic_types::{Failure, Kind, SessionId};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json, value::RawValue};
use std::fmt::Write as _;
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Start {
    #[serde(default)]
    user_query: Option<String>,
    /// OpenAI's messages; read by the dialect.
    #[serde(default)]
    messages: Option<Box<RawValue>>,
    model_alias: String,
    #[serde(default)]
    reasoning_mode: Option<String>,
    #[serde(default)]
    session_id: Option<String>,
    #[serde(default)]
    client_system_instruction: Option<String>,
    #[serde(default)]
    client_manifests: Vec<String>,
    #[serde(default)]
    temperature: Option<f32>,
    #[serde(default)]
    top_p: Option<f32>,
    #[serde(default)]
    max_tokens: Option<u32>,
    #[serde(default)]
    stream: Option<bool>,
    #[serde(default)]
    options: Option<Value>,
}

/// Starts a session. The answer is its log as it grows, or with `stream: false` its end.
pub(crate) async fn create(State(app): State<Arc<App>>, caller: Caller, request: Request) -> Result<Response, Refusal> {
    let snapshot = app.live.load();
    let span = span(&app, "/v1/react/sessions", &request);
    let start: Start = body(&app, &snapshot, request).await?;
    let route = Arc::clone(models::route(&snapshot, &caller, &start.model_alias)?);
    let pattern = reasoning::pattern(&snapshot, &route, start.reasoning_mode.as_deref())?;
    let id = start.session_id.as_deref().map_or_else(|| Ok(reasoning::new_id()), session_id)?;
    let streams = start.stream.unwrap_or(true);
    let job = Job { snapshot, route, pattern, order: start.into_order()?, ties: ties(&caller, &span) };
    serve::may_begin(&app, &caller, &job.route).await?;
    let begun = app.sessions.submit(id, job).await?;
    follow(&app, &begun.id, streams, span).await
}

fn span(app: &App, path: &str, request: &Request) -> Span {
    app.upstream.telemetry().request("POST", path, request.headers()).into_span()
}

/// The log as it grows, or its end.
async fn follow(app: &App, id: &SessionId, streams: bool, span: Span) -> Result<Response, Refusal> {
    let tail = app.sessions.tail(id, 0).await?;
    if streams { Ok(sse::respond(tail, Frames(span), app.tasks.ending())) } else { ended(tail, id).await }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Again {
    /// The first step that is done anew.
    from_step: u32,
    #[serde(default)]
    model_alias: Option<String>,
    #[serde(default)]
    reasoning_mode: Option<String>,
    #[serde(default)]
    options: Option<Value>,
    #[serde(default)]
    session_id: Option<String>,
    #[serde(default)]
    stream: Option<bool>,
}

/// A new session that begins as this one did, up to a step.
pub(crate) async fn fork(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(from): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let snapshot = app.live.load();
    let span = span(&app, "/v1/react/sessions/{id}/fork", &request);
    let again: Again = body(&app, &snapshot, request).await?;
    let from = SessionId::new(from);
    let old = find_to_act(&app, &caller, &from).await?;
    let alias = again.model_alias.as_deref().unwrap_or(old.session.alias.as_str());
    let route = Arc::clone(models::route(&snapshot, &caller, alias)?);
    let mode = again.reasoning_mode.as_deref().unwrap_or(&old.session.pattern);
    let pattern = reasoning::pattern(&snapshot, &route, Some(mode))?;
    let id = again.session_id.as_deref().map_or_else(|| Ok(reasoning::new_id()), session_id)?;
    if again.from_step == 0 {
        return Err(Failure::new(Kind::InvalidRequest, "`from_step` counts from 1").into());
    }
    let fork = Fork { from, step: again.from_step, id, options: options(again.options)? };
    let job = Job { snapshot, route, pattern, order: Order::default(), ties: ties(&caller, &span) };
    serve::may_begin(&app, &caller, &job.route).await?;
    let begun = app.sessions.fork(fork, job).await?;
    follow(&app, &begun.id, again.stream.unwrap_or(true), span).await
}

fn ties(caller: &Caller, span: &Span) -> Ties {
    Ties { owner: caller.owner(), trace: span.trace().clone(), ..Ties::default() }
}

/// A session that the caller may see; another one is not there for it.
pub(super) async fn find(app: &App, caller: &Caller, id: &SessionId) -> Result<Summary, Failure> {
    let summary = app.sessions.summary(id).await?;
    match caller.sees(summary.session.owner.as_deref()) {
        true => Ok(summary),
        false => Err(Failure::new(Kind::NotFound, format!("no session `{id}`"))),
    }
}

/// A session that the caller may say something to, end, or go on from.
pub(super) async fn find_to_act(app: &App, caller: &Caller, id: &SessionId) -> Result<Summary, Failure> {
    let summary = find(app, caller, id).await?;
    caller.acts_for(summary.session.owner.as_deref())?;
    Ok(summary)
}

/// A JSON body of ours, from a page that may send one.
pub(super) async fn body<T: DeserializeOwned>(app: &App, snapshot: &Snapshot, request: Request) -> Result<T, Refusal> {
    let (parts, body) = request.into_parts();
    let (body, _place) = serve::whole(app, snapshot, &parts.headers, body).await?;
    let read = serde_json::from_slice(&body);
    Ok(read.map_err(|error| Failure::new(Kind::InvalidRequest, format!("the request body: {error}")))?)
}

fn options(given: Option<Value>) -> Result<Option<String>, Failure> {
    match given {
        None => Ok(None),
        Some(options) if options.is_object() => Ok(Some(options.to_string())),
        Some(_) => Err(Failure::new(Kind::InvalidRequest, "`options` must be a JSON object")),
    }
}

/// The log from the record after `Last-Event-ID` on, or from the start.
pub(crate) async fn events(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let last =
        headers.get("last-event-id").map(|value| value.to_str().ok().and_then(|text| text.trim().parse::<u64>().ok()));
    let from = match last {
        None => 0,
        Some(Some(last)) => last.saturating_add(1),
        Some(None) => {
            return Err(Failure::new(Kind::InvalidRequest, "`Last-Event-ID` must be an event's number").into());
        }
    };
    let id = SessionId::new(id);
    find(&app, &caller, &id).await?;
    let mut tail = app.sessions.tail(&id, from).await?;
    if tail.is_over() {
        // An EventSource takes 204 as the word to stop reconnecting (WHATWG HTML, section 9.2.3).
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(sse::respond(tail, Frames(Span::default()), app.tasks.ending()))
}

/// How it stands, and once it has answered what it said and cost.
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let id = SessionId::new(id);
    let summary = find(&app, &caller, &id).await?;
    let mut json = summary_json(&summary);
    if summary.status != Status::Running {
        let end = app.sessions.record(&id, summary.next_seq.saturating_sub(1)).await?;
        json["end"] = end.map_or(Value::Null, |record| record.event.payload());
    }
    Ok(reply::json(&json))
}

pub(crate) async fn cancel(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    origin::check(&headers)?;
    let id = SessionId::new(id);
    find_to_act(&app, &caller, &id).await?;
    Ok(reply::json(&summary_json(&app.sessions.cancel(&id).await?)))
}

#[derive(Deserialize)]
pub(crate) struct Page {
    limit: Option<usize>,
}

pub(crate) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(page) = page.map_err(|error| Failure::new(Kind::InvalidRequest, error.body_text()))?;
    let list = app.sessions.list(caller.lists().as_deref(), page.limit.unwrap_or(50).clamp(1, 1000)).await?;
    Ok(reply::json(&json!({ "object": "list", "data": list.iter().map(summary_json).collect::<Vec<_>>() })))
}

/// Records as PRODUCT's event frames. The span is the request's, and ends with its reply.
struct Frames(#[expect(dead_code, reason = "held for its end")] Span);

impl Encoder for Frames {
    /// Nothing is said that is not on the log; a reader that reconnects is told by 404.
    fn lost(&mut self, _out: &mut String) {}

    fn encode(&mut self, record: &Record, out: &mut String) {
        let name = record.event.name();
        let data = json!({ "event_type": name, "payload": record.event.payload(), "seq": record.seq, "ts": rfc3339(record.at) });
        // Writing to a string cannot fail.
        let _written = write!(out, "id: {}\nevent: {name}\ndata: {data}\n\n", record.seq);
    }
}

impl Start {
    fn into_order(self) -> Result<Order, Failure> {
        let messages = match (self.user_query, self.messages) {
            (Some(query), None) if !query.trim().is_empty() => vec![Message::text(Role::User, query)],
            (None, Some(messages)) => {
                magic_dialects::openai::request::read(format!("{{\"messages\":{messages}}}").as_bytes())?.messages
            }
            (Some(_), None) => return Err(Failure::new(Kind::InvalidRequest, "`user_query` is empty")),
            (Some(_), Some(_)) | (None, None) => {
                return Err(Failure::new(Kind::InvalidRequest, "give either `user_query` or `messages`"));
            }
        };
        Ok(Order {
            messages,
            client_tools: Vec::new(),
            client_instruction: self.client_system_instruction,
            client_manifests: self.client_manifests,
            generation: Generation {
                temperature: self.temperature,
                top_p: self.top_p,
                max_output_tokens: self.max_tokens,
            },
            options: options(self.options)?,
        })
    }
}

/// With `stream: false`: the end as JSON.
async fn ended(tail: Tail, id: &SessionId) -> Result<Response, Refusal> {
    let told = reasoning::to_the_end(tail).await?;
    let mut json = told.end.payload();
    if let Some(object) = json.as_object_mut() {
        object.insert("session_id".to_owned(), json!(id.as_str()));
    }
    Ok(reply::json(&json))
}

/// A client's own id goes into paths and logs, so it is kept plain.
fn session_id(text: &str) -> Result<SessionId, Failure> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    if (1..=128).contains(&text.len()) && text.chars().all(plain) {
        Ok(SessionId::from(text))
    } else {
        Err(Failure::new(Kind::InvalidRequest, "`session_id` must be 1 to 128 of the characters A-Z a-z 0-9 - _ . :"))
    }
}

fn summary_json(summary: &Summary) -> Value {
    json!({
        "session_id": summary.session.id.as_str(),
        "alias": summary.session.alias.as_str(),
        "pattern": summary.session.pattern,
        "digest": summary.session.digest.map(|digest| digest.to_string()),
        "parent": summary.session.parent.as_ref().map(SessionId::as_str),
        "status": summary.status.as_str(),
        "created_at": rfc3339(summary.created_at),
        "updated_at": rfc3339(summary.updated_at),
        "events": summary.next_seq,
    })
}

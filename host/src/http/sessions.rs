//! `/v1/react/sessions`: start a session, follow its log, look at it, cancel it.
use super::error::Refusal;
use super::models::unknown;
use super::reply::{self, rfc3339};
use super::sse::{self, Encoder};
use super::{limits, origin, reasoning};
use crate::app::App;
use crate::sessions::{Job, Order};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use magic_sessions::{Generation, Record, Summary, Tail};
use magic_types::chat::{Message, Role};
use magic_types::{Failure, Kind, SessionId};
use serde::Deserialize;
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
pub(crate) async fn create(State(app): State<Arc<App>>, request: Request) -> Result<Response, Refusal> {
    let snapshot = app.live.load();
    origin::check(request.headers())?;
    let place = limits::enter(&app.places)?;
    let body = limits::read(request.into_body(), snapshot.config.server_settings.body_bytes_max).await?;
    drop(place);
    let start: Start = serde_json::from_slice(&body)
        .map_err(|error| Failure::new(Kind::InvalidRequest, format!("the request body: {error}")))?;
    if start.options.as_ref().is_some_and(|options| options.as_object().is_none_or(|object| !object.is_empty())) {
        let text = "`options`: the declarative patterns of this version take none";
        return Err(Failure::new(Kind::InvalidRequest, text).into());
    }
    let route = snapshot.routes.get(start.model_alias.as_str());
    let route = Arc::clone(route.ok_or_else(|| unknown(&snapshot, &start.model_alias))?);
    let pattern = reasoning::pattern(&snapshot, &route, start.reasoning_mode.as_deref())?;
    let id = start.session_id.as_deref().map_or_else(|| Ok(reasoning::new_id()), session_id)?;
    let streams = start.stream.unwrap_or(true);
    let job = Job { snapshot, route, pattern, order: start.into_order()? };
    let begun = app.sessions.submit(id, job).await?;
    let tail = app.sessions.tail(&begun.id, 0).await?;
    if streams { Ok(sse::respond(tail, Frames)) } else { ended(tail, &begun.id).await }
}

/// The log from the record after `Last-Event-ID` on, or from the start.
pub(crate) async fn events(
    State(app): State<Arc<App>>,
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
    let tail = app.sessions.tail(&SessionId::new(id), from).await?;
    if tail.is_over() {
        // An EventSource takes 204 as the word to stop reconnecting (WHATWG HTML, section 9.2.3).
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(sse::respond(tail, Frames))
}

pub(crate) async fn show(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Response, Refusal> {
    Ok(reply::json(&summary_json(&app.sessions.summary(&SessionId::new(id)).await?)))
}

pub(crate) async fn cancel(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    origin::check(&headers)?;
    Ok(reply::json(&summary_json(&app.sessions.cancel(&SessionId::new(id)).await?)))
}

#[derive(Deserialize)]
pub(crate) struct Page {
    limit: Option<usize>,
}

pub(crate) async fn list(
    State(app): State<Arc<App>>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(page) = page.map_err(|error| Failure::new(Kind::InvalidRequest, error.body_text()))?;
    let list = app.sessions.list(page.limit.unwrap_or(50).clamp(1, 1000)).await?;
    Ok(reply::json(&json!({ "object": "list", "data": list.iter().map(summary_json).collect::<Vec<_>>() })))
}

/// Records as PRODUCT's event frames.
struct Frames;

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
        })
    }
}

/// With `stream: false`: the end as JSON.
async fn ended(tail: Tail, id: &SessionId) -> Result<Response, Refusal> {
    let told = reasoning::to_the_end(tail).await?;
    let mut json = told.end.payload();
    if let Some(object) = json.as_object_mut() {
        object.insert("session_id".to_owned(), json!(id.as_str()));
        object.insert("steps".to_owned(), json!(told.steps));
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
        "status": summary.status.as_str(),
        "created_at": rfc3339(summary.created_at),
        "updated_at": rfc3339(summary.updated_at),
        "events": summary.next_seq,
    })
}

//! A reasoning alias asked through any conversational endpoint: thoughts are the dialect's reasoning, the answer its text.
use super::auth::Caller;
use super::error::{self, Refusal};
use super::outgoing::{self, End, Tap};
use super::serve;
use super::sse::{self, Encoder};
use crate::app::{App, unix_now};
use crate::sessions::{CancelGuard, Job, Order, Ties};
use crate::snapshot::Snapshot;
use crate::telemetry::Span;
use crate::upstream::Route;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use magic_dialects::chat::Request;
use magic_dialects::dialect::{Dialect, Head, Writer};
use magic_dialects::openai::request::{self, Reading};
use magic_dialects::reply::Reply;
use magic_plugins::Component;
use magic_sessions::{Generation, Record, SessionEvent, Tail};
use magic_types::stream::ChatEvent;
use magic_types::{Failure, Kind, SessionId};
use serde_json::Value;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// How the client is answered.
pub(super) struct Answering {
    pub(super) dialect: Dialect,
    pub(super) taps: Vec<Box<dyn Tap>>,
    /// Of the request: it ends with its reply.
    pub(super) span: Span,
}

/// Runs a session for this one request: it is cancelled when the client goes away.
pub(super) async fn completion(
    app: &Arc<App>,
    snapshot: &Arc<Snapshot>,
    route: &Arc<Route>,
    asked: &Request,
    caller: &Caller,
    answering: Answering,
) -> Result<Response, Refusal> {
    let Answering { dialect, mut taps, span } = answering;
    let reading = request::reading(asked)?;
    let lost = reading.lost.clone();
    let order = order(reading);
    let pattern = pattern(snapshot, route, None)?;
    let ties = Ties { bound: true, owner: caller.owner(), trace: span.trace().clone(), ..Ties::default() };
    let job = Job { snapshot: Arc::clone(snapshot), route: Arc::clone(route), pattern, order, ties };
    serve::may_begin(app, caller, route).await?;
    let begun = app.sessions.submit(new_id(), job).await?;
    let guard = begun.cancel_on_drop();
    let tail = app.sessions.tail(&begun.id, 0).await?;
    // The id of a stored response is all that its reader needs; sessions are listed, so it must not be theirs.
    let id = if dialect == Dialect::Responses { new_id().to_string() } else { begun.id.to_string() };
    let head = Head { id, model: route.plan.alias.to_string(), created: unix_now() };
    let client = dialect.client().ok_or_else(|| Failure::new(Kind::Internal, "nobody speaks this dialect"))?;
    let writer = client.writer(head, asked);
    let mut response = if asked.stream {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"))]);
        taps.iter_mut().for_each(|tap| tap.head(&headers));
        // Its session ends with the gateway, and says so.
        sse::respond(tail, Chunks { writer, dialect, taps, _guard: guard, _span: span }, CancellationToken::new())
    } else {
        whole(tail, writer, taps).await?
    };
    outgoing::note_lost(response.headers_mut(), &lost);
    // Whoever asked for a stored response knows that id; sessions are listed, so it must not be theirs.
    if dialect != Dialect::Responses
        && let Ok(id) = HeaderValue::from_str(begun.id.as_str())
    {
        response.headers_mut().insert(SESSION, id);
    }
    Ok(response)
}

fn order(reading: Reading) -> Order {
    Order {
        messages: reading.messages,
        client_tools: reading.tools,
        generation: Generation {
            temperature: reading.temperature,
            top_p: reading.top_p,
            max_output_tokens: reading.max_output_tokens,
        },
        ..Order::default()
    }
}

/// The pattern of a route, or another one that the client names.
///
/// # Errors
/// `NotFound` for a pattern that is not loaded, `InvalidRequest` for an alias without one.
pub(super) fn pattern(snapshot: &Snapshot, route: &Route, wanted: Option<&str>) -> Result<Arc<Component>, Failure> {
    let name = wanted.or(route.plan.reasoning_mode.as_deref()).ok_or_else(|| {
        let text = format!("alias `{}` has no reasoning mode: name one as `reasoning_mode`", route.plan.alias);
        Failure::new(Kind::InvalidRequest, text)
    })?;
    snapshot.components.pattern(name).ok_or_else(|| {
        Failure::new(Kind::NotFound, format!("the pattern `{name}` is not loaded: see GET /admin/components"))
    })
}

pub(super) fn new_id() -> SessionId {
    SessionId::new(uuid::Uuid::now_v7().to_string())
}

/// Records as frames of the client's dialect.
struct Chunks {
    writer: Box<dyn Writer>,
    dialect: Dialect,
    taps: Vec<Box<dyn Tap>>,
    _guard: CancelGuard,
    _span: Span,
}

impl Encoder for Chunks {
    fn lost(&mut self, out: &mut String) {
        let failure = Failure::new(Kind::Internal, "the session's log is gone");
        out.push_str(&error::frame(&failure, self.dialect));
    }

    fn encode(&mut self, record: &Record, out: &mut String) {
        let before = out.len();
        match &record.event {
            SessionEvent::SessionFailed { code, message } => {
                out.push_str(&error::frame(&failure(code, message.clone()), self.dialect));
            }
            SessionEvent::SessionCancelled => {
                out.push_str(&error::frame(&failure(CANCELLED, CANCELLED_TEXT.to_owned()), self.dialect));
            }
            event => {
                told(event).iter().for_each(|event| self.writer.event(event, out));
                if let SessionEvent::FinalAnswerStreamEnd { .. } = event {
                    self.writer.end(out);
                }
            }
        }
        if self.taps.is_empty() {
            return;
        }
        let piece = Bytes::copy_from_slice(out.as_bytes().get(before..).unwrap_or_default());
        for tap in &mut self.taps {
            tap.piece(&piece);
            if let SessionEvent::FinalAnswerStreamEnd { .. } = &record.event {
                tap.end(End::Whole);
            }
        }
    }
}

/// What a session's event says in the words of a model.
fn told(event: &SessionEvent) -> Vec<ChatEvent> {
    match event {
        SessionEvent::FinalAnswerStream { text } => vec![ChatEvent::Text(text.clone())],
        SessionEvent::FinalAnswerStreamEnd { usage, finish_reason, tool_calls, .. } => {
            let calls = (0..).zip(tool_calls).map(|(index, call)| ChatEvent::ToolCall {
                index,
                id: Some(call.id.clone()),
                name: Some(call.name.clone()),
                arguments: call.arguments_json.clone(),
                signature: None,
            });
            calls.chain([ChatEvent::Finish(*finish_reason), ChatEvent::Usage(*usage)]).collect()
        }
        event => thinking(event).map(ChatEvent::Reasoning).into_iter().collect(),
    }
}

/// What of an event belongs to the reasoning: thoughts, and what the tools were asked and said.
fn thinking(event: &SessionEvent) -> Option<String> {
    match event {
        SessionEvent::AgentThoughtStream { text } => Some(text.clone()),
        SessionEvent::AgentToolCallStart { tool_name, arguments, .. } => Some(format!("\n→ {tool_name} {arguments}\n")),
        SessionEvent::AgentToolCallEnd { ok, output, .. } => {
            Some(format!("← {}{output}\n", if *ok { "" } else { "error: " }))
        }
        SessionEvent::SessionCreated { .. }
        | SessionEvent::StepStarted { .. }
        | SessionEvent::Observation { .. }
        | SessionEvent::LlmCall { .. }
        | SessionEvent::Progress { .. }
        | SessionEvent::FinalAnswerStream { .. }
        | SessionEvent::FinalAnswerStreamEnd { .. }
        | SessionEvent::SessionFailed { .. }
        | SessionEvent::SessionCancelled => None,
    }
}

async fn whole(tail: Tail, mut writer: Box<dyn Writer>, taps: Vec<Box<dyn Tap>>) -> Result<Response, Refusal> {
    let ended = to_the_end(tail).await?;
    let mut events = vec![ChatEvent::Reasoning(ended.reasoning)];
    if let SessionEvent::FinalAnswerStreamEnd { answer, .. } = &ended.end {
        events.push(ChatEvent::Text(answer.clone()));
    }
    events.retain(|event| !matches!(event, ChatEvent::Reasoning(text) | ChatEvent::Text(text) if text.is_empty()));
    events.extend(told(&ended.end));
    let body = Bytes::from(with_spent(writer.whole(&Reply::of(&events)), &ended.end));
    for mut tap in taps {
        tap.head(&HeaderMap::new());
        tap.piece(&body);
        tap.end(End::Whole);
    }
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// The same with what the session cost beside the tokens, where the dialect has a place for usage.
fn with_spent(body: String, end: &SessionEvent) -> String {
    let SessionEvent::FinalAnswerStreamEnd { usage, spent, .. } = end else { return body };
    let Ok(mut json) = serde_json::from_str::<Value>(&body) else { return body };
    let Some(told) = json.get_mut("usage").and_then(Value::as_object_mut) else { return body };
    told.insert("model_calls".to_owned(), spent.llm_calls.into());
    if let Some(cost) = usage.cost_micros {
        told.insert("cost_micros".to_owned(), cost.into());
    }
    json.to_string()
}

/// A session that has answered, for clients that do not stream.
pub(super) struct ToldWhole {
    /// Thoughts, and what the tools were asked and said.
    pub(super) reasoning: String,
    /// A `FinalAnswerStreamEnd`.
    pub(super) end: SessionEvent,
}

/// Waits for a session's end.
///
/// # Errors
/// What the session failed of.
pub(super) async fn to_the_end(mut tail: Tail) -> Result<ToldWhole, Failure> {
    let mut reasoning = String::new();
    while let Some(records) = tail.next().await.map_err(|error| Failure::new(Kind::Internal, error.to_string()))? {
        for record in records {
            match record.event {
                SessionEvent::SessionFailed { code, message } => return Err(failure(&code, message)),
                SessionEvent::SessionCancelled => return Err(failure(CANCELLED, CANCELLED_TEXT.to_owned())),
                end @ SessionEvent::FinalAnswerStreamEnd { .. } => return Ok(ToldWhole { reasoning, end }),
                event => reasoning.extend(thinking(&event)),
            }
        }
    }
    Err(Failure::new(Kind::Internal, "the session ended without a last word"))
}

/// A session's end as a failure of the request. The code is a [`Kind`]'s word where it has one.
fn failure(code: &str, message: String) -> Failure {
    let kind = match code {
        "pattern_contract" | "pattern_failed" => Kind::Component,
        "refused" => Kind::InvalidRequest,
        "budget_exceeded" => Kind::LimitReached,
        word => Kind::from_word(word).unwrap_or(Kind::Internal),
    };
    Failure::new(kind, message)
}

/// Names the session that a reply came from.
const SESSION: &str = "x-magic-session";
const CANCELLED: &str = "cancelled";
const CANCELLED_TEXT: &str = "the session was cancelled";

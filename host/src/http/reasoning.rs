//! A reasoning alias asked through `/v1/chat/completions`: thoughts as `reasoning_content`, the answer as `content`.
use super::error::Refusal;
use super::sse::{self, Encoder};
use crate::app::{App, unix_now};
use crate::sessions::{Job, Order};
use crate::snapshot::Snapshot;
use crate::upstream::Route;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header;
use magic_dialects::openai::reply::{DONE_FRAME, Whole, Writer, data_frame};
use magic_dialects::openai::request;
use magic_plugins::Component;
use magic_sessions::{Generation, Record, SessionEvent, Tail};
use magic_types::{Failure, Kind, SessionId};
use std::sync::Arc;
use tokio_util::sync::DropGuard;

/// Runs a session for this one request: it is cancelled when the client goes away.
pub(super) async fn completion(
    app: &Arc<App>,
    snapshot: &Arc<Snapshot>,
    route: &Arc<Route>,
    body: &Bytes,
    streams: bool,
) -> Result<Response, Refusal> {
    let reading = request::read(body)?;
    let include_usage = reading.include_usage;
    let order = Order {
        messages: reading.messages,
        client_tools: reading.tools,
        generation: Generation {
            temperature: reading.temperature,
            top_p: reading.top_p,
            max_output_tokens: reading.max_output_tokens,
        },
        ..Order::default()
    };
    let pattern = pattern(snapshot, route, None)?;
    let job = Job { snapshot: Arc::clone(snapshot), route: Arc::clone(route), pattern, order };
    let begun = app.sessions.submit(new_id(), job).await?;
    let guard = begun.cancel_on_drop();
    let tail = app.sessions.tail(&begun.id, 0).await?;
    let writer = Writer::new(format!("chatcmpl-{}", begun.id), route.plan.alias.to_string(), unix_now());
    if streams {
        return Ok(sse::respond(tail, Chunks { writer, include_usage, _guard: guard }));
    }
    whole(tail, &writer).await
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

/// Records as OpenAI's chunks.
struct Chunks {
    writer: Writer,
    include_usage: bool,
    _guard: DropGuard,
}

impl Encoder for Chunks {
    fn lost(&mut self, out: &mut String) {
        out.push_str(&error_frame(Kind::Internal.as_str(), "the session's log is gone"));
    }

    fn encode(&mut self, record: &Record, out: &mut String) {
        match &record.event {
            SessionEvent::SessionCreated { .. } => out.push_str(&self.writer.open()),
            SessionEvent::FinalAnswerStream { text } => out.push_str(&self.writer.content(text)),
            SessionEvent::FinalAnswerStreamEnd { usage, finish_reason, tool_calls, .. } => {
                if !tool_calls.is_empty() {
                    out.push_str(&self.writer.tool_calls(tool_calls));
                }
                out.push_str(&self.writer.finish(*finish_reason));
                if self.include_usage {
                    out.push_str(&self.writer.usage(usage));
                }
                out.push_str(DONE_FRAME);
            }
            SessionEvent::SessionFailed { code, message } => out.push_str(&error_frame(code, message)),
            SessionEvent::SessionCancelled => out.push_str(&error_frame(CANCELLED, CANCELLED_TEXT)),
            event => {
                if let Some(text) = thinking(event) {
                    out.push_str(&self.writer.reasoning(&text));
                }
            }
        }
    }
}

/// What of an event belongs into `reasoning_content`: thoughts, and what the tools were asked and said.
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

async fn whole(tail: Tail, writer: &Writer) -> Result<Response, Refusal> {
    let told = to_the_end(tail).await?;
    let SessionEvent::FinalAnswerStreamEnd { answer, usage, finish_reason: finish, tool_calls } = &told.end else {
        return Err(Failure::new(Kind::Internal, "the session ended without an answer").into());
    };
    let whole = Whole { reasoning: &told.reasoning, answer, tool_calls, finish: *finish, usage };
    Ok(([(header::CONTENT_TYPE, "application/json")], writer.whole(&whole)).into_response())
}

/// A session that has answered, for clients that do not stream.
pub(super) struct ToldWhole {
    /// Thoughts, and what the tools were asked and said.
    pub(super) reasoning: String,
    pub(super) steps: u32,
    /// A `FinalAnswerStreamEnd`.
    pub(super) end: SessionEvent,
}

/// Waits for a session's end.
///
/// # Errors
/// What the session failed of.
pub(super) async fn to_the_end(mut tail: Tail) -> Result<ToldWhole, Failure> {
    let (mut reasoning, mut steps) = (String::new(), 0);
    while let Some(records) = tail.next().await.map_err(|error| Failure::new(Kind::Internal, error.to_string()))? {
        for record in records {
            match record.event {
                SessionEvent::SessionFailed { code, message } => return Err(failure(&code, message)),
                SessionEvent::SessionCancelled => return Err(failure(CANCELLED, CANCELLED_TEXT.to_owned())),
                end @ SessionEvent::FinalAnswerStreamEnd { .. } => return Ok(ToldWhole { reasoning, steps, end }),
                SessionEvent::StepStarted { step } => steps = step,
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

const CANCELLED: &str = "cancelled";
const CANCELLED_TEXT: &str = "the session was cancelled";

fn error_frame(code: &str, message: &str) -> String {
    data_frame(&super::error::body(&failure(code, message.to_owned())).to_string())
}

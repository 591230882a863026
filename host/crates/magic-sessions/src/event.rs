//! What a session says in public: the names and payloads of PRODUCT.md 4. Frames and sockets are the host's.
use crate::budget::{Limit, Spent};
use magic_types::chat::{FinishReason, ToolCall};
use magic_types::{AliasName, Digest, KeyId, SessionId, Usage};
use serde_json::{Value, json};
use std::time::SystemTime;

/// One thing that happened. Text comes in pieces as the model yields them.
#[derive(Clone, Debug, PartialEq)]
pub enum SessionEvent {
    SessionCreated {
        session_id: SessionId,
        alias: AliasName,
        pattern: String,
        /// The pattern's component; none for a pattern that is not one.
        digest: Option<Digest>,
    },
    /// A round of asking the model begins; the first is 1.
    StepStarted {
        step: u32,
    },
    AgentThoughtStream {
        text: String,
    },
    /// `arguments` is JSON text.
    AgentToolCallStart {
        call_id: String,
        tool_name: String,
        arguments: String,
    },
    AgentToolCallEnd {
        call_id: String,
        ok: bool,
        output: String,
    },
    /// What the model reads as the result of its action, as it reads it.
    Observation {
        text: String,
    },
    LlmCall {
        profile: String,
        key_id: Option<KeyId>,
        attempts: u32,
        usage: Usage,
        ms: u64,
    },
    /// `payload` is JSON text.
    Progress {
        kind: String,
        payload: String,
    },
    FinalAnswerStream {
        text: String,
    },
    /// `tool_calls` are the client's own to carry out; `usage` sums every step, and so does `spent`.
    FinalAnswerStreamEnd {
        answer: String,
        usage: Usage,
        finish_reason: FinishReason,
        tool_calls: Vec<ToolCall>,
        spent: Spent,
        /// The limit that made the session come to its end.
        limit: Option<Limit>,
    },
    SessionFailed {
        code: String,
        message: String,
    },
    SessionCancelled,
}

/// An event where it stands in its session's log.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Numbered from 0 in each session, without gaps.
    pub seq: u64,
    pub at: SystemTime,
    pub event: SessionEvent,
}

// === impl SessionEvent ===

impl SessionEvent {
    /// The event's public name: SSE's `event:` and the frame's `event_type`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SessionCreated { .. } => "SessionCreated",
            Self::StepStarted { .. } => "StepStarted",
            Self::AgentThoughtStream { .. } => "AgentThoughtStream",
            Self::AgentToolCallStart { .. } => "AgentToolCallStart",
            Self::AgentToolCallEnd { .. } => "AgentToolCallEnd",
            Self::Observation { .. } => "Observation",
            Self::LlmCall { .. } => "LlmCall",
            Self::Progress { .. } => "Progress",
            Self::FinalAnswerStream { .. } => "FinalAnswerStream",
            Self::FinalAnswerStreamEnd { .. } => "FinalAnswerStreamEnd",
            Self::SessionFailed { .. } => "SessionFailed",
            Self::SessionCancelled => "SessionCancelled",
        }
    }

    /// The frame's `payload`. JSON text held by the event comes out as JSON, or as a string where it is not valid.
    pub fn payload(&self) -> Value {
        match self {
            Self::SessionCreated { session_id, alias, pattern, digest } => json!({
                "session_id": session_id.as_str(), "alias": alias.as_str(), "pattern": pattern,
                "digest": digest.map(|digest| digest.to_string()),
            }),
            Self::StepStarted { step } => json!({ "step": step }),
            Self::AgentThoughtStream { text } | Self::Observation { text } | Self::FinalAnswerStream { text } => {
                json!({ "text": text })
            }
            Self::AgentToolCallStart { call_id, tool_name, arguments } => {
                json!({ "call_id": call_id, "tool_name": tool_name, "arguments": embedded(arguments) })
            }
            Self::AgentToolCallEnd { call_id, ok, output } => {
                json!({ "call_id": call_id, "ok": ok, "output": output })
            }
            Self::LlmCall { profile, key_id, attempts, usage, ms } => json!({
                "profile": profile, "key_id": key_id.as_ref().map(KeyId::as_str), "attempts": attempts,
                "usage": usage_json(usage), "ms": ms,
            }),
            Self::Progress { kind, payload } => json!({ "kind": kind, "payload": embedded(payload) }),
            Self::FinalAnswerStreamEnd { answer, usage, finish_reason, tool_calls, spent, limit } => {
                let mut json = answer_json(answer, usage, *finish_reason, tool_calls);
                json["steps"] = spent.steps.into();
                json["model_calls"] = spent.llm_calls.into();
                json["tool_calls_made"] = spent.tool_calls.into();
                json["limit"] = limit.map(Limit::as_str).into();
                json
            }
            Self::SessionFailed { code, message } => json!({ "code": code, "message": message }),
            Self::SessionCancelled => json!({}),
        }
    }

    /// Nothing follows an end.
    pub fn is_end(&self) -> bool {
        matches!(self, Self::FinalAnswerStreamEnd { .. } | Self::SessionFailed { .. } | Self::SessionCancelled)
    }

    /// How much of a log's bytes the event takes, near enough to bound it.
    pub fn size_bytes(&self) -> usize {
        const FIXED: usize = 64;
        FIXED
            + match self {
                Self::SessionCreated { session_id, alias, pattern, digest: _ } => {
                    session_id.as_str().len() + alias.as_str().len() + pattern.len()
                }
                Self::StepStarted { .. } | Self::SessionCancelled => 0,
                Self::AgentThoughtStream { text } | Self::Observation { text } | Self::FinalAnswerStream { text } => {
                    text.len()
                }
                Self::AgentToolCallStart { call_id, tool_name, arguments } => {
                    call_id.len() + tool_name.len() + arguments.len()
                }
                Self::AgentToolCallEnd { call_id, ok: _, output } => call_id.len() + output.len(),
                Self::LlmCall { profile, .. } => profile.len() + FIXED,
                Self::Progress { kind, payload } => kind.len() + payload.len(),
                Self::FinalAnswerStreamEnd { answer, tool_calls, .. } => {
                    answer.len()
                        + tool_calls.iter().map(|call| call.name.len() + call.arguments_json.len()).sum::<usize>()
                }
                Self::SessionFailed { code, message } => code.len() + message.len(),
            }
    }
}

fn embedded(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

fn usage_json(usage: &Usage) -> Value {
    json!({
        "prompt_tokens": usage.input_tokens, "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens(), "cached_tokens": usage.cached_input_tokens,
        "reasoning_tokens": usage.reasoning_tokens, "cost_micros": usage.cost_micros,
    })
}

fn answer_json(answer: &str, usage: &Usage, finish: FinishReason, calls: &[ToolCall]) -> Value {
    let calls = calls.iter().map(|call| {
        json!({ "id": call.id, "type": "function",
                "function": { "name": call.name, "arguments": call.arguments_json } })
    });
    json!({
        "answer": answer, "usage": usage_json(usage), "finish_reason": finish_word(finish),
        "tool_calls": calls.collect::<Vec<_>>(),
    })
}

/// OpenAI's words, since the payload is read by clients that know those.
fn finish_word(finish: FinishReason) -> &'static str {
    match finish {
        FinishReason::Stop | FinishReason::Other => "stop",
        FinishReason::Length => "length",
        FinishReason::ToolCalls => "tool_calls",
        FinishReason::ContentFilter => "content_filter",
        FinishReason::Cancelled => "cancelled",
    }
}

#[cfg(test)]
mod tests;

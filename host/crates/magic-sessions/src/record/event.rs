//! Session events on disk. Not the public form: that may be made for its readers, this one must be read back.
use super::chat::{finish, finish_word, read_call, read_usage, write_call, write_usage};
use super::fields::{Fields, Unreadable};
use crate::budget::{Limit, Spent};
use crate::event::SessionEvent;
use magic_types::{AliasName, Digest, KeyId, SessionId};
use serde_json::{Value, json};

type Read<T> = Result<T, Unreadable>;

pub(super) fn write(event: &SessionEvent) -> Value {
    let mut json = match event {
        SessionEvent::SessionCreated { session_id, alias, pattern, digest } => json!({
            "session_id": session_id.as_str(), "alias": alias.as_str(), "pattern": pattern,
            "digest": digest.map(|digest| digest.to_string()),
        }),
        SessionEvent::StepStarted { step } => json!({ "step": step }),
        SessionEvent::AgentThoughtStream { text }
        | SessionEvent::Observation { text }
        | SessionEvent::FinalAnswerStream { text } => json!({ "text": text }),
        SessionEvent::AgentToolCallStart { call_id, tool_name, arguments } => {
            json!({ "call_id": call_id, "tool_name": tool_name, "arguments": arguments })
        }
        SessionEvent::AgentToolCallEnd { call_id, ok, output } => {
            json!({ "call_id": call_id, "ok": ok, "output": output })
        }
        SessionEvent::LlmCall { profile, key_id, attempts, usage, ms } => json!({
            "profile": profile, "key_id": key_id.as_ref().map(KeyId::as_str), "attempts": attempts,
            "usage": write_usage(usage), "ms": ms,
        }),
        SessionEvent::Progress { kind, payload } => json!({ "kind": kind, "payload": payload }),
        SessionEvent::FinalAnswerStreamEnd { answer, usage, finish_reason, tool_calls, spent, limit } => json!({
            "answer": answer, "usage": write_usage(usage), "finish": finish_word(*finish_reason),
            "tool_calls": tool_calls.iter().map(write_call).collect::<Vec<_>>(), "spent": write_spent(*spent),
            "limit": limit.map(Limit::as_str),
        }),
        SessionEvent::SessionFailed { code, message } => json!({ "code": code, "message": message }),
        SessionEvent::SessionCancelled => json!({}),
    };
    json["event"] = event.name().into();
    json
}

pub(super) fn read(value: &Value) -> Read<SessionEvent> {
    let fields = Fields(value);
    let text = || fields.text("text");
    Ok(match fields.text("event")?.as_str() {
        "SessionCreated" => SessionEvent::SessionCreated {
            session_id: SessionId::new(fields.text("session_id")?),
            alias: AliasName::new(fields.text("alias")?),
            pattern: fields.text("pattern")?,
            digest: fields.optional_text("digest")?.map(|text| digest(&text)).transpose()?,
        },
        "StepStarted" => SessionEvent::StepStarted { step: fields.small("step")? },
        "AgentThoughtStream" => SessionEvent::AgentThoughtStream { text: text()? },
        "Observation" => SessionEvent::Observation { text: text()? },
        "FinalAnswerStream" => SessionEvent::FinalAnswerStream { text: text()? },
        "AgentToolCallStart" => SessionEvent::AgentToolCallStart {
            call_id: fields.text("call_id")?,
            tool_name: fields.text("tool_name")?,
            arguments: fields.text("arguments")?,
        },
        "AgentToolCallEnd" => SessionEvent::AgentToolCallEnd {
            call_id: fields.text("call_id")?,
            ok: fields.truth("ok")?,
            output: fields.text("output")?,
        },
        "LlmCall" => SessionEvent::LlmCall {
            profile: fields.text("profile")?,
            key_id: fields.optional_text("key_id")?.map(KeyId::new),
            attempts: fields.small("attempts")?,
            usage: fields.inner("usage", read_usage)?,
            ms: fields.number("ms")?,
        },
        "Progress" => SessionEvent::Progress { kind: fields.text("kind")?, payload: fields.text("payload")? },
        "FinalAnswerStreamEnd" => SessionEvent::FinalAnswerStreamEnd {
            answer: fields.text("answer")?,
            usage: fields.inner("usage", read_usage)?,
            finish_reason: fields.word("finish", finish)?,
            tool_calls: fields.list("tool_calls", read_call)?,
            spent: fields.inner("spent", read_spent)?,
            limit: fields.optional_text("limit")?.and_then(|word| Limit::from_word(&word)),
        },
        "SessionFailed" => SessionEvent::SessionFailed { code: fields.text("code")?, message: fields.text("message")? },
        "SessionCancelled" => SessionEvent::SessionCancelled,
        other => return Err(Unreadable(format!("the event `{other}` is not known to this version"))),
    })
}

pub(super) fn write_spent(spent: Spent) -> Value {
    json!({ "steps": spent.steps, "llm_calls": spent.llm_calls, "tool_calls": spent.tool_calls })
}

pub(super) fn read_spent(value: &Value) -> Read<Spent> {
    let fields = Fields(value);
    Ok(Spent {
        steps: fields.small("steps")?,
        llm_calls: fields.small("llm_calls")?,
        tool_calls: fields.small("tool_calls")?,
    })
}

/// 64 hexadecimal digits.
fn digest(text: &str) -> Read<Digest> {
    let bad = || Unreadable(format!("`{text}` is no digest"));
    let mut bytes = [0; 32];
    if text.len() != 64 {
        return Err(bad());
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        let pair = std::str::from_utf8(pair).map_err(|_| bad())?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| bad())?;
    }
    Ok(Digest(bytes))
}

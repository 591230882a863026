//! Conversations, tools and what came of them, on disk.
use super::fields::{Fields, Unreadable};
use magic_types::Usage;
use magic_types::chat::{
    Completion, CompletionRequest, Extra, FinishReason, LlmError, Media, Message, Part, Role, ToolCall, ToolDefinition,
    ToolError, ToolHints, ToolOutput, ToolResult,
};
use serde_json::{Value, json};

type Read<T> = Result<T, Unreadable>;

pub(super) fn write_messages(messages: &[Message]) -> Value {
    messages.iter().map(write_message).collect()
}

pub(super) fn write_message(message: &Message) -> Value {
    json!({ "role": role_word(message.role), "parts": message.parts.iter().map(write_part).collect::<Vec<_>>() })
}

pub(super) fn read_message(value: &Value) -> Read<Message> {
    let fields = Fields(value);
    Ok(Message { role: fields.word("role", role)?, parts: fields.list("parts", read_part)? })
}

fn write_part(part: &Part) -> Value {
    match part {
        Part::Text(text) => json!({ "text": text }),
        Part::Media(Media { mime, url }) => json!({ "media": { "mime": mime, "url": url } }),
        Part::Reasoning(text) => json!({ "reasoning": text }),
        Part::ToolCall(call) => json!({ "call": write_call(call) }),
        Part::ToolResult(result) => json!({ "result": write_result(result) }),
    }
}

fn read_part(value: &Value) -> Read<Part> {
    let fields = Fields(value);
    if let Some(text) = fields.optional_text("text")? {
        return Ok(Part::Text(text));
    }
    if let Some(text) = fields.optional_text("reasoning")? {
        return Ok(Part::Reasoning(text));
    }
    if let Some(media) = fields.get("media").map(Fields) {
        return Ok(Part::Media(Media { mime: media.text("mime")?, url: media.text("url")? }));
    }
    if let Some(call) = fields.get("call") {
        return Ok(Part::ToolCall(read_call(call)?));
    }
    fields.inner("result", read_result).map(Part::ToolResult)
}

pub(super) fn write_call(call: &ToolCall) -> Value {
    json!({ "id": call.id, "name": call.name, "arguments": call.arguments_json })
}

pub(super) fn read_call(value: &Value) -> Read<ToolCall> {
    let fields = Fields(value);
    Ok(ToolCall { id: fields.text("id")?, name: fields.text("name")?, arguments_json: fields.text("arguments")? })
}

pub(super) fn write_result(result: &ToolResult) -> Value {
    match &result.outcome {
        Ok(ToolOutput { text, structured }) => {
            json!({ "call_id": result.call_id, "output": { "text": text, "structured": structured } })
        }
        Err(error) => json!({ "call_id": result.call_id, "error": write_tool_error(error) }),
    }
}

pub(super) fn read_result(value: &Value) -> Read<ToolResult> {
    let fields = Fields(value);
    let outcome = match fields.get("output").map(Fields) {
        Some(output) => Ok(ToolOutput { text: output.text("text")?, structured: output.optional_text("structured")? }),
        None => Err(fields.inner("error", read_tool_error)?),
    };
    Ok(ToolResult { call_id: fields.text("call_id")?, outcome })
}

fn write_tool_error(error: &ToolError) -> Value {
    match error {
        ToolError::NotFound => json!({ "kind": "not_found" }),
        ToolError::InvalidArguments(text) => json!({ "kind": "invalid_arguments", "text": text }),
        ToolError::Denied(text) => json!({ "kind": "denied", "text": text }),
        ToolError::Failed(text) => json!({ "kind": "failed", "text": text }),
        ToolError::Busy(ms) => json!({ "kind": "busy", "ms": ms }),
        ToolError::TimedOut => json!({ "kind": "timed_out" }),
        ToolError::OutcomeUnknown => json!({ "kind": "outcome_unknown" }),
    }
}

fn read_tool_error(value: &Value) -> Read<ToolError> {
    let fields = Fields(value);
    let (text, ms) = (fields.text("text")?, fields.small("ms")?);
    fields.word("kind", |kind| {
        Some(match kind {
            "not_found" => ToolError::NotFound,
            "invalid_arguments" => ToolError::InvalidArguments(text),
            "denied" => ToolError::Denied(text),
            "failed" => ToolError::Failed(text),
            "busy" => ToolError::Busy(ms),
            "timed_out" => ToolError::TimedOut,
            "outcome_unknown" => ToolError::OutcomeUnknown,
            _ => return None,
        })
    })
}

pub(super) fn write_tool(tool: &ToolDefinition) -> Value {
    let ToolHints { read_only, destructive, idempotent, open_world } = tool.hints;
    json!({
        "name": tool.name, "description": tool.description, "parameters": tool.parameters_json_schema,
        "output": tool.output_json_schema, "read_only": read_only, "destructive": destructive,
        "idempotent": idempotent, "open_world": open_world,
    })
}

pub(super) fn read_tool(value: &Value) -> Read<ToolDefinition> {
    let fields = Fields(value);
    Ok(ToolDefinition {
        name: fields.text("name")?,
        description: fields.text("description")?,
        parameters_json_schema: fields.text("parameters")?,
        output_json_schema: fields.optional_text("output")?,
        hints: ToolHints {
            read_only: fields.truth("read_only")?,
            destructive: fields.truth("destructive")?,
            idempotent: fields.truth("idempotent")?,
            open_world: fields.truth("open_world")?,
        },
    })
}

pub(super) fn write_usage(usage: &Usage) -> Value {
    json!({
        "input": usage.input_tokens, "output": usage.output_tokens, "cached": usage.cached_input_tokens,
        "cache_write": usage.cache_write_tokens, "reasoning": usage.reasoning_tokens, "cost_micros": usage.cost_micros,
    })
}

pub(super) fn read_usage(value: &Value) -> Read<Usage> {
    let fields = Fields(value);
    Ok(Usage {
        input_tokens: fields.number("input")?,
        output_tokens: fields.number("output")?,
        cached_input_tokens: fields.number("cached")?,
        cache_write_tokens: fields.number("cache_write")?,
        reasoning_tokens: fields.number("reasoning")?,
        cost_micros: fields.optional_number("cost_micros")?,
    })
}

pub(super) fn write_outcome(outcome: &Result<Completion, LlmError>) -> Value {
    match outcome {
        Ok(completion) => json!({ "completion": write_completion(completion) }),
        Err(error) => json!({ "error": write_llm_error(error) }),
    }
}

pub(super) fn read_outcome(value: &Value) -> Read<Result<Completion, LlmError>> {
    let fields = Fields(value);
    match fields.get("completion") {
        Some(completion) => read_completion(completion).map(Ok),
        None => fields.inner("error", read_llm_error).map(Err),
    }
}

fn write_completion(completion: &Completion) -> Value {
    json!({
        "message": write_message(&completion.message), "finish": finish_word(completion.finish),
        "usage": write_usage(&completion.usage), "served_by": completion.served_by, "extra": write_extra(&completion.extra),
    })
}

fn read_completion(value: &Value) -> Read<Completion> {
    let fields = Fields(value);
    Ok(Completion {
        message: fields.inner("message", read_message)?,
        finish: fields.word("finish", finish)?,
        usage: fields.inner("usage", read_usage)?,
        served_by: fields.text("served_by")?,
        extra: fields.list("extra", read_extra)?,
    })
}

fn write_llm_error(error: &LlmError) -> Value {
    match error {
        LlmError::Unavailable(text) => json!({ "kind": "unavailable", "text": text }),
        LlmError::RateLimited(seconds) => json!({ "kind": "rate_limited", "seconds": seconds }),
        LlmError::ContextTooLong => json!({ "kind": "context_too_long" }),
        LlmError::Refused(text) => json!({ "kind": "refused", "text": text }),
        LlmError::BudgetExceeded(text) => json!({ "kind": "budget_exceeded", "text": text }),
        LlmError::InvalidRequest(text) => json!({ "kind": "invalid_request", "text": text }),
        LlmError::Cancelled => json!({ "kind": "cancelled" }),
        LlmError::TimedOut => json!({ "kind": "timed_out" }),
    }
}

fn read_llm_error(value: &Value) -> Read<LlmError> {
    let fields = Fields(value);
    let (text, seconds) = (fields.text("text")?, fields.optional_small("seconds")?);
    fields.word("kind", |kind| {
        Some(match kind {
            "unavailable" => LlmError::Unavailable(text),
            "rate_limited" => LlmError::RateLimited(seconds),
            "context_too_long" => LlmError::ContextTooLong,
            "refused" => LlmError::Refused(text),
            "budget_exceeded" => LlmError::BudgetExceeded(text),
            "invalid_request" => LlmError::InvalidRequest(text),
            "cancelled" => LlmError::Cancelled,
            "timed_out" => LlmError::TimedOut,
            _ => return None,
        })
    })
}

/// Only written: it names an ask, and is never read back.
pub(super) fn write_request(request: &CompletionRequest) -> Value {
    json!({
        "model": request.model, "messages": write_messages(&request.messages),
        "tools": request.tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(),
        "temperature": request.temperature, "top_p": request.top_p, "max_output_tokens": request.max_output_tokens,
        "stop": request.stop, "schema": request.response_json_schema, "seed": request.seed,
        "extra": write_extra(&request.extra),
    })
}

pub(super) fn write_extra(extra: &[Extra]) -> Value {
    extra.iter().map(|extra| json!({ "key": extra.key, "value": extra.value })).collect()
}

pub(super) fn read_extra(value: &Value) -> Read<Extra> {
    let fields = Fields(value);
    Ok(Extra { key: fields.text("key")?, value: fields.text("value")? })
}

fn role_word(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    }
}

fn role(word: &str) -> Option<Role> {
    [Role::System, Role::User, Role::Assistant, Role::Tool].into_iter().find(|role| role_word(*role) == word)
}

pub(super) fn finish_word(finish: FinishReason) -> &'static str {
    match finish {
        FinishReason::Stop => "stop",
        FinishReason::Length => "length",
        FinishReason::ToolCalls => "tool_calls",
        FinishReason::ContentFilter => "content_filter",
        FinishReason::Cancelled => "cancelled",
        FinishReason::Other => "other",
    }
}

pub(super) fn finish(word: &str) -> Option<FinishReason> {
    let all = [
        FinishReason::Stop,
        FinishReason::Length,
        FinishReason::ToolCalls,
        FinishReason::ContentFilter,
        FinishReason::Cancelled,
        FinishReason::Other,
    ];
    all.into_iter().find(|finish| finish_word(*finish) == word)
}

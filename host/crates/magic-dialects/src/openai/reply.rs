//! What a client gets from a reasoning session in OpenAI's words: chunks of a stream, or one whole reply. Thoughts are
//! `reasoning_content`, the answer is `content`.
use magic_types::Usage;
use magic_types::chat::{FinishReason, ToolCall};
use serde::Serialize;
use serde_json::{Value, json};

use super::upstream::call_json;

/// Writes the frames of one reply; every frame carries the same id, time and model.
pub struct Writer {
    id: String,
    model: String,
    /// Unix seconds.
    created: u64,
}

#[derive(Serialize)]
struct Chunk<'a> {
    id: &'a str,
    object: &'a str,
    created: u64,
    model: &'a str,
    choices: [Choice<'a>; 1],
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u32,
    delta: Delta<'a>,
    finish_reason: Option<&'a str>,
}

#[derive(Default, Serialize)]
struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<Value>,
}

/// The parts of a whole reply.
pub struct Whole<'a> {
    pub reasoning: &'a str,
    pub answer: &'a str,
    pub tool_calls: &'a [ToolCall],
    pub finish: FinishReason,
    pub usage: &'a Usage,
}

impl Writer {
    pub fn new(id: String, model: String, created: u64) -> Self {
        Self { id, model, created }
    }

    /// The frame that opens a stream and names the speaker.
    pub fn open(&self) -> String {
        self.frame(Delta { role: Some("assistant"), content: Some(""), ..Delta::default() }, None)
    }

    pub fn reasoning(&self, text: &str) -> String {
        self.frame(Delta { reasoning_content: Some(text), ..Delta::default() }, None)
    }

    pub fn content(&self, text: &str) -> String {
        self.frame(Delta { content: Some(text), ..Delta::default() }, None)
    }

    pub fn tool_calls(&self, calls: &[ToolCall]) -> String {
        let calls = calls.iter().enumerate().map(|(index, call)| {
            let mut call = call_json(call);
            if let Some(object) = call.as_object_mut() {
                object.insert("index".to_owned(), json!(index));
            }
            call
        });
        self.frame(Delta { tool_calls: Some(calls.collect()), ..Delta::default() }, None)
    }

    pub fn finish(&self, reason: FinishReason) -> String {
        self.frame(Delta::default(), Some(finish_word(reason)))
    }

    /// The trailing chunk of `stream_options.include_usage`.
    pub fn usage(&self, usage: &Usage) -> String {
        let chunk = json!({ "id": self.id, "object": "chat.completion.chunk", "created": self.created,
            "model": self.model, "choices": [], "usage": usage_json(usage) });
        data_frame(&chunk.to_string())
    }

    pub fn whole(&self, reply: &Whole<'_>) -> String {
        let calls: Vec<Value> = reply.tool_calls.iter().map(call_json).collect();
        let mut message = json!({ "role": "assistant", "content": reply.answer });
        if let Some(object) = message.as_object_mut() {
            if !reply.reasoning.is_empty() {
                object.insert("reasoning_content".to_owned(), json!(reply.reasoning));
            }
            if !calls.is_empty() {
                object.insert("tool_calls".to_owned(), Value::Array(calls));
            }
        }
        json!({ "id": self.id, "object": "chat.completion", "created": self.created, "model": self.model,
            "choices": [{ "index": 0, "message": message, "finish_reason": finish_word(reply.finish) }],
            "usage": usage_json(reply.usage) })
        .to_string()
    }

    fn frame(&self, delta: Delta<'_>, finish_reason: Option<&str>) -> String {
        let choices = [Choice { index: 0, delta, finish_reason }];
        let chunk =
            Chunk { id: &self.id, object: "chat.completion.chunk", created: self.created, model: &self.model, choices };
        // A struct of strings and numbers always serialises.
        data_frame(&serde_json::to_string(&chunk).unwrap_or_default())
    }
}

/// Ends every whole stream.
pub const DONE_FRAME: &str = "data: [DONE]\n\n";

/// One SSE frame of unnamed data. `json` holds no line end: serde_json escapes them.
pub fn data_frame(json: &str) -> String {
    let mut frame = String::with_capacity(json.len() + 8);
    frame.push_str("data: ");
    frame.push_str(json);
    frame.push_str("\n\n");
    frame
}

pub fn usage_json(usage: &Usage) -> Value {
    json!({
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens(),
        "prompt_tokens_details": { "cached_tokens": usage.cached_input_tokens },
        "completion_tokens_details": { "reasoning_tokens": usage.reasoning_tokens },
    })
}

/// OpenAI's word for a finish reason.
pub fn finish_word(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::Stop | FinishReason::Cancelled | FinishReason::Other => "stop",
        FinishReason::Length => "length",
        FinishReason::ToolCalls => "tool_calls",
        FinishReason::ContentFilter => "content_filter",
    }
}

#[cfg(test)]
mod tests;

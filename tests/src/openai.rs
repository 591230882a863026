//! OpenAI's replies, as a vendor says them and as a client reads them.
use crate::provider::Script;
use serde_json::{Value, json};

/// A whole reply.
pub fn completion(text: &str) -> Value {
    json!({
        "id": "chatcmpl-vendor", "object": "chat.completion", "created": 1_700_000_000, "model": "vendor-model",
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": text }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12 },
    })
}

/// One frame with a piece of text.
pub fn chunk(text: &str) -> String {
    frame(&json!([{ "index": 0, "delta": { "content": text }, "finish_reason": null }]), &Value::Null)
}

/// The frames of a streamed text, five characters at a time, with usage and the end. `tokens`: in and out.
pub fn said_frames(text: &str, tokens: (u64, u64)) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let opening = json!([{ "index": 0, "delta": { "role": "assistant", "content": "" }, "finish_reason": null }]);
    let mut frames = vec![frame(&opening, &Value::Null)];
    frames.extend(chars.chunks(5).map(|piece| chunk(&piece.iter().collect::<String>())));
    frames.push(frame(&json!([{ "index": 0, "delta": {}, "finish_reason": "stop" }]), &Value::Null));
    let (input, output) = tokens;
    let usage = json!({ "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output });
    frames.push(frame(&json!([]), &usage));
    frames.push("data: [DONE]\n\n".to_owned());
    frames
}

/// The vendor streams this text; it cost 10 tokens in and 20 out.
pub fn said(text: &str) -> Script {
    Script::sse(said_frames(text, (10, 20)))
}

fn frame(choices: &Value, usage: &Value) -> String {
    let mut chunk = json!({ "id": "chatcmpl-vendor", "object": "chat.completion.chunk", "created": 1_700_000_000,
        "model": "vendor-model", "choices": choices });
    if !usage.is_null() {
        chunk["usage"] = usage.clone();
    }
    format!("data: {chunk}\n\n")
}

/// The JSON of every `data:` frame but `[DONE]`.
///
/// # Panics
/// When a frame is not JSON.
pub fn data_frames(stream: &str) -> Vec<Value> {
    let data = stream.split("\n\n").filter_map(|frame| frame.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    data.map(|data| serde_json::from_str(data).unwrap_or_else(|error| panic!("{error}: {data}"))).collect()
}

/// A reply of the gateway, streamed or whole, put together.
#[derive(Debug, Default)]
pub struct Completion {
    pub reasoning: String,
    pub content: String,
    /// In the order of their index.
    pub tool_calls: Vec<Value>,
    pub finish_reason: Option<String>,
    pub usage: Value,
    pub error: Value,
    /// `[DONE]` came, or the reply was whole.
    pub done: bool,
    /// Frames with reasoning or content.
    pub pieces: usize,
}

// === impl Completion ===

impl Completion {
    pub fn of_stream(stream: &str) -> Self {
        let mut found = Self { done: stream.ends_with("data: [DONE]\n\n"), ..Self::default() };
        for chunk in data_frames(stream) {
            assert!(found.error.is_null(), "something follows an error: {stream}");
            if !chunk["error"].is_null() {
                found.error = chunk["error"].clone();
            }
            if !chunk["usage"].is_null() {
                found.usage = chunk["usage"].clone();
            }
            let choice = &chunk["choices"][0];
            found.take(&choice["delta"]);
            if let Some(reason) = choice["finish_reason"].as_str() {
                assert!(found.finish_reason.is_none(), "two finish reasons: {stream}");
                found.finish_reason = Some(reason.to_owned());
            }
        }
        found
    }

    pub fn of_whole(reply: &Value) -> Self {
        let choice = &reply["choices"][0];
        let mut found = Self { done: true, usage: reply["usage"].clone(), ..Self::default() };
        found.take(&choice["message"]);
        found.finish_reason = choice["finish_reason"].as_str().map(str::to_owned);
        found
    }

    fn take(&mut self, delta: &Value) {
        let text = |name: &str| delta[name].as_str().unwrap_or_default();
        self.reasoning.push_str(text("reasoning_content"));
        self.content.push_str(text("content"));
        self.pieces += usize::from(!text("reasoning_content").is_empty() || !text("content").is_empty());
        self.tool_calls.extend(delta["tool_calls"].as_array().into_iter().flatten().cloned());
    }
}

//! What a client gets in OpenAI's words: chunks of a stream, or one whole reply. Thoughts are `reasoning_content`, the
//! answer is `content`, seals are `reasoning_details` and `extra_content`.
use crate::dialect;
use crate::reply::{Block, Call, Reply};
use magic_types::Usage;
use magic_types::chat::FinishReason;
use magic_types::stream::ChatEvent;
use serde_json::{Value, json};
use std::collections::HashMap;

pub(crate) mod delta;

use delta::{CallDelta, Delta, Detail, Extra, Function};

/// Writes the frames of one reply; every frame carries the same id, time and model.
pub(crate) struct Writer {
    id: String,
    model: String,
    /// Unix seconds.
    created: u64,
    include_usage: bool,
    /// What every chunk begins with, up to its choices.
    prefix: String,
    opened: bool,
    calls: HashMap<u32, Written>,
    /// The reasoning since the last seal, which a seal repeats: so one detail is one whole block.
    thought: String,
    /// How many `reasoning_details` were written.
    details: u32,
    usage: Option<Usage>,
}

/// A call of which a piece was written.
struct Written {
    place: u32,
    named: bool,
}

// === impl Writer ===
impl Writer {
    pub(crate) fn new(id: String, model: String, created: u64) -> Self {
        let (id_json, model_json) = (json!(id), json!(model));
        let prefix = format!(
            "data: {{\"id\":{id_json},\"object\":\"chat.completion.chunk\",\"created\":{created},\"model\":{model_json},\"choices\":["
        );
        Self {
            id,
            model,
            created,
            include_usage: false,
            prefix,
            opened: false,
            calls: HashMap::new(),
            thought: String::new(),
            details: 0,
            usage: None,
        }
    }

    #[must_use]
    pub(crate) fn with_usage(mut self, include_usage: bool) -> Self {
        self.include_usage = include_usage;
        self
    }

    /// The trailing chunk of `stream_options.include_usage`.
    fn usage_chunk(&self, usage: &Usage) -> String {
        format!("{}],\"usage\":{}}}\n\n", self.prefix, usage_json(usage))
    }

    /// Appends one chunk: no value but the delta is built.
    fn chunk(&self, delta: &Delta<'_>, finish_reason: Option<&str>, out: &mut String) {
        out.push_str(&self.prefix);
        out.push_str("{\"index\":0,\"delta\":");
        delta::append(out, delta);
        out.push_str(",\"finish_reason\":");
        delta::append(out, &finish_reason);
        out.push_str("}]}\n\n");
    }

    fn seal(&mut self, seal: &str, out: &mut String) {
        let text = std::mem::take(&mut self.thought);
        let detail = Detail::text(&text, Some(seal), self.details);
        self.chunk(&Delta { reasoning_details: Some([detail]), ..Delta::default() }, None, out);
        self.details += 1;
    }

    fn redacted(&mut self, data: &str, out: &mut String) {
        let detail = Detail::encrypted(data, self.details);
        self.chunk(&Delta { reasoning_details: Some([detail]), ..Delta::default() }, None, out);
        self.details += 1;
    }

    fn call(&mut self, piece: &Piece<'_>, out: &mut String) {
        let place = self.calls.len().try_into().unwrap_or(u32::MAX);
        let is_first = !self.calls.contains_key(&piece.index);
        let known = self.calls.entry(piece.index).or_insert(Written { place, named: false });
        let name = piece.name.filter(|name| !name.is_empty() && !known.named);
        known.named |= name.is_some();
        let index = known.place;
        // A client cannot answer a call without an id.
        let made = piece.id.is_none_or(str::is_empty) && is_first;
        let made = made.then(|| call_id(&self.id, index));
        let id = made.as_deref().or(piece.id).filter(|_| is_first);
        let delta = CallDelta {
            index,
            id,
            r#type: is_first.then_some("function"),
            function: Some(Function { name, arguments: Some(piece.arguments) }),
            extra_content: piece.signature.map(Extra::of),
        };
        self.chunk(&Delta { tool_calls: Some([delta]), ..Delta::default() }, None, out);
    }

    fn body(&self, reply: &Reply) -> String {
        let calls: Vec<Value> = (0..).zip(reply.calls()).map(|(place, call)| self.call_json(call, place)).collect();
        let (answer, refusals, thoughts) = (reply.answer(), reply.refusals(), reply.thoughts());
        let is_silent = answer.is_empty() && !(calls.is_empty() && refusals.is_empty());
        let mut message =
            json!({ "role": "assistant", "content": if is_silent { Value::Null } else { json!(answer) } });
        let details = details(reply);
        if let Some(object) = message.as_object_mut() {
            let mut set = |key: &str, value: Value| object.insert(key.to_owned(), value);
            set("refusal", if refusals.is_empty() { Value::Null } else { json!(refusals) });
            if !thoughts.is_empty() {
                set("reasoning_content", json!(thoughts));
            }
            if !details.is_empty() {
                set("reasoning_details", json!(details));
            }
            if !calls.is_empty() {
                set("tool_calls", Value::Array(calls));
            }
        }
        let has_calls = reply.calls().next().is_some();
        let finish = reply.finish.map(|reason| finish_word(with_calls(reason, has_calls)));
        let mut body = json!({ "id": self.id, "object": "chat.completion", "created": self.created, "model": self.model,
            "choices": [{ "index": 0, "message": message, "logprobs": null, "finish_reason": finish }] });
        if let (Some(object), Some(usage)) = (body.as_object_mut(), &reply.usage) {
            object.insert("usage".to_owned(), usage_json(usage));
        }
        body.to_string()
    }

    fn call_json(&self, call: &Call, place: u32) -> Value {
        let id = if call.id.is_empty() { call_id(&self.id, place) } else { call.id.clone() };
        let mut json = json!({ "id": id, "type": "function",
            "function": { "name": call.name, "arguments": call.arguments } });
        if let (Some(object), Some(seal)) = (json.as_object_mut(), call.signature.as_deref()) {
            object.insert("extra_content".to_owned(), json!(Extra::of(seal)));
        }
        json
    }
}

struct Piece<'a> {
    index: u32,
    id: Option<&'a str>,
    name: Option<&'a str>,
    arguments: &'a str,
    signature: Option<&'a str>,
}

impl dialect::Writer for Writer {
    fn event(&mut self, event: &ChatEvent, out: &mut String) {
        if !std::mem::replace(&mut self.opened, true) {
            self.chunk(&Delta { role: Some("assistant"), content: Some(""), ..Delta::default() }, None, out);
        }
        match event {
            ChatEvent::Text(text) => {
                // What was thought before it stays unsealed.
                self.thought.clear();
                self.chunk(&Delta { content: Some(text), ..Delta::default() }, None, out);
            }
            ChatEvent::Reasoning(text) => {
                self.thought.push_str(text);
                self.chunk(&Delta { reasoning_content: Some(text), ..Delta::default() }, None, out);
            }
            ChatEvent::Signature(seal) => self.seal(seal, out),
            ChatEvent::RedactedReasoning(data) => self.redacted(data, out),
            ChatEvent::Refusal(text) => self.chunk(&Delta { refusal: Some(text), ..Delta::default() }, None, out),
            ChatEvent::ToolCall { index, id, name, arguments, signature } => {
                self.thought.clear();
                let (id, name, signature) = (id.as_deref(), name.as_deref(), signature.as_deref());
                self.call(&Piece { index: *index, id, name, arguments, signature }, out);
            }
            ChatEvent::Finish(reason) => {
                let reason = with_calls(*reason, !self.calls.is_empty());
                self.chunk(&Delta::default(), Some(finish_word(reason)), out);
            }
            ChatEvent::Usage(usage) => self.usage = Some(*usage),
        }
    }

    fn end(&mut self, out: &mut String) {
        if let Some(usage) = self.usage.filter(|_| self.include_usage) {
            out.push_str(&self.usage_chunk(&usage));
        }
        out.push_str(DONE_FRAME);
    }

    fn whole(&mut self, reply: &Reply) -> String {
        self.body(reply)
    }
}

fn call_id(reply_id: &str, place: u32) -> String {
    let unique = reply_id.trim_start_matches("chatcmpl-");
    format!("call_{unique}_{place}")
}

/// Google and old Ollamas say `stop` where OpenAI says `tool_calls`, and clients look at this word.
fn with_calls(reason: FinishReason, has_calls: bool) -> FinishReason {
    if has_calls && reason == FinishReason::Stop { FinishReason::ToolCalls } else { reason }
}

/// Only where there is a seal: what is unsealed is in `reasoning_content` already.
fn details(reply: &Reply) -> Vec<Detail<'_>> {
    let mut found = Vec::new();
    for block in &reply.blocks {
        let index = found.len().try_into().unwrap_or(u32::MAX);
        match block {
            Block::Reasoning { text, signature: Some(seal) } => found.push(Detail::text(text, Some(seal), index)),
            Block::RedactedReasoning(data) => found.push(Detail::encrypted(data, index)),
            Block::Reasoning { signature: None, .. } | Block::Text(_) | Block::Refusal(_) | Block::ToolCall(_) => {}
        }
    }
    found
}

/// Ends every whole stream.
pub(crate) const DONE_FRAME: &str = "data: [DONE]\n\n";

/// One SSE frame of unnamed data. `json` holds no line end: serde_json escapes them.
pub(crate) fn data_frame(json: &str) -> String {
    let mut frame = String::with_capacity(json.len() + 8);
    frame.push_str("data: ");
    frame.push_str(json);
    frame.push_str("\n\n");
    frame
}

pub(crate) fn usage_json(usage: &Usage) -> Value {
    let mut prompt = json!({ "cached_tokens": usage.cached_input_tokens });
    if let Some(fields) = prompt.as_object_mut().filter(|_| usage.cache_write_tokens > 0) {
        // OpenRouter's name for it: https://openrouter.ai/docs/use-cases/usage-accounting
        fields.insert("cache_write_tokens".to_owned(), json!(usage.cache_write_tokens));
    }
    json!({
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens(),
        "prompt_tokens_details": prompt,
        "completion_tokens_details": { "reasoning_tokens": usage.reasoning_tokens },
    })
}

/// OpenAI's word for a finish reason.
pub(crate) fn finish_word(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::Stop | FinishReason::Cancelled | FinishReason::Other => "stop",
        FinishReason::Length => "length",
        FinishReason::ToolCalls => "tool_calls",
        FinishReason::ContentFilter => "content_filter",
    }
}
